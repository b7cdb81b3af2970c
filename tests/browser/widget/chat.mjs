// What the steps of the widget share.
import { done, item, opening, says, thread } from "../scripted-server.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../scripted-server.mjs").ScriptedServer} ScriptedServer */

/** Opens a chat; `make` runs in the page and returns its options. @param {Page} page @param {() => any} [make] */
export async function open(page, make = () => ({})) {
  await page.evaluate(`site.open((${make})())`);
  await page.locator(".chat").waitFor();
}

/** Sets other options of the chat that is open. @param {Page} page @param {() => any} make */
export const set = (page, make) => page.evaluate(`site.set((${make})())`);

/**
 * Calls a method of the element.
 *
 * @param {Page} page
 * @param {string} name
 * @param {...any} parameters
 * @returns {Promise<any>}
 */
export const call = (page, name, ...parameters) =>
  page.evaluate(({ name, parameters }) => /** @type {any} */ (window).site.call(name, ...parameters), {
    name,
    parameters,
  });

/**
 * What events of this type said, the newest first.
 *
 * @param {Page} page
 * @param {string} type
 * @returns {Promise<any[]>}
 */
export const said = (page, type) => page.evaluate((type) => /** @type {any} */ (window).site.said(type), type);

/** What the page's functions were called with. @param {Page} page @returns {Promise<any[]>} */
export const calls = (page) => page.evaluate(() => /** @type {any} */ (window).site.calls);

/** @param {Page} page */
export const field = (page) => page.locator("#message");

/** @param {Page} page @param {string} text */
export async function send(page, text) {
  await field(page).fill(text);
  await page.keyboard.press("Enter");
}

/** Answers every message with these events. @param {ScriptedServer} server @param {...any} events */
export function answers(server, ...events) {
  server.requests.length = 0;
  server.handlers["threads.create"] = (params, emit) => emit(...opening(params, "msg_user"), ...events);
  server.handlers["threads.add_user_message"] = ({ input }, emit) => {
    const more = { content: input.content, attachments: [], inference_options: input.inference_options };
    emit(done(item(`msg_user_${server.requests.length}`, "user_message", more)), ...events);
  };
}

/** A stored thread of two items. @param {ScriptedServer} server @param {any} [more] */
export function stored(server, more = {}) {
  const asked = item("msg_0", "user_message", {
    content: [{ type: "input_text", text: "How far is the moon?" }],
    attachments: [],
    inference_options: {},
  });
  server.handlers["threads.list"] = () => ({ data: [thread({ title: "The moon" })], has_more: false });
  server.handlers["threads.get_by_id"] = () => thread({ title: "The moon", ...more });
  server.handlers["items.list"] = () => ({ data: [says("msg_1", "About 384,400 km."), asked], has_more: false });
}
