/** An item or event that has no view of its own: what it is, and its JSON for those who want it. */

import { element } from "../dom.js";

const LABELS = /** @type {Record<string, string>} */ ({
  widget: "Widget",
  generated_image: "Image",
  structured_input: "Question to you",
  client_tool_call: "Call to a tool of the page",
  client_effect: "Effect on the page",
});

/**
 * @param {{ type: string, copy_text?: string, name?: string }} item
 * @returns {import("./index.js").ItemView}
 */
export function card(item) {
  const summary = element("span", { class: "card-summary" });
  const json = element("code");
  const view = element(
    "article",
    { class: "item card", "aria-label": LABELS[item.type] ?? item.type },
    element("header", {}, element("strong", {}, LABELS[item.type] ?? item.type), summary),
    element("details", {}, element("summary", {}, "Show the data"), element("pre", { tabindex: 0 }, json)),
  );
  /** @param {typeof item} next */
  const set = (next) => {
    summary.textContent = next.copy_text ?? next.name ?? "";
    json.textContent = JSON.stringify(next, null, 2);
  };
  set(item);
  return { element: view, set };
}
