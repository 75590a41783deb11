/** Store: the view is its URL; whoever shows something of it listens to its changes. */

export const home = document.body.dataset.home;
export const root = document.body.dataset.root;

const OWN = new Set(["show", "column", "group", "times"]);
// Filters that are about one thing.
const ONCE = new Set(["since", "until", "by", "q", "conflicts", "transport", "tolerated", "filter"]);
// What is asked for once, or said.
const PASSING = new Set(["cursor", "search", "session"]);
const listeners = [];

/** Call `listener` with the view, now and after each change. */
export function follow(listener) {
  listeners.push(listener);
  listener(view());
}

/** The view: filters and columns in their order, and what there is once at most. */
export function view() {
  const pairs = [...new URLSearchParams(location.search)].filter(([name]) => !PASSING.has(name));
  const own = Object.fromEntries(pairs.filter(([name]) => OWN.has(name)));
  return {
    pairs,
    filters: pairs.filter(([name]) => !OWN.has(name)),
    columns: pairs.filter(([name]) => name === "column").map(([, value]) => value),
    group: own.group === "source" ? "source" : "type",
    times: ["utc", "relative"].includes(own.times) ? own.times : "local",
    show: own.show,
  };
}

/** Go to another view, given as its pairs. */
export function go(pairs) {
  const query = queryOf(pairs);
  if (query === queryOf(view().pairs)) return;
  history.pushState(null, "", home + query);
  tell();
}

/** The query of a URL, `?` included, where there is any. */
export function queryOf(pairs) {
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

/** The pairs with one filter more; an event that is shown stays so. */
export function only(pairs, name, value) {
  const rest = ONCE.has(name) ? set(pairs, name, null) : without(pairs, name, value);
  return [...rest, [name, value]];
}

/** The pairs with one less. */
export function without(pairs, name, value) {
  return pairs.filter((pair) => pair[0] !== name || pair[1] !== value);
}

/** The pairs with another value of what is there once at most; null: without it. */
export function set(pairs, name, value) {
  const rest = pairs.filter((pair) => pair[0] !== name);
  return value === null ? rest : [...rest, [name, String(value)]];
}

/** The pairs with another period; null: of all time. */
export function period(pairs, since, until = null) {
  const rest = pairs.filter(([name]) => !["since", "until", "by"].includes(name));
  return set(since === null ? rest : [...rest, ["since", since]], "until", until);
}

function tell() {
  const now = view();
  for (const listener of listeners) listener(now);
}

function isOfThisPage(link) {
  return link.origin === location.origin && link.pathname === home && !link.hash;
}

addEventListener("popstate", tell);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || event.defaultPrevented || !isOfThisPage(link)) return;
  event.preventDefault();
  go([...new URLSearchParams(link.search)].filter(([name]) => !PASSING.has(name)));
});
