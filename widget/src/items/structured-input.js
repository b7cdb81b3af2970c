/** Questions to the user and what became of them. While they are open they are asked in place of the composer. */

import { element } from "../dom.js";
import { icon } from "../icons.js";

/** @typedef {import("../types.js").StructuredInputItem} StructuredInputItem */

/**
 * @param {StructuredInputItem} item
 * @param {import("./index.js").ItemActions} actions
 * @returns {import("./index.js").ItemView}
 */
export function structuredInput(item, { ui }) {
  const view = element("article", { class: "item", "aria-label": ui.text("questions") });
  /** @param {StructuredInputItem} next */
  const set = ({ status, inputs }) => {
    view.className = status === "answered" ? "item answers" : "item quiet";
    if (status === "answered") {
      view.replaceChildren(
        element(
          "dl",
          {},
          ...inputs.flatMap(({ question, answer }) => [
            element("dt", {}, question),
            answer && !answer.skipped && answer.values?.length
              ? element("dd", {}, answer.values.join(", "))
              : element("dd", { class: "skipped" }, ui.text("skipped")),
          ]),
        ),
      );
    } else {
      view.replaceChildren(
        icon("question"),
        element(
          "span",
          {},
          status === "pending" ? ui.text("hasQuestions", inputs.length) : ui.text("skippedQuestions"),
        ),
      );
    }
  };
  set(item);
  return { element: view, set, spoken: () => item.inputs.map(({ question }) => question).join(" ") };
}
