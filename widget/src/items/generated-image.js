/** An image that the model makes: first a place for it, then previews, then the image. */

import { element } from "../dom.js";
import { imageAddress } from "../images.js";

/** @typedef {import("../types.js").GeneratedImageItem} GeneratedImageItem */

/**
 * @param {GeneratedImageItem} item
 * @param {import("./index.js").ItemActions} actions
 * @returns {import("./index.js").ItemView}
 */
export function generatedImage(item, { ui }) {
  const image = element("img", { alt: ui.text("madeImage"), hidden: true });
  const bar = element("progress", { max: 1, "aria-label": ui.text("imageInWork") });
  const caption = element("figcaption", {}, ui.text("makingImage"), bar);
  const view = element("figure", { class: "item generated-image", "data-growing": true }, image, caption);
  image.addEventListener("error", () => {
    image.hidden = true;
    caption.replaceChildren(ui.text("imageLost"));
    caption.hidden = false;
  });
  /** @param {string | undefined} given */
  const show = (given) => {
    const url = imageAddress(given);
    if (!url) return;
    image.hidden = false;
    // Again and again the same address would make it flicker.
    if (image.src !== url) image.src = url;
  };
  const settle = () => {
    view.removeAttribute("data-growing");
    bar.remove();
    if (image.hidden) caption.replaceChildren(ui.text("noImage"));
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
    spoken: () => ui.text("anImage"),
  };
}
