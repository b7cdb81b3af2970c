/** The list of the user's threads, newest first, a page at a time. */

import { element } from "./dom.js";
import { failureCard } from "./notices.js";
import { ThreadRow } from "./thread-row.js";

/** @typedef {import("./types.js").Thread} Thread */
/** @typedef {import("./types.js").Page<Thread>} ThreadPage */

const PAGE = 30;
const DAY = 86_400_000;

/**
 * @typedef {object} ThreadListListener
 * @property {(threadId: string) => void} onOpen
 * @property {(thread: Thread) => void} onRenamed
 * @property {(threadId: string) => void} onDeleted
 */

export class ThreadList {
  /** @type {Map<string, ThreadRow>} In the order shown. */
  #rows = new Map();
  #groups = element("div");
  #more = element("button", { type: "button", class: "button", hidden: true, click: () => this.#load() });
  #notes = element("div");
  element = element("nav", { id: "threads", class: "threads" }, this.#groups, this.#notes, this.#more);
  /** @type {string | undefined} Where the next page begins. */
  #after;
  /** Pages of a list that has been reloaded since are ignored. */
  #generation = 0;
  /** @type {string | null} */
  #current = null;

  /**
   * @param {import("./chat.js").Parts} parts
   * @param {ThreadListListener} listener
   */
  constructor({ ui, api, options }, listener) {
    this.ui = ui;
    this.api = api;
    this.options = options;
    this.#more.textContent = ui.text("showMore");
    this.element.ariaLabel = ui.text("chatsSoFar");
    this.listener = listener;
  }

  /** Reloads the list. */
  async reload() {
    this.#generation += 1;
    this.#rows.clear();
    this.#after = undefined;
    this.#draw();
    await this.#load();
  }

  /** Adds a new thread or shows a changed one. @param {Thread} thread */
  show(thread) {
    const row = this.#rows.get(thread.id);
    if (row) return row.set(thread);
    this.#rows.set(thread.id, this.#row(thread));
    this.#rows = new Map([...this.#rows].sort(([, a], [, b]) => b.created - a.created));
    this.#draw();
  }

  /** @param {string | null} threadId */
  markCurrent(threadId) {
    this.#current = threadId;
    for (const [id, row] of this.#rows) row.markCurrent(id === threadId);
  }

  /** @param {string} threadId @param {boolean} isRunning */
  markRunning(threadId, isRunning) {
    this.#rows.get(threadId)?.markRunning(isRunning);
  }

  async #load() {
    const generation = this.#generation;
    this.#more.disabled = true;
    this.#notes.replaceChildren();
    try {
      /** @type {ThreadPage} */
      const page = await this.api.call("threads.list", { limit: PAGE, order: "desc", after: this.#after });
      if (generation !== this.#generation) return;
      for (const thread of page.data) if (!this.#rows.has(thread.id)) this.#rows.set(thread.id, this.#row(thread));
      this.#after = page.after;
      this.#more.hidden = !page.has_more;
      this.#draw();
      if (this.#rows.size === 0) this.#notes.append(element("p", { class: "hint" }, this.ui.text("noChats")));
    } catch (error) {
      if (generation === this.#generation)
        this.#notes.append(failureCard(this.ui, error, { label: this.ui.text("tryAgain"), run: () => this.#load() }));
    } finally {
      this.#more.disabled = false;
    }
  }

  /** @param {Thread} thread */
  #row(thread) {
    const { showDelete = true, showRename = true } = this.options().history ?? {};
    const rename = async (/** @type {string} */ title) => {
      const renamed = await this.api.call("threads.update", { thread_id: thread.id, title });
      this.show(renamed);
      this.listener.onRenamed(renamed);
    };
    const remove = async () => {
      await this.api.call("threads.delete", { thread_id: thread.id });
      this.#rows.delete(thread.id);
      this.#draw();
      this.listener.onDeleted(thread.id);
    };
    const open = () => this.listener.onOpen(thread.id);
    const actions = { open, rename: showRename ? rename : null, remove: showDelete ? remove : null };
    const row = new ThreadRow(this.ui, thread, actions);
    row.markCurrent(thread.id === this.#current);
    return row;
  }

  #draw() {
    if (this.#rows.size > 0) this.#notes.replaceChildren();
    const groups = Map.groupBy(this.#rows.values(), (row) => age(row.created));
    this.#groups.replaceChildren(
      ...[...groups].map(([name, rows], index) =>
        element(
          "section",
          { "aria-labelledby": `threads-${index}` },
          element("h2", { id: `threads-${index}` }, this.ui.text(name)),
          element("ul", {}, ...rows.map((row) => row.element)),
        ),
      ),
    );
  }
}

/** @param {number} created milliseconds since 1970 @returns {import("./words/index.js").Key} */
function age(created) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  if (created >= midnight) return "today";
  if (created >= midnight - DAY) return "yesterday";
  return created >= midnight - 7 * DAY ? "lastWeek" : "older";
}
