// What the steps have in common.
import assert from "node:assert/strict";
import { endpoint, gateway, model, site } from "./backend.mjs";
import { SitePage } from "./page.mjs";
import { MAX_WAIT_MS } from "./listen.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page */
export function newVisitor(page) {
  for (const part of [model, endpoint, gateway]) part.reset();
  page.setDefaultTimeout(MAX_WAIT_MS);
  return SitePage.asNewVisitor(page, site, gateway.url);
}

/** @param {string} text @param {string[]} [attachments] */
export const input = (text, attachments = []) => ({ content: [{ type: "input_text", text }], attachments, inference_options: {} });

/** A thread with one question and one answer. @param {SitePage} chat @returns {Promise<string>} its id */
export async function thread(chat) {
  const answer = model.next();
  await chat.ask("threads.create", { input: input("Hello") });
  await answer.end("Welcome");
  assert.equal(await chat.ended(), null);
  const [{ id }] = (await chat.call("threads.list", {})).data;
  gateway.requests = [];
  return id;
}

/** A new visitor asks a second question, whose answer the step tells. @param {Page} page */
export async function secondQuestion(page) {
  const chat = await newVisitor(page);
  const id = await thread(chat);
  const answer = model.next();
  await chat.ask("threads.add_user_message", { thread_id: id, input: input("And now?") });
  return { chat, id, answer };
}

/** The same, and the person reads the first word. @param {Page} page */
export async function halfAnswered(page) {
  const asked = await secondQuestion(page);
  await asked.answer.say("One ");
  await asked.chat.shows("One ");
  return asked;
}

/** @param {any} item */
export const told = (item) => (item.content ? `${item.type}: ${item.content.map((/** @type {any} */ part) => part.text).join("")}` : item.type);

/**
 * The stream has ended without a fault, the person sees what is stored, and only what the model did is paid.
 *
 * @param {SitePage} chat
 * @param {{ stored: string[], modelCalls: number, endpointCalls?: number }} expected
 */
export async function check(chat, { stored, modelCalls, endpointCalls = 0 }) {
  assert.equal(await chat.ended(), null);
  const { items, created, errors, faults } = await chat.view();
  assert.deepEqual({ items, created, errors, faults }, { items: stored, created: 1, errors: [], faults: [] });
  const threads = (await chat.call("threads.list", {})).data;
  assert.equal(threads.length, 1, "threads");
  const { data } = await chat.call("items.list", { thread_id: threads[0].id, limit: 100, order: "asc" });
  assert.deepEqual(data.map(told), stored);
  assert.equal(model.calls, modelCalls, "calls of the model");
  assert.equal(await chat.usedTokens(), model.tokens, "tokens");
  assert.equal(endpoint.calls.length, endpointCalls, "calls of the endpoint");
  assert.equal(gateway.stops, 0, "stops");
}

export const HELLO = ["user_message: Hello", "assistant_message: Welcome"];
export const WHOLE = [...HELLO, "user_message: And now?", "assistant_message: One two three"];

/** The operation was requested so often, and each time but the first with a position. @param {string} type @param {number} times */
export function repeated(type, times) {
  const [first, ...more] = gateway.positions(type);
  assert.equal(first, null);
  assert.equal(more.length, times - 1, `requests: ${JSON.stringify([first, ...more])}`);
  for (const position of more) assert.match(position ?? "none", /^thr_[^:]+:[^:]+:\d+:\d+$/);
}

/** Tells "One two three", of which "two" is said while the tab is hidden. @param {SitePage} chat @param {ReturnType<typeof model.next>} answer */
export async function hideAndShow(chat, answer) {
  await answer.say("One ");
  await chat.shows("One ");
  await chat.hide();
  await answer.say("two ");
  await chat.show();
  await chat.shows("One two ");
  await answer.end("three");
}

/** Waits until the thread is this. @param {SitePage} chat @param {string} id @param {string[]} expected */
export async function stored(chat, id, expected) {
  let items = [];
  for (const deadline = performance.now() + MAX_WAIT_MS; performance.now() < deadline; ) {
    const { data } = await chat.call("items.list", { thread_id: id, limit: 100, order: "asc" });
    items = data.map(told);
    if (items.join() === expected.join()) return;
  }
  assert.deepEqual(items, expected);
}

/** Waits until no answer is being made in the thread. @param {SitePage} chat @param {string} id */
export async function noRun(chat, id) {
  for (const deadline = performance.now() + 3000; performance.now() < deadline; ) if ((await chat.runStatus(id)) === 204) return;
  assert.fail("the run goes on");
}
