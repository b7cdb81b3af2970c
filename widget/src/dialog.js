/**
 * Questions and messages that stand in front of the page. The browser's own dialog keeps the focus and closes on
 * Escape.
 */

import { element } from "./dom.js";
import { failureCard } from "./notices.js";

/**
 * @param {import("./ui.js").Ui} ui
 * @param {{ title: string, text: string, action: string }} question
 * @returns {Promise<boolean>}
 */
export async function confirm(ui, { title, text, action }) {
  const answer = await open(
    ui,
    title,
    [element("p", {}, text)],
    [
      element("button", { class: "button", value: "cancel", autofocus: true }, ui.text("cancel")),
      element("button", { class: "button danger", value: "confirm" }, action),
    ],
  );
  return answer === "confirm";
}

/**
 * Waits for what an action came to, and says so if it failed.
 *
 * @param {import("./ui.js").Ui} ui
 * @param {string} title of the message
 * @param {Promise<void>} outcome
 */
export async function report(ui, title, outcome) {
  try {
    await outcome;
  } catch (error) {
    const close = element("button", { class: "button", value: "close", autofocus: true }, ui.text("close"));
    await open(ui, title, [failureCard(ui, error)], [close]);
  }
}

/**
 * @param {import("./ui.js").Ui} ui
 * @param {string} title
 * @param {Node[]} content
 * @param {HTMLButtonElement[]} buttons
 * @returns {Promise<string>} the value of the button, empty after Escape
 */
function open(ui, title, content, buttons) {
  const heading = element("h2", { id: "dialog-title" }, title);
  const form = element(
    "form",
    { method: "dialog" },
    heading,
    ...content,
    element("div", { class: "dialog-buttons" }, ...buttons),
  );
  const dialog = element("dialog", { "aria-labelledby": "dialog-title" }, form);
  ui.root.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        dialog.remove();
        resolve(dialog.returnValue);
      },
      { once: true },
    );
  });
}
