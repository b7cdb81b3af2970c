// A model that speaks the Responses API and says what a test tells it to, when the test tells it to.
import { listen, readJson, within } from "./listen.mjs";

/** What each answer is said to have used, and each title. */
export const ANSWER_TOKENS = 20;
export const TITLE_TOKENS = 5;
const MAX_STOP_MS = 3000;

export class ScriptedModel {
  url = "";
  /** Answers that were requested, or shall be, in their order. @type {Answer[]} */
  #answers = [];
  #requested = 0;
  #titles = 0;

  async start() {
    this.url = `${await listen((request, response) => this.#respond(request, response))}/v1`;
  }

  /** How many answers were requested. */
  get calls() {
    return this.#requested;
  }

  /** Tokens of all answers that have ended, and of all titles. */
  get tokens() {
    return this.#answers.filter(({ hasEnded }) => hasEnded).length * ANSWER_TOKENS + this.#titles * TITLE_TOKENS;
  }

  /** The answer to the next request. */
  next() {
    const answer = new Answer();
    this.#answers.push(answer);
    return answer;
  }

  reset() {
    this.#answers = [];
    this.#requested = 0;
    this.#titles = 0;
  }

  /** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
  async #respond(request, response) {
    const { instructions } = await readJson(request);
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (instructions?.startsWith("Write a title")) {
      this.#titles += 1;
      const title = new Answer(TITLE_TOKENS);
      title.begin(response);
      return title.end("A title");
    }
    const answer = this.#answers[this.#requested] ?? this.next();
    this.#requested += 1;
    answer.begin(response);
  }
}

class Answer {
  hasEnded = false;
  #text = "";
  /** @type {(response: import("node:http").ServerResponse) => void} */
  #begin = () => {};
  /** @type {Promise<import("node:http").ServerResponse>} */
  #response = new Promise((resolve) => (this.#begin = resolve));
  /** @type {() => void} */
  #cut = () => {};
  /** @type {Promise<void>} */
  #wasCut = new Promise((resolve) => (this.#cut = resolve));

  /** @param {number} [tokens] */
  constructor(tokens = ANSWER_TOKENS) {
    this.tokens = tokens;
  }

  /** @param {import("node:http").ServerResponse} response */
  begin(response) {
    response.on("close", () => this.hasEnded || this.#cut());
    this.#begin(response);
  }

  /** The connection is closed before the end of the answer, within the time that a stop may take. */
  async isCut() {
    await within(this.#wasCut, "the end of the connection", MAX_STOP_MS);
  }

  /** @param {string} text */
  async say(text) {
    if (this.#text === "") {
      await this.#event("output_item.added", { item: message("in_progress", []) });
      await this.#event("content_part.added", { ...PART, part: output("") });
    }
    this.#text += text;
    await this.#event("output_text.delta", { ...PART, delta: text, logprobs: [] });
  }

  /** @param {string} [rest] */
  async end(rest) {
    if (rest) await this.say(rest);
    await this.#event("output_text.done", { ...PART, text: this.#text, logprobs: [] });
    await this.#event("content_part.done", { ...PART, part: output(this.#text) });
    await this.#event("output_item.done", { item: message("completed", [output(this.#text)]) });
    await this.#complete();
  }

  /** Ends with the call of a function. @param {string} name @param {object} [values] */
  async call(name, values = {}) {
    const call = { id: "fc_1", type: "function_call", call_id: "call_1", name, arguments: JSON.stringify(values) };
    const place = { output_index: this.#text === "" ? 0 : 1 };
    if (this.#text !== "") await this.#event("output_item.done", { item: message("completed", [output(this.#text)]) });
    await this.#event("output_item.added", { ...place, item: { ...call, status: "in_progress", arguments: "" } });
    await this.#event("function_call_arguments.done", { ...place, item_id: call.id, name, arguments: call.arguments });
    await this.#event("output_item.done", { ...place, item: { ...call, status: "completed" } });
    await this.#complete();
  }

  /** Ends before anything was said. */
  async fail() {
    await this.#event("failed", { response: { ...RESPONSE, status: "failed", error: { code: "server_error", message: "It failed." } } });
    (await this.#response).end();
  }

  async #complete() {
    const details = { input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } };
    const usage = { ...details, input_tokens: this.tokens - 1, output_tokens: 1, total_tokens: this.tokens };
    this.hasEnded = true;
    await this.#event("completed", { response: { ...RESPONSE, status: "completed", usage } });
    (await this.#response).end();
  }

  /** @param {string} kind @param {object} event */
  async #event(kind, event) {
    const response = await within(this.#response, "the request");
    response.write(`data: ${JSON.stringify({ type: `response.${kind}`, output_index: 0, ...event })}\n\n`);
  }
}

const RESPONSE = { id: "resp_1", object: "response", output: [] };
const PART = { item_id: "msg_1", content_index: 0 };
/** @param {string} text */
const output = (text) => ({ type: "output_text", annotations: [], logprobs: [], text });
/** @param {string} status @param {object[]} content */
const message = (status, content) => ({ id: "msg_1", type: "message", status, content, role: "assistant" });
