/** Text as it may be shown: see `visible.py`. */

const MOST_CHARACTERS = 200;
// What does not show, or reorders what is around it.
const HIDDEN = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u200b-\\u200f\\u2028-\\u202e" +
    "\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb]|\\p{Surrogate}",
  "gu",
);

/** The text with a sign in place of each character that does not show. */
export function visible(text) {
  return text.replace(HIDDEN, sign);
}

/** Its begin, with an ellipsis where there is more: so many code points, none of them cut. */
export function short(text, most = MOST_CHARACTERS) {
  // No code point takes more than two units, so that of a long text only the begin is looked at.
  const begin = [...text.slice(0, 2 * most + 2)];
  return visible(begin.length <= most ? text : `${begin.slice(0, most).join("")}…`);
}

function sign(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}
