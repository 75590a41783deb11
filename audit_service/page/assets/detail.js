/** Detail: one event beside the list, in the markup that the service makes of it. */

import { Refused, textOf, wasAborted } from "./api.js";
import { follow, go, queryOf, set, view } from "./store.js";
import { focusPosition } from "./table.js";
import { refresh } from "./times.js";

const pane = document.getElementById("detail");

let request = new AbortController();
let shownKey;

/** Show the event of each view. */
export function begin() {
  const here = pane.querySelector("article");
  shownKey = here ? keyOf(view()) : undefined;
  follow((now) => {
    if (now.show === undefined) close();
    else if (keyOf(now) !== shownKey) open(now);
  });
}

/** Whether there is one. */
export function isOpen() {
  return !pane.hidden;
}

/** Close it, and be where it was opened from. */
export function leave() {
  const { pairs, show } = view();
  go(set(pairs, "show", null));
  focusPosition(show);
}

/** Its links depend on the whole view. */
function keyOf({ pairs }) {
  return queryOf(pairs);
}

async function open(now) {
  const isOther = String(pane.querySelector("article")?.dataset.position) !== now.show;
  request.abort();
  request = new AbortController();
  try {
    const path = `/events/${encodeURIComponent(now.show)}${queryOf(now.pairs)}`;
    const text = await textOf(path, request.signal);
    const page = new DOMParser().parseFromString(text, "text/html");
    const article = page.querySelector("article");
    pane.replaceChildren(...(article ? [article] : page.querySelector("main").childNodes));
    shownKey = keyOf(now);
  } catch (error) {
    if (wasAborted(error)) return;
    pane.textContent = error instanceof Refused ? error.message : "The event cannot be read at the moment.";
    shownKey = undefined;
  }
  refresh(pane);
  pane.hidden = false;
  if (isOther) {
    pane.scrollTop = 0;
    document.getElementById("detail-title")?.focus({ preventScroll: true });
  }
}

function close() {
  request.abort();
  pane.hidden = true;
  pane.replaceChildren();
  shownKey = undefined;
}

pane.addEventListener("click", (event) => {
  if (!event.target.closest("a.close")) return;
  event.preventDefault();
  leave();
});
