/** Columns that are added to the table: an extension, or a field of the data. */

import { valuesOf } from "./completions.js";
import { go, view } from "./store.js";

const form = document.getElementById("columns");
const input = form.elements.column;
const names = document.getElementById("extensions");

/** Take those that are written. */
export function begin() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = nameOf(input.value.trim());
    const { pairs, columns } = view();
    if (name && !columns.includes(name)) go([...pairs, ["column", name]]);
    input.value = "";
  });
  input.addEventListener("focus", async () => {
    const extensions = await valuesOf("extensions");
    names.replaceChildren(...extensions.map(({ value }) => new Option(`ext.${value}`)));
  });
}

function nameOf(text) {
  if (!text || text === "sender" || text.startsWith("data.") || text.startsWith("ext.")) return text;
  return `ext.${text}`;
}
