/** One thread in the list: a link, a field while it is renamed, a question before it is deleted. */

import { confirm, report } from "./dialog.js";
import { element, iconButton } from "./dom.js";

/** @typedef {import("./types.js").Thread} Thread */

/** What a thread without a title is called. */
export const UNTITLED = "New chat";

/**
 * @typedef {object} ThreadRowActions
 * @property {(title: string) => Promise<void>} rename
 * @property {() => Promise<void>} remove
 */

export class ThreadRow {
  #link = element("a", { class: "thread-link" });
  #rename = iconButton("pencil", "Rename", () => this.#edit());
  #buttons = element("span", { class: "thread-buttons" }, this.#rename, iconButton("trash", "Delete", () => this.#remove()));
  element = element("li", { class: "thread" }, this.#link, this.#buttons);

  /**
   * @param {Thread} thread
   * @param {ThreadRowActions} actions
   */
  constructor(thread, actions) {
    this.actions = actions;
    this.thread = thread;
    this.created = Date.parse(thread.created_at);
    this.#link.href = `#${thread.id}`;
    this.set(thread);
  }

  get #title() {
    return this.thread.title || UNTITLED;
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
    const field = element("input", { class: "thread-field", "aria-label": "Title of the chat", maxlength: 200 });
    field.value = this.thread.title ?? "";
    let isOver = false;
    /** @param {boolean} isKept */
    const end = async (isKept) => {
      if (isOver) return;
      isOver = true;
      const title = field.value.trim();
      field.replaceWith(this.#link);
      this.#buttons.hidden = false;
      this.#rename.focus();
      if (!isKept || title === "" || title === this.thread.title) return;
      await report("The chat was not renamed", this.actions.rename(title));
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
    const isSure = await confirm({ title: "Delete this chat?", text: `“${this.#title}” and everything in it will be gone for good.`, action: "Delete" });
    if (isSure) await report("The chat was not deleted", this.actions.remove());
  }
}
