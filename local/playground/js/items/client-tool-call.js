/** A call that the page answers: one quiet line. */

import { element, icon } from "../dom.js";

/** @typedef {import("../types.js").ClientToolCall} ClientToolCall */

/**
 * @param {ClientToolCall} item
 * @returns {import("./index.js").ItemView}
 */
export function clientToolCall(item) {
  const view = element("article", { class: "item quiet", "aria-label": "Tool of the page" });
  /** @param {ClientToolCall} next */
  const set = ({ name, status, output }) => {
    const hasFailed = typeof output === "object" && output !== null && "error" in output;
    const text = status === "pending" ? "The assistant uses " : hasFailed ? "The page could not use " : "The page used ";
    view.replaceChildren(icon(status === "pending" ? "settings" : hasFailed ? "warning" : "check"), element("span", {}, text, element("code", {}, name)));
  };
  set(item);
  return { element: view, set };
}
