// The playground, which reads its streams by itself.
import assert from "node:assert/strict";
import { gateway, model } from "./backend.mjs";
import { MAX_WAIT_MS } from "./listen.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** Opens the playground as somebody who was never there. @param {Page} page @param {string} [url] */
async function newVisitor(page, url = gateway.url) {
  for (const part of [model, gateway]) part.reset();
  page.setDefaultTimeout(MAX_WAIT_MS);
  await page.context().clearCookies();
  await page.goto(url);
  await page.evaluate(() => localStorage.clear());
  await page.goto(url);
}

/** @param {Page} page @param {string} text */
async function ask(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

/** Waits until the newest answer is this. @param {Page} page @param {string} text */
const shows = (page, text) => page.locator(".answer").last().getByText(text, { exact: true }).waitFor();
/** @param {Page} page */
const ended = (page) => page.locator(".conversation:not([data-running])").waitFor();
/** @param {Page} page */
const running = (page) => page.locator(".conversation[data-running]").waitFor();

/** All that is in the thread, and nothing twice. @param {Page} page @param {string[]} texts */
async function isWhole(page, texts) {
  await ended(page);
  assert.deepEqual(await page.locator(".user-message, .answer").allInnerTexts(), texts);
  assert.equal(await page.getByRole("alert").count(), 0);
}

/** @param {Page} page @param {boolean} isHidden */
function setHidden(page, isHidden) {
  return page.evaluate((isHidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

const WHOLE = ["Hello", "One two three"];

export const playground = {
  "playground: a reload in mid-answer continues": async (/** @type {Page} */ page) => {
    await newVisitor(page);
    const answer = model.next();
    await ask(page, "Hello");
    await answer.say("One ");
    await shows(page, "One");
    await page.reload();
    await shows(page, "One");
    await answer.say("two ");
    await shows(page, "One two");
    await answer.end("three");
    await isWhole(page, WHOLE);
    assert.deepEqual([model.calls, gateway.positions("threads.create"), gateway.stops], [1, [null], 0]);
    await page.reload();
    await shows(page, "One two three");
    await isWhole(page, WHOLE);
  },

  "playground: a reload before the first word continues": async (/** @type {Page} */ page) => {
    await newVisitor(page);
    const answer = model.next();
    await ask(page, "Hello");
    await page.waitForURL(/#thr_/);
    await page.reload();
    await page.locator(".user-message").waitFor();
    await running(page);
    await answer.end("One two three");
    await shows(page, "One two three");
    await isWhole(page, WHOLE);
  },

  "playground: hidden and shown, it reads on": async (/** @type {Page} */ page) => {
    await newVisitor(page);
    const answer = model.next();
    await ask(page, "Hello");
    await answer.say("One ");
    await shows(page, "One");
    await setHidden(page, true);
    await answer.say("two ");
    await setHidden(page, false);
    await answer.end("three");
    await shows(page, "One two three");
    await isWhole(page, WHOLE);
    assert.deepEqual([model.calls, gateway.positions("threads.create"), gateway.stops], [1, [null], 0]);
  },

  "playground: a connection that breaks is taken up again": async (/** @type {Page} */ page) => {
    await newVisitor(page);
    const answer = model.next();
    await ask(page, "Hello");
    await answer.say("One ");
    await shows(page, "One");
    gateway.disconnect();
    await answer.say("two ");
    gateway.reconnect();
    await shows(page, "One two");
    await answer.end("three");
    await shows(page, "One two three");
    await isWhole(page, WHOLE);
    const [first, second] = gateway.positions("threads.create");
    assert.equal(first, null);
    assert.match(second ?? "none", /^thr_/);
    assert.deepEqual([model.calls, gateway.stops], [1, 0]);
  },

  "playground: so is a WebSocket that breaks": async (/** @type {Page} */ page) => {
    /** @type {(() => void)[]} */
    const closing = [];
    await page.routeWebSocket("**/ws", (socket) => {
      socket.connectToServer();
      closing.push(() => socket.close());
    });
    await newVisitor(page, `${gateway.server}/?transport=socket`);
    const answer = model.next();
    await ask(page, "Hello");
    await answer.say("One ");
    await shows(page, "One");
    for (const close of closing) close();
    await answer.say("two ");
    await shows(page, "One two");
    await answer.end("three");
    await shows(page, "One two three");
    await isWhole(page, WHOLE);
    assert.equal(model.calls, 1);
  },

  "playground: an answer that cannot be made again stays": async (/** @type {Page} */ page) => {
    await newVisitor(page);
    const answer = model.next();
    await ask(page, "Hello");
    await answer.end("One two three");
    await shows(page, "One two three");
    await ended(page);
    const failing = model.next();
    await page.getByRole("button", { name: "Answer again" }).click();
    await failing.fail();
    await page.getByRole("alert").waitFor();
    await ended(page);
    assert.deepEqual(await page.locator(".user-message, .answer").allInnerTexts(), WHOLE);
    await page.reload();
    await shows(page, "One two three");
    await isWhole(page, WHOLE);
  },

  "playground: the stop button stops": async (/** @type {Page} */ page) => {
    await newVisitor(page);
    const answer = model.next();
    await ask(page, "Hello");
    await answer.say("One ");
    await shows(page, "One");
    await page.getByRole("button", { name: "Stop the answer" }).click();
    await answer.isCut();
    await isWhole(page, ["Hello", "One"]);
    assert.equal(gateway.stops, 1);
    await page.reload();
    await shows(page, "One");
    await isWhole(page, ["Hello", "One"]);
    const next = model.next();
    await ask(page, "Go on");
    await next.end("Gladly");
    await shows(page, "Gladly");
    await isWhole(page, ["Hello", "One", "Go on", "Gladly"]);
  },

  "playground: a second tab shows the running answer, and can stop it": async (/** @type {Page} */ page) => {
    await newVisitor(page);
    const answer = model.next();
    await ask(page, "Hello");
    await answer.say("One ");
    await shows(page, "One");
    const other = await page.context().newPage();
    await other.goto(page.url());
    await shows(other, "One");
    await answer.say("two ");
    for (const tab of [page, other]) await shows(tab, "One two");
    await other.getByRole("button", { name: "Stop the answer" }).click();
    await answer.isCut();
    for (const tab of [page, other]) await isWhole(tab, ["Hello", "One two"]);
    // An answer that begins in one tab is seen in the other when that is shown.
    const next = model.next();
    await ask(other, "Go on");
    await next.say("Gladly ");
    await shows(other, "Gladly");
    await setHidden(page, false);
    await shows(page, "Gladly");
    await next.end("so");
    for (const tab of [page, other]) {
      await shows(tab, "Gladly so");
      await isWhole(tab, ["Hello", "One two", "Go on", "Gladly so"]);
    }
    assert.equal(model.calls, 2);
    await other.close();
  },
};
