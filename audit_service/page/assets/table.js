/** Table: rows of the list, of which only those in sight are in the document. */

import { FIXED, linkTo, rowElement } from "./rows.js";
import { short } from "./visible.js";

const AHEAD = 6;

const scroller = document.getElementById("scroller");
const table = document.getElementById("events");
const body = table.tBodies[0];
const above = spacer();
const below = spacer();

let rows = [];
let current = { pairs: [], columns: [], show: undefined };
let rowHeight = 28;
let isPlanned = false;
let isBegun = false;
const shown = new Map();

/** Rows of the table, the newest first. */
export function rowsNow() {
  return rows;
}

/** Show a view's rows in place of all others. */
export function replace(view, newRows) {
  current = view;
  rows = newRows;
  showHead();
  // Whoever was reading before the scripts were there goes on reading.
  if (isBegun) scroller.scrollTop = 0;
  isBegun = true;
  redraw();
}

/** Add rows before all others. */
export function prepend(newRows) {
  rows = newRows.concat(rows);
  draw();
  for (const row of newRows) shown.get(row.position)?.classList.add("arrived");
}

/** Add rows after all others. */
export function append(newRows) {
  rows = rows.concat(newRows);
  draw();
}

/** Draw the rows of another view of the same events. */
export function look(view) {
  current = view;
  redraw();
}

/** Whether the newest are in sight. */
export function isAtTop() {
  return scroller.scrollTop < rowHeight;
}

/** Go to the newest. */
export function toTop() {
  scroller.scrollTop = 0;
}

/** How many rows there are between what is in sight and the end. */
export function rowsBelow() {
  return rows.length - (scroller.scrollTop + scroller.clientHeight) / rowHeight;
}

/** Focus the row so many places further than the one that has it, or than the one that is shown. */
export function step(by) {
  const focused = document.activeElement?.closest?.("tr[data-position]")?.dataset.position;
  const from = rows.findIndex((row) => String(row.position) === (focused ?? current.show));
  const index = Math.min(rows.length - 1, Math.max(0, from < 0 ? firstInSight() : from + by));
  if (rows.length) focusRow(index);
}

/** Focus the row of an event, where it is in the table. */
export function focusPosition(position) {
  const index = rows.findIndex((row) => String(row.position) === String(position));
  if (index >= 0) focusRow(index);
}

function focusRow(index) {
  const top = index * rowHeight;
  const head = table.tHead.offsetHeight;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  const bottom = top + rowHeight + head - scroller.clientHeight;
  if (bottom > scroller.scrollTop) scroller.scrollTop = bottom;
  draw();
  shown.get(rows[index].position)?.querySelector("a.open").focus({ preventScroll: true });
}

function firstInSight() {
  return Math.ceil(scroller.scrollTop / rowHeight);
}

function redraw() {
  const top = scroller.scrollTop;
  shown.clear();
  body.replaceChildren(above, below);
  // As high as with its rows, or the place would be lost.
  space(above, 0);
  space(below, rows.length);
  scroller.scrollTop = top;
  draw();
}

/** Have those in sight, and no others, in the document; what stays there keeps its focus. */
function draw() {
  isPlanned = false;
  const top = Math.floor(scroller.scrollTop / rowHeight);
  const bottom = top + Math.ceil(scroller.clientHeight / rowHeight) + 1;
  const inSight = rows.slice(top, bottom);
  // Where all of them are new, the frame is for those in sight, and the next one for the others.
  const isLeap = inSight.length > 0 && !inSight.some((row) => shown.has(row.position));
  const ahead = isLeap ? 0 : AHEAD;
  const first = Math.max(0, top - ahead);
  const last = Math.min(rows.length, bottom + ahead);
  const wanted = rows.slice(first, last);
  const positions = new Set(wanted.map((row) => row.position));
  for (const [position, tr] of shown) {
    if (!positions.has(position)) {
      if (tr.contains(document.activeElement)) scroller.focus({ preventScroll: true });
      tr.remove();
      shown.delete(position);
    }
  }
  let place = above.nextSibling;
  wanted.forEach((row, index) => {
    const tr = shown.get(row.position) ?? rowElement(row, current);
    shown.set(row.position, tr);
    if (tr === place) place = place.nextSibling;
    else body.insertBefore(tr, place);
    tr.ariaRowIndex = first + index + 2;
  });
  space(above, first);
  space(below, rows.length - last);
  table.ariaRowCount = rows.length + 1;
  const height = shown.size ? shown.values().next().value.offsetHeight : 0;
  if (height && height !== rowHeight) {
    rowHeight = height;
    plan();
  }
  if (isLeap) plan();
}

function plan() {
  if (isPlanned) return;
  isPlanned = true;
  requestAnimationFrame(draw);
}

function spacer() {
  const tr = document.createElement("tr");
  tr.className = "space";
  tr.ariaHidden = "true";
  tr.append(document.createElement("td"));
  return tr;
}

function space(tr, count) {
  tr.firstChild.style.height = `${count * rowHeight}px`;
  tr.hidden = !count;
}

function showHead() {
  const head = table.tHead.rows[0];
  for (const cell of [...head.cells].slice(1 + FIXED.length, -1)) cell.remove();
  for (const name of current.columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.dataset.cell = name;
    const remove = linkTo(current.pairs.filter(([key, value]) => key !== "column" || value !== name), "remove");
    remove.ariaLabel = `Remove the column ${name}`;
    remove.textContent = "×";
    cell.append(short(name), " ", remove);
    head.lastElementChild.before(cell);
  }
}

scroller.addEventListener("scroll", plan, { passive: true });
new ResizeObserver(plan).observe(scroller);
