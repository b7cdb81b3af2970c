/** What is seen before the first message: a greeting, and prompts to begin with. */

import { element } from "./dom.js";
import { namedIcon } from "./icons.js";

export class StartScreen {
  #greeting = element("h2", { id: "greeting" });
  #prompts = element("div", { class: "prompts" });
  element = element(
    "section",
    { class: "welcome", "aria-labelledby": "greeting", hidden: true },
    this.#greeting,
    this.#prompts,
  );

  /** @param {import("./ui.js").Ui} ui @param {(content: import("./types.js").UserContent[]) => void} onPick */
  constructor(ui, onPick) {
    this.ui = ui;
    this.onPick = onPick;
  }

  /** @param {import("./options.js").Options} options */
  set({ startScreen = {} }) {
    this.#greeting.textContent = startScreen.greeting ?? this.ui.text("greeting");
    this.#prompts.replaceChildren(
      ...(startScreen.prompts ?? []).map(({ label, prompt, icon }) => {
        const content =
          typeof prompt === "string" ? [{ type: /** @type {const} */ ("input_text"), text: prompt }] : prompt;
        const drawn = icon ? namedIcon(icon) : null;
        return element(
          "button",
          { type: "button", click: () => this.onPick(content) },
          drawn,
          element("span", {}, label),
        );
      }),
    );
  }
}
