/** Copying of what a button names; where there is no clipboard, which takes HTTPS, it is selected. */

import { announce } from "./notices.js";

const SHOWN_SECONDS = 2;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copies);
  try {
    await fill(source);
    await navigator.clipboard.writeText(source.textContent);
    say(button, "Copied");
  } catch {
    select(source);
    say(button, "Selected: copy it with Ctrl+C");
  }
});

/** Fetch what an element is to have, where that is only asked for by few. */
async function fill(element) {
  const from = element.dataset.from;
  if (!from || element.textContent) return;
  const answer = await fetch(from);
  if (answer.ok) element.textContent = await answer.text();
}

document.addEventListener(
  "toggle",
  (event) => {
    const element = event.target.open && event.target.querySelector?.(":scope > [data-from]");
    if (element) fill(element).catch(() => {});
  },
  { capture: true },
);

function select(element) {
  element.closest("details")?.setAttribute("open", "");
  getSelection().selectAllChildren(element);
  element.scrollIntoView({ block: "nearest" });
}

function say(button, text) {
  button.dataset.label ??= button.textContent;
  button.textContent = text;
  announce(text);
  setTimeout(() => {
    button.textContent = button.dataset.label;
  }, SHOWN_SECONDS * 1000);
}
