/** The few things that every part of the page needs. */

/**
 * An element of the page.
 *
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no \`${id}\``);
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}

/** How long a short message is shown. */
const SHOWN_MS = 5000;

/** @param {string} text */
export function toast(text) {
  const made = element("p", text);
  made.className = "toast";
  byId("page-toasts", HTMLElement).append(made);
  setTimeout(() => made.remove(), SHOWN_MS);
}
