/** Text of the search bar, and the filters that it stands for: see `search_text.py`. */

export const NAMES = [
  "type", "source", "subject", "id", "sender", "since", "until", "by",
  "q", "conflicts", "transport", "tolerated", "filter",
];
const WORD = /(?:[^\s"]|"(?:[^"]|"")*")+/gu;
const QUOTED = /"((?:[^"]|"")*)"/gu;
const PLAIN = /^[^\s"]+$/u;

/** Pairs of names and values; null where a quote is not closed. */
export function parse(text) {
  if (text.replace(WORD, "").trim()) return null;
  const filters = [];
  const words = [];
  for (const [raw] of text.matchAll(WORD)) {
    const word = raw.replace(QUOTED, (_, inner) => inner.replaceAll('""', '"'));
    const end = word.indexOf("=");
    if (end >= 0 && isFilter(word.slice(0, end))) filters.push([word.slice(0, end), word.slice(end + 1)]);
    else words.push(word);
  }
  return words.length ? [...filters, ["q", words.join(" ")]] : filters;
}

/** The text that stands for these pairs. */
export function written(pairs) {
  return pairs.map(([name, value]) => wordOf(name, value)).join(" ");
}

/** The word that stands for a filter. */
export function wordOf(name, value) {
  if (name === "q" && value.split(" ").every(isBare)) return value;
  return `${quoted(name)}=${quoted(value)}`;
}

/** The pattern that asks for exactly this text. */
export function patternOf(text) {
  const pattern = text.replaceAll("\\", "\\\\").replace(/^!/u, "\\!");
  return pattern.endsWith("*") ? `${pattern.slice(0, -1)}\\*` : pattern;
}

function isFilter(name) {
  return NAMES.includes(name) || name.startsWith("ext.") || name.startsWith("data.");
}

function isBare(word) {
  const end = word.indexOf("=");
  return PLAIN.test(word) && !(end >= 0 && isFilter(word.slice(0, end)));
}

function quoted(text) {
  return PLAIN.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}
