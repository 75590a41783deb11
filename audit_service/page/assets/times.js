/** Times: of this place, in UTC, or how long ago. */

const REFRESH_SECONDS = 10;
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

let mode = "local";

/** Show all times so from now on. */
export function showTimes(times) {
  mode = times;
  refresh(document);
}

/** Fill a `time` element with a moment of RFC 3339. */
export function fill(element, moment) {
  element.dateTime = moment;
  element.title = moment;
  element.textContent = textOf(moment);
}

/** Write every time below an element anew. */
export function refresh(within) {
  for (const element of within.querySelectorAll("time")) fill(element, element.dateTime);
}

function textOf(moment) {
  if (mode === "utc") return `${moment.slice(0, 10)} ${moment.slice(11, 23)}`;
  const at = new Date(moment);
  return mode === "relative" ? ago(at) : local(at);
}

function local(at) {
  const two = (number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const second = `${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${second}`;
}

function ago(at) {
  const seconds = Math.round((at - Date.now()) / 1000);
  const [unit, length] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? UNITS.at(-1);
  return relative.format(Math.trunc(seconds / length), unit);
}

setInterval(() => {
  if (mode === "relative" && !document.hidden) refresh(document);
}, REFRESH_SECONDS * 1000);
