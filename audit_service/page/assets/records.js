/** Records as they come from the API, made into the little that the table keeps of each. */

import { short } from "./visible.js";

const STEP = /((?:\\.|[^\\.[])*)((?:\[\])*)(\.|$)/suy;

// Most events have the same few types and sources: each is kept once.
const kept = new Map();
const MOST_KEPT = 10_000;

/** What makes rows of the texts of records, with the columns of a view. */
export function rowMaker(columns) {
  const readers = columns.map(readerOf);
  // Numbers as they were written: JSON.parse alone would round them.
  const revive = columns.some((name) => name.startsWith("data.")) ? sourceOf : undefined;
  const parse = (text) => JSON.parse(text, revive);
  return {
    row: (text) => rowOf(parse(text), readers),
    page(text) {
      const { items, next, scanned_to: scannedTo } = parse(text);
      return { rows: items.map((record) => rowOf(record, readers)), next, scannedTo: Number(scannedTo) };
    },
  };
}

function rowOf(record, readers) {
  const { event } = record;
  const marks = [
    ...(record.conflicts_with === null ? [] : ["conflict"]),
    ...(record.kafka === null ? [] : ["kafka"]),
    ...record.tolerated,
  ];
  return {
    position: Number(record.position),
    at: record.received_at,
    texts: [
      once(event.type), once(event.source), event.subject ?? "", event.id,
      ...readers.map((read) => read(record)),
    ],
    marks,
  };
}

function once(text) {
  if (kept.size > MOST_KEPT) kept.clear();
  if (!kept.has(text)) kept.set(text, text);
  return kept.get(text);
}

function sourceOf(_, value, context) {
  return typeof value === "number" ? (context?.source ?? value) : value;
}

function readerOf(column) {
  if (column === "sender") return (record) => record.sender ?? "";
  if (column.startsWith("ext.")) {
    const name = column.slice("ext.".length);
    return (record) => textOf(record.event[name]);
  }
  const steps = stepsOf(column.slice("data.".length));
  return (record) => short(fields(record.event.data, steps).map(textOf).join(", "));
}

function stepsOf(path) {
  const steps = [];
  STEP.lastIndex = 0;
  let more = true;
  while (more) {
    const found = STEP.exec(path);
    if (!found) return [];
    const [, name, items, dot] = found;
    if (name || !items) steps.push({ name: name.replace(/\\(.)/gsu, "$1") });
    for (let count = items.length / 2; count > 0; count -= 1) steps.push({ items: true });
    more = dot === ".";
  }
  return steps;
}

function fields(data, steps) {
  let found = [data];
  for (const step of steps) {
    found = found.flatMap((value) => {
      if (step.items) return Array.isArray(value) ? value : [];
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      return isObject && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    });
  }
  return found.filter((value) => typeof value !== "object" || value === null);
}

function textOf(value) {
  return value === undefined ? "" : String(value);
}
