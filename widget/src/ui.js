/** What every part of one chat shares: its language, what is said to screen readers, and short messages. */

import { element } from "./dom.js";
import { icon } from "./icons.js";
import { translator } from "./words/index.js";

/** How long a short message is shown. */
const SHOWN_MS = 5000;

export class Ui {
  #announcer = element("div", { id: "announcer", class: "visually-hidden", role: "status", "aria-live": "polite" });
  #toasts = element("div", { id: "toasts", class: "toasts", role: "status", "aria-live": "polite" });
  elements = [this.#toasts, this.#announcer];
  /** Where dialogs are put. */
  root = element("div", { class: "chat" });

  /**
   * @param {string | undefined} locale
   * @param {(name: string, detail?: Record<string, unknown>) => void} emit an event of ChatKit's
   */
  constructor(locale, emit) {
    const { text, language } = translator(locale);
    /** A sentence in the person's language. */
    this.text = text;
    this.language = language;
    this.emit = emit;
  }

  /** Says something to screen readers only. @param {string} text */
  announce(text) {
    this.#announcer.textContent = text;
  }

  /** @param {string} text @param {string} [symbol] */
  toast(text, symbol = "spark") {
    const made = element("p", { class: "toast" }, icon(symbol), element("span", {}, text));
    this.#toasts.append(made);
    setTimeout(() => made.remove(), SHOWN_MS);
  }

  /** For monitoring and debugging. @param {string} name @param {Record<string, unknown>} [data] */
  log(name, data) {
    this.emit("log", { name, data });
  }

  /** @param {unknown} error */
  report(error) {
    this.emit("error", { error: error instanceof Error ? error : new Error(String(error)) });
  }
}
