/** A button that opens a short menu over it. */

import { element } from "../dom.js";
import { iconButton, namedIcon } from "../icons.js";

/** @typedef {{ label: string, icon?: string, pick: () => void }} Entry */

export class Menu {
  #list = element("div", { class: "menu", role: "menu", hidden: true });
  /** @type {HTMLButtonElement} */
  #button;
  element = element("div", { class: "menu-holder", hidden: true });

  /** @param {string} symbol @param {string} label */
  constructor(symbol, label) {
    this.#button = iconButton(symbol, label, () => this.#set(this.#list.hidden), {
      "aria-haspopup": "menu",
      "aria-expanded": "false",
    });
    this.#list.ariaLabel = label;
    this.element.append(this.#button, this.#list);
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (!this.element.contains(/** @type {Node | null} */ (relatedTarget))) this.#set(false);
    });
    this.element.addEventListener("keydown", (event) => this.#move(event));
  }

  /** @param {Entry[]} entries */
  configure(entries) {
    this.element.hidden = entries.length === 0;
    this.#list.replaceChildren(
      ...entries.map(({ label, icon, pick }) =>
        element(
          "button",
          {
            type: "button",
            class: "suggestion",
            role: "menuitem",
            tabindex: -1,
            click: () => {
              this.#set(false);
              pick();
            },
          },
          icon ? namedIcon(icon) : null,
          element("span", {}, label),
        ),
      ),
    );
  }

  /** @param {boolean} isOpen */
  #set(isOpen) {
    this.#list.hidden = !isOpen;
    this.#button.ariaExpanded = String(isOpen);
    if (isOpen) /** @type {HTMLElement | null} */ (this.#list.firstElementChild)?.focus();
  }

  /** @param {KeyboardEvent} event */
  #move(event) {
    if (this.#list.hidden) return;
    const entries = /** @type {HTMLElement[]} */ ([...this.#list.children]);
    const place = entries.findIndex((entry) => entry.matches(":focus"));
    switch (event.key) {
      case "ArrowDown":
        entries[(place + 1) % entries.length].focus();
        break;
      case "ArrowUp":
        entries[(place + entries.length - 1) % entries.length].focus();
        break;
      case "Escape":
        this.#set(false);
        this.#button.focus();
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
