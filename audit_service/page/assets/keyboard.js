/** Keyboard: what can be done without a mouse. */

import { isOpen, leave } from "./detail.js";
import { togglePause } from "./feed.js";
import { step } from "./table.js";

const keys = document.getElementById("keys");
const query = document.getElementById("query");

const ACTIONS = {
  "/": () => query.focus(),
  "?": () => keys.showModal(),
  j: () => step(1),
  k: () => step(-1),
  p: togglePause,
  Escape: () => isOpen() && leave(),
};

/** Listen to it. */
export function begin() {
  document.querySelector("[data-dialog]").addEventListener("click", () => keys.showModal());
  document.addEventListener("keydown", (event) => {
    if (keys.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const isWriting = event.target.matches("input, textarea");
    if (isWriting && event.key === "Escape") event.target.blur();
    else if (!isWriting && event.key in ACTIONS) {
      event.preventDefault();
      ACTIONS[event.key]();
    }
  });
}
