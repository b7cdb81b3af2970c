/** What the user wrote. */

import { element } from "../dom.js";
import { icon } from "../icons.js";
import { imageAddress } from "../images.js";

/** @typedef {import("../types.js").UserMessage} UserMessage */

/**
 * @param {UserMessage} item
 * @param {import("./index.js").ItemActions} actions
 * @returns {import("./index.js").ItemView}
 */
export function userMessage(item, { ui, entities }) {
  const bubble = element("div", { class: "bubble", dir: "auto" });
  const files = element("ul", { class: "sent-files", "aria-label": ui.text("attachedFiles") });
  const view = element("article", { class: "item user-message", "aria-label": ui.text("you") }, files, bubble);
  /** @param {UserMessage} next */
  const set = ({ content, attachments, quoted_text: quoted }) => {
    bubble.replaceChildren(
      ...(quoted ? [element("blockquote", {}, quoted)] : []),
      ...content.map((part) => (part.type === "input_tag" ? entities.tag(part) : part.text)),
    );
    bubble.hidden = content.length === 0 && !quoted;
    files.replaceChildren(...attachments.map((attachment) => element("li", {}, thumbnail(attachment))));
    files.hidden = attachments.length === 0;
  };
  set(item);
  return { element: view, set };
}

/** @param {import("../types.js").Attachment} attachment */
function thumbnail({ type, name, mime_type: kind, preview_url: url }) {
  const file = () =>
    element(
      "span",
      { class: "attachment", title: kind },
      icon(type === "image" ? "image" : "file"),
      element("span", {}, name),
    );
  const address = imageAddress(url);
  if (type !== "image" || !address) return file();
  const image = element("img", { src: address, alt: name, title: name });
  image.addEventListener("error", () => image.replaceWith(file()), { once: true });
  return image;
}
