/** ChatKit's names of icons, as icons of this page. */

import { icon } from "./dom.js";

/** Names that are not here are the names of our own symbols, or have none. */
const SYMBOLS = /** @type {Record<string, string>} */ ({
  agent: "spark", analytics: "chart", atom: "spark", batch: "cube", "book-open": "book", "book-closed": "book",
  "book-clock": "book", bug: "warning", "check-circle": "check", "check-circle-filled": "check", "chevron-left": "chevron",
  "chevron-right": "chevron", "circle-question": "question", compass: "globe", confetti: "spark", desktop: "cube",
  document: "file", "dots-horizontal": "dots", "dots-vertical": "dots", "empty-circle": "dot", "external-link": "external",
  images: "image", keys: "settings", lab: "cube", lifesaver: "question", lightbulb: "thought", "map-pin": "pin", maps: "globe",
  mobile: "phone", name: "user", notebook: "book", "notebook-pencil": "pencil", "page-blank": "file", profile: "user",
  "profile-card": "user", reload: "retry", "star-filled": "star", sparkle: "spark", "sparkle-double": "spark",
  "square-code": "code", "square-image": "image", "square-text": "file", suitcase: "bag", "settings-slider": "settings",
  wreath: "star", write: "pencil", "write-alt": "pencil", "write-alt2": "pencil",
});

/**
 * @param {string | undefined} name
 * @param {string} [otherwise] the symbol where there is no such icon
 */
export function namedIcon(name, otherwise = "spark") {
  const symbol = name && Object.hasOwn(SYMBOLS, name) ? SYMBOLS[name] : name;
  return icon(symbol && document.getElementById(`icon-${symbol}`) ? symbol : otherwise);
}
