/** What holds and separates other components. */

import { element } from "../dom.js";
import { renderChildren } from "./render.js";
import { arranged, colour, length, space, styled } from "./style.js";

/** @typedef {import("./render.js").Component} Component */
/** @typedef {import("../types.js").WidgetNode} WidgetNode */

/** @param {"row" | "column" | null} direction `null`: the component says it @returns {Component} */
const box = (direction) => (node, scope) => {
  const made = element("div", { class: "widget-box" }, ...renderChildren(node, scope));
  made.style.flexDirection = direction ?? (node.direction === "row" ? "row" : "column");
  arranged(made, { align: direction === "row" ? "center" : undefined, ...node });
  return styled(made, node);
};

/** @type {Component} */
const form = (node, scope) => {
  const made = element(
    "form",
    {
      class: "widget-box widget-form",
      submit: (event) => {
        event.preventDefault();
        if (node.onSubmitAction) scope.act(made, node.onSubmitAction);
      },
    },
    ...renderChildren(node, scope),
  );
  made.style.flexDirection = node.direction === "row" ? "row" : "column";
  arranged(made, { gap: 2, ...node });
  return styled(made, node);
};

/** @type {Component} */
const divider = ({ color: tone, size, spacing, flush }) => {
  const made = element("hr", { class: flush ? "widget-divider flush" : "widget-divider" });
  if (tone !== undefined) made.style.borderColor = colour(tone) ?? "";
  made.style.borderTopWidth = length(size);
  made.style.marginBlock = space(spacing);
  return made;
};

/** @type {Component} */
const spacer = ({ minSize }) => {
  const made = element("div", { class: "widget-spacer" });
  made.style.minWidth = made.style.minHeight = length(minSize);
  return made;
};

/** @type {Component} */
const transition = (node, scope) => element("div", { class: "widget-transition" }, ...renderChildren(node, scope));

/** @type {Record<string, Component>} */
export const BOXES = {
  Box: box(null),
  Row: box("row"),
  Col: box("column"),
  Form: form,
  Divider: divider,
  Spacer: spacer,
  Transition: transition,
};
