/** Rows: the elements of an event in the table, as `_row.html` has them. */

import { home, only, queryOf, set } from "./store.js";
import { patternOf } from "./search_text.js";
import { fill } from "./times.js";
import { short } from "./visible.js";

/** The columns that every view has, between time and marks. */
export const FIXED = ["type", "source", "subject", "id"];

/** The element of a row, with the links of a view. */
export function rowElement(row, view) {
  const tr = document.createElement("tr");
  tr.dataset.position = row.position;
  tr.classList.toggle("shown", String(row.position) === view.show);
  tr.append(timeCell(row, view));
  [...FIXED, ...view.columns].forEach((name, index) => tr.append(valueCell(name, row.texts[index], view)));
  tr.append(marksCell(row, view));
  return tr;
}

function timeCell(row, view) {
  const cell = document.createElement("th");
  cell.scope = "row";
  cell.dataset.cell = "time";
  const open = linkTo(set(view.pairs, "show", row.position), "open");
  const time = document.createElement("time");
  fill(time, row.at);
  open.append(time);
  cell.append(open);
  return cell;
}

function valueCell(name, text, view) {
  const cell = document.createElement("td");
  cell.dataset.cell = name;
  const shownText = document.createElement("bdi");
  shownText.textContent = short(text);
  if (!text) return cell;
  const isData = name.startsWith("data.");
  const pattern = isData ? text : patternOf(text);
  const link = linkTo(only(view.pairs, name, pattern), "only");
  link.append(shownText);
  link.title = shownText.textContent;
  cell.append(link);
  if (!isData) {
    const not = linkTo(only(view.pairs, name, `!${pattern}`), "not");
    not.title = "Exclude";
    not.ariaLabel = `Exclude ${shownText.textContent}`;
    not.textContent = "≠";
    cell.append(not);
  }
  return cell;
}

function marksCell(row, view) {
  const cell = document.createElement("td");
  cell.dataset.cell = "marks";
  for (const text of row.marks) {
    const mark = linkTo(only(view.pairs, ...filterOf(text)), "mark");
    mark.dataset.mark = text;
    mark.textContent = text;
    cell.append(mark, " ");
  }
  return cell;
}

function filterOf(mark) {
  if (mark === "conflict") return ["conflicts", "true"];
  return mark === "kafka" ? ["transport", "kafka"] : ["tolerated", mark];
}

/** A link to another view. */
export function linkTo(pairs, className) {
  const link = document.createElement("a");
  link.className = className;
  link.href = home + queryOf(pairs);
  return link;
}
