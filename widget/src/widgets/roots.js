/** The roots that a widget may have, and the rows of a list. */

import { element } from "../dom.js";
import { namedIcon } from "../icons.js";
import { renderChildren } from "./render.js";
import { arranged, styled } from "./style.js";

/** @typedef {import("./render.js").Component} Component */
/** @typedef {import("../types.js").WidgetNode} WidgetNode */

/** So many rows of a list with `limit: "auto"` are shown at first. */
const ROWS = 5;

/** @type {Component} */
const card = (node, scope) => {
  const { asForm, confirm, cancel, size = "md", status } = node;
  const content = [statusLine(status), ...renderChildren(node, scope)];
  const button = (/** @type {any} */ choice, /** @type {string} */ kind, /** @type {"submit" | "button"} */ type) =>
    choice
      ? element(
          "button",
          {
            type,
            class: `button ${kind}`,
            "data-streams": choice.action?.streaming !== false,
            click: (event) => {
              if (type === "submit") return;
              scope.act(event.currentTarget, choice.action);
            },
          },
          choice.label,
        )
      : null;
  if (confirm || cancel) {
    content.push(
      element(
        "div",
        { class: "widget-card-buttons" },
        button(cancel, "", "button"),
        button(confirm, "primary", asForm ? "submit" : "button"),
      ),
    );
  }
  const kept = content.filter((child) => child !== null);
  const frame = { class: `widget-card${asForm ? " widget-form" : ""}`, "data-size": size, "data-theme": node.theme };
  const made = asForm
    ? element(
        "form",
        {
          ...frame,
          submit: (event) => {
            event.preventDefault();
            if (confirm?.action) scope.act(made, confirm.action);
          },
        },
        ...kept,
      )
    : element("div", frame, ...kept);
  arranged(made, { gap: 3, ...node });
  const { size: _, width: __, ...look } = node;
  if (node.collapsed) made.classList.add("collapsed");
  return styled(made, look);
};

/** @type {Component} */
const list = (node, scope) => {
  const rows = renderChildren(node, scope);
  const limit = node.limit === "auto" ? ROWS : typeof node.limit === "number" ? node.limit : rows.length;
  const hidden = rows.slice(limit);
  for (const row of hidden) row.hidden = true;
  const more =
    hidden.length > 0
      ? element(
          "button",
          {
            type: "button",
            class: "widget-more",
            click: () => {
              for (const row of hidden) row.hidden = false;
              more?.remove();
            },
          },
          scope.ui.text("showMoreOf", hidden.length),
        )
      : null;
  return element(
    "div",
    { class: "widget-card widget-list" },
    statusLine(node.status),
    element("div", { role: "list" }, ...rows),
    more,
  );
};

/** @type {Component} */
const listItem = (node, scope) => {
  const { onClickAction: action } = node;
  const made = element("div", { class: "widget-list-item", role: "listitem" }, ...renderChildren(node, scope));
  arranged(made, { gap: 3, align: "center", ...node });
  if (action) {
    const act = (/** @type {Event} */ event) => {
      // A button within the row has its own action.
      if (event.target instanceof Element && event.target.closest("button, a, input, select, textarea")) return;
      event.preventDefault();
      scope.act(made, action);
    };
    made.tabIndex = 0;
    made.classList.add("clickable");
    made.addEventListener("click", act);
    made.addEventListener("keydown", (event) => {
      if (event.target === made && (event.key === "Enter" || event.key === " ")) act(event);
    });
  }
  return made;
};

/** @type {Component} */
const basic = (node, scope) => {
  const made = element("div", { class: "widget-box widget-basic" }, ...renderChildren(node, scope));
  made.style.flexDirection = node.direction === "row" ? "row" : "column";
  arranged(made, { gap: 2, ...node });
  return styled(made, node);
};

/** @param {{ text: string, icon?: string } | undefined} status */
function statusLine(status) {
  return status?.text
    ? element(
        "p",
        { class: "widget-status" },
        status.icon ? namedIcon(status.icon) : null,
        element("span", {}, status.text),
      )
    : null;
}

/** @type {Record<string, Component>} */
export const ROOTS = { Card: card, ListView: list, ListViewItem: listItem, Basic: basic };
