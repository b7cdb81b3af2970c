/** One thread: loads its items, sends messages, and turns the streamed answer into what is seen. */

import { ApiError } from "./api.js";
import { element } from "./dom.js";
import { Follow } from "./follow.js";
import { icon } from "./icons.js";
import { isAllowedHost } from "./images.js";
import { failureCard } from "./notices.js";
import { Timeline } from "./timeline.js";
import { runTool } from "./tools.js";

/** @typedef {import("./types.js").Thread} Thread */
/** @typedef {import("./types.js").ThreadItem} ThreadItem */
/** @typedef {import("./types.js").StreamEvent} StreamEvent */

/** Items per request for history. */
const PAGE = 20;
/**
 * @typedef {object} ConversationListener
 * @property {(thread: Thread) => void} onThread the thread was created, loaded or changed
 * @property {() => void} onChange whether an answer is running, or can be stopped, has changed
 */

export class Conversation {
  /** @type {Thread | null} `null` until the first message has made one. */
  thread = null;
  canStop = true;
  /** @type {AbortController | null} Of the answer that is being streamed. */
  #answer = null;
  /** Whether the first event of the answer has come. */
  #hasBegun = false;
  #isStopping = false;
  /** @type {string | null} The message that is answered again: what follows it goes when the new answer comes. */
  #retried = null;
  /** @type {AbortController | null} Of the thread that is being loaded. */
  #loading = null;
  /** @type {Timeline} */
  #timeline;
  /** @type {HTMLButtonElement} */
  #older;
  /** @type {Follow} */
  #follow;
  /** @type {HTMLElement} */
  element;

