/** What can be filled in. */

import { element } from "../dom.js";
import { nest, valueOf } from "./form.js";

/** @typedef {import("./render.js").Component} Component */
/** @typedef {import("./view.js").Scope} Scope */
/** @typedef {import("../types.js").WidgetNode} WidgetNode */

const INPUT_TYPES = ["text", "number", "email", "password", "tel", "url", "date", "time", "search"];
/** Names and ids that are ours, not the widget's, count up. */
let minted = 0;

/** What every field has. @param {WidgetNode} node @param {Scope} scope */
function shared({ name, required, disabled, onChangeAction: action }, scope) {
  return {
    "data-name": name,
    required,
    disabled,
    change: (/** @type {Event} */ event) => {
      const field = /** @type {import("./form.js").Field} */ (event.currentTarget);
      const own = /** @type {Record<string, unknown>} */ (Object.create(null));
      nest(own, name, valueOf(field));
      if (action) scope.act(field, action, own);
    },
  };
}

/** @param {WidgetNode} node */
const named = ({ name, placeholder, ariaLabel }) => ({ "aria-label": ariaLabel ?? placeholder ?? name });

/** @type {Component} */
const input = (node, scope) =>
  element("input", {
    class: "widget-field",
    ...shared(node, scope),
    ...named(node),
    type: INPUT_TYPES.includes(node.inputType) ? node.inputType : "text",
    value: node.defaultValue,
    placeholder: node.placeholder,
    pattern: node.pattern,
    autocomplete: "off",
  });

/** @type {Component} */
const textarea = (node, scope) =>
  element(
    "textarea",
    {
      class: "widget-field",
      ...shared(node, scope),
      ...named(node),
      rows: node.rows ?? 3,
      placeholder: node.placeholder,
    },
    node.defaultValue ?? "",
  );

/** @type {Component} */
const select = (node, scope) => {
  const option = (/** @type {any} */ { value, label, disabled }) =>
    element("option", { value, disabled, selected: value === node.defaultValue }, label ?? value);
  const none = node.placeholder || node.clearable || node.defaultValue === undefined;
  return element(
    "select",
    { class: `widget-field${node.block ? " block" : ""}`, ...shared(node, scope), ...named(node) },
    none ? element("option", { value: "" }, node.placeholder ?? "") : null,
    ...(node.options ?? []).map(option),
  );
};

/** @type {Component} */
const checkbox = (node, scope) =>
  element(
    "label",
    { class: "widget-choice" },
    element("input", {
      type: "checkbox",
      ...shared(node, scope),
      checked: node.defaultChecked === true || node.defaultChecked === "true",
    }),
    element("span", {}, node.label ?? ""),
  );

/** @type {Component} */
const radioGroup = (node, scope) => {
  // Two widgets may use the same name; the browser must not take their options for one group.
  const name = `widget-${(minted += 1)}`;
  const options = (node.options ?? []).map((/** @type {any} */ { value, label, disabled }) =>
    element(
      "label",
      { class: "widget-choice" },
      element("input", {
        type: "radio",
        ...shared({ ...node, disabled: node.disabled || disabled }, scope),
        name,
        value,
        checked: value === node.defaultValue,
      }),
      element("span", {}, label ?? value),
    ),
  );
  return element(
    "div",
    {
      class: "widget-radios",
      role: "radiogroup",
      "aria-label": node.ariaLabel ?? node.name,
      "data-direction": node.direction ?? "row",
    },
    ...options,
  );
};

/** @type {Component} */
const datePicker = (node, scope) =>
  element("input", {
    class: "widget-field",
    ...shared(node, scope),
    ...named(node),
    type: "date",
    value: String(node.defaultValue ?? "").slice(0, 10),
    min: String(node.min ?? "").slice(0, 10),
    max: String(node.max ?? "").slice(0, 10),
  });

/** Its field may come later in the tree: `connectLabels` brings them together. @type {Component} */
const label = ({ value, fieldName }) =>
  element("label", { class: "widget-label", "data-field": fieldName }, value ?? "");

/** Gives each label its field. @param {Element} root */
export function connectLabels(root) {
  const fields = [...root.querySelectorAll("[data-name]")];
  for (const made of root.querySelectorAll("label[data-field]")) {
    const field = fields.find((candidate) => candidate.getAttribute("data-name") === made.getAttribute("data-field"));
    if (!field) continue;
    field.id ||= `widget-field-${(minted += 1)}`;
    // An option of a group has its own label already; the group's leads to it.
    if (field.closest("label") === null) field.removeAttribute("aria-label");
    made.setAttribute("for", field.id);
  }
}

/** @type {Record<string, Component>} */
export const FIELDS = {
  Input: input,
  Textarea: textarea,
  Select: select,
  Checkbox: checkbox,
  RadioGroup: radioGroup,
  DatePicker: datePicker,
  Label: label,
};
