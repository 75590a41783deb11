/** Feed: fills the table with what was found, further back as it is scrolled, and with what arrives. */

import { Refused, textOf, wasAborted } from "./api.js";
import { rowMaker } from "./records.js";
import { Stream } from "./live.js";
import { announce, announceCount, settled, showErrors, warn } from "./notices.js";
import { append, isAtTop, look, prepend, replace, rowsBelow, rowsNow, toTop } from "./table.js";
import { follow, queryOf } from "./store.js";
import { lastPosition } from "./status.js";

const FIRST_ROWS = 100;
const MORE_ROWS = 500;
const NEAR_ROWS = 150;
const MOST_HELD = 5000;
const MOST_ARRIVED = 20_000;
const FLUSH_SECONDS = 0.1;
const RETRY_SECONDS = 2;

const scroller = document.getElementById("scroller");
const end = document.getElementById("end");
const pauseButton = document.getElementById("pause");
const newButton = document.getElementById("new");

const onArrival = [];
let view;
let key;
let make;
let stream;
let request = new AbortController();
let next = null;
let isReading = false;
let isPaused = false;
let arrived = [];
let held = { rows: [], count: 0 };
let arrivedInAll = 0;
let flushing;
let isPressed = false;
let shown;

/** Call `listener` when something new has arrived. */
export function whenArrived(listener) {
  onArrival.push(listener);
}

/** Settled once the rows of the view are shown, or are not to be had. */
export function whenShown() {
  return shown;
}

/** Hold what arrives from now on, or show it. */
export function togglePause() {
  isPaused = !isPaused;
  pauseButton.ariaPressed = isPaused;
  pauseButton.textContent = isPaused ? "Go on" : "Pause";
  if (!isPaused) release();
}

async function load() {
  stream?.close();
  request.abort();
  request = new AbortController();
  const { signal } = request;
  arrived = [];
  arrivedInAll = 0;
  hold([]);
  make = rowMaker(view.columns);
  const before = lastPosition();
  const page = await pageOf([["limit", FIRST_ROWS]], signal);
  if (page === null) return;
  replace(view, page.rows);
  goOnFrom(page);
  performance.mark("rows-shown");
  document.getElementById("first")?.toggleAttribute("hidden", page.rows.length > 0);
  stream = new Stream(view.filters, page.rows[0]?.position ?? before, arrive);
  readMore(signal);
}

async function pageOf(paging, signal) {
  while (!signal.aborted) {
    try {
      const text = await textOf(`/v1/events${queryOf([...view.filters, ...paging])}`, signal);
      showErrors([]);
      settled("Connected again");
      return make.page(text);
    } catch (error) {
      if (wasAborted(error)) return null;
      if (error instanceof Refused && error.status === 422) return refused(error);
      warn(error instanceof Refused ? error.message : "The connection is lost. It comes back by itself.");
      await new Promise((done) => setTimeout(done, RETRY_SECONDS * 1000));
    }
  }
  return null;
}

function refused(error) {
  showErrors(error.rules);
  replace(view, []);
  end.textContent = "";
  return null;
}

function goOnFrom(page) {
  next = page.next;
  if (next) end.textContent = page.rows.length ? "Older ones follow." : `Looked back to ${page.scannedTo}.`;
  else end.textContent = rowsNow().length ? "This is all." : "Nothing matches yet.";
}

async function readMore(signal = request.signal) {
  if (isReading) return;
  isReading = true;
  while (next && rowsBelow() < NEAR_ROWS && !signal.aborted) {
    const page = await pageOf([["limit", MORE_ROWS], ["cursor", next]], signal);
    if (page === null) break;
    append(page.rows);
    goOnFrom(page);
  }
  isReading = false;
}

function arrive(text) {
  const row = make.row(text);
  const newest = arrived.at(-1) ?? held.rows[0] ?? rowsNow()[0];
  if (newest && row.position <= newest.position) return;
  arrived.push(row);
  flushing ??= setTimeout(flush, FLUSH_SECONDS * 1000);
}

function flush() {
  flushing = undefined;
  if (isPressed) {
    // What is pressed on must be there when it is let go, or it is no click.
    flushing = setTimeout(flush, FLUSH_SECONDS * 1000);
    return;
  }
  const rows = arrived.reverse();
  arrived = [];
  if (!rows.length) return;
  document.getElementById("first")?.remove();
  if (isPaused || !isAtTop()) hold(rows.concat(held.rows), held.count + rows.length);
  else show(held.rows.length ? rows.concat(held.rows) : rows);
  announceCount(`${rows.length} new events`);
  for (const listener of onArrival) listener();
}

function show(rows) {
  hold([]);
  arrivedInAll += rows.length;
  // What is open all day must not keep all that came.
  if (arrivedInAll > MOST_ARRIVED) shown = load();
  else prepend(rows);
  if (!next) end.textContent = "This is all.";
}

function hold(rows, count = rows.length) {
  held = { rows: rows.slice(0, MOST_HELD), count };
  newButton.hidden = !count;
  newButton.textContent = `${count.toLocaleString("en")} new`;
}

function release() {
  if (held.count > held.rows.length) shown = load();
  else if (held.count) show(held.rows);
  toTop();
}

/** Fill the table with each view that is gone to. */
export function begin() {
  pauseButton.addEventListener("click", togglePause);
  newButton.addEventListener("click", () => {
    if (isPaused) togglePause();
    else release();
    announce("The newest events are shown");
  });
  scroller.addEventListener("scroll", () => readMore(), { passive: true });
  scroller.addEventListener("pointerdown", () => (isPressed = true));
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => (isPressed = false));
  follow((now) => {
    const wanted = JSON.stringify([now.filters, now.columns]);
    view = now;
    if (wanted === key) {
      look(now);
    } else {
      key = wanted;
      shown = load();
    }
  });
}
