/** The models and tools that the composer offers. */

import { byId, element } from "./dom.js";
import { namedIcon } from "./icons.js";

/** @typedef {{ id: string, label: string, icon?: string }} Choice */

const MODEL = "chatkit-playground:model";

export class Pickers {
  #models = byId("models", HTMLSelectElement);
  #tools = byId("tools", HTMLElement);
  /** @type {string | undefined} */
  #tool;

  constructor() {
    this.#models.addEventListener("change", () => localStorage.setItem(MODEL, this.#models.value));
  }

  /** @param {{ models: Choice[], tools: Choice[] }} choices */
  configure({ models, tools }) {
    this.#models.hidden = models.length === 0;
    const last = localStorage.getItem(MODEL);
    this.#models.replaceChildren(...models.map(({ id, label }) => element("option", { value: id, selected: id === last }, label)));
    this.#tools.hidden = tools.length === 0;
    this.#tools.replaceChildren(...tools.map(({ id, label, icon }) =>
      element("button", {
        type: "button", class: "tool-choice", title: label, "aria-label": label, "data-tool": id, "aria-pressed": "false",
        click: () => this.#pick(this.#tool === id ? undefined : id),
      }, namedIcon(icon), element("span", {}, label))));
  }

  /** What was picked. A tool is for one message. @returns {{ model?: string, tool_choice?: { id: string } }} */
  take() {
    const model = this.#models.value || undefined;
    const tool = this.#tool;
    this.#pick(undefined);
    return { ...(model ? { model } : {}), ...(tool ? { tool_choice: { id: tool } } : {}) };
  }

  /** @param {string | undefined} id */
  #pick(id) {
    this.#tool = id;
    for (const button of this.#tools.children) {
      if (button instanceof HTMLElement) button.ariaPressed = String(button.dataset.tool === id);
    }
  }
}
