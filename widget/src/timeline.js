/** The items of one thread in their order, and the cards between them. Knows no network. */

import { element } from "./dom.js";
import { renderItem } from "./items/index.js";
import { noticeCard } from "./notices.js";

/** @typedef {import("./types.js").ThreadItem} ThreadItem */
/** @typedef {import("./types.js").StreamEvent} StreamEvent */
/** @typedef {import("./items/index.js").ItemView} ItemView */
/** @typedef {{ item: ThreadItem, view: ItemView | null }} Entry */

/** What a turn does not end with. */
const UNFINISHED = ["user_message", "workflow", "task", "client_tool_call"];

export class Timeline {
  #items = element("div", { class: "items" });
  /** One line that says what is going on; its place is kept, so nothing moves when it goes. */
  #progress = element("div", { class: "progress", "aria-hidden": "true", hidden: true });
  element = element("div", { class: "timeline" }, this.#items, this.#progress);
  /** @type {Map<string, Entry>} By id, in order. */
  #entries = new Map();
  /** @type {ItemView | null} The user's message that the server has not confirmed yet. */
  #pending = null;

  /** @param {import("./items/index.js").ItemActions} actions */
  constructor(actions) {
    this.actions = actions;
  }

  get isEmpty() {
    return this.#entries.size === 0;
  }

  /** @returns {ThreadItem | undefined} */
  get first() {
    return this.#entries.values().next().value?.item;
  }

  /** @returns {ThreadItem | undefined} */
  get newest() {
    return [...this.#entries.values()].at(-1)?.item;
  }

  /** Whether the newest item is one that a turn ends with. */
  get isAnswered() {
    return this.newest !== undefined && !UNFINISHED.includes(this.newest.type);
  }

  /** The call that the page has to answer now. @returns {import("./types.js").ClientToolCall | null} */
  get pendingCall() {
    const { newest } = this;
    return newest?.type === "client_tool_call" && newest.status === "pending" ? newest : null;
  }

  /** The questions that the user has to answer now. @returns {import("./types.js").StructuredInputItem | null} */
  get pendingQuestion() {
    const items = [...this.#entries.values()].map(({ item }) => item);
    const newest = items.findLast(({ type }) => type === "user_message" || type === "structured_input");
    return newest?.type === "structured_input" && newest.status === "pending" ? newest : null;
  }

  /** @returns {ThreadItem | undefined} */
  get lastUserMessage() {
    return [...this.#entries.values()].map(({ item }) => item).findLast((item) => item.type === "user_message");
  }

  /** @param {ThreadItem[]} items in ascending order */
  show(items) {
    this.#entries.clear();
    this.#pending = null;
    this.#items.replaceChildren();
    for (const item of items) this.#put(item);
  }

  /** @param {ThreadItem[]} items older than all that are here, in ascending order */
  prepend(items) {
    const newer = [...this.#entries];
    const before = this.#items.firstChild;
    this.#entries.clear();
    for (const item of items) this.#put(item, before);
    for (const [id, entry] of newer) this.#entries.set(id, entry);
  }

  /**
   * Shows what the user sends before the server has it.
   *
   * @param {import("./types.js").UserContent[]} content
   * @param {import("./types.js").Attachment[]} attachments
   * @param {string} [quoted]
   */
  addPending(content, attachments, quoted) {
    const header = { id: "", thread_id: "", created_at: "" };
    this.#pending = renderItem(
      { ...header, type: "user_message", content, attachments, quoted_text: quoted },
      this.actions,
    );
    if (this.#pending) this.#items.append(this.#pending.element);
  }

  /** Whether the server has not taken the message that was sent. */
  get hasPending() {
    return this.#pending !== null;
  }

  dropPending() {
    this.#pending?.element.remove();
    this.#pending = null;
  }

  /** @param {StreamEvent} event */
  apply(event) {
    switch (event.type) {
      case "thread.item.added":
        this.#begin(event.item);
        break;
      case "thread.item.updated":
        this.#entries.get(event.item_id)?.view?.update?.(event.update);
        if (event.update.type === "assistant_message.content_part.text_delta") this.progress(null);
        break;
      case "thread.item.done":
      case "thread.item.replaced":
        this.#put(event.item);
        this.#speak(event.item.id);
        break;
      case "thread.item.removed":
        this.#remove(event.item_id);
        break;
      case "progress_update":
        this.progress(event.text);
        break;
      case "notice":
        this.addCard(noticeCard(this.actions.ui, event));
        break;
      case "client_effect":
        this.actions.ui.emit("effect", { name: event.name, data: event.data ?? {} });
        break;
      case "thread.created":
      case "thread.updated":
      case "stream_options":
      case "error":
        // The conversation's business.
        break;
    }
  }

  /** @param {string | null} text an empty one shows that something is going on, `null` that nothing is */
  progress(text) {
    this.#progress.hidden = text === null;
    this.#progress.textContent = text;
    if (text) this.actions.ui.announce(text);
  }

  /** @param {HTMLElement} made */
  addCard(made) {
    made.classList.add("between");
    this.#items.append(made);
  }

  /** Failures and notices belong to the turn in which they came. */
  clearCards() {
    for (const made of this.#items.querySelectorAll(".between")) made.remove();
  }

  /** @param {string} itemId */
  removeAfter(itemId) {
    const ids = [...this.#entries.keys()];
    for (const id of ids.slice(ids.indexOf(itemId) + 1)) this.#remove(id);
  }

  /** Nothing more will come. */
  settle() {
    for (const { view } of this.#entries.values()) if (view?.element.hasAttribute("data-growing")) view.settle?.();
    this.progress(null);
  }

  /** @param {ThreadItem} item */
  #begin(item) {
    // An answer that is followed from its beginning begins in the place of what was loaded of it.
    const loaded = this.#entries.get(item.id)?.view?.element;
    const view = renderItem(item, this.actions);
    if (loaded && view) loaded.replaceWith(view.element);
    else if (view) this.#items.append(view.element);
    this.#entries.set(item.id, { item, view });
    if (item.type !== "assistant_message") this.progress(null);
  }

  /**
   * Adds or replaces a finished item.
   *
   * @param {ThreadItem} item
   * @param {Node | null} [before]
   */
  #put(item, before = null) {
    const known = this.#entries.get(item.id)?.view ?? (item.type === "user_message" ? this.#pending : null);
    const view = known ?? renderItem(item, this.actions);
    if (item.type === "user_message") this.#pending = null;
    if (view && !known) this.#items.insertBefore(view.element, before);
    view?.set(item);
    this.#entries.set(item.id, { item, view });
  }

  /** @param {string} itemId */
  #speak(itemId) {
    const text = this.#entries.get(itemId)?.view?.spoken?.();
    if (text) this.actions.ui.announce(this.actions.ui.text("assistantSays", text));
  }

  /** @param {string} itemId */
  #remove(itemId) {
    this.#entries.get(itemId)?.view?.element.remove();
    this.#entries.delete(itemId);
  }
}
