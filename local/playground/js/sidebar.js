/** On a narrow screen the sidebar is a drawer: out of sight and out of the focus order until it is opened. */

import { byId } from "./dom.js";

export class Sidebar {
  #sidebar = byId("sidebar", HTMLElement);
  #main = byId("main", HTMLElement);
  #toggle = byId("menu", HTMLButtonElement);
  #scrim = byId("scrim", HTMLElement);
  #narrow = matchMedia("(max-width: 48rem)");
  #isOpen = false;

  constructor() {
    this.#toggle.addEventListener("click", () => this.#set(true));
    this.#scrim.addEventListener("click", () => this.close());
    // Before anybody else, so that Escape closes the drawer only and does not stop an answer behind it.
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#isOpen || document.querySelector("dialog[open], .thread-field")) return;
      event.stopPropagation();
      this.close();
      this.#toggle.focus();
    }, { capture: true });
    this.#narrow.addEventListener("change", () => this.#set(false));
    this.#set(false);
  }

  close() {
    if (this.#isOpen) this.#set(false);
  }

  /** @param {boolean} isOpen */
  #set(isOpen) {
    this.#isOpen = isOpen;
    document.body.toggleAttribute("data-drawer", isOpen);
    this.#toggle.setAttribute("aria-expanded", String(isOpen));
    this.#sidebar.inert = this.#narrow.matches && !isOpen;
    this.#main.inert = this.#narrow.matches && isOpen;
    this.#scrim.hidden = !isOpen;
    if (isOpen) this.#sidebar.querySelector("button")?.focus();
  }
}
