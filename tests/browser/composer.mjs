// The composer and what takes its place, in front of a scripted server: `node composer.mjs [URL]`, or BASE_URL.
import assert from "node:assert/strict";
import { runSteps } from "./harness.mjs";
import { PIXEL, ask, connect, hears, start } from "./scripted-page.mjs";
import { ScriptedServer, done, item, opening, says, thread } from "./scripted-server.mjs";

const url = process.argv[2] ?? process.env.BASE_URL ?? "http://127.0.0.1:3000";
const server = new ScriptedServer();

const passed = await runSteps(url, {
  "the page is served": (page) => connect(server, page),

  "a thread that is locked or closed says why": async (page) => {
    await ask(server, page, (_, emit) =>
      emit({
        type: "thread.updated",
        thread: thread({ title: "Old", status: { type: "locked", reason: "A person takes over." } }),
      }),
    );
    await page.getByPlaceholder("A person takes over.").waitFor();
    assert.equal(await page.getByLabel("Message", { exact: true }).isDisabled(), true);
    await ask(server, page, (_, emit) =>
      emit({ type: "thread.updated", thread: thread({ status: { type: "closed", reason: "This is over." } }) }),
    );
    await page.locator("#closed").filter({ hasText: "This is over." }).waitFor();
    assert.equal(await page.locator("#composer").isHidden(), true);
  },

  "files are uploaded before they are sent, and can be taken back": async (page) => {
    let count = 0;
    server.handlers["attachments.create"] = ({ name, mime_type: type }) => {
      const id = `atc_${(count += 1)}`;
      const kind = type.startsWith("image/") ? { type: "image", preview_url: PIXEL } : { type: "file" };
      return {
        id,
        name,
        mime_type: type,
        upload_descriptor: {
          url: `/upload/${id}`,
          method: "PUT",
          headers: { "content-type": type, "content-length": "3" },
        },
        ...kind,
      };
    };
    server.handlers["attachments.delete"] = () => ({});
    await start(server, page, (_, emit) => emit(done(says("msg_9", "I see."))));
    server.handlers["threads.create"] = (params, emit) => emit(...opening(params, "msg_user", [
      { id: "atc_1", name: "pixel.png", mime_type: "image/png", type: "image", preview_url: PIXEL },
      { id: "atc_2", name: "notes.txt", mime_type: "text/plain", type: "file" },
    ]), done(says("msg_9", "I see.")));
    const file = (/** @type {string} */ name, /** @type {string} */ mimeType, /** @type {string} */ text) => ({
      name,
      mimeType,
      buffer: Buffer.from(text),
    });
    await page
      .locator("#files")
      .setInputFiles([
        file("pixel.png", "image/png", "abc"),
        file("notes.txt", "text/plain", "hello"),
        file("large.txt", "text/plain", "x".repeat(1001)),
      ]);
    await page.locator(".upload[data-state=ready]").nth(1).waitFor();
    await page.locator(".upload[data-state=failed]").filter({ hasText: "Larger than 1 KB" }).waitFor();
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await hears(page, "I see.");
    assert.deepEqual(server.uploads.map(({ method, type, body }) => [method, type, body.toString()]).sort(), [
      ["PUT", "image/png", "abc"],
      ["PUT", "text/plain", "hello"],
    ]);
    const { input } = server.last("threads.create");
    assert.deepEqual([input.content, input.attachments.sort()], [[], ["atc_1", "atc_2"]]);
    await page.locator(".sent-files").getByAltText("pixel.png").waitFor();
    await page.locator(".sent-files").getByText("notes.txt").waitFor();
    assert.equal(await page.locator("#attachments").isHidden(), true);
  },

  "a file that was refused stops no message": async (page) => {
    await start(server, page, (_, emit) => emit(done(says("msg_9", "I see."))));
    await page.locator("#files").setInputFiles({
      name: "large.txt", mimeType: "text/plain", buffer: Buffer.from("x".repeat(1001)),
    });
    await page.locator(".upload[data-state=failed]").filter({ hasText: "Larger than 1 KB" }).waitFor();
    const send = page.getByRole("button", { name: "Send", exact: true });
    assert.equal(await send.isDisabled(), true);
    await page.getByLabel("Message", { exact: true }).fill("Without it, then");
    await send.click();
    await hears(page, "I see.");
    assert.deepEqual(server.last("threads.create").input.attachments, []);
    assert.equal(await page.locator("#attachments").isHidden(), true);
  },

  "a file that was dropped or pasted is attached, and removed on the server, too": async (page) => {
    await start(server, page, () => {});
    await page.evaluate(() => {
      const transfer = (/** @type {string} */ name) => {
        const data = new DataTransfer();
        data.items.add(new File(["abc"], name, { type: "text/plain" }));
        return data;
      };
      const chat = document.querySelector("openai-chatkit")?.shadowRoot;
      chat?.querySelector(".chat")?.dispatchEvent(
        new DragEvent("dragover", { dataTransfer: transfer("dropped.txt"), bubbles: true, cancelable: true }),
      );
      chat?.querySelector(".chat")?.dispatchEvent(
        new DragEvent("drop", { dataTransfer: transfer("dropped.txt"), bubbles: true, cancelable: true }),
      );
      chat
        ?.getElementById("message")
        ?.dispatchEvent(
          new ClipboardEvent("paste", { clipboardData: transfer("pasted.txt"), bubbles: true, cancelable: true }),
        );
    });
    await page.locator(".upload[data-state=ready]").nth(1).waitFor();
    const removed = page.waitForResponse(
      (response) => response.request().postData()?.includes("attachments.delete") ?? false,
    );
    await page.getByRole("button", { name: "Remove dropped.txt" }).click();
    assert.equal((await removed).status(), 200);
    assert.equal(await page.locator(".upload").count(), 1);
    assert.match(server.last("attachments.delete").attachment_id, /^atc_/);
  },

  "the model and a tool are picked beside the message": async (page) => {
    await start(server, page, (_, emit) => emit(done(says("msg_10", "Found."))));
    await page.getByRole("button", { name: "Search the web" }).first().click();
    await page.getByRole("combobox", { name: "Model" }).selectOption({ label: "Careful" });
    await page.getByLabel("Message", { exact: true }).fill("Anything");
    await page.keyboard.press("Enter");
    await hears(page, "Found.");
    assert.deepEqual(server.last("threads.create").input.inference_options, {
      model: "careful",
      tool_choice: { id: "search" },
    });
    assert.equal(await page.locator(".tool-choice[aria-pressed=true]").count(), 0);
  },

  "a stored thread asks its questions and runs its tools when it is opened": async (page) => {
    const call = item("fc_9", "client_tool_call", {
      status: "pending",
      call_id: "call_9",
      name: "set_theme",
      arguments: { theme: "light" },
    });
    const asked = item("msg_0", "user_message", {
      content: [{ type: "input_text", text: "Make it light" }],
      attachments: [],
      inference_options: {},
    });
    server.handlers["threads.get_by_id"] = () => thread({ title: "Kept" });
    server.handlers["items.list"] = () => ({ data: [call, asked], has_more: false });
    server.handlers["threads.add_client_tool_output"] = (_, emit) => emit(done(says("msg_11", "It is light.")));
    await page.goto("about:blank");
    await page.goto("/#thr_1");
    await hears(page, "It is light.");
    assert.deepEqual(server.last("threads.add_client_tool_output").result, { theme: "light" });
  },
});
server.close();
process.exitCode = passed ? 0 : 1;
