/** Where the user writes: Enter sends, Shift+Enter breaks the line, Escape stops the answer. */

import { byId } from "./dom.js";

/** @typedef {import("./types.js").ThreadStatus} ThreadStatus */

/**
 * @typedef {object} ComposerListener
 * @property {(text: string) => void} onSend
 * @property {() => void} onStop
 */

export class Composer {
  #form = byId("composer", HTMLFormElement);
  #field = byId("message", HTMLTextAreaElement);
  #send = byId("send", HTMLButtonElement);
  #stop = byId("stop", HTMLButtonElement);
  #closed = byId("closed", HTMLElement);
  #placeholder = this.#field.placeholder;
  #isRunning = false;
  #canStop = false;

  /** @param {ComposerListener} listener */
  constructor({ onSend, onStop }) {
    const send = () => {
      const text = this.#field.value.trim();
      if (text === "" || this.#isRunning || this.#field.disabled) return;
      this.#field.value = "";
      this.#fit();
      onSend(text);
    };
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    this.#field.addEventListener("keydown", (event) => {
      // While an input method composes a word, Enter belongs to it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      send();
    });
    this.#field.addEventListener("input", () => this.#fit());
    const stop = () => {
      if (!this.#isRunning || !this.#canStop) return;
      onStop();
      this.focus();
    };
    this.#stop.addEventListener("click", stop);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) stop();
    });
  }

  focus() {
    this.#field.focus();
  }

  /** @param {string} text */
  fill(text) {
    this.#field.value = text;
    this.#fit();
    this.focus();
  }

  /** @param {{ isRunning: boolean, canStop: boolean, status: ThreadStatus }} state */
  set({ isRunning, canStop, status }) {
    this.#isRunning = isRunning;
    this.#canStop = canStop;
    const hadFocus = document.activeElement === this.#send || document.activeElement === this.#stop;
    this.#send.hidden = isRunning;
    this.#stop.hidden = !isRunning;
    this.#stop.disabled = !canStop;
    this.#field.disabled = status.type !== "active";
    this.#field.placeholder = status.type === "locked" ? (status.reason ?? "This chat is locked.") : this.#placeholder;
    this.#form.hidden = status.type === "closed";
    this.#closed.hidden = status.type !== "closed";
    this.#closed.textContent = status.type === "closed" ? (status.reason ?? "This chat is closed.") : "";
    this.#fit();
    if (hadFocus) this.focus();
  }

  /** As high as its text, up to what the style sheet allows. */
  #fit() {
    this.#send.disabled = this.#field.value.trim() === "" || this.#field.disabled;
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}
