// Goes through the playground as a person would: `node playground.mjs [URL]`, or BASE_URL. Starts no server itself; any
// model will do, because the steps look at how answers arrive and not at what they say.
import assert from "node:assert/strict";
import { runSteps } from "./harness.mjs";

/** @typedef {import("playwright-core").Page} Page */

const url = process.argv[2] ?? process.env.BASE_URL ?? "http://127.0.0.1:3000";
/** Unknown to the server before this run. */
const STRANGER = `browser-test-${process.pid}-${performance.timeOrigin.toFixed(0)}`;
/** An answer takes as long as its model does. */
const ANSWER = { timeout: 120_000 };

let firstThread = "";

/** @param {Page} page */
const answers = (page) => page.locator(".assistant-message .answer");
/** @param {Page} page */
const rows = (page) => page.locator(".thread");

/** @param {Page} page @param {string} text */
async function send(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

/** Waits until the answer has ended. @param {Page} page */
async function ended(page) {
  await page.getByRole("button", { name: "Send", exact: true }).waitFor(ANSWER);
}

/** @param {Page} page @param {string} text */
async function talk(page, text) {
  const before = await answers(page).count();
  await send(page, text);
  await answers(page).nth(before).waitFor(ANSWER);
  await ended(page);
}

/** @param {Page} page @param {"Anonymous visitor" | "Development user"} kind @param {string} [name] */
async function become(page, kind, name) {
  await page.locator("#identity").click();
  await page.getByRole("radio", { name: kind }).check();
  if (name) await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
  await page.getByRole("button", { name: "Continue" }).click();
}

/** Waits for a list of so many threads. @param {Page} page @param {number} count */
async function listed(page, count) {
  await page.waitForFunction((expected) => {
    const chat = document.querySelector("openai-chatkit")?.shadowRoot;
    return chat?.querySelectorAll(".thread").length === expected;
  }, count);
}

const passed = await runSteps(url, {
  "a first visitor sees the welcome, and what answers": async (page) => {
    await page.goto("/");
    await page.getByRole("heading", { name: "What shall we talk about?" }).waitFor();
    await page.locator("#about-text").filter({ hasText: /demo model|Answers come from/ }).waitFor();
    await listed(page, 0);
    await page.locator("#message:focus").waitFor();
  },

  "an answer arrives in several steps": async (page) => {
    await page.evaluate(() => {
      const chat = /** @type {ShadowRoot} */ (document.querySelector("openai-chatkit")?.shadowRoot);
      const seen = (/** @type {any} */ (window).seen = new Set());
      new MutationObserver(() => seen.add(chat.querySelector(".answer")?.textContent?.length ?? 0))
        .observe(chat, { childList: true, characterData: true, subtree: true });
    });
    await send(page, "Show me what markdown can do: a list, a table and some code.");
    await page.locator(".user-message").filter({ hasText: "Show me what markdown can do" }).waitFor();
    await page.getByRole("button", { name: "Stop the answer" }).waitFor();
    await answers(page).first().waitFor(ANSWER);
    await ended(page);
    const lengths = await page.evaluate(() => [.../** @type {any} */ (window).seen]);
    assert.ok(lengths.length >= 5, `saw the lengths ${lengths}`);
    firstThread = new URL(page.url()).hash.slice(1);
    assert.match(firstThread, /^thr_/);
    assert.equal(await rows(page).count(), 1);
    await page.locator("#title").filter({ hasNotText: "New chat" }).waitFor();
  },

  "an answer can be rated and copied": async (page) => {
    const rated = page.waitForResponse(
      (response) => response.request().postData()?.includes("items.feedback") ?? false,
    );
    await page.getByRole("button", { name: "Good answer" }).last().click();
    assert.equal((await rated).status(), 200);
    await page.getByRole("button", { name: "Good answer", pressed: true }).waitFor();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy answer" }).last().click();
    await page.locator("#announcer").filter({ hasText: "Copied" }).waitFor({ state: "attached" });
    assert.notEqual(await page.evaluate(() => navigator.clipboard.readText()), "");
  },

  "a reload keeps the conversation": async (page) => {
    const before = await answers(page).allInnerTexts();
    await page.reload();
    await answers(page).first().waitFor();
    assert.deepEqual(await answers(page).allInnerTexts(), before);
    assert.equal(await page.locator(".thread [aria-current]").count(), 1);
  },

  "a token that is about to end is renewed for the same visitor": async (page) => {
    await page.evaluate(() => {
      const key = "chatkit-playground:token";
      localStorage.setItem(key, JSON.stringify({ ...JSON.parse(localStorage.getItem(key) ?? "{}"), renewAt: 0 }));
    });
    const renewed = page.waitForResponse("**/api/chatkit/refresh");
    await page.reload();
    assert.equal((await renewed).status(), 200);
    await answers(page).first().waitFor();
  },

  "a thread is renamed in its place": async (page) => {
    await rows(page).first().hover();
    await rows(page).first().getByRole("button", { name: "Rename" }).click();
    await page.getByLabel("Title of the chat").fill("Not this one");
    await page.keyboard.press("Escape");
    await rows(page).first().hover();
    await rows(page).first().getByRole("button", { name: "Rename" }).click();
    await page.getByLabel("Title of the chat").fill("All about markdown");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "All about markdown" }).waitFor();
    await page.reload();
    await page.getByRole("link", { name: "All about markdown" }).waitFor();
  },

  "a long title stays inside the sidebar": async (page) => {
    const title = "Hello, what are your opening hours on the second Sunday of Advent?";
    const rename = async (/** @type {string} */ to) => {
      await rows(page).first().hover();
      await rows(page).first().getByRole("button", { name: "Rename" }).click();
      await page.getByLabel("Title of the chat").fill(to);
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: to }).waitFor();
    };
    await rename(title);
    const overflow = await page
      .locator("#threads")
      .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
    assert.equal(overflow, 0);
    await rename("All about markdown");
  },

  "a second thread is its own, and back and forward lead from one to the other": async (page) => {
    const first = await answers(page).allInnerTexts();
    await page.getByRole("button", { name: "New chat" }).first().click();
    await page.getByRole("heading", { name: "What shall we talk about?" }).waitFor();
    await talk(page, "Hello, a second time.");
    assert.equal(await answers(page).count(), 1);
    await listed(page, 2);
    const second = await answers(page).allInnerTexts();
    await page.goBack();
    await page.goBack();
    await page.getByRole("heading", { name: "All about markdown" }).waitFor();
    await answers(page).first().waitFor();
    assert.deepEqual(await answers(page).allInnerTexts(), first);
    await page.goForward();
    await page.goForward();
    await page.locator(".user-message").filter({ hasText: "Hello, a second time." }).waitFor();
    assert.deepEqual(await answers(page).allInnerTexts(), second);
  },

  "an answer goes on while another thread is looked at": async (page) => {
    await send(page, "Show me once more what markdown can do.");
    await answers(page).nth(1).waitFor(ANSWER);
    await page.getByRole("link", { name: "All about markdown" }).click();
    await page.getByRole("heading", { name: "All about markdown" }).waitFor();
    await page.locator(".thread[data-running]").waitFor({ state: "detached", ...ANSWER });
    await page.goBack();
    await answers(page).nth(1).waitFor();
    assert.notEqual(await answers(page).nth(1).innerText(), "");
  },

  "a thread is deleted once that is confirmed": async (page) => {
    await rows(page).first().hover();
    await rows(page).first().getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal(await rows(page).count(), 2);
    await rows(page).first().hover();
    await rows(page).first().getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await listed(page, 1);
    await page.getByRole("heading", { name: "What shall we talk about?" }).waitFor();
    await page.reload();
    await listed(page, 1);
  },

  "an answer is stopped in its middle, and the next message is answered": async (page) => {
    await send(page, "Show me what markdown can do, with a list, a table and code, so that I can stop it.");
    await page.locator(".answer").filter({ hasText: /.{10}/s }).waitFor(ANSWER);
    await page.keyboard.press("Escape");
    await ended(page);
    const stopped = await answers(page).first().innerText();
    assert.notEqual(stopped, "");
    await talk(page, "And now answer this.");
    assert.equal(await answers(page).count(), 2);
  },

  "a refusal says why, for how long and under which id, and is over after that": async (page) => {
    await page.route("**/chatkit", (route) => route.fulfill({
      status: 429,
      contentType: "application/json",
      headers: { "retry-after": "2" },
      body: JSON.stringify({ error: "rate_limit_exceeded", message: "Too many messages", request_id: "req_browser" }),
    }), { times: 1 });
    const before = await answers(page).count();
    await send(page, "Am I too fast?");
    const failure = page.getByRole("alert");
    await failure.filter({ hasText: "Too many messages" }).filter({ hasText: "req_browser" }).waitFor();
    assert.equal(await failure.getByRole("button", { name: /^Send again in \d s$/ }).isDisabled(), true);
    await failure.getByRole("button", { name: "Send again", exact: true }).click();
    await answers(page).nth(before).waitFor(ANSWER);
    await ended(page);
    assert.equal(await failure.count(), 0);
    assert.equal(await page.locator(".user-message").filter({ hasText: "Am I too fast?" }).count(), 1);
  },

  "a failed answer is tried again": async (page) => {
    const before = await answers(page).count();
    await page.route("**/chatkit", async (route) => {
      const response = await route.fetch();
      const [message] = /data: .*"user_message".*\r?\n/.exec(await response.text()) ?? [];
      const error = JSON.stringify({ type: "error", code: "stream.error", allow_retry: true });
      await route.fulfill({ response, body: `${message}\ndata: ${error}\n\n` });
    }, { times: 1 });
    await send(page, "Fail for me, once.");
    await page.getByRole("alert").filter({ hasText: "Something went wrong" }).waitFor(ANSWER);
    await page.unrouteAll();
    await page.getByRole("alert").getByRole("button", { name: "Retry" }).click();
    await answers(page).nth(before).or(page.getByRole("alert")).first().waitFor(ANSWER);
    await ended(page);
  },

  "another identity sees nothing of it, and coming back shows it again": async (page) => {
    await become(page, "Development user", STRANGER);
    await page.getByText("Your chats will be listed here.").waitFor();
    await page.getByRole("heading", { name: "What shall we talk about?" }).waitFor();
    await page.goto(`/#${firstThread}`);
    await page.getByText("This chat does not exist, or it belongs to another user.").waitFor();
    assert.equal(await answers(page).count(), 0);
    // What is no address of a thread at all does not stop the page either.
    await page.goto("/#%E0%A4%A");
    await page.reload();
    await page.getByText("This chat does not exist, or it belongs to another user.").waitFor();
    await become(page, "Anonymous visitor");
    await page.getByRole("link", { name: "All about markdown" }).click();
    await answers(page).first().waitFor();
  },

  "the same over a WebSocket": async (page) => {
    let posts = 0;
    page.on("request", (request) => (posts += request.url().endsWith("/chatkit") ? 1 : 0));
    const opened = page.waitForEvent("websocket");
    await page.goto("/?transport=socket");
    assert.match((await opened).url(), /^ws:.*\/ws$/);
    await page.getByRole("link", { name: "All about markdown" }).waitFor();
    await talk(page, "Do you hear me?");
    await talk(page, "And now?");
    await page.reload();
    await answers(page).nth(1).waitFor();
    assert.match(page.url(), /transport=socket#thr_/);
    assert.equal(posts, 0);
    await page.goto("/");
  },

  "on a phone nothing is wider than the screen, and the chats are in a drawer": async (page) => {
    await page.setViewportSize({ width: 360, height: 640 });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    await page.getByRole("link", { name: "All about markdown" }).waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Show the chats" }).click();
    await page.getByRole("link", { name: "All about markdown" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "All about markdown" }).waitFor({ state: "hidden" });
  },
});
process.exitCode = passed ? 0 : 1;
