/** The developer's panel: what the page asked, what came back and when, and what the turn cost. */

import { byId, element } from "./dom.js";

/** So many lines are kept. */
const MAX_LINES = 300;

export class Panel {
  #log = byId("log", HTMLElement);
  /** When the newest request was sent. */
  #asked = 0;
  #hasWord = false;
  /** @type {Line | null} */
  #newest = null;
  /** Tokens in this window, before the turn. @type {number | undefined} */
  #used;

  /** @param {() => Promise<Response>} fetchUsage what the user has used */
  constructor(fetchUsage) {
    this.fetchUsage = fetchUsage;
    const panel = byId("panel", HTMLElement);
    const toggle = byId("panel-toggle", HTMLButtonElement);
    toggle.addEventListener("click", () => {
      toggle.ariaExpanded = String(panel.toggleAttribute("data-open"));
    });
    byId("clear-log", HTMLButtonElement).addEventListener("click", () => this.#log.replaceChildren());
  }

  /** Listens to a chat. @param {HTMLElement} chat */
  watch(chat) {
    chat.addEventListener("chatkit.log", (event) => {
      const { name, data } = /** @type {CustomEvent} */ (event).detail;
      if (name === "request") this.#request(data);
      else if (name === "event") this.#event(data);
    });
    chat.addEventListener("chatkit.error", (event) => {
      const { error } = /** @type {CustomEvent<{ error: Error }>} */ (event).detail;
      this.#line("error", error.message, { code: "code" in error ? error.code : error.name, message: error.message });
    });
    chat.addEventListener("chatkit.response.start", () => {
      this.#hasWord = false;
      this.#show("run", "running");
    });
    chat.addEventListener("chatkit.response.end", () => {
      this.#show("run", "ended");
      this.#show("turn-time", this.#since());
      this.#showUsage();
    });
  }

  /** @param {{ type: string, params: unknown }} data */
  #request({ type, params }) {
    this.#asked = performance.now();
    this.#line("request", type, params);
  }

  /** @param {{ type: string, event: any }} data */
  #event({ type, event }) {
    const update = event.update?.type;
    const isWord = update?.endsWith("text_delta");
    if (isWord && !this.#hasWord) this.#show("first-word", this.#since());
    this.#hasWord ||= isWord;
    this.#line("event", update ? `… ${update.split(".").pop()}` : type, event);
  }

  /** @param {string} kind @param {string} title @param {unknown} data */
  #line(kind, title, data) {
    const isAtEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
    const newest = this.#newest;
    // What repeats, such as the words of an answer, is one line that counts.
    if (newest?.title === title && kind === "event") newest.add(this.#since(), data);
    else
      this.#log.append((this.#newest = new Line(kind, title, kind === "request" ? "" : this.#since(), data)).element);
    while (this.#log.children.length > MAX_LINES) this.#log.firstElementChild?.remove();
    if (isAtEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** Since the newest request. */
  #since() {
    return `${Math.round(performance.now() - this.#asked)} ms`;
  }

  async #showUsage() {
    const response = await this.fetchUsage();
    if (!response.ok) return;
    const { tokens } = await response.json();
    if (!tokens) return;
    const spent = tokens.used - (this.#used ?? tokens.used);
    this.#used = tokens.used;
    this.#show("tokens", spent > 0 ? `${tokens.used} (+${spent})` : String(tokens.used));
  }

  /** @param {string} id @param {string} text */
  #show(id, text) {
    byId(id, HTMLElement).textContent = text;
  }
}

/** One line of the log: what it is about in short, and all of it when it is opened. */
class Line {
  /** @type {unknown[]} */
  #all = [];
  #time = element("time");
  #count = element("small");
  #json = element("pre");

  /** @param {string} kind @param {string} title @param {string} time @param {unknown} data */
  constructor(kind, title, time, data) {
    this.title = title;
    const details = element("details", element("summary", this.#time, element("span", title), this.#count), this.#json);
    details.addEventListener("toggle", () => this.#draw());
    this.details = details;
    this.element = element("li", details);
    this.element.dataset.kind = kind;
    this.add(time, data);
  }

  /** @param {string} time @param {unknown} data */
  add(time, data) {
    this.#all.push(data);
    this.#time.textContent = time;
    if (this.#all.length > 1) this.#count.textContent = `×${this.#all.length}`;
    this.#draw();
  }

  #draw() {
    if (this.details.open) this.#json.textContent = this.#all.map((data) => JSON.stringify(data, null, 2)).join("\n");
  }
}
