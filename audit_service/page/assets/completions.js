/** Completions of the search bar: names of filters, and the values that are in the log. */

import { jsonOf } from "./api.js";
import { NAMES, patternOf, wordOf } from "./search_text.js";
import { short } from "./visible.js";

const KEPT_SECONDS = 30;
const MOST = 12;
const LISTS = { type: "types", source: "sources" };

const input = document.getElementById("query");
const list = document.getElementById("completions");
const known = new Map();

let offered = [];
let chosen = -1;
// Counts what was asked for and what no longer is, so that none is offered too late.
let turn = 0;

/** Offer them while something is written. */
export function begin() {
  input.role = "combobox";
  input.setAttribute("aria-controls", list.id);
  input.ariaAutoComplete = "list";
  input.ariaExpanded = "false";
  input.addEventListener("input", offer);
  input.addEventListener("keydown", onKey);
  input.addEventListener("blur", hide);
  input.form.addEventListener("submit", hide);
  list.addEventListener("pointerdown", (event) => {
    const item = event.target.closest("li");
    event.preventDefault();
    if (item) take([...list.children].indexOf(item));
  });
}

/** The values of a list of the API, the most frequent first; none where it cannot be read. */
export async function valuesOf(name) {
  const before = known.get(name);
  if (before && performance.now() - before.at < KEPT_SECONDS * 1000) return before.items;
  try {
    const { items } = await jsonOf(`/v1/${name}`);
    known.set(name, { at: performance.now(), items });
    return items;
  } catch {
    return before?.items ?? [];
  }
}

async function offer() {
  turn += 1;
  const mine = turn;
  const found = await offersFor(wordAtCursor().text);
  if (mine !== turn) return;
  offered = found.slice(0, MOST);
  chosen = -1;
  list.replaceChildren(...offered.map(itemOf));
  list.hidden = !offered.length;
  input.ariaExpanded = String(!list.hidden);
  input.removeAttribute("aria-activedescendant");
}

async function offersFor(text) {
  if (!text) return [];
  const end = text.indexOf("=");
  if (end < 0) return names(text);
  const name = text.slice(0, end);
  const wanted = text.slice(end + 1).replace(/^[!"]+/u, "").toLowerCase();
  const negation = text[end + 1] === "!" ? "!" : "";
  if (!(name in LISTS)) return [];
  return (await valuesOf(LISTS[name]))
    .filter(({ value }) => value.toLowerCase().includes(wanted))
    .map(({ value, count }) => ({ text: wordOf(name, negation + patternOf(value)), shown: value, count, isWhole: true }));
}

async function names(text) {
  const extensions = (await valuesOf("extensions")).map(({ value }) => `ext.${value}`);
  return [...NAMES, ...extensions, "data."]
    .filter((name) => name.startsWith(text) && name !== text)
    .map((name) => ({ text: name === "data." ? name : `${name}=`, shown: name }));
}

/** The word that the cursor is in, and where it is. */
function wordAtCursor() {
  const before = input.value.slice(0, input.selectionStart);
  const begin = before.lastIndexOf(" ") + 1;
  return { begin, text: before.slice(begin) };
}

function itemOf({ shown, count }, index) {
  const item = document.createElement("li");
  item.role = "option";
  item.id = `completion-${index}`;
  item.ariaSelected = "false";
  const text = document.createElement("bdi");
  text.textContent = short(shown);
  item.append(text, count === undefined ? "" : count.toLocaleString("en"));
  return item;
}

function onKey(event) {
  if (list.hidden) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
  } else if (event.key === "Enter" && chosen >= 0) {
    take(chosen);
  } else if (event.key === "Tab" && !event.shiftKey) {
    take(Math.max(chosen, 0));
  } else if (event.key === "Escape") {
    hide();
    event.stopPropagation();
  } else {
    return;
  }
  event.preventDefault();
}

function choose(index) {
  chosen = (index + offered.length) % offered.length;
  [...list.children].forEach((item, at) => {
    item.ariaSelected = String(at === chosen);
  });
  input.setAttribute("aria-activedescendant", list.children[chosen].id);
  list.children[chosen].scrollIntoView({ block: "nearest" });
}

function take(index) {
  const { text, isWhole } = offered[index];
  const { begin } = wordAtCursor();
  input.setRangeText(text + (isWhole ? " " : ""), begin, input.selectionStart, "end");
  hide();
  if (!isWhole) offer();
}

function hide() {
  turn += 1;
  list.hidden = true;
  input.ariaExpanded = "false";
  input.removeAttribute("aria-activedescendant");
}
