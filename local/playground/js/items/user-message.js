/** What the user wrote. */

import { element, icon } from "../dom.js";

/** @typedef {import("../types.js").UserMessage} UserMessage */

/**
 * @param {UserMessage} item
 * @returns {import("./index.js").ItemView}
 */
export function userMessage(item) {
  const bubble = element("div", { class: "bubble", dir: "auto" });
  const view = element("article", { class: "item user-message", "aria-label": "You" }, bubble);
  /** @param {UserMessage} next */
  const set = ({ content, attachments, quoted_text: quoted }) => {
    bubble.replaceChildren(
      ...(quoted ? [element("blockquote", {}, quoted)] : []),
      ...content.map((part) => (part.type === "input_tag" ? element("span", { class: "tag" }, `@${part.text}`) : part.text)),
      ...attachments.map(({ name }) => element("span", { class: "attachment" }, icon("file"), name)),
    );
  };
  set(item);
  return { element: view, set };
}
