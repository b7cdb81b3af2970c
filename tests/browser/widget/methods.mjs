// The methods of the element, and who asks the server.
import assert from "node:assert/strict";
import { PIXEL, ended, gate, hears } from "../scripted-page.mjs";
import { done, item, says, thread } from "../scripted-server.mjs";
import { answers, call, field, open, said, send, stored } from "./chat.mjs";

/** @typedef {import("playwright-core").Page} Page */

const TAG = { type: "input_tag", id: "ada", text: "Ada", group: "People", data: { born: 1815 }, interactive: true };
const PICTURE = { type: "image", id: "atc_1", name: "sea.png", mime_type: "image/png", preview_url: PIXEL };
const DOCUMENT = { type: "file", id: "atc_2", name: "plan.pdf", mime_type: "application/pdf" };

/** @param {import("../scripted-server.mjs").ScriptedServer} server */
export const methods = (server) => ({
  "a message is sent, into this thread and into a new one": async (/** @type {Page} */ page) => {
    answers(server, done(says("msg_1", "Heard.")));
    await open(page);
    await call(page, "sendUserMessage", { text: "Hello", toolChoice: { id: "search" }, model: "quick" });
    await hears(page, "Heard.");
    const first = server.last("threads.create").input;
    assert.deepEqual(first.inference_options, { model: "quick", tool_choice: { id: "search" } });
    assert.deepEqual([(await said(page, "response.start")).length, (await said(page, "response.end")).length], [1, 1]);
    const content = [{ type: "input_text", text: "Who is " }, TAG];
    await call(page, "sendUserMessage", {
      content,
      reply: "She wrote it",
      attachments: [PICTURE, DOCUMENT],
      newThread: true,
    });
    const { input } = server.last("threads.create");
    assert.deepEqual(
      [input.content, input.quoted_text, input.attachments],
      [content, "She wrote it", ["atc_1", "atc_2"]],
    );
    assert.deepEqual(await said(page, "thread.change"), [
      { threadId: "thr_1" },
      { threadId: null },
      { threadId: "thr_1" },
    ]);
  },

  "the composer is filled and not sent": async (/** @type {Page} */ page) => {
    answers(server, done(says("msg_1", "Heard.")));
    server.handlers["attachments.create"] = ({ name, mime_type: type }) => ({
      id: "atc_3",
      name,
      mime_type: type,
      type: "file",
    });
    await open(page, () => ({
      composer: {
        attachments: { enabled: true },
        models: [
          { id: "quick", label: "Quick" },
          { id: "careful", label: "Careful" },
        ],
        tools: [{ id: "search", label: "Search", icon: "globe" }],
      },
    }));
    await call(page, "setComposerValue", { text: "Not this" });
    assert.equal(await field(page).inputValue(), "Not this");
    await call(page, "setComposerValue", {
      content: [{ type: "input_text", text: "Who is " }, TAG],
      reply: "She wrote it",
      attachments: [PICTURE, DOCUMENT],
      selectedToolId: "search",
      selectedModelId: "careful",
    });
    await page.evaluate(() =>
      /** @type {any} */ (window).site.call("setComposerValue", {
        files: [new File(["abc"], "notes.txt", { type: "text/plain" })],
      }),
    );
    assert.equal(await field(page).inputValue(), "Who is @Ada");
    await page.locator(".quote").filter({ hasText: "She wrote it" }).waitFor();
    await page.locator(".upload[data-state=ready]").nth(2).waitFor();
    assert.equal(server.last("threads.create"), undefined);
    await call(page, "focusComposer");
    await page.locator("#message:focus").waitFor();
    await page.keyboard.press("Enter");
    await hears(page, "Heard.");
    const { input } = server.last("threads.create");
    assert.deepEqual(input.content, [{ type: "input_text", text: "Who is " }, TAG]);
    assert.deepEqual([input.quoted_text, input.attachments.length], ["She wrote it", 3]);
    assert.deepEqual(input.inference_options, { model: "careful", tool_choice: { id: "search" } });
    await page.locator(".bubble blockquote").filter({ hasText: "She wrote it" }).waitFor();
    await call(page, "setComposerValue", { selectedToolId: null });
  },

  "threads are changed, actions sent, the chats shown and hidden": async (/** @type {Page} */ page) => {
    stored(server);
    await open(page);
    await call(page, "setThreadId", "thr_1");
    await hears(page, "About 384,400 km.");
    server.handlers["threads.custom_action"] = (_, emit) => emit(done(says("msg_5", "Done.")));
    await call(page, "sendCustomAction", { type: "order", payload: { id: 7 } }, "msg_1");
    assert.deepEqual(server.last("threads.custom_action"), {
      thread_id: "thr_1",
      item_id: "msg_1",
      action: { type: "order", payload: { id: 7 } },
    });
    await hears(page, "Done.");
    await call(page, "showHistory");
    await page.getByRole("link", { name: "The moon" }).waitFor();
    await call(page, "hideHistory");
    await page.getByRole("link", { name: "The moon" }).waitFor({ state: "hidden" });
    server.handlers["items.list"] = () => ({ data: [says("msg_9", "News from elsewhere")], has_more: false });
    await call(page, "fetchUpdates");
    await hears(page, "News from elsewhere");
    await call(page, "setThreadId", null);
    await page.getByRole("heading", { name: "What can I help with today?" }).waitFor();
  },

  "a client secret is asked for, sent, and asked for again when it has ended": async (/** @type {Page} */ page) => {
    stored(server);
    /** @type {(string | undefined)[]} */
    const sent = [];
    const listen = async (/** @type {import("playwright-core").Route} */ route) => {
      const secret = route.request().headers().authorization;
      sent.push(secret);
      if (secret === "Bearer secret-1")
        await route.fulfill({ status: 401, json: { error: "unauthorized", message: "it has ended" } });
      else await route.fallback();
    };
    await page.route("**/chatkit", listen);
    await open(page, () => ({
      api: {
        getClientSecret: async (/** @type {string | null} */ current) => {
          /** @type {any} */ (window).site.calls.push(current);
          return `secret-${/** @type {any} */ (window).site.calls.length}`;
        },
      },
    }));
    await call(page, "showHistory");
    await page.getByRole("link", { name: "The moon" }).waitFor();
    assert.deepEqual(sent, ["Bearer secret-1", "Bearer secret-2"]);
    assert.deepEqual(await page.evaluate(() => /** @type {any} */ (window).site.calls), [null, "secret-1"]);
    await page.unroute("**/chatkit", listen);
  },

  "a failure is an event, and can be tried again": async (/** @type {Page} */ page) => {
    answers(server, done(says("msg_1", "Now it works.")));
    await page.route("**/chatkit", (route) => route.abort(), { times: 2 });
    await open(page);
    await send(page, "Hello?");
    await page.getByRole("alert").filter({ hasText: "The server cannot be reached" }).waitFor();
    assert.equal(
      await page.evaluate(() => /** @type {any} */ (window).site.said("error")[0].error instanceof Error),
      true,
    );
    await page.getByRole("button", { name: "Send again" }).click();
    await hears(page, "Now it works.");
    assert.ok((await said(page, "log")).some(({ name, data }) => name === "request" && data.type === "threads.create"));
  },

  "stopping asks the server, and a server that cannot is left": async (/** @type {Page} */ page) => {
    const opened = gate();
    answers(server);
    const begin = server.handlers["threads.create"];
    server.handlers["threads.create"] = async (params, emit) => {
      await begin(params, emit);
      emit(done(says("msg_1", "One")));
      await opened.promise;
    };
    const before = server.stops;
    await open(page);
    await send(page, "Go on");
    await hears(page, "One");
    await page.getByRole("button", { name: "Stop the answer" }).click();
    await page.waitForFunction(
      () =>
        document.querySelector("openai-chatkit")?.shadowRoot?.querySelector("#announcer")?.textContent === "Stopped",
    );
    assert.equal(server.stops, before + 1);
    opened.resolve(null);
    await ended(page);
    const never = gate();
    server.handlers["threads.add_user_message"] = async (_, emit) => {
      emit(
        done(item("msg_3", "user_message", { content: [], attachments: [], inference_options: {} })),
        done(says("msg_4", "Two")),
      );
      await never.promise;
    };
    await page.route("**/run", (route) => route.fulfill({ status: 404, json: {} }));
    await send(page, "And on");
    await hears(page, "Two");
    await page.getByRole("button", { name: "Stop the answer" }).click();
    await ended(page);
    never.resolve(null);
    await page.unroute("**/run");
    assert.equal(await page.getByRole("alert").count(), 0);
  },

  "two chats on one page are apart, and a chat that moves stays": async (/** @type {Page} */ page) => {
    stored(server);
    await open(page);
    await call(page, "setThreadId", "thr_1");
    await hears(page, "About 384,400 km.");
    await page.evaluate(() => {
      const { site } = /** @type {any} */ (window);
      const other = document.createElement(site.name);
      /** @type {any} */ (other).setOptions({ api: { url: "/chatkit", domainKey: "local" }, locale: "de" });
      const main = document.querySelector("main");
      main?.append(other);
      main?.append(site.chat);
    });
    await page.getByRole("heading", { name: "Womit kann ich heute helfen?" }).waitFor();
    await hears(page, "About 384,400 km.");
    await page.evaluate(() => document.querySelector("main > :not(:last-child)")?.remove());
    server.handlers["threads.get_by_id"] = () => thread();
  },
});
