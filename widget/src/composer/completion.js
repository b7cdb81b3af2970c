/** What is offered while a word is being written: the site's entities after `@`, commands after `/`. */

import { Suggestions } from "./suggestions.js";

/**
 * @typedef {import("../entities.js").Entity} Entity
 * @typedef {import("./suggestions.js").Suggestion} Suggestion
 * @typedef {{ id: string, label: string, description?: string, icon?: string, group?: string }} Command
 * @typedef {{ type: "entity", entity: Entity } | { type: "menu", commands: Command[] }} CommandSelection
 *
 * @typedef {object} CommandsOptions
 * @property {boolean} enabled
 * @property {(query: string) => Promise<Command[]>} [onSearch]
 * @property {(command: Command) => Promise<void | CommandSelection>} [onSelect]
 */

const TAG = /(?:^|\s)@([^\s@]*)$/;
const COMMAND = /^\/(\S*)$/;

export class Completion {
  /** Answers to older questions are dropped. */
  #asked = 0;

  /**
   * @param {import("../ui.js").Ui} ui
   * @param {HTMLTextAreaElement} field
   * @param {import("./tags.js").Tags} tags
   * @param {{ options: () => import("../options.js").Options, entities: import("../entities.js").Entities,
   *   actions: () => Suggestion[] }} parts
   */
  constructor(ui, field, tags, { options, actions }) {
    this.ui = ui;
    this.field = field;
    this.tags = tags;
    this.options = options;
    this.actions = actions;
    this.list = new Suggestions(ui, field);
    this.element = this.list.element;
    field.addEventListener("input", () => this.#ask());
    field.addEventListener("blur", () => this.close());
  }

  close() {
    this.#asked += 1;
    this.list.close();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was for the list */
  take(event) {
    return this.list.take(event);
  }

  /** Writes what opens the list. @param {string} mark */
  begin(mark) {
    const { value, selectionStart } = this.field;
    const before = value.slice(0, selectionStart);
    this.#write(`${before}${before === "" || /\s$/.test(before) ? "" : " "}${mark}`);
  }

  async #ask() {
    const before = this.field.value.slice(0, this.field.selectionStart);
    const { entities, commands } = this.options();
    const tag = entities?.onTagSearch && TAG.exec(before);
    const command = commands?.enabled ? COMMAND.exec(before) : null;
    if (!tag && !command) return this.close();
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const found = tag ? await this.#tagged(tag[1]) : await this.#commanded(command?.[1] ?? "");
      if (asked === this.#asked) this.list.show(found);
    } catch (error) {
      this.ui.report(error);
      this.close();
    }
  }

  /** @param {string} query @returns {Promise<Suggestion[]>} */
  async #tagged(query) {
    const found = (await this.options().entities?.onTagSearch?.(query)) ?? [];
    return found.map((entity) => ({
      label: entity.title,
      icon: entity.icon,
      group: entity.group,
      pick: () => this.#insert(entity, query.length + 1),
    }));
  }

  /** @param {string} query @returns {Promise<Suggestion[]>} */
  async #commanded(query) {
    const own = this.actions().filter(({ label }) => label.toLowerCase().includes(query.toLowerCase()));
    const clearing = own.map((action) => ({
      ...action,
      pick: () => {
        this.#remove(query.length + 1);
        action.pick();
      },
    }));
    const found = (await this.options().commands?.onSearch?.(query)) ?? [];
    return [...clearing, ...found.map((command) => this.#suggestion(command, query.length + 1))];
  }

  /** @param {Command} command @param {number} written how much of the text is the command @returns {Suggestion} */
  #suggestion(command, written) {
    const pick = async () => {
      this.close();
      try {
        const selection = await this.options().commands?.onSelect?.(command);
        if (selection?.type === "entity") this.#insert(selection.entity, written);
        else if (selection?.type === "menu")
          this.list.show(selection.commands.map((next) => this.#suggestion(next, written)));
        else this.#remove(written);
      } catch (error) {
        this.ui.report(error);
      }
    };
    return { ...command, pick };
  }

  /** @param {Entity} entity @param {number} written */
  #insert(entity, written) {
    const before = this.field.value.slice(0, this.field.selectionStart - written);
    this.#write(`${before}${this.tags.add(entity)} `);
    this.close();
  }

  /** @param {number} written */
  #remove(written) {
    this.#write(this.field.value.slice(0, Math.max(0, this.field.selectionStart - written)));
    this.close();
  }

  /** Replaces what stands before the cursor. @param {string} before */
  #write(before) {
    const after = this.field.value.slice(this.field.selectionStart);
    this.field.value = before + after;
    this.field.focus();
    this.field.setSelectionRange(before.length, before.length);
    this.field.dispatchEvent(new Event("input"));
  }
}
