/** Cards between the messages that are not part of the conversation: notices and failures. */

import { ApiError } from "./api.js";
import { element, icon } from "./dom.js";
import { renderMarkdown } from "./markdown/render.js";

/** @param {import("./types.js").Notice} notice */
export function noticeCard({ level, message, title }) {
  return element("aside", { class: "notice", "data-level": level, role: "note" }, icon(level === "info" ? "info" : "warning"),
    element("div", {}, title ? element("strong", {}, title) : null, renderMarkdown(message)));
}

/**
 * What went wrong, and the way on if there is one.
 *
 * @param {unknown} error an `ApiError`, or an `Error` whose message is shown as it is
 * @param {{ label: string, run: () => void }} [action] offered at once, or when the server's `Retry-After` is over
 */
export function failureCard(error, action) {
  const refusal = error instanceof ApiError ? error : null;
  const text = error instanceof Error ? error.message : String(error);
  // The server's messages begin in lower case.
  const message = text.charAt(0).toUpperCase() + text.slice(1);
  const button = action && element("button", { type: "button", class: "button", click: action.run }, action.label);
  const card = element("aside", { class: "notice failure", "data-level": "danger", role: "alert" }, icon("warning"),
    element("div", {},
      element("p", {}, message),
      refusal?.requestId ? element("p", { class: "request-id" }, "Request ", element("code", {}, refusal.requestId)) : null,
      button ?? null));
  if (button && refusal?.retryAfter) countDown(button, refusal.retryAfter);
  return card;
}

/**
 * Keeps a button from being pressed for some seconds.
 *
 * @param {HTMLButtonElement} button
 * @param {number} seconds
 */
function countDown(button, seconds) {
  const label = button.textContent;
  const end = Date.now() + seconds * 1000;
  const show = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${label} in ${left} s` : label;
    if (left <= 0) clearInterval(timer);
  };
  const timer = setInterval(show, 250);
  show();
}
