/** What the model answered: markdown, its sources, and what one can do with it. */

import { copyButton } from "../copy.js";
import { element } from "../dom.js";
import { iconButton } from "../icons.js";
import { MarkdownView } from "../markdown/render.js";
import { sourceChips } from "./sources.js";

/** @typedef {import("../types.js").AssistantMessage} AssistantMessage */
/** @typedef {import("../types.js").AnswerPart} AnswerPart */
/** @typedef {import("../types.js").ItemUpdate} ItemUpdate */

/**
 * @param {AssistantMessage} item
 * @param {import("./index.js").ItemActions} actions
 * @returns {import("./index.js").ItemView}
 */
export function assistantMessage(item, actions) {
  const { ui } = actions;
  /** @type {AnswerPart[]} */
  let parts = item.content.map((part) => ({ ...part }));
  /** @type {MarkdownView[]} */
  const texts = [];
  const body = element("div", { class: "answer" });
  const sources = element("div", { class: "source-row" });
  const text = () => parts.map((part) => part.text).join("\n\n");
  const view = element(
    "article",
    { class: "item assistant-message", "aria-label": ui.text("assistant"), "data-growing": true },
    body,
    sources,
    element(
      "div",
      { class: "actions" },
      copyButton(ui, ui.text("copyAnswer"), text),
      ...ratingButtons(item.id, actions),
      retryButton(actions),
    ),
  );
  let frame = 0;
  const draw = () => {
    frame = 0;
    const growing = view.hasAttribute("data-growing");
    parts.forEach((part, index) => {
      if (!texts[index]) body.append((texts[index] = new MarkdownView(ui)).element);
      texts[index].set(part.text, { partial: growing && index === parts.length - 1 });
    });
    sources.replaceChildren(
      ...sourceChips(
        ui,
        parts.flatMap((part) => part.annotations),
        actions.entities,
      ),
    );
  };
  const settle = () => {
    cancelAnimationFrame(frame);
    view.removeAttribute("data-growing");
    draw();
  };

  draw();
  return {
    element: view,
    set(next) {
      parts = next.content;
      settle();
    },
    update(update) {
      parts = updated(parts, update);
      // Many deltas may come within one frame; drawing each would not be visible.
      frame ||= requestAnimationFrame(draw);
    },
    settle,
    spoken: text,
  };
}

/**
 * @param {AnswerPart[]} parts
 * @param {ItemUpdate} update
 * @returns {AnswerPart[]}
 */
function updated(parts, update) {
  if (!("content_index" in update)) return parts;
  const next = [...parts];
  const old = next[update.content_index] ?? { type: "output_text", text: "", annotations: [] };
  switch (update.type) {
    case "assistant_message.content_part.added":
      next[update.content_index] = update.content;
      break;
    case "assistant_message.content_part.text_delta":
      next[update.content_index] = { ...old, text: old.text + update.delta };
      break;
    case "assistant_message.content_part.annotation_added":
      next[update.content_index] = { ...old, annotations: [...old.annotations, update.annotation] };
      break;
    case "assistant_message.content_part.done":
      // Servers may leave the annotations out here; those that came before stay until the item is done.
      next[update.content_index] = {
        ...update.content,
        annotations: update.content.annotations.length > 0 ? update.content.annotations : old.annotations,
      };
      break;
  }
  return next;
}

/** @param {string} itemId @param {import("./index.js").ItemActions} actions */
function ratingButtons(itemId, actions) {
  const kinds = /** @type {const} */ ([
    ["positive", "thumb-up", "goodAnswer"],
    ["negative", "thumb-down", "badAnswer"],
  ]);
  const buttons = kinds.map(([kind, name, label]) =>
    iconButton(
      name,
      actions.ui.text(label),
      async (event) => {
        const pressed = event.currentTarget;
        if (!(await actions.rate(itemId, kind))) return;
        for (const button of buttons) button.setAttribute("aria-pressed", String(button === pressed));
      },
      { class: "icon-button rating", "aria-pressed": "false" },
    ),
  );
  return buttons;
}

/** @param {import("./index.js").ItemActions} actions */
function retryButton(actions) {
  return iconButton("retry", actions.ui.text("answerAgain"), actions.retry, { class: "icon-button retry" });
}
