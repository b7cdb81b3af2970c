/** Cards between the messages that are not part of the conversation: notices and failures. */

import { ApiError } from "./api.js";
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { renderMarkdown } from "./markdown/render.js";

/** @param {import("./ui.js").Ui} ui @param {import("./types.js").Notice} notice */
export function noticeCard(ui, { level, message, title }) {
  return element(
    "div",
    { class: "notice", "data-level": level, role: "note" },
    icon(level === "info" ? "info" : "warning"),
    element("div", {}, title ? element("strong", {}, title) : null, renderMarkdown(ui, message)),
  );
}

/**
 * What went wrong, and the way on if there is one.
 *
 * @param {import("./ui.js").Ui} ui
 * @param {unknown} error an `ApiError`, or an `Error` whose message is shown as it is
 * @param {{ label: string, run: () => void }} [action] offered at once, or when the server's `Retry-After` is over
 */
export function failureCard(ui, error, action) {
  const refusal = error instanceof ApiError ? error : null;
  const text = messageOf(ui, error);
  // The server's messages begin in lower case.
  const message = text.charAt(0).toUpperCase() + text.slice(1);
  const button = action && element("button", { type: "button", class: "button", click: action.run }, action.label);
  const card = element(
    "div",
    { class: "notice failure", "data-level": "danger", role: "alert" },
    icon("warning"),
    element(
      "div",
      {},
      element("p", {}, message),
      refusal?.requestId
        ? element("p", { class: "request-id" }, `${ui.text("request")} `, element("code", {}, refusal.requestId))
        : null,
      button ?? null,
    ),
  );
  if (button && refusal?.retryAfter) countDown(ui, button, refusal.retryAfter);
  return card;
}

/** What a person reads of it. @param {import("./ui.js").Ui} ui @param {unknown} error */
export function messageOf(ui, error) {
  if (error instanceof ApiError && error.status === 0) return ui.text("unreachable");
  if (error instanceof ApiError && error.message === "") return ui.text("status", error.status);
  return error instanceof Error ? error.message : String(error);
}

/**
 * Keeps a button from being pressed for some seconds.
 *
 * @param {import("./ui.js").Ui} ui
 * @param {HTMLButtonElement} button
 * @param {number} seconds
 */
function countDown(ui, button, seconds) {
  const label = button.textContent ?? "";
  const end = Date.now() + seconds * 1000;
  const show = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? ui.text("inSeconds", label, left) : label;
    if (left <= 0) clearInterval(timer);
  };
  const timer = setInterval(show, 250);
  show();
}
