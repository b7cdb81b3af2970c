/** The panel with the current user. A developer can switch to another user, to see that users are kept apart. */

import { byId } from "./dom.js";

/** @typedef {import("./session.js").Identity} Identity */

export class IdentityPanel {
  #button = byId("identity", HTMLButtonElement);
  #dialog = byId("identity-dialog", HTMLDialogElement);
  #form = byId("identity-form", HTMLFormElement);
  #name = byId("identity-name", HTMLInputElement);

  /**
   * @param {import("./session.js").Session} session
   * @param {() => void} onSwitched
   */
  constructor(session, onSwitched) {
    this.session = session;
    this.#button.addEventListener("click", () => this.#open());
    this.#form.addEventListener("change", () => this.#fit());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const next = this.#chosen();
      this.#dialog.close();
      if (JSON.stringify(next) === JSON.stringify(session.identity)) return;
      session.use(next);
      this.#draw();
      onSwitched();
    });
    byId("identity-cancel", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    this.#draw();
  }

  #open() {
    const { identity } = this.session;
    for (const radio of this.#form.querySelectorAll("input[type=radio]")) {
      if (radio instanceof HTMLInputElement) radio.checked = radio.value === identity.kind;
    }
    if (identity.kind === "development") this.#name.value = identity.name;
    this.#fit();
    this.#dialog.showModal();
  }

  /** @returns {Identity} */
  #chosen() {
    const kind = new FormData(this.#form).get("kind");
    return kind === "development" ? { kind, name: this.#name.value.trim() } : { kind: "anonymous" };
  }

  /** The name is asked for only where it is used. */
  #fit() {
    this.#name.disabled = this.#chosen().kind !== "development";
  }

  #draw() {
    const { identity } = this.session;
    const name = identity.kind === "development" ? identity.name : "Anonymous visitor";
    byId("identity-avatar", HTMLElement).textContent = name[0].toUpperCase();
    byId("identity-label", HTMLElement).textContent = name;
    byId("identity-kind", HTMLElement).textContent =
      identity.kind === "development" ? "Development user" : "Session token";
  }
}
