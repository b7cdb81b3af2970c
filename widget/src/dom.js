/** Building elements. Text only ever becomes a text node, so nothing that a server or a model sends can be markup. */

/** @typedef {Node | string | null | false} Child */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} [attributes] functions
 *   are listeners of the event they are named for; `true` is an attribute without a value; the rest of the falsy, none
 * @param {...(Child | Child[])} children lists for as many as there may be: arguments are bounded
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  for (const child of children.flat()) if (child !== null && child !== false) made.append(child);
  return made;
}

/**
 * As `element`, but of SVG and without listeners.
 *
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** Where the focus is, also inside of a shadow root. @param {Node} near @returns {Element | null} */
export function focused(near) {
  return /** @type {Document | ShadowRoot} */ (near.getRootNode()).activeElement ?? null;
}
