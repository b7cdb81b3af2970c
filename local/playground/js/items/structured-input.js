/** Questions to the user and what became of them. While they are open they are asked in place of the composer. */

import { element, icon } from "../dom.js";

/** @typedef {import("../types.js").StructuredInputItem} StructuredInputItem */

/**
 * @param {StructuredInputItem} item
 * @returns {import("./index.js").ItemView}
 */
export function structuredInput(item) {
  const view = element("article", { class: "item", "aria-label": "Questions to you" });
  /** @param {StructuredInputItem} next */
  const set = ({ status, inputs }) => {
    view.className = status === "answered" ? "item answers" : "item quiet";
    if (status === "answered") {
      view.replaceChildren(element("dl", {}, ...inputs.flatMap(({ question, answer }) => [
        element("dt", {}, question),
        answer && !answer.skipped && answer.values?.length ? element("dd", {}, answer.values.join(", ")) : element("dd", { class: "skipped" }, "Skipped"),
      ])));
    } else {
      const count = inputs.length === 1 ? "a question" : `${inputs.length} questions`;
      view.replaceChildren(icon("question"), element("span", {}, status === "pending" ? `The assistant has ${count} for you` : "You skipped the questions"));
    }
  };
  set(item);
  return { element: view, set, spoken: () => item.inputs.map(({ question }) => question).join(" ") };
}
