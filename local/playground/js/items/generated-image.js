/** An image that the model makes: first a place for it, then previews, then the image. */

import { element } from "../dom.js";

/** @typedef {import("../types.js").GeneratedImageItem} GeneratedImageItem */

/**
 * @param {GeneratedImageItem} item
 * @returns {import("./index.js").ItemView}
 */
export function generatedImage(item) {
  const image = element("img", { alt: "Image made by the assistant", hidden: true });
  const bar = element("progress", { max: 1, "aria-label": "The image is being made" });
  const caption = element("figcaption", {}, "Making an image…", bar);
  const view = element("figure", { class: "item generated-image", "data-growing": true }, image, caption);
  image.addEventListener("error", () => {
    image.hidden = true;
    caption.replaceChildren("The image cannot be shown.");
    caption.hidden = false;
  });
  /** @param {string | undefined} url */
  const show = (url) => {
    if (!url) return;
    image.hidden = false;
    // Again and again the same address would make it flicker.
    if (image.src !== url) image.src = url;
  };
  const settle = () => {
    view.removeAttribute("data-growing");
    bar.remove();
    if (image.hidden) caption.replaceChildren("There is no image.");
    else caption.hidden = true;
  };
  show(item.image?.url);
  return {
    element: view,
    set(next) {
      show(next.image?.url);
      settle();
    },
    update(update) {
      if (update.type !== "generated_image.updated") return;
      show(update.image.url);
      if (update.progress !== undefined) bar.value = update.progress;
    },
    settle,
    spoken: () => "An image",
  };
}
