/** The list of events, live: everything that the page consists of. */

import "./copying.js";
import * as columns from "./columns.js";
import * as completions from "./completions.js";
import * as detail from "./detail.js";
import * as feed from "./feed.js";
import * as filters from "./filters.js";
import * as histogram from "./histogram.js";
import * as keyboard from "./keyboard.js";
import * as status from "./status.js";
import { follow } from "./store.js";
import { showTimes } from "./times.js";

for (const element of document.querySelectorAll(".scripted")) element.hidden = false;
for (const element of document.querySelectorAll(".unscripted")) element.hidden = true;
follow(({ times }) => showTimes(times));
for (const part of [filters, completions, columns, feed, histogram, detail, status, keyboard]) part.begin();
