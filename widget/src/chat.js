/** One chat: puts the parts together, and knows which thread is shown. */

import { ApiError, ChatKitApi } from "./api.js";
import { Composer } from "./composer/composer.js";
import { Conversation } from "./conversation.js";
import { element } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Entities } from "./entities.js";
import { Header } from "./header.js";
import { ThreadList } from "./history.js";
import { renderMarkdown } from "./markdown/render.js";
import { failureCard } from "./notices.js";
import { StartScreen } from "./start-screen.js";
import { applyTheme } from "./theme.js";
import { directionOf } from "./words/index.js";

/**
 * @typedef {import("./options.js").Options} Options
 * @typedef {import("./types.js").Thread} Thread
 *
 * @typedef {object} Parts what the parts of a chat share
 * @property {import("./ui.js").Ui} ui
 * @property {ChatKitApi} api
 * @property {Entities} entities
 * @property {() => Options} options as they are at the moment
 */

export class Chat {
  /** Conversations whose answer is still coming: they go on while another one is shown. @type {Set<Conversation>} */
  #running = new Set();
  /** The thread that is to be shown, also while it is being loaded. @type {string | null} */
  #threadId = null;
  #stage = element("div", { id: "stage", class: "stage" });
  #disclaimer = element("div", { class: "disclaimer", hidden: true });

