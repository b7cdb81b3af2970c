/** From a widget's components to elements. A new component is one line in a table of one of these files. */

import { BOXES } from "./boxes.js";
import { chart } from "./chart.js";
import { CONTENT } from "./content.js";
import { FIELDS } from "./fields.js";
import { ROOTS } from "./roots.js";
import { TABLES } from "./table.js";

/** @typedef {import("../types.js").WidgetNode} WidgetNode */
/** @typedef {import("./view.js").Scope} Scope */
/** @typedef {(node: WidgetNode, scope: Scope) => HTMLElement} Component */

/** @type {Record<string, Component>} By their type in ChatKit. */
const COMPONENTS = { ...ROOTS, ...BOXES, ...CONTENT, ...FIELDS, ...TABLES, Chart: chart };

/**
 * @param {unknown} node
 * @param {Scope} scope
 * @returns {HTMLElement[]} of an unknown component, its children
 */
export function render(node, scope) {
  if (typeof node !== "object" || node === null || !("type" in node)) return [];
  const known = /** @type {WidgetNode} */ (node);
  return Object.hasOwn(COMPONENTS, known.type) ? [COMPONENTS[known.type](known, scope)] : renderChildren(known, scope);
}

/** @param {WidgetNode} node @param {Scope} scope */
export function renderChildren({ children }, scope) {
  return [children ?? []].flat().flatMap((child) => render(child, scope));
}
