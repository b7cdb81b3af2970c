// The composer: files, models, tools, tags and commands.
import assert from "node:assert/strict";
import { PIXEL, ended, hears } from "../scripted-page.mjs";
import { done, says } from "../scripted-server.mjs";
import { answers, calls, field, open, said, send } from "./chat.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @param {string} name @param {string} mimeType @param {string} text */
const file = (name, mimeType, text) => ({ name, mimeType, buffer: Buffer.from(text) });

/** The text field's list. @param {Page} page @param {string} name */
const option = (page, name) => page.getByRole("option", { name, exact: true });

/** @param {import("../scripted-server.mjs").ScriptedServer} server */
export const writing = (server) => ({
  "files are taken as the site says": async (/** @type {Page} */ page) => {
    answers(server, done(says("msg_1", "Thank you.")));
    server.handlers["attachments.create"] = ({ name, mime_type: type }) => ({
      id: `atc_${name}`,
      name,
      mime_type: type,
      type: "file",
      upload_descriptor: { url: "/upload/1", method: "PUT", headers: {} },
    });
    await open(page, () => ({
      api: { url: "/chatkit", domainKey: "local", uploadStrategy: { type: "two_phase" } },
      composer: {
        placeholder: "Ask about your order",
        attachments: {
          enabled: true,
          maxCount: 2,
          maxSize: { "text/*": 5, "*": 100 },
          accept: { "text/plain": [".txt"], "application/x": [".ord"] },
        },
      },
    }));
    assert.equal(await field(page).getAttribute("placeholder"), "Ask about your order");
    assert.equal(await page.locator("#files").getAttribute("accept"), "text/plain,.txt,application/x,.ord");
    await page
      .locator("#files")
      .setInputFiles([
        file("long.txt", "text/plain", "too long"),
        file("cat.png", "image/png", "x"),
        file("a.txt", "text/plain", "abc"),
        file("b.ord", "", "a longer one"),
        file("c.txt", "text/plain", "c"),
      ]);
    for (const text of ["Larger than 5 bytes", "Files of this type are not taken", "Only 2 files fit into a message"]) {
      await page.locator(".upload[data-state=failed]").filter({ hasText: text }).waitFor();
    }
    await page.locator(".upload[data-state=ready]").nth(1).waitFor();
    await send(page, "Here");
    await hears(page, "Thank you.");
    assert.deepEqual(server.last("threads.create").input.attachments.sort(), ["atc_a.txt", "atc_b.ord"]);
  },

  "a file goes straight to the site, with its own fetch": async (/** @type {Page} */ page) => {
    await page.route("**/direct", (route) =>
      route.fulfill({
        json: { id: "atc_direct", name: "a.txt", mime_type: "text/plain", type: "file" },
      }),
    );
    await open(page, () => ({
      api: {
        url: "/chatkit",
        domainKey: "local",
        uploadStrategy: { type: "direct", uploadUrl: "/direct" },
        fetch: (/** @type {string} */ url, /** @type {any} */ options) => {
          const path = new URL(url, location.href).pathname;
          /** @type {any} */ (window).site.calls.push(`${options.method} ${path} ${typeof options.body}`);
          return fetch(url, options);
        },
      },
      composer: { attachments: { enabled: true, maxSize: 1000 } },
    }));
    await page.locator("#files").setInputFiles([file("a.txt", "text/plain", "abc")]);
    await page.locator(".upload[data-state=ready]").waitFor();
    assert.ok((await calls(page)).includes("POST /direct object"));
    await send(page, "");
    await hears(page, "Thank you.");
    assert.deepEqual(server.last("threads.create").input.attachments, ["atc_direct"]);
  },

  "models and tools are picked, and stay or go": async (/** @type {Page} */ page) => {
    await open(page, () => ({
      composer: {
        dictation: { enabled: true },
        attachments: { enabled: true },
        models: [
          { id: "quick", label: "Quick", description: "Answers at once" },
          { id: "careful", label: "Careful", default: true },
          { id: "best", label: "Best", disabled: true },
        ],
        tools: [
          {
            id: "search",
            label: "Search the web",
            shortLabel: "Search",
            icon: "globe",
            placeholderOverride: "Search for",
          },
          { id: "deep", label: "Deep research", icon: "lab", persistent: true },
          { id: "draw", label: "Draw", icon: "images", pinned: true },
        ],
      },
    }));
    const models = page.getByRole("combobox", { name: "Model" });
    assert.equal(await models.inputValue(), "careful");
    assert.equal(await models.locator("option[value=best]").isDisabled(), true);
    assert.match((await models.locator("option[value=quick]").textContent()) ?? "", /Answers at once/);
    await page.getByRole("button", { name: "Dictate" }).waitFor();
    await page.getByRole("button", { name: "Draw", exact: true }).waitFor();
    await page.getByRole("button", { name: "Add files and more" }).click();
    await page.getByRole("menuitem", { name: "Search the web" }).click();
    assert.equal(await field(page).getAttribute("placeholder"), "Search for");
    await page
      .getByRole("button", { name: "Search the web", pressed: true })
      .filter({ hasText: /^Search$/ })
      .waitFor();
    assert.deepEqual(await said(page, "tool.change"), [{ toolId: "search" }]);
    await send(page, "One");
    await ended(page);
    assert.deepEqual(server.last("threads.create").input.inference_options, {
      model: "careful",
      tool_choice: { id: "search" },
    });
    await page.getByRole("button", { name: "Add files and more" }).press("Enter");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    for (const text of ["Two", "Three"]) {
      await send(page, text);
      await ended(page);
      assert.deepEqual(server.last("threads.add_user_message").input.inference_options.tool_choice, { id: "deep" });
    }
  },

  "dictated words are written down": async (/** @type {Page} */ page) => {
    server.handlers["input.transcribe"] = () => ({ text: "as I said" });
    await page.evaluate(() => {
      Object.defineProperty(navigator, "mediaDevices", {
        configurable: true,
        value: { getUserMedia: async () => new MediaStream() },
      });
      /** @type {any} */ (window).MediaRecorder = class extends EventTarget {
        static isTypeSupported = () => true;
        mimeType = "audio/webm";
        start() {}
        stop() {
          this.dispatchEvent(Object.assign(new Event("dataavailable"), { data: new Blob(["abc"]) }));
          this.dispatchEvent(new Event("stop"));
        }
      };
    });
    await open(page, () => ({ composer: { dictation: { enabled: true } } }));
    await field(page).fill("Hello,");
    await page.getByRole("button", { name: "Dictate" }).click();
    await page.getByRole("button", { name: "Stop dictating", pressed: true }).click();
    await page.waitForFunction(
      () =>
        /** @type {any} */ (document.querySelector("openai-chatkit")?.shadowRoot?.querySelector("#message")).value ===
        "Hello, as I said",
    );
    assert.deepEqual(server.last("input.transcribe"), { audio_base64: "YWJj", mime_type: "audio/webm" });
  },

  "tags are found, sent, opened and looked at": async (/** @type {Page} */ page) => {
    const source = { type: "entity", id: "book", title: "Her notes", interactive: true, data: { born: "1843" } };
    answers(server, done(says("msg_1", "I know her.", [{ type: "annotation", source }])));
    await open(page, () => {
      const people = [
        { id: "ada", title: "Ada Lovelace", group: "People", icon: "user", interactive: true, data: { born: "1815" } },
        { id: "adam", title: "Adam", group: "People" },
        { id: "doc", title: "Advent plan", group: "Documents", icon: "document" },
      ];
      return {
        entities: {
          showComposerMenu: true,
          onTagSearch: async (/** @type {string} */ query) =>
            people.filter(({ title }) => title.toLowerCase().startsWith(query.toLowerCase())),
          onClick: (/** @type {any} */ entity) => /** @type {any} */ (window).site.calls.push(entity),
          onRequestPreview: async (/** @type {any} */ { data }) => ({
            preview: { type: "Basic", children: [{ type: "Title", value: `Born in ${data.born}` }] },
          }),
        },
      };
    });
    await page.getByRole("button", { name: "Mention something" }).click();
    await option(page, "Advent plan").waitFor();
    await page.keyboard.type("zzz");
    await option(page, "Nothing found").waitFor();
    await field(page).fill("Who was ");
    await page.keyboard.type("@ad");
    await option(page, "Ada Lovelace").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    assert.equal(await field(page).inputValue(), "Who was @Ada Lovelace ");
    await page.keyboard.type("really? a@b is no tag");
    await page.keyboard.press("Enter");
    await hears(page, "I know her.");
    assert.deepEqual(server.last("threads.create").input.content, [
      { type: "input_text", text: "Who was " },
      {
        type: "input_tag",
        id: "ada",
        text: "Ada Lovelace",
        group: "People",
        data: { born: "1815" },
        interactive: true,
      },
      { type: "input_text", text: " really? a@b is no tag" },
    ]);
    await page.getByRole("button", { name: "@Ada Lovelace" }).hover();
    await page.getByRole("heading", { name: "Born in 1815" }).waitFor();
    await page.getByRole("button", { name: "@Ada Lovelace" }).click();
    const [clicked] = await calls(page);
    assert.deepEqual([clicked.id, clicked.title, clicked.data], ["ada", "Ada Lovelace", { born: "1815" }]);
    await page.getByRole("button", { name: "Her notes" }).click();
    assert.equal((await calls(page))[1].id, "book");
    await page.mouse.move(0, 0);
    await page.getByRole("heading", { name: "Born in 1815" }).waitFor({ state: "detached" });
  },

  "commands do, insert and lead on": async (/** @type {Page} */ page) => {
    await open(page, () => ({
      composer: {
        attachments: { enabled: true },
        tools: [{ id: "search", label: "Search the web", icon: "globe" }],
      },
      commands: {
        enabled: true,
        onSearch: async (/** @type {string} */ query) =>
          [
            { id: "clear", label: "Clear", description: "Begin again", icon: "reload", group: "Actions" },
            { id: "order", label: "Order", group: "Actions" },
          ].filter(({ id }) => id.startsWith(query)),
        onSelect: async (/** @type {any} */ { id }) => {
          /** @type {any} */ (window).site.calls.push(id);
          if (id === "order") return { type: "menu", commands: [{ id: "1042", label: "Order 1042" }] };
          if (id === "1042") return { type: "entity", entity: { id: "1042", title: "Order 1042" } };
        },
      },
    }));
    await field(page).focus();
    await page.keyboard.type("/");
    for (const name of ["Attach files", "Search the web", "Clear Begin again", "Order"])
      await option(page, name).waitFor();
    await page.keyboard.type("cl");
    await option(page, "Order").waitFor({ state: "detached" });
    await page.keyboard.press("Tab");
    await page.waitForFunction(() => /** @type {any} */ (window).site.calls.length === 1);
    assert.equal(await field(page).inputValue(), "");
    await page.keyboard.type("/ord");
    await option(page, "Order").click();
    await option(page, "Order 1042").click();
    assert.equal(await field(page).inputValue(), "@Order 1042 ");
    assert.deepEqual(await calls(page), ["clear", "order", "1042"]);
    await field(page).fill("");
    await page.keyboard.type("/search");
    await option(page, "Search the web").click();
    assert.equal(await field(page).inputValue(), "");
    await page.getByRole("button", { name: "Search the web", pressed: true }).waitFor();
    await page.keyboard.type("/");
    await page.keyboard.press("Escape");
    await page.getByRole("listbox").waitFor({ state: "hidden" });
  },

  "a picture is attached that the server has": async (/** @type {Page} */ page) => {
    assert.match(PIXEL, /^data:image/);
    await open(page);
    await page.evaluate(
      (preview_url) =>
        /** @type {any} */ (window).site.call("setComposerValue", {
          attachments: [{ type: "image", id: "atc_9", name: "sea.png", mime_type: "image/png", preview_url }],
        }),
      PIXEL,
    );
    await page.locator(".upload[data-state=ready] img").waitFor();
    await page.getByRole("button", { name: "Remove sea.png" }).waitFor();
  },
});
