/** `<openai-chatkit>` as the page sees it: options, methods and events as the types of `@openai/chatkit` have them. */

import { Chat } from "./chat.js";
import { styleSheet } from "./styles.js";
import { Ui } from "./ui.js";

/** @typedef {import("./options.js").Options} Options */
/** @typedef {import("./types.js").UserContent} UserContent */

/** The page has so long to listen before the first events: React does so when the element has been painted. */
const LISTENING_MS = 50;

export class ChatKitElement extends HTMLElement {
  #root = this.attachShadow({ mode: "open" });
  /** @type {Options | null} */
  #options = null;
  /** @type {Chat | null} */
  #chat = null;
  /** Those who wait for the chat: methods may be called before the options are set. */
  #ready = Promise.withResolvers();

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [styleSheet()];
  }

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#onVisible);
    this.#open();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#onVisible);
    // A move within the page disconnects, too.
    queueMicrotask(() => this.isConnected || this.#close());
  }

  /** @param {Options} options all of them: they are not merged with those before */
  setOptions(options) {
    if (!options?.api) throw new TypeError("ChatKit needs the option `api`");
    const before = this.#options;
    this.#options = options;
    // Who speaks, and with whom, cannot change within one chat.
    const isOther = before && (before.api.url !== options.api.url || before.locale !== options.locale);
    if (isOther) this.#close();
    if (this.#chat) this.#chat.set(options);
    else this.#open();
  }

  async focusComposer() {
    (await this.#opened()).composer.focus();
  }

  /** @param {string | null} threadId `null` is a new one */
  async setThreadId(threadId) {
    const chat = await this.#opened();
    if (threadId === null) chat.newChat();
    else await chat.show(threadId);
  }

  /** @param {{ type: string, payload?: Record<string, unknown> }} action @param {string} [itemId] */
  async sendCustomAction(action, itemId) {
    await (await this.#opened()).conversation.sendAction(action, itemId);
  }

  /**
   * @param {{ text?: string, content?: UserContent[], reply?: string, attachments?: import("./types.js").Attachment[],
   *   newThread?: boolean, toolChoice?: { id: string }, model?: string }} message
   */
  async sendUserMessage({ text = "", content, reply, attachments = [], newThread, toolChoice, model }) {
    const chat = await this.#opened();
    if (newThread) chat.newChat();
    const written = text === "" ? [] : [{ type: /** @type {const} */ ("input_text"), text }];
    const options = { ...(model ? { model } : {}), ...(toolChoice ? { tool_choice: toolChoice } : {}) };
    await chat.send({ content: content ?? written, attachments, reply, options });
  }

  /** @param {import("./composer/composer.js").ComposerValue} value */
  async setComposerValue(value) {
    (await this.#opened()).composer.fill(value);
  }

  async showHistory() {
    (await this.#opened()).drawer.open();
  }

  async hideHistory() {
    (await this.#opened()).drawer.close();
  }

  async fetchUpdates() {
    const chat = await this.#opened();
    await Promise.all([chat.threads.reload(), chat.conversation.refresh({ isForced: true })]);
  }

  #onVisible = () => {
    if (!document.hidden) this.#chat?.refresh();
  };

  /** @returns {Promise<Chat>} */
  #opened() {
    return this.#ready.promise;
  }

  #open() {
    if (this.#chat || !this.#options || !this.isConnected) return;
    const ui = new Ui(this.#options.locale, (name, detail) =>
      this.dispatchEvent(new CustomEvent(`chatkit.${name}`, { detail })),
    );
    this.#chat = new Chat(ui, this.#options);
    this.#root.append(ui.root);
    this.#ready.resolve(this.#chat);
    const chat = this.#chat;
    setTimeout(() => chat.begin(), LISTENING_MS);
  }

  #close() {
    this.#chat?.leave();
    this.#chat?.ui.root.remove();
    if (this.#chat) this.#ready = Promise.withResolvers();
    this.#chat = null;
  }
}
