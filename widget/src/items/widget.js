/** A widget in the conversation. */

import { copyButton } from "../copy.js";
import { element } from "../dom.js";
import { WidgetView } from "../widgets/view.js";

/** @typedef {import("../types.js").WidgetItem} WidgetItem */

/**
 * @param {WidgetItem} item
 * @param {import("./index.js").ItemActions} actions
 * @returns {import("./index.js").ItemView}
 */
export function widget(item, actions) {
  const { ui } = actions;
  /** @type {WidgetView} */
  const tree = new WidgetView(item.widget, {
    ui,
    act: (action) => actions.act({ id: item.id, widget: tree.tree }, action),
    mayShow: actions.mayShow,
  });
  let text = item.copy_text;
  const copy = element(
    "div",
    { class: "actions" },
    copyButton(ui, ui.text("copy"), () => text ?? ""),
  );
  const view = element(
    "article",
    { class: "item widget-item", "aria-label": ui.text("widget"), "data-growing": true },
    tree.element,
    copy,
  );
  const settle = () => view.removeAttribute("data-growing");
  copy.hidden = !text;
  return {
    element: view,
    set(next) {
      text = next.copy_text;
      copy.hidden = !text;
      tree.set(next.widget);
      settle();
    },
    update: (update) => tree.update(update),
    settle,
    spoken: () => text ?? "",
  };
}
