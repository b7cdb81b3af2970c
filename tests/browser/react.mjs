// The official React package drives the widget, in a page that Vite builds, in front of a scripted server. Needs no
// server.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { runSteps } from "./harness.mjs";
import { listen } from "./returns/listen.mjs";
import { ended, hears } from "./scripted-page.mjs";
import { ScriptedServer, done, item, says } from "./scripted-server.mjs";
import { answers } from "./widget/chat.mjs";

const made = await mkdtemp(join(tmpdir(), "chatkit-react-"));
await build({
  root: fileURLToPath(new URL("react", import.meta.url)),
  logLevel: "warn",
  build: { outDir: made, emptyOutDir: true },
});
const server = new ScriptedServer();
const site = await listen(async (request, response) => {
  const path = new URL(request.url ?? "/", "http://site").pathname;
  response.writeHead(200, { "content-type": path.endsWith(".js") ? "text/javascript" : "text/html" });
  response.end(await readFile(join(made, path === "/" ? "index.html" : path)));
}, "localhost");

/** @param {import("playwright-core").Page} page @param {string} name */
const noted = (page, name) =>
  page.evaluate(
    (name) => /** @type {any} */ (window).events.filter((/** @type {any} */ event) => event.name === name),
    name,
  );

const passed = await runSteps(site, {
  "options and handlers arrive": async (page) => {
    await server.attach(page);
    await page.goto("/");
    await page.getByRole("heading", { name: "Hello from React" }).waitFor();
    assert.equal((await noted(page, "ready")).length, 1);
  },

  "a prompt, a tool of the page and a change of options": async (page) => {
    const call = { status: "pending", call_id: "call_1", name: "set_theme", arguments: { theme: "dark" } };
    answers(
      server,
      { type: "client_effect", name: "confetti", data: {} },
      done(item("fc_1", "client_tool_call", call)),
    );
    server.handlers["threads.add_client_tool_output"] = (_, emit) => emit(done(says("msg_1", "It is dark.")));
    await page.getByRole("button", { name: "Begin" }).click();
    await hears(page, "It is dark.");
    await ended(page);
    assert.deepEqual(server.last("threads.add_client_tool_output").result, { done: "set_theme" });
    assert.equal(await page.locator(".chat").getAttribute("data-scheme"), "dark");
    assert.deepEqual(
      (await noted(page, "thread")).map(({ detail }) => detail),
      [{ threadId: "thr_1" }],
    );
    assert.deepEqual(
      (await noted(page, "effect")).map(({ detail }) => detail),
      [{ name: "confetti", data: {} }],
    );
    assert.deepEqual([(await noted(page, "start")).length, (await noted(page, "end")).length], [2, 2]);
  },

  "every method of the hook": async (page) => {
    answers(server, done(says("msg_2", "Heard.")));
    const call = (/** @type {string} */ name, /** @type {any} */ ...values) =>
      page.evaluate(({ name, values }) => /** @type {any} */ (window).chat[name](...values), { name, values });
    await call("sendUserMessage", { text: "Hello again", newThread: true });
    await hears(page, "Heard.");
    await call("setComposerValue", { text: "A draft" });
    await call("focusComposer");
    await page.locator("#message:focus").waitFor();
    server.handlers["threads.custom_action"] = (_, emit) => emit(done(says("msg_3", "Acted.")));
    await call("sendCustomAction", { type: "act" });
    await hears(page, "Acted.");
    await call("showHistory");
    await page.getByRole("heading", { name: "Chats" }).waitFor();
    await call("hideHistory");
    server.handlers["threads.get_by_id"] = () => ({
      id: "thr_1",
      created_at: "2026-11-20T10:00:00Z",
      status: { type: "active" },
    });
    server.handlers["items.list"] = () => ({ data: [says("msg_4", "Anew.")], has_more: false });
    await call("fetchUpdates");
    await hears(page, "Anew.");
    await call("setThreadId", null);
    await page.getByRole("heading", { name: "Hello from React" }).waitFor();
    assert.deepEqual(await noted(page, "error"), []);
  },
});
server.close();
await rm(made, { recursive: true });
process.exit(passed ? 0 : 1);
