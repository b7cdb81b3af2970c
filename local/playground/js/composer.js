/** Where the user writes: Enter sends, Shift+Enter breaks the line, Escape stops the answer. */

import { AttachmentTray } from "./attachments.js";
import { Dictation } from "./dictation.js";
import { byId } from "./dom.js";
import { Pickers } from "./pickers.js";
import { QuestionPanel } from "./questions.js";

/** @typedef {import("./types.js").ThreadStatus} ThreadStatus */
/** @typedef {import("./types.js").Attachment} Attachment */
/** @typedef {import("./types.js").StructuredInputItem} StructuredInputItem */
/** @typedef {{ text: string, attachments: Attachment[], options: { model?: string, tool_choice?: { id: string } } }} Message */

/**
 * @typedef {object} ComposerListener
 * @property {(message: Message) => void} onSend
 * @property {() => void} onStop
 * @property {(item: StructuredInputItem, answers: import("./types.js").Answers) => void} onAnswers
 */

export class Composer {
  #form = byId("composer", HTMLFormElement);
  #field = byId("message", HTMLTextAreaElement);
  #send = byId("send", HTMLButtonElement);
  #stop = byId("stop", HTMLButtonElement);
  #closed = byId("closed", HTMLElement);
  #questions = byId("questions", HTMLElement);
  #placeholder = this.#field.placeholder;
  #isRunning = false;
  #canStop = false;
  /** @type {QuestionPanel | null} */
  #panel = null;
  #pickers = new Pickers();
  /** @type {AttachmentTray} */
  #tray;
  /** @type {Dictation} */
  #dictation;

  /**
   * @param {import("./api.js").ChatKit} api
   * @param {ComposerListener} listener
   */
  constructor(api, listener) {
    this.listener = listener;
    this.#tray = new AttachmentTray(api, () => this.#fit());
    this.#dictation = new Dictation(api, (text) => this.fill(`${this.#field.value} ${text}`.trim()));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener("keydown", (event) => {
      // While an input method composes a word, Enter belongs to it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#field.addEventListener("input", () => this.#fit());
    this.#stop.addEventListener("click", () => this.#stopAnswer());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) this.#stopAnswer();
    });
  }

  /** Shows what the server offers. @param {import("./about.js").About} about */
  configure({ composer, attachments, dictation }) {
    this.#pickers.configure(composer);
    this.#tray.configure(attachments);
    this.#dictation.configure(dictation);
  }

  focus() {
    if (this.#panel) this.#panel.focus();
    else this.#field.focus();
  }

  /** @param {string} text */
  fill(text) {
    this.#field.value = text;
    this.#fit();
    this.focus();
  }

  /**
   * @param {{ isRunning: boolean, canStop: boolean, status: ThreadStatus, question: StructuredInputItem | null }} state
   *   `question` takes over while it is open
   */
  set({ isRunning, canStop, status, question }) {
    this.#isRunning = isRunning;
    this.#canStop = canStop;
    const focused = document.activeElement;
    const hadFocus = focused !== this.#field && (this.#form.contains(focused) || this.#questions.contains(focused));
    this.#send.hidden = isRunning;
    this.#stop.hidden = !isRunning;
    this.#stop.disabled = !canStop;
    this.#field.disabled = status.type !== "active";
    this.#field.placeholder = status.type === "locked" ? (status.reason ?? "This chat is locked.") : this.#placeholder;
    this.#ask(status.type === "active" && !isRunning ? question : null);
    this.#form.hidden = status.type === "closed" || this.#panel !== null;
    this.#closed.hidden = status.type !== "closed";
    this.#closed.textContent = status.type === "closed" ? (status.reason ?? "This chat is closed.") : "";
    this.#fit();
    if (hadFocus) this.focus();
  }

  #submit() {
    if (!this.#canSend) return;
    const text = this.#field.value.trim();
    this.#field.value = "";
    const message = { text, attachments: this.#tray.take(), options: this.#pickers.take() };
    this.#fit();
    this.listener.onSend(message);
  }

  /** What was picked in the composer, for a message that was not written there. */
  takeOptions() {
    return this.#pickers.take();
  }

  get #canSend() {
    const hasContent = this.#field.value.trim() !== "" || this.#tray.hasFiles;
    return hasContent && !this.#tray.isUploading && !this.#isRunning && !this.#field.disabled;
  }

  #stopAnswer() {
    if (!this.#isRunning || !this.#canStop) return;
    this.listener.onStop();
    this.focus();
  }

  /** @param {StructuredInputItem | null} item */
  #ask(item) {
    if (this.#panel?.item.id === item?.id) return;
    this.#panel = item && new QuestionPanel(item, (answers) => this.listener.onAnswers(item, answers));
    this.#questions.hidden = item === null;
    this.#questions.replaceChildren(...(this.#panel ? [this.#panel.element] : []));
    this.#panel?.focus();
  }

  /** As high as its text, up to what the style sheet allows. */
  #fit() {
    this.#send.disabled = !this.#canSend && !this.#isRunning;
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}
