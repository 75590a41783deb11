/** One event, or what was refused, alone on a page. */

import "./copying.js";
import { showTimes } from "./times.js";

showTimes("local");
