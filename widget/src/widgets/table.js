/** Tables. */

import { element } from "../dom.js";
import { render, renderChildren } from "./render.js";
import { styled } from "./style.js";

/** @typedef {import("./render.js").Component} Component */
/** @typedef {import("../types.js").WidgetNode} WidgetNode */

/** @type {Component} */
const table = (node, scope) =>
  element(
    "div",
    { class: "widget-table", tabindex: 0, role: "group", "aria-label": scope.ui.text("table") },
    element("table", {}, element("tbody", {}, ...renderChildren(node, scope))),
  );

/** @type {Component} */
const row = (node, scope) => {
  const cells = [node.children ?? []]
    .flat()
    .flatMap((child) => (node.header && child ? [cell({ ...child, header: true }, scope)] : render(child, scope)));
  return element("tr", { class: node.header ? "header" : null }, ...cells);
};

/** @type {Component} */
const cell = (node, scope) => {
  const attributes = { colspan: node.colSpan ?? node.colspan, "data-align": node.align };
  const children = renderChildren(node, scope);
  const made = node.header
    ? element("th", { scope: "col", ...attributes }, ...children)
    : element("td", attributes, ...children);
  return styled(made, { type: node.type, width: node.width, padding: node.padding });
};

/** @type {Record<string, Component>} */
export const TABLES = { Table: table, "Table.Row": row, "Table.Cell": cell };
