/** Filters: the search bar, chips that can be removed, and links that depend on the view. */

import { follow, go, home, period, queryOf, root, set, view, without } from "./store.js";
import { parse, written } from "./search_text.js";
import { visible } from "./visible.js";

const MOST_CHARACTERS = 80;

const form = document.getElementById("search");
const input = form.elements.search;
const chips = document.getElementById("chips");

/** Show the filters of each view, and take those that are written. */
export function begin() {
  form.addEventListener("submit", (event) => {
    const filters = parse(input.value);
    // Of what cannot be read the service says what is wrong.
    if (filters === null) return;
    event.preventDefault();
    search(filters);
  });
  follow((now) => {
    input.value = written(now.filters);
    chips.replaceChildren(...now.filters.map((pair) => chip(now.pairs, pair)));
    for (const link of document.querySelectorAll("[data-period]")) showPeriod(link, now);
    for (const link of document.querySelectorAll("[data-choice]")) showChoice(link, now);
    for (const link of document.querySelectorAll("[data-export]")) {
      link.href = `${root}/v1/export${queryOf([...now.filters, ["format", link.dataset.export]])}`;
    }
    const text = written(now.filters);
    document.title = text ? `${visible(text)} · Audit log` : "Audit log";
  });
}

function search(filters) {
  const { pairs, filters: before } = view();
  const others = pairs.filter((pair) => !before.some((each) => each[0] === pair[0] && each[1] === pair[1]));
  go([...filters, ...others.filter(([name]) => name !== "show")]);
}

function chip(pairs, [name, value]) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = home + queryOf(without(pairs, name, value));
  const text = visible(`${name}=${value}`);
  const shown = document.createElement("bdi");
  shown.textContent = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  const cross = document.createElement("span");
  cross.ariaHidden = "true";
  cross.textContent = " ×";
  const remove = document.createElement("span");
  remove.className = "hidden";
  remove.textContent = "Remove ";
  link.append(remove, shown, cross);
  item.append(link);
  return item;
}

function showPeriod(link, now) {
  const since = link.dataset.period || null;
  link.href = home + queryOf(period(now.pairs, since));
  const chosen = now.filters.find(([name]) => name === "since")?.[1] ?? null;
  mark(link, since !== null && since === chosen);
}

function showChoice(link, now) {
  const { choice, value } = link.dataset;
  const isDefault = ["type", "local"].includes(value);
  link.href = home + queryOf(set(now.pairs, choice, isDefault ? null : value));
  mark(link, now[choice] === value);
}

function mark(link, isCurrent) {
  if (isCurrent) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}
