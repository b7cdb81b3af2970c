/** What the user wrote. */

import { element, icon } from "../dom.js";

/** @typedef {import("../types.js").UserMessage} UserMessage */

/**
 * @param {UserMessage} item
 * @returns {import("./index.js").ItemView}
 */
export function userMessage(item) {
  const bubble = element("div", { class: "bubble", dir: "auto" });
  const files = element("ul", { class: "sent-files", "aria-label": "Attached files" });
  const view = element("article", { class: "item user-message", "aria-label": "You" }, files, bubble);
  /** @param {UserMessage} next */
  const set = ({ content, attachments, quoted_text: quoted }) => {
    bubble.replaceChildren(
      ...(quoted ? [element("blockquote", {}, quoted)] : []),
      ...content.map((part) => (part.type === "input_tag" ? element("span", { class: "tag" }, `@${part.text}`) : part.text)),
    );
    bubble.hidden = content.length === 0 && !quoted;
    files.replaceChildren(...attachments.map((attachment) => element("li", {}, thumbnail(attachment))));
    files.hidden = attachments.length === 0;
  };
  set(item);
  return { element: view, set };
}

/** @param {import("../types.js").Attachment} attachment */
function thumbnail({ type, name, preview_url: url }) {
  const file = () => element("span", { class: "attachment" }, icon(type === "image" ? "image" : "file"), element("span", {}, name));
  if (type !== "image" || !url) return file();
  const image = element("img", { src: url, alt: name, title: name });
  image.addEventListener("error", () => image.replaceWith(file()), { once: true });
  return image;
}
