/** One thread: loads its items, sends messages, and turns the streamed answer into what is seen. */

import { ApiError } from "./api.js";
import { announce, element, icon } from "./dom.js";
import { Follow } from "./follow.js";
import { failureCard } from "./notices.js";
import { applyAction, runTool } from "./page-tools.js";
import { Timeline } from "./timeline.js";
import { toast } from "./toast.js";

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
  #timeline = new Timeline({
    rate: (itemId, kind) => this.#rate(itemId, kind),
    retry: () => this.retry(),
    act: (itemId, action) => this.#act(itemId, action),
    mayShow: (host) => this.thread?.allowed_image_domains?.some((domain) => host === domain || host.endsWith(`.${domain}`)) ?? true,
  });
  #older = element("button", { type: "button", class: "button older", hidden: true, click: () => this.#loadOlder() }, "Show older messages");
  #content = element("div", { class: "column" }, this.#older, this.#timeline.element);
  #jump = element("button", { type: "button", class: "jump", hidden: true, "aria-label": "Go to the newest message", title: "Go to the newest message" }, icon("down"));
  #scroller = element("div", { class: "scroller", tabindex: -1 }, this.#content);
  #follow = new Follow(this.#scroller, this.#content, this.#jump);
  element = element("section", { class: "conversation", "aria-label": "Conversation" }, this.#scroller, this.#jump);

  /**
   * @param {import("./api.js").ChatKit} api
   * @param {ConversationListener} listener
   */
  constructor(api, listener) {
    this.api = api;
    this.listener = listener;
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
      if (events) this.#show(() => events, () => this.#recover(), loading);
      else if (this.#timeline.pendingCall) this.#answerCall();
      else if (this.#timeline.lastUserMessage && !this.#timeline.isAnswered) this.#offerRetry();
    } catch (error) {
      if (!loading.signal.aborted) throw error;
    } finally {
      this.#loading = null;
    }
  }

  /** Shows what has happened in the thread meanwhile, in another tab for example. */
  async refresh() {
    if (!this.thread || this.isRunning || this.#loading) return;
    try {
      const last = { thread_id: this.thread.id, limit: 1, order: "desc" };
      const { data: [newest] } = await this.api.call("items.list", last);
      if (newest && newest.id !== this.#timeline.newest?.id && !this.isRunning && !this.#loading) await this.load(newest.thread_id);
    } catch (error) {
      // Nobody asked for it; what is shown stays.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** @param {import("./composer.js").Message} message */
  async send({ text, attachments, options }) {
    this.#timeline.clearCards();
    const content = text === "" ? [] : [{ type: /** @type {const} */ ("input_text"), text }];
    this.#timeline.addPending(content, attachments);
    this.#follow.toEnd();
    const input = { content, attachments: attachments.map(({ id }) => id), inference_options: options };
    const sendAgain = () => {
      this.#timeline.dropPending();
      this.send({ text, attachments, options });
    };
    if (this.thread) await this.#run("threads.add_user_message", { thread_id: this.thread.id, input }, sendAgain);
    else await this.#run("threads.create", { input }, sendAgain);
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
   * @param {string} itemId
   * @param {import("./types.js").WidgetAction} action
   */
  async #act(itemId, { type, payload = null, handler = "server", streaming = true }) {
    if (handler === "client") return applyAction({ type, payload });
    if (!this.thread) return;
    const params = { thread_id: this.thread.id, item_id: itemId, action: { type, payload } };
    if (streaming) {
      if (this.isRunning) return toast("Please wait until the answer has ended", "info");
      this.#timeline.clearCards();
      return this.#run("threads.custom_action", params, () => this.#act(itemId, { type, payload }));
    }
    try {
      const { updated_item: item } = await this.api.call("threads.sync_custom_action", params);
      if (item) this.#timeline.apply({ type: "thread.item.replaced", item });
    } catch (error) {
      this.#timeline.addCard(failureCard(error));
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
      await this.api.stop(this.thread.id);
      announce("Stopped");
    } catch (error) {
      this.#timeline.addCard(failureCard(error));
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
    const onBusy = () => this.#timeline.progress("The answer before this one is still being finished…");
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
    announce("The assistant is answering");
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
      this.listener.onChange();
    }
    if (isLost) await this.#recover();
    else if (!answer.signal.aborted) await this.#answerCall();
  }

  /** Runs the tool that the assistant waits for, if it waits for one. */
  async #answerCall() {
    const call = this.#timeline.pendingCall;
    if (!call || !this.thread) return;
    const result = await runTool(call.name, call.arguments);
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
        this.#timeline.addCard(failureCard(
          new Error(event.message ?? "Something went wrong while answering."),
          event.allow_retry ? { label: "Retry", run: () => this.retry() } : undefined,
        ));
        break;
    }
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    if (this.#isStopping) this.stop();
  }

  /** @param {unknown} error @param {() => void} again */
  #failed(error, again) {
    this.#timeline.addCard(failureCard(error, { label: this.#timeline.hasPending ? "Send again" : "Try again", run: again }));
    if (!(error instanceof ApiError)) throw error;
  }

  /** Shows the thread as the server has it. */
  async #recover() {
    this.#timeline.clearCards();
    try {
      if (this.thread) await this.load(this.thread.id);
    } catch (error) {
      this.#timeline.addCard(failureCard(error, { label: "Try again", run: () => this.#recover() }));
    }
  }

  #offerRetry() {
    const nothing = new Error("This message has no answer.");
    this.#timeline.addCard(failureCard(nothing, { label: "Retry", run: () => this.retry() }));
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
      this.#timeline.addCard(failureCard(error));
    } finally {
      this.#older.disabled = false;
    }
  }

  /** @param {string} itemId @param {"positive" | "negative"} kind whether the server took it */
  async #rate(itemId, kind) {
    try {
      await this.api.call("items.feedback", { thread_id: this.thread?.id, item_ids: [itemId], kind });
      announce("Thank you for the feedback");
      return true;
    } catch (error) {
      this.#timeline.addCard(failureCard(error));
      return false;
    }
  }
}
