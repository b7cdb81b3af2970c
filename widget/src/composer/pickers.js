/** The models and tools that the composer offers. */

import { element } from "../dom.js";
import { icon, namedIcon } from "../icons.js";

/**
 * @typedef {{ id: string, label: string, icon?: string, shortLabel?: string, placeholderOverride?: string,
 *   pinned?: boolean, persistent?: boolean }} Tool
 * @typedef {{ id: string, label: string, description?: string, disabled?: boolean, default?: boolean }} Model
 */

export class Pickers {
  /** @type {Tool[]} */
  #offered = [];
  /** @type {string | null} */
  #picked = null;
  #isModelChosen = false;
  tools = element("div", { id: "tools", class: "tool-picker", role: "group", hidden: true });
  models = element("select", { id: "models", class: "model-picker", hidden: true, change: () => this.#chose() });

  /** @param {import("../ui.js").Ui} ui @param {() => void} onChange */
  constructor(ui, onChange) {
    this.ui = ui;
    this.onChange = onChange;
    this.tools.ariaLabel = ui.text("tools");
    this.models.ariaLabel = ui.text("model");
  }

  /** @param {{ models?: Model[], tools?: Tool[] }} choices */
  configure({ models = [], tools = [] }) {
    this.models.hidden = models.length === 0;
    const last = this.#isModelChosen ? this.models.value : models.find((model) => model.default)?.id;
    this.models.replaceChildren(
      ...models.map(({ id, label, description, disabled }) =>
        element(
          "option",
          { value: id, disabled, selected: id === last, title: description, "aria-label": label },
          label,
          description ? element("small", {}, ` · ${description}`) : null,
        ),
      ),
    );
    this.#offered = tools;
    if (!this.#tool) this.#picked = null;
    this.#draw();
  }

  get #tool() {
    return this.#offered.find(({ id }) => id === this.#picked);
  }

  /** Tools that are picked from a menu. */
  get unpinned() {
    return this.#offered.filter(({ pinned }) => !pinned);
  }

  /** What the field says while the picked tool is picked. */
  get placeholder() {
    return this.#tool?.placeholderOverride;
  }

  /** What was picked. @returns {{ model?: string, tool_choice?: { id: string } }} */
  take() {
    const model = this.models.value || undefined;
    const tool = this.#tool;
    // A tool is for one message, unless it is said to stay.
    if (!tool?.persistent) this.pick(null);
    return { ...(model ? { model } : {}), ...(tool ? { tool_choice: { id: tool.id } } : {}) };
  }

  /** @param {string | null} id */
  pick(id) {
    const next = this.#offered.some((tool) => tool.id === id) ? id : null;
    if (next === this.#picked) return;
    this.#picked = next;
    this.#draw();
    this.ui.emit("tool.change", { toolId: next });
    this.onChange();
  }

  /** @param {string} id */
  pickModel(id) {
    this.models.value = id;
    this.#chose();
  }

  #chose() {
    this.#isModelChosen = true;
  }

  #draw() {
    const shown = this.#offered.filter((tool) => tool.pinned || tool.id === this.#picked);
    this.tools.hidden = shown.length === 0;
    this.tools.replaceChildren(
      ...shown.map((tool) => {
        const isPicked = tool.id === this.#picked;
        const name = isPicked ? (tool.shortLabel ?? tool.label) : tool.label;
        return element(
          "button",
          {
            type: "button",
            class: "tool-choice",
            title: tool.label,
            "aria-label": tool.label,
            "data-tool": tool.id,
            "aria-pressed": String(isPicked),
            click: () => this.pick(isPicked ? null : tool.id),
          },
          namedIcon(tool.icon),
          element("span", {}, name),
          isPicked && !tool.pinned ? icon("close") : null,
        );
      }),
    );
  }
}