  /** @param {import("./ui.js").Ui} ui @param {Options} options */
  constructor(ui, options) {
    this.ui = ui;
    this.options = options;
    const current = () => this.options;
    this.api = new ChatKitApi(() => this.options.api, ui);
    /** @type {Parts} */
    this.parts = { ui, api: this.api, entities: new Entities(ui, () => this.options.entities ?? {}), options: current };
    this.header = new Header(ui, { onHistory: () => this.drawer.toggle(), onNew: () => this.newChat() });
    this.threads = new ThreadList(this.parts, {
      onOpen: (threadId) => this.show(threadId),
      onRenamed: (thread) => this.#renamed(thread),
      onDeleted: (threadId) => this.#deleted(threadId),
    });
    this.composer = new Composer(this.parts, {
      onSend: (message) => this.send(message),
      onStop: () => this.conversation.stop(),
      onAnswers: (item, answers) => this.conversation.answerQuestions(item, answers),
    });
    this.startScreen = new StartScreen(ui, (content) => {
      this.send({ content, attachments: [], options: this.composer.pickers.take() });
    });
    const main = element(
      "div",
      { class: "main" },
      this.header.element,
      this.#stage,
      element("div", { class: "bottom" }, ...this.composer.elements, this.#disclaimer),
    );
    this.drawer = new Drawer(ui, this.threads.element, main, this.header.menu, () => this.newChat());
    ui.root.append(this.drawer.element, this.drawer.scrim, main, this.composer.drop, ...ui.elements);
    ui.root.addEventListener("keydown", (event) => this.composer.escape(event));
    ui.root.addEventListener("click", (event) => this.#followLink(event));
    this.conversation = this.#conversation();
    this.#stage.append(this.startScreen.element, this.conversation.element);
    this.set(options);
  }

  /** Asks the server for the first time. */
  begin() {
    const { history, initialThread } = this.options;
    this.ui.emit("ready");
    if (history?.enabled !== false) this.threads.reload();
    // Unless the page has been faster.
    if (initialThread && this.#threadId === null && this.conversation.isEmpty) this.show(initialThread);
  }

  /** @param {Options} options all of them */
  set(options) {
    this.options = options;
    const { locale, theme, frameTitle, threadItemActions = {}, disclaimer } = options;
    const { root } = this.ui;
    root.lang = this.ui.language;
    root.dir = directionOf(locale) ?? "";
    root.ariaLabel = frameTitle ?? this.ui.text("chat");
    root.role = "region";
    root.toggleAttribute("data-feedback", threadItemActions.feedback === true);
    root.toggleAttribute("data-retry", threadItemActions.retry === true);
    applyTheme(root, theme);
    this.startScreen.set(options);
    this.composer.configure();
    this.#disclaimer.hidden = !disclaimer;
    this.#disclaimer.toggleAttribute("data-high-contrast", disclaimer?.highContrast === true);
    this.#disclaimer.replaceChildren(...(disclaimer ? [renderMarkdown(this.ui, disclaimer.text)] : []));
    this.#draw();
  }

  /** @param {import("./composer/composer.js").Message} message */
  async send(message) {
    const sent = this.conversation.send(message);
    this.#draw();
    await sent;
  }

  newChat() {
    this.#enter(null, this.#conversation());
    this.composer.focus();
  }

  /** @param {string} threadId */
  async show(threadId) {
    if (threadId === this.conversation.thread?.id) return this.drawer.leave();
    const known = [...this.#running].find(({ thread }) => thread?.id === threadId);
    if (known) return this.#enter(threadId, known);
    const next = this.#conversation();
    this.#enter(threadId, next);
    // Now and not after the load: whoever does something else meanwhile keeps the focus.
    if (this.drawer.element.contains(this.drawer.focused)) this.composer.focus();
    try {
      await next.load(threadId);
    } catch (error) {
      this.ui.report(error);
      if (!(error instanceof ApiError)) throw error;
      if (next === this.conversation) next.element.replaceChildren(this.#loadFailure(error, threadId));
    }
  }

  refresh() {
    return this.conversation.refresh();
  }

  /** The chat will not be shown again. */
  leave() {
    for (const conversation of this.#running) conversation.leave();
    this.conversation.leave();
  }

  #conversation() {
    const made = new Conversation(this.parts, {
      onThread: (thread) => {
        if (made === this.conversation) this.#named(thread.id);
        this.threads.show(thread);
        this.threads.markRunning(thread.id, made.isRunning);
        this.#draw();
      },
      onChange: () => {
        if (made.isRunning) this.#running.add(made);
        else this.#running.delete(made);
        if (made.thread) this.threads.markRunning(made.thread.id, made.isRunning);
        this.#draw();
      },
    });
    return made;
  }

  /**
   * Shows a conversation in place of the one that is shown.
   *
   * @param {string | null} threadId
   * @param {Conversation} next
   */
  #enter(threadId, next) {
    if (!this.conversation.isRunning) this.conversation.leave();
    this.conversation.element.remove();
    this.conversation = next;
    this.#stage.append(next.element);
    next.shown();
    this.#named(threadId);
    this.drawer.leave();
    this.#draw();
  }

  /** @param {string | null} threadId */
  #named(threadId) {
    if (threadId === this.#threadId) return;
    this.#threadId = threadId;
    this.ui.emit("thread.change", { threadId });
  }

  /** @param {ApiError} error @param {string} threadId */
  #loadFailure(error, threadId) {
    const { text } = this.ui;
    if (error.status !== 404) {
      return failureCard(this.ui, error, { label: text("tryAgain"), run: () => this.#again(threadId) });
    }
    return failureCard(this.ui, new Error(text("noSuchChat")), { label: text("newChat"), run: () => this.newChat() });
  }

  /** @param {string} threadId */
  #again(threadId) {
    this.#enter(threadId, this.#conversation());
    this.show(threadId);
  }

  /** @param {Thread} thread */
  #renamed(thread) {
    const { conversation } = this;
    if (thread.id !== conversation.thread?.id) return;
    conversation.thread = { ...conversation.thread, title: thread.title };
    this.#draw();
  }

  /** @param {string} threadId */
  #deleted(threadId) {
    for (const conversation of this.#running) if (conversation.thread?.id === threadId) conversation.leave();
    if (threadId === this.#threadId) this.newChat();
  }

  /** What `chatkit-link://name?key=value` means is the page's business. @param {MouseEvent} event */
  #followLink(event) {
    const link = event.target instanceof Element && event.target.closest("a[href^='chatkit-link:']");
    if (!link) return;
    event.preventDefault();
    const { host, pathname, searchParams } = new URL(link.getAttribute("href") ?? "");
    const name = host + pathname.replace(/^\/+/, host ? "/" : "").replace(/\/$/, "");
    this.ui.emit("deeplink", { name, data: Object.fromEntries(searchParams) });
  }

  /** Updates everything around the conversation. */
  #draw() {
    const { conversation } = this;
    // It may be called while the chat is being put together.
    if (!conversation) return;
    const { thread } = conversation;
    const isWelcome = conversation.isEmpty && this.#threadId === null;
    this.startScreen.element.hidden = !isWelcome;
    conversation.element.hidden = isWelcome;
    this.header.set(this.options, thread ? thread.title || this.ui.text("newChat") : "");
    this.drawer.offer(this.options.history?.enabled !== false);
    this.composer.set({
      isRunning: conversation.isRunning,
      canStop: conversation.canStop,
      status: thread?.status ?? { type: "active" },
      question: conversation.question,
    });
    this.threads.markCurrent(thread?.id ?? this.#threadId);
  }
}
