/** Questions of the assistant, one after the other, in place of the composer. */

import { element } from "./dom.js";

/** @typedef {import("./types.js").StructuredInputItem} StructuredInputItem */
/** @typedef {import("./types.js").Question} Question */
/** @typedef {import("./types.js").QuestionAnswer} QuestionAnswer */
/** @typedef {import("./types.js").Answers} Answers */

export class QuestionPanel {
  #index = 0;
  /** @type {Record<string, QuestionAnswer>} By question. */
  #answers = {};
  element = element("form", {
    class: "questions",
    submit: (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#next();
    },
  });

  /**
   * @param {import("./ui.js").Ui} ui
   * @param {StructuredInputItem} item
   * @param {(answers: Answers) => void} onDone
   */
  constructor(ui, item, onDone) {
    this.ui = ui;
    this.item = item;
    this.onDone = onDone;
    this.element.ariaLabel = ui.text("questions");
    this.#draw();
  }

  focus() {
    /** @type {HTMLElement | null} */ (this.element.querySelector("input:checked, input, textarea"))?.focus();
  }

  get #question() {
    return this.item.inputs[this.#index];
  }

  #draw() {
    const { ui } = this;
    const { inputs } = this.item;
    const question = this.#question;
    const isLast = this.#index === inputs.length - 1;
    const button = (/** @type {string} */ label, /** @type {() => void} */ click, kind = "") =>
      element("button", { type: "button", class: `button ${kind}`, click }, label);
    this.element.replaceChildren(
      element(
        "fieldset",
        {},
        element(
          "legend",
          {},
          inputs.length > 1 ? element("small", {}, ui.text("questionOf", this.#index + 1, inputs.length)) : null,
          element("span", {}, question.question),
        ),
        ...this.#fields(question),
      ),
      element(
        "div",
        { class: "questions-buttons" },
        button(ui.text("skipAll"), () => this.onDone({ status: "skipped", answers: {} }), "quiet"),
        this.#index > 0 && button(ui.text("back"), () => this.#go(-1)),
        button(ui.text("skip"), () => {
          this.#answers[question.id] = { values: [], skipped: true };
          this.#forward();
        }),
        element("button", { type: "submit", class: "button primary" }, ui.text(isLast ? "submit" : "next")),
      ),
    );
    ui.announce(question.question);
  }

  /** @param {Question} question @returns {HTMLElement[]} */
  #fields(question) {
    const values = this.#answers[question.id]?.values ?? [];
    if (question.type === "freeform") {
      return [
        element(
          "textarea",
          {
            name: "answer",
            rows: 2,
            "aria-label": question.question,
            placeholder: question.description ?? this.ui.text("yourAnswer"),
          },
          values[0] ?? "",
        ),
      ];
    }
    const type = question.multiple ? "checkbox" : "radio";
    return question.options.map(({ value }) =>
      element(
        "label",
        { class: "option" },
        element("input", { type, name: "answer", value, checked: values.includes(value) }),
        element("span", {}, value),
      ),
    );
  }

  /** Keeps what was picked or written; nothing at all counts as skipped. */
  #next() {
    const values = new FormData(this.element)
      .getAll("answer")
      .map(String)
      .filter((value) => value.trim() !== "");
    this.#answers[this.#question.id] = { values, skipped: values.length === 0 };
    this.#forward();
  }

  #forward() {
    if (this.#index + 1 < this.item.inputs.length) return this.#go(1);
    this.onDone({ status: "answered", answers: this.#answers });
  }

  /** @param {1 | -1} step */
  #go(step) {
    this.#index += step;
    this.#draw();
    this.focus();
  }
}