  /**
   * @param {import("./chat.js").Parts} parts
   * @param {ConversationListener} listener
   */
  constructor({ api, ui, entities, options }, listener) {
    this.api = api;
    this.ui = ui;
    this.options = options;
    this.listener = listener;
    this.#timeline = new Timeline({
      ui,
      entities,
      rate: (itemId, kind) => this.#rate(itemId, kind),
      retry: () => this.retry(),
      act: (item, action) => this.#act(item, action),
      mayShow: (host) => isAllowedHost(this.thread, host),
    });
    const older = { type: "button", class: "button older", hidden: true, click: () => this.#loadOlder() };
    this.#older = element("button", older, ui.text("showOlder"));
    const label = ui.text("toNewest");
    const jump = element(
      "button",
      { type: "button", class: "jump", hidden: true, "aria-label": label, title: label },
      icon("down"),
    );
    const content = element("div", { class: "column" }, this.#older, this.#timeline.element);
    const scroller = element(
      "div",
      { class: "scroller", tabindex: 0, role: "region", "aria-label": ui.text("conversation") },
      content,
    );
    this.element = element("section", { class: "conversation" }, scroller, jump);
    this.#follow = new Follow(scroller, content, jump, () => options().thread?.autoScroll === true);
  }

  /** Whether an answer is being streamed. */
  get isRunning() {
    return this.#answer !== null;
  }

  /** The question that replaces the composer. */
  get question() {
    return this.#timeline.pendingQuestion;
  }

  /** Whether there is nothing to see yet. */
  get isEmpty() {
    return this.thread === null && this.#timeline.isEmpty && !this.#timeline.hasPending;
  }

  /** Shows a stored thread, and the answer that is being made in it. @param {string} threadId @throws {ApiError} */
  async load(threadId) {
    const loading = (this.#loading = new AbortController());
    this.ui.emit("thread.load.start", { threadId });
    try {
      // First, so that what is loaded after it is complete if no answer is being made.
      const events = await this.api.follow(threadId, loading.signal);
      // The newest items are asked for by themselves: which ones `get_by_id` brings along is up to the server.
      const [thread, page] = await Promise.all([
        this.api.call("threads.get_by_id", { thread_id: threadId }),
        this.api.call("items.list", { thread_id: threadId, limit: PAGE, order: "desc" }),
      ]);
      this.thread = thread;
      this.#timeline.show(page.data.reverse());
      this.#older.hidden = !page.has_more;
      this.#follow.toEnd();
      this.listener.onThread(thread);
      this.ui.emit("thread.load.end", { threadId });
      if (events)
        this.#show(
          () => events,
          () => this.#recover(),
          loading,
        );
      else if (this.#timeline.pendingCall) this.#answerCall();
      else if (this.#timeline.lastUserMessage && !this.#timeline.isAnswered) this.#offerRetry();
    } catch (error) {
      if (!loading.signal.aborted) throw error;
    } finally {
      this.#loading = null;
    }
  }

  /** Shows what has happened in the thread meanwhile, in another tab for example. */
  async refresh({ isForced = false } = {}) {
    if (!this.thread || this.isRunning || this.#loading) return;
    if (isForced) return this.load(this.thread.id);
    try {
      const last = { thread_id: this.thread.id, limit: 1, order: "desc" };
      const {
        data: [newest],
      } = await this.api.call("items.list", last);
      if (newest && newest.id !== this.#timeline.newest?.id && !this.isRunning && !this.#loading)
        await this.load(newest.thread_id);
    } catch (error) {
      // Nobody asked for it; what is shown stays.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** @param {import("./composer/composer.js").Message} message */
  async send(message) {
    const { content, attachments, reply, options } = message;
    this.#timeline.clearCards();
    this.#timeline.addPending(content, attachments, reply);
    this.#follow.toEnd();
    const input = {
      content,
      attachments: attachments.map(({ id }) => id),
      ...(reply ? { quoted_text: reply } : {}),
      inference_options: options,
    };
    const sendAgain = () => {
      this.#timeline.dropPending();
      this.send(message);
    };
    if (this.thread) await this.#run("threads.add_user_message", { thread_id: this.thread.id, input }, sendAgain);
    else await this.#run("threads.create", { input }, sendAgain);
  }

  /**
   * Sends an action of the page.
   *
   * @param {import("./types.js").WidgetAction} action
   * @param {string} [itemId]
   */
  async sendAction({ type, payload = null }, itemId) {
    if (!this.thread || this.isRunning) throw new Error(this.ui.text(this.thread ? "pleaseWait" : "noSuchChat"));
    const item = itemId === undefined ? {} : { item_id: itemId };
    const params = { thread_id: this.thread.id, ...item, action: { type, payload } };
    await this.#run("threads.custom_action", params, () => this.sendAction({ type, payload }, itemId));
  }

  /** @param {import("./types.js").StructuredInputItem} item @param {import("./types.js").Answers} input */
  async answerQuestions(item, input) {
    if (!this.thread || this.isRunning) return;
    const params = { thread_id: this.thread.id, item_id: item.id, input };
    await this.#run("threads.add_structured_input", params, () => this.answerQuestions(item, input));
  }

  /**
   * Does what a widget's button says.
   *
   * @param {{ id: string, widget: import("./types.js").WidgetNode }} item
   * @param {import("./types.js").WidgetAction} action
   */
  async #act(item, { type, payload = null, handler = "server", streaming = true }) {
    if (handler === "client") {
      await this.options().widgets?.onAction?.({ type, payload: payload ?? undefined }, item);
      return;
    }
    if (!this.thread) return;
    if (streaming) {
      if (this.isRunning) return this.ui.toast(this.ui.text("pleaseWait"), "info");
      this.#timeline.clearCards();
      return this.sendAction({ type, payload }, item.id);
    }
    try {
      const params = { thread_id: this.thread.id, item_id: item.id, action: { type, payload } };
      const { updated_item: updated } = await this.api.call("threads.sync_custom_action", params);
      if (updated) this.#timeline.apply({ type: "thread.item.replaced", item: updated });
    } catch (error) {
      this.#timeline.addCard(failureCard(this.ui, error));
    }
  }

  /** Has the last message answered again. */
  async retry() {
    const message = this.#timeline.lastUserMessage;
    if (!message || !this.thread || this.isRunning) return;
    this.#timeline.clearCards();
    this.#retried = message.id;
    await this.#run("threads.retry_after_item", { thread_id: this.thread.id, item_id: message.id }, () => this.retry());
  }

  /** Stops the answer. The server stores what there is of it, and the stream ends with that. */
  async stop() {
    this.#isStopping = true;
    this.canStop = false;
    this.listener.onChange();
    // Until the answer has begun there is nothing to stop, or its thread is not known.
    if (!this.thread || !this.#hasBegun) return;
    try {
      if (!(await this.api.stop(this.thread.id))) this.#answer?.abort();
      this.ui.announce(this.ui.text("stopped"));
    } catch (error) {
      this.#timeline.addCard(failureCard(this.ui, error));
      this.canStop = true;
      this.listener.onChange();
    }
  }

  /** The conversation will not be shown again. */
  leave() {
    this.#answer?.abort();
    this.#loading?.abort();
  }

  /** The conversation is in view again. */
  shown() {
    this.#follow.toEnd();
  }

  /**
   * @param {string} type
   * @param {object} params
   * @param {() => void} again what the button on a refusal does
   */
  #run(type, params, again) {
    const onBusy = () => this.#timeline.progress(this.ui.text("stillBusy"));
    return this.#show((signal) => this.api.stream(type, params, signal, onBusy), again);
  }

  /**
   * Shows an answer while it is being made.
   *
   * @param {(signal: AbortSignal) => AsyncIterable<StreamEvent>} ask
   * @param {() => void} again
   * @param {AbortController} [answer]
   */
  async #show(ask, again, answer = new AbortController()) {
    let isLost = false;
    this.#answer = answer;
    this.#hasBegun = false;
    this.#isStopping = false;
    this.canStop = true;
    this.listener.onChange();
    this.#timeline.progress("");
    this.element.setAttribute("data-running", "");
    this.ui.announce(this.ui.text("answering"));
    this.ui.emit("response.start");
    try {
      for await (const event of ask(answer.signal)) this.#apply(event);
    } catch (error) {
      // The connection broke after the server had the message, and did not come back.
      isLost = error instanceof ApiError && error.status === 0 && this.thread !== null && !this.#timeline.hasPending;
      if (!isLost && !answer.signal.aborted) this.#failed(error, again);
    } finally {
      this.#answer = null;
      this.#retried = null;
      this.element.removeAttribute("data-running");
      this.#timeline.settle();
      this.ui.emit("response.end");
      this.listener.onChange();
    }
    if (isLost) await this.#recover();
    else if (!answer.signal.aborted) await this.#answerCall();
  }

  /** Runs the tool that the assistant waits for, if it waits for one. */
  async #answerCall() {
    const call = this.#timeline.pendingCall;
    if (!call || !this.thread) return;
    const result = await runTool(this.options(), call);
    this.#timeline.apply({ type: "thread.item.done", item: { ...call, status: "completed", output: result } });
    const params = { thread_id: this.thread.id, result };
    const answer = () => this.#run("threads.add_client_tool_output", params, answer);
    return answer();
  }

  /** @param {StreamEvent} event */
  #apply(event) {
    if (this.#retried !== null && event.type.startsWith("thread.item.")) {
      this.#timeline.removeAfter(this.#retried);
      this.#retried = null;
    }
    this.#timeline.apply(event);
    switch (event.type) {
      case "thread.created":
      case "thread.updated":
        this.thread = event.thread;
        this.listener.onThread(event.thread);
        break;
      case "stream_options":
        this.canStop = event.stream_options.allow_cancel && !this.#isStopping;
        this.listener.onChange();
        break;
      case "error":
        this.ui.report(new Error(event.message ?? event.code));
        this.#timeline.addCard(
          failureCard(
            this.ui,
            new Error(event.message ?? this.ui.text("wentWrong")),
            event.allow_retry ? { label: this.ui.text("retry"), run: () => this.retry() } : undefined,
          ),
        );
        break;
    }
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    if (this.#isStopping) this.stop();
  }

  /** @param {unknown} error @param {() => void} again */
  #failed(error, again) {
    this.ui.report(error);
    this.#timeline.addCard(
      failureCard(this.ui, error, {
        label: this.ui.text(this.#timeline.hasPending ? "sendAgain" : "tryAgain"),
        run: again,
      }),
    );
    if (!(error instanceof ApiError)) throw error;
  }

  /** Shows the thread as the server has it. */
  async #recover() {
    this.#timeline.clearCards();
    try {
      if (this.thread) await this.load(this.thread.id);
    } catch (error) {
      this.#timeline.addCard(
        failureCard(this.ui, error, { label: this.ui.text("tryAgain"), run: () => this.#recover() }),
      );
    }
  }

  #offerRetry() {
    const nothing = new Error(this.ui.text("noAnswer"));
    this.#timeline.addCard(failureCard(this.ui, nothing, { label: this.ui.text("retry"), run: () => this.retry() }));
  }

  async #loadOlder() {
    const first = this.#timeline.first;
    if (!first || !this.thread) return;
    this.#older.disabled = true;
    try {
      const params = { thread_id: this.thread.id, limit: PAGE, order: "desc", after: first.id };
      const page = await this.api.call("items.list", params);
      this.#follow.keeping(() => {
        this.#timeline.prepend(page.data.reverse());
        this.#older.hidden = !page.has_more;
      });
    } catch (error) {
      this.#timeline.addCard(failureCard(this.ui, error));
    } finally {
      this.#older.disabled = false;
    }
  }

  /** @param {string} itemId @param {"positive" | "negative"} kind whether the server took it */
  async #rate(itemId, kind) {
    try {
      await this.api.call("items.feedback", { thread_id: this.thread?.id, item_ids: [itemId], kind });
      this.ui.announce(this.ui.text("thanks"));
      return true;
    } catch (error) {
      this.#timeline.addCard(failureCard(this.ui, error));
      return false;
    }
  }
}
