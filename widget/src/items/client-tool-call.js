/** A call that the page answers: one quiet line. */

import { element } from "../dom.js";
import { icon } from "../icons.js";

/** @typedef {import("../types.js").ClientToolCall} ClientToolCall */

const SENTENCES = /** @type {const} */ ({ settings: "toolRuns", warning: "toolFailed", check: "toolDone" });

/**
 * @param {ClientToolCall} item
 * @param {import("./index.js").ItemActions} actions
 * @returns {import("./index.js").ItemView}
 */
export function clientToolCall(item, { ui }) {
  const view = element("article", { class: "item quiet", "aria-label": ui.text("pageTool") });
  /** @param {ClientToolCall} next */
  const set = ({ name, status, output }) => {
    const hasFailed = typeof output === "object" && output !== null && "error" in output;
    const symbol = status === "pending" ? "settings" : hasFailed ? "warning" : "check";
    // The name stands where the language wants it.
    const [before, after] = ui.text(SENTENCES[symbol], "\0").split("\0");
    view.replaceChildren(icon(symbol), element("span", {}, before, element("code", {}, name), after));
  };
  set(item);
  return { element: view, set };
}
