/** Notices: the banner of what is wrong, errors of filters, and a live region that does not chatter. */

const SECONDS_BETWEEN_COUNTS = 15;

const banner = document.getElementById("banner");
const announcement = document.getElementById("announcement");
let saidAt = -Infinity;

/** Show what is wrong until `settled`. */
export function warn(text) {
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = false;
}

/** Nothing is wrong any more. */
export function settled(text) {
  if (banner.hidden) return;
  banner.hidden = true;
  banner.textContent = "";
  announce(text);
}

/** Have it said. */
export function announce(text) {
  saidAt = performance.now();
  announcement.textContent = text;
}

/** Have it said, unless something was a moment ago, which would not be heard any more. */
export function announceCount(text) {
  if (performance.now() - saidAt >= SECONDS_BETWEEN_COUNTS * 1000) announce(text);
}

/** Show what is wrong with the filters, in place of what was. */
export function showErrors(texts) {
  for (const shown of document.querySelectorAll("p.error")) shown.remove();
  const place = document.querySelector(".bar");
  for (const text of texts) {
    const error = document.createElement("p");
    error.className = "error";
    error.setAttribute("role", "alert");
    error.textContent = text;
    place.after(error);
  }
}
