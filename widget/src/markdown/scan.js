/** Looking at a text from one place on. Nothing here goes back, so a hostile text takes no longer than another. */

/**
 * @param {RegExp} pattern sticky
 * @param {string} text
 * @param {number} at
 * @returns {number} how many characters match there
 */
export function matchLength(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

/**
 * @param {string} text
 * @param {string} characters
 * @returns {string} the text without these at its end
 */
export function withoutEnd(text, characters) {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1])) end -= 1;
  return text.slice(0, end);
}

const SPACES = /\s+/y;
const IN_ANGLES = /<[^<>\n]*>/y;
const ADDRESS_PART = /[^\s()]+|\([^\s()]*\)/y;

/**
 * The `(href "title")` of a link.
 *
 * @param {string} text
 * @param {number} open where its first bracket is
 * @returns {{ href: string, end: number } | null} `end` is behind its last one
 */
export function linkTarget(text, open) {
  const start = open + 1 + matchLength(SPACES, text, open + 1);
  let at = start + matchLength(IN_ANGLES, text, start);
  const isInAngles = at > start;
  for (let length = 1; !isInAngles && length > 0; at += length) length = matchLength(ADDRESS_PART, text, at);
  const href = isInAngles ? text.slice(start + 1, at - 1) : text.slice(start, at);
  const spaces = matchLength(SPACES, text, at);
  at += spaces;
  if (spaces > 0 && (text[at] === '"' || text[at] === "'")) {
    const closed = text.indexOf(text[at], at + 1);
    if (closed < 0) return null;
    at = closed + 1;
    at += matchLength(SPACES, text, at);
  }
  return text[at] === ")" ? { href, end: at + 1 } : null;
}
