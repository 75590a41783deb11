/** Status: events a second now, the size of the log, how far its index is. */

import { jsonOf } from "./api.js";

const SECONDS = 5;
const UNITS = ["bytes", "kB", "MB", "GB", "TB"];
const STEP = 1000;

const fields = new Map(
  [...document.querySelectorAll("[data-status]")].map((field) => [field.dataset.status, field]),
);
let last = { events: numberIn("events"), at: performance.now() };

/** The last position of the log that is known of. */
export function lastPosition() {
  return last.events;
}

/** Keep it up to date. */
export function begin() {
  setInterval(look, SECONDS * 1000);
}

async function look() {
  if (document.hidden) return;
  let status;
  try {
    status = await jsonOf("/v1/status");
  } catch {
    // The stream says that the connection is lost.
    return;
  }
  const now = { events: status.events, at: performance.now() };
  show("rate", (((now.events - last.events) / (now.at - last.at)) * 1000).toFixed(1));
  show("events", status.events.toLocaleString("en"));
  show("bytes", sizeOf(status.bytes));
  show("index", indexText(status.index));
  last = now;
}

function show(name, text) {
  const field = fields.get(name);
  if (field && field.textContent !== text) field.textContent = text;
}

function indexText({ usable, lag }) {
  if (!usable) return "not in use";
  return lag ? `${lag.toLocaleString("en")} behind` : "up to date";
}

function sizeOf(bytes) {
  const unit = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log(bytes) / Math.log(STEP))));
  return `${(bytes / STEP ** unit).toFixed(unit ? 1 : 0)} ${UNITS[unit]}`;
}

function numberIn(name) {
  return Number(fields.get(name)?.textContent.replaceAll(",", "") ?? 0);
}
