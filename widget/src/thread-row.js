/** One thread in the list: a link, a field while it is renamed, a question before it is deleted. */

import { confirm, report } from "./dialog.js";
import { element } from "./dom.js";
import { iconButton } from "./icons.js";

/** @typedef {import("./types.js").Thread} Thread */

/**
 * @typedef {object} ThreadRowActions
 * @property {() => void} open
 * @property {((title: string) => Promise<void>) | null} rename `null`: it is not offered
 * @property {(() => Promise<void>) | null} remove
 */

export class ThreadRow {
  #link = element("a", { class: "thread-link" });
  /** @type {HTMLButtonElement | null} */
  #rename = null;
  #buttons = element("span", { class: "thread-buttons" });
  element = element("li", { class: "thread" }, this.#link, this.#buttons);

  /**
   * @param {import("./ui.js").Ui} ui
   * @param {Thread} thread
   * @param {ThreadRowActions} actions
   */
  constructor(ui, thread, actions) {
    this.ui = ui;
    this.actions = actions;
    this.thread = thread;
    this.created = Date.parse(thread.created_at);
    if (actions.rename) {
      this.#rename = iconButton("pencil", ui.text("rename"), () => this.#edit());
      this.#buttons.append(this.#rename);
    }
    if (actions.remove) this.#buttons.append(iconButton("trash", ui.text("delete"), () => this.#remove()));
    this.#link.href = `#${thread.id}`;
    this.#link.addEventListener("click", (event) => {
      // In another tab it is the page's business what the address means.
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      actions.open();
    });
    this.set(thread);
  }

  get #title() {
    return this.thread.title || this.ui.text("newChat");
  }

  /** @param {Thread} thread */
  set(thread) {
    this.thread = thread;
    this.#link.textContent = this.#title;
    this.#link.title = this.#title;
  }

  /** @param {boolean} isCurrent */
  markCurrent(isCurrent) {
    if (isCurrent) this.#link.setAttribute("aria-current", "page");
    else this.#link.removeAttribute("aria-current");
  }

  /** @param {boolean} isRunning */
  markRunning(isRunning) {
    this.element.toggleAttribute("data-running", isRunning);
  }

  #edit() {
    const field = element("input", { class: "thread-field", "aria-label": this.ui.text("chatTitle"), maxlength: 200 });
    field.value = this.thread.title ?? "";
    let isOver = false;
    /** @param {boolean} isKept */
    const end = async (isKept) => {
      if (isOver) return;
      isOver = true;
      const title = field.value.trim();
      field.replaceWith(this.#link);
      this.#buttons.hidden = false;
      this.#rename?.focus();
      if (!isKept || title === "" || title === this.thread.title || !this.actions.rename) return;
      await report(this.ui, this.ui.text("notRenamed"), this.actions.rename(title));
    };
    field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter") {
        // Else it would press the button that gets the focus, and edit again.
        event.preventDefault();
        end(true);
      }
      if (event.key === "Escape") {
        event.stopPropagation();
        end(false);
      }
    });
    field.addEventListener("blur", () => end(true));
    this.#buttons.hidden = true;
    this.#link.replaceWith(field);
    field.select();
  }

  async #remove() {
    const { text } = this.ui;
    const question = { title: text("deleteChat"), text: text("goneForGood", this.#title), action: text("delete") };
    const isSure = await confirm(this.ui, question);
    if (isSure && this.actions.remove) await report(this.ui, text("notDeleted"), this.actions.remove());
  }
}
