/**
 * Where the chats are listed. In a narrow chat it is a drawer: out of sight and out of the focus order until it is
 * opened.
 * In a wide one it stands beside the conversation.
 */

import { element, focused } from "./dom.js";
import { icon, iconButton } from "./icons.js";

/** As in `layout.css`. */
const WIDE_PX = 832;

export class Drawer {
  #isOpen = false;
  /** Whether it was last seen open beside the conversation. */
  #isBeside = false;
  scrim = element("div", { class: "scrim", hidden: true, click: () => this.close() });

  /**
   * @param {import("./ui.js").Ui} ui
   * @param {HTMLElement} list
   * @param {HTMLElement} main what is behind it
   * @param {HTMLElement} toggle
   * @param {() => void} onNew
   */
  constructor(ui, list, main, toggle, onNew) {
    this.ui = ui;
    this.main = main;
    this.button = toggle;
    const compose = element(
      "button",
      { type: "button", class: "button new-chat", click: onNew },
      icon("plus"),
      ui.text("newChat"),
    );
    const shut = iconButton("close", ui.text("closeChats"), () => this.close());
    this.element = element(
      "aside",
      { id: "history", class: "sidebar", "aria-label": ui.text("chats") },
      element("div", { class: "sidebar-header" }, element("h2", {}, ui.text("chats")), shut),
      compose,
      list,
    );
    // Before anybody else, so that Escape closes the drawer only and does not stop an answer behind it.
    ui.root.addEventListener(
      "keydown",
      (event) => {
        const isBusy = ui.root.querySelector("dialog[open], .thread-field");
        if (event.key !== "Escape" || !this.#isOpen || this.#isWide || isBusy) return;
        event.stopPropagation();
        this.close();
        toggle.focus();
      },
      { capture: true },
    );
    new ResizeObserver(() => {
      // What stood beside the conversation must not cover it.
      if (this.#isBeside && !this.#isWide) this.close();
      this.#isBeside = this.#isOpen && this.#isWide;
      this.#draw();
    }).observe(ui.root);
    this.#draw();
  }

  get #isWide() {
    return this.ui.root.clientWidth >= WIDE_PX;
  }

  /** What has the focus. */
  get focused() {
    return focused(this.element);
  }

  toggle() {
    if (this.#isOpen) this.close();
    else this.open();
  }

  open() {
    this.#set(true);
    if (!this.#isWide) this.element.querySelector("button")?.focus();
  }

  close() {
    this.#set(false);
  }

  /** Something was picked. */
  leave() {
    if (!this.#isWide) this.close();
  }

  /** @param {boolean} isOffered */
  offer(isOffered) {
    if (!isOffered) this.close();
  }

  /** @param {boolean} isOpen */
  #set(isOpen) {
    if (isOpen === this.#isOpen) return;
    this.#isOpen = isOpen;
    this.#isBeside = isOpen && this.#isWide;
    this.ui.emit(isOpen ? "history.open" : "history.close");
    this.#draw();
  }

  #draw() {
    this.ui.root.toggleAttribute("data-drawer", this.#isOpen);
    this.button.ariaExpanded = String(this.#isOpen);
    this.element.inert = !this.#isOpen;
    this.main.inert = this.#isOpen && !this.#isWide;
    this.scrim.hidden = !this.#isOpen || this.#isWide;
  }
}
