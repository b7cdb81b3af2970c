/** One thread: loads its items, sends messages, and turns the streamed answer into what is seen. */

import { ApiError } from "./api.js";
import { announce, element, icon } from "./dom.js";
import { Follow } from "./follow.js";
import { failureCard } from "./notices.js";
import { applyAction, runTool } from "./page-tools.js";
import { pollUntilAnswered, streamWhenFree } from "./waiting.js";
import { Timeline } from "./timeline.js";
import { toast } from "./toast.js";

/** @typedef {import("./types.js").Thread} Thread */
/** @typedef {import("./types.js").ThreadItem} ThreadItem */
/** @typedef {import("./types.js").StreamEvent} StreamEvent */

/** Items per request for history. */
const PAGE = 20;
/** How long to wait for an answer after its question was sent. */
const MAX_ANSWER_MS = 120_000;
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
  /** @type {AbortController | null} Of the wait for an answer that runs without us. */
  #wait = null;
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

  /** Shows a stored thread. @param {string} threadId @throws {ApiError} */
  async load(threadId) {
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
    if (this.#timeline.pendingCall) this.#answerCall();
    else this.#lookForAnswer();
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
    this.#timeline.removeAfter(message.id);
    await this.#run("threads.retry_after_item", { thread_id: this.thread.id, item_id: message.id }, () => this.retry());
  }

  /** Stops listening to the answer; ChatKit has no other way to stop one. */
  stop() {
    this.#answer?.abort();
  }

  /** The conversation will not be shown again. */
  leave() {
    this.stop();
    this.#wait?.abort();
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
  async #run(type, params, again) {
    this.#wait?.abort();
    const answer = new AbortController();
    let isLost = false;
    this.#answer = answer;
    this.canStop = true;
    this.listener.onChange();
    this.#timeline.progress("");
    this.element.setAttribute("data-running", "");
    announce("The assistant is answering");
    try {
      const onBusy = () => this.#timeline.progress("The answer before this one is still being finished…");
      for await (const event of streamWhenFree(this.api, type, params, answer.signal, onBusy)) this.#apply(event);
    } catch (error) {
      // The connection broke after the server had the message: it goes on without us.
      isLost = error instanceof ApiError && error.status === 0 && this.thread !== null && !this.#timeline.hasPending;
      if (!isLost) this.#failed(error, answer.signal.aborted, again);
    } finally {
      this.#answer = null;
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
    this.#timeline.apply(event);
    switch (event.type) {
      case "thread.created":
      case "thread.updated":
        this.thread = event.thread;
        this.listener.onThread(event.thread);
        break;
      case "stream_options":
        this.canStop = event.stream_options.allow_cancel;
        this.listener.onChange();
        break;
      case "error":
        this.#timeline.addCard(failureCard(
          new Error(event.message ?? "Something went wrong while answering."),
          event.allow_retry ? { label: "Retry", run: () => this.retry() } : undefined,
        ));
        break;
    }
  }

  /** @param {unknown} error @param {boolean} wasStopped @param {() => void} again */
  #failed(error, wasStopped, again) {
    if (wasStopped) {
      announce("Stopped");
      // A message that was stopped before the server had it was not sent.
      if (this.#timeline.hasPending) this.#timeline.addCard(failureCard(new Error("Stopped before the message was sent."), { label: "Send again", run: again }));
    } else {
      this.#timeline.addCard(failureCard(error, { label: this.#timeline.hasPending ? "Send again" : "Try again", run: again }));
      if (!(error instanceof ApiError)) throw error;
    }
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

  /**
   * After a reload or a lost connection the server finishes the answer. If the newest item is not an answer, this polls
   * until it is.
   */
  async #lookForAnswer() {
    const threadId = this.thread?.id;
    const asked = this.#timeline.lastUserMessage;
    if (!threadId || !asked || this.#timeline.isAnswered || this.isRunning) return;
    const wait = new AbortController();
    this.#wait = wait;
    try {
      this.#timeline.progress("");
      const hasCome = await pollUntilAnswered(this.api, this.#timeline, threadId, Date.parse(asked.created_at) + MAX_ANSWER_MS, wait.signal);
      if (!hasCome) this.#timeline.addCard(failureCard(new Error("This message has no answer."), { label: "Retry", run: () => this.retry() }));
      this.listener.onChange();
      await this.#answerCall();
    } catch (error) {
      if (!wait.signal.aborted) this.#timeline.addCard(failureCard(error, { label: "Try again", run: () => this.#recover() }));
    } finally {
      if (!wait.signal.aborted) this.#timeline.progress(null);
    }
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
