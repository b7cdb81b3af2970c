/** An item that this page does not know: its type, and its JSON for those who want it. */

import { element } from "../dom.js";

/**
 * @param {{ type: string }} item
 * @param {import("./index.js").ItemActions} actions
 * @returns {import("./index.js").ItemView}
 */
export function card(item, { ui }) {
  const json = element("code");
  const view = element(
    "article",
    { class: "item card", "aria-label": item.type },
    element("header", {}, element("strong", {}, item.type)),
    element("details", {}, element("summary", {}, ui.text("showData")), element("pre", { tabindex: 0 }, json)),
  );
  /** @param {typeof item} next */
  const set = (next) => {
    json.textContent = JSON.stringify(next, null, 2);
  };
  set(item);
  return { element: view, set };
}
