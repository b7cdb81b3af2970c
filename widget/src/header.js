/** The line over the conversation: its title, and what leads elsewhere. */

import { element } from "./dom.js";
import { iconButton, namedIcon } from "./icons.js";

/**
 * @typedef {{ icon: string, onClick: () => void }} HeaderAction
 *
 * @typedef {object} HeaderOptions
 * @property {boolean} [enabled]
 * @property {{ enabled?: boolean, text?: string }} [title]
 * @property {HeaderAction} [leftAction]
 * @property {HeaderAction} [rightAction]
 */

export class Header {
  #title = element("h1", { id: "title", class: "title" });
  #left = element("div", { class: "header-action" });
  #right = element("div", { class: "header-action" });

  /** @param {import("./ui.js").Ui} ui @param {{ onHistory: () => void, onNew: () => void }} actions */
  constructor(ui, { onHistory, onNew }) {
    this.ui = ui;
    this.menu = iconButton("history", ui.text("showChats"), onHistory, {
      id: "menu",
      "aria-expanded": "false",
      "aria-controls": "history",
    });
    this.compose = iconButton("compose", ui.text("newChat"), onNew, { id: "new-chat" });
    this.element = element(
      "header",
      { class: "topbar" },
      this.#left,
      this.menu,
      this.#title,
      this.compose,
      this.#right,
    );
  }

  /** @param {import("./options.js").Options} options @param {string} title the thread's */
  set({ header = {}, history = {} }, title) {
    this.element.hidden = header.enabled === false;
    this.menu.hidden = history.enabled === false;
    this.#title.textContent = header.title?.enabled === false ? "" : (header.title?.text ?? title);
    this.#action(this.#left, header.leftAction);
    this.#action(this.#right, header.rightAction);
  }

  /** @param {HTMLElement} place @param {HeaderAction | undefined} action */
  #action(place, action) {
    place.hidden = action === undefined;
    if (!action) return place.replaceChildren();
    // The options name a picture and no words; the picture's name is what a screen reader can say.
    const label = action.icon.replaceAll("-", " ");
    const button = iconButton("dots", label, () => action.onClick());
    button.replaceChildren(namedIcon(action.icon, "dots"));
    place.replaceChildren(button);
  }
}
