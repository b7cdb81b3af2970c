/** The copy buttons of code and answers. */

import { icon, iconButton } from "./icons.js";

/** How long the tick stays, in milliseconds. */
const CONFIRMED = 1500;

/**
 * @param {import("./ui.js").Ui} ui
 * @param {string} label
 * @param {() => string} text what is copied, asked for at the click
 */
export function copyButton(ui, label, text) {
  let timer = 0;
  const button = iconButton("copy", label, async () => {
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      // Without permission, or on a page that is not served securely, there is no clipboard.
      ui.announce(ui.text("cannotCopy"));
      return;
    }
    ui.announce(ui.text("copied"));
    button.replaceChildren(icon("check"));
    clearTimeout(timer);
    timer = setTimeout(() => button.replaceChildren(icon("copy")), CONFIRMED);
  });
  return button;
}
