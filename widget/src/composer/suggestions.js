/** A list over the composer that a person picks from without leaving the text: tags after `@`, commands after `/`. */

import { element } from "../dom.js";
import { namedIcon } from "../icons.js";

/** @typedef {{ label: string, description?: string, icon?: string, group?: string, pick: () => void }} Suggestion */

export class Suggestions {
  /** @type {Suggestion[]} */
  #shown = [];
  #active = 0;
  element = element("div", { id: "suggestions", class: "suggestions", role: "listbox", hidden: true });

  /** @param {import("../ui.js").Ui} ui @param {HTMLTextAreaElement} field */
  constructor(ui, field) {
    this.ui = ui;
    this.field = field;
    this.element.ariaLabel = ui.text("suggestions");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", "suggestions");
    // The text keeps the focus.
    this.element.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  get isOpen() {
    return !this.element.hidden;
  }

  /** @param {Suggestion[]} suggestions */
  show(suggestions) {
    const groups = Map.groupBy(suggestions, ({ group }) => group ?? "");
    this.#shown = [...groups.values()].flat();
    this.#active = 0;
    const options = this.#shown.map(({ label, description, icon, pick }, index) =>
      element(
        "div",
        { id: `suggestion-${index}`, class: "suggestion", role: "option", click: pick },
        icon ? namedIcon(icon) : null,
        element("span", {}, label),
        description ? element("small", {}, description) : null,
      ),
    );
    this.element.replaceChildren(
      ...[...groups].map(([name, members]) =>
        element(
          "div",
          { role: "group", "aria-label": name || this.ui.text("suggestions") },
          name ? element("div", { class: "suggestion-group", "aria-hidden": "true" }, name) : null,
          ...options.splice(0, members.length),
        ),
      ),
    );
    if (suggestions.length === 0) {
      const nothing = this.ui.text("nothingFound");
      this.element.append(element("div", { class: "suggestion", role: "option", "aria-disabled": "true" }, nothing));
    }
    this.element.hidden = false;
    this.#mark();
  }

  close() {
    this.element.hidden = true;
    this.#shown = [];
    this.field.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was for the list */
  take(event) {
    if (!this.isOpen || event.isComposing) return false;
    const count = this.#shown.length;
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp":
        this.#active = (this.#active + (event.key === "ArrowDown" ? 1 : count - 1)) % Math.max(1, count);
        this.#mark();
        break;
      case "Enter":
      case "Tab":
        if (count === 0) return false;
        this.#shown[this.#active].pick();
        break;
      case "Escape":
        this.close();
        break;
      default:
        return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #mark() {
    this.element.querySelectorAll("[id]").forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === this.#active));
      if (index !== this.#active) return;
      this.field.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    });
  }
}
