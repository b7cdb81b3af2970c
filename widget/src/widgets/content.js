/** Text, pictures and buttons. */

import { element } from "../dom.js";
import { namedIcon } from "../icons.js";
import { imageAddress } from "../images.js";
import { MarkdownView } from "../markdown/render.js";
import { colour, length, styled } from "./style.js";

/** @typedef {import("./render.js").Component} Component */
/** @typedef {import("../types.js").WidgetNode} WidgetNode */

const WEIGHTS = /** @type {Record<string, string>} */ ({ normal: "400", medium: "500", semibold: "600", bold: "700" });

/** @param {keyof HTMLElementTagNameMap} tag @param {string} kind @param {string} size @returns {Component} */
const text = (tag, kind, size) => (node, scope) => {
  const made = element(tag, { class: `widget-${kind}`, "data-text-size": node.size ?? size, dir: "auto" });
  const { style } = made;
  style.color = colour(node.color) ?? "";
  style.fontWeight = WEIGHTS[node.weight] ?? "";
  style.textAlign = ["start", "center", "end"].includes(node.textAlign) ? node.textAlign : "";
  style.fontStyle = node.italic ? "italic" : "";
  style.textDecoration = node.lineThrough ? "line-through" : "";
  if (node.truncate || node.maxLines) {
    made.classList.add("clamped");
    style.setProperty("--lines", String(node.truncate ? 1 : node.maxLines));
  }
  if (node.minLines) style.minHeight = `${node.minLines * 1.5}em`;
  const show = (/** @type {WidgetNode} */ { value, streaming }) => {
    made.textContent = value ?? "";
    made.toggleAttribute("data-streaming", streaming === true);
  };
  show(node);
  if (node.id) scope.texts.set(node.id, show);
  return styled(made, { type: node.type, width: node.width, flex: node.flex });
};

/** @type {Component} */
const markdown = (node, scope) => {
  const view = new MarkdownView(scope.ui);
  const show = (/** @type {WidgetNode} */ { value, streaming }) =>
    view.set(String(value ?? ""), { partial: streaming === true });
  show(node);
  if (node.id) scope.texts.set(node.id, show);
  return element("div", { class: "widget-markdown" }, view.element);
};

/** @type {Component} */
const badge = ({ label, color: tone = "secondary", variant = "soft", size = "sm", pill }) =>
  element(
    "span",
    {
      class: `widget-badge${pill ? " pill" : ""}`,
      "data-tone": tone,
      "data-variant": variant,
      "data-text-size": size === "sm" ? "xs" : "sm",
    },
    label ?? "",
  );

/** @type {Component} */
const pictogram = ({ name, color: tone, size = "md" }) => {
  const made = element("span", { class: "widget-icon", "data-icon-size": size }, namedIcon(name));
  made.style.color = colour(tone) ?? "";
  return made;
};

/** @type {Component} */
const image = (node, scope) => {
  const { src, alt = "", fit, position } = node;
  const shown = imageAddress(String(src));
  const address = shown ? new URL(shown) : null;
  const missing = () => element("span", { class: "widget-missing" }, alt || scope.ui.text("image"));
  const isInline = address?.protocol === "data:" || address?.origin === location.origin;
  if (!address || !(isInline || scope.mayShow(address.hostname))) return missing();
  const made = element("img", { class: "widget-image", src: address.href, alt });
  made.style.objectFit = ["cover", "contain", "fill", "scale-down", "none"].includes(fit) ? fit : "";
  made.style.objectPosition = typeof position === "string" ? position : "";
  if (node.frame) made.classList.add("framed");
  made.addEventListener("error", () => made.replaceWith(missing()), { once: true });
  return styled(made, node);
};

/** @type {Component} */
const button = (node, scope) => {
  const { label, onClickAction: action, iconStart, iconEnd, submit, disabled, block, pill, uniform } = node;
  const variant = node.variant ?? (node.style === "primary" ? "solid" : "outline");
  const made = element(
    "button",
    {
      type: submit ? "submit" : "button",
      class: `widget-button${block ? " block" : ""}${pill ? " pill" : ""}${uniform ? " uniform" : ""}`,
      "data-variant": variant,
      "data-tone": node.color ?? (node.style === "primary" ? "primary" : "secondary"),
      "data-button-size": node.size ?? "lg",
      "data-streams": action !== undefined && action !== null && action.streaming !== false,
      disabled,
      "aria-label": label ? null : (iconStart ?? iconEnd),
      click: () => {
        if (action) scope.act(made, action);
      },
    },
    iconStart ? namedIcon(iconStart) : null,
    label ? element("span", {}, label) : null,
    iconEnd ? namedIcon(iconEnd) : null,
  );
  if (node.iconSize) made.style.setProperty("--icon", length(node.iconSize));
  return made;
};

/** @type {Record<string, Component>} */
export const CONTENT = {
  Text: text("p", "text", "md"),
  Title: text("h2", "title", "md"),
  Caption: text("p", "caption", "md"),
  Markdown: markdown,
  Badge: badge,
  Icon: pictogram,
  Image: image,
  Button: button,
};
