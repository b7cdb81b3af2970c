// What the options say about the chat and how it looks.
import assert from "node:assert/strict";
import { ended, hears } from "../scripted-page.mjs";
import { done, item, says, thread } from "../scripted-server.mjs";
import { answers, call, calls, field, open, said, send, set, stored } from "./chat.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page @param {string} locator @param {string} property */
const style = (page, locator, property) =>
  page
    .locator(locator)
    .first()
    .evaluate((element, property) => getComputedStyle(element).getPropertyValue(property), property);

/** @param {import("../scripted-server.mjs").ScriptedServer} server */
export const options = (server) => ({
  "the element is there under the official name, and says that it is ready": async (/** @type {Page} */ page) => {
    await server.attach(page);
    await page.goto("/");
    await page.waitForFunction(() => "site" in window);
    assert.equal(await page.evaluate(() => /** @type {any} */ (window).site.name), "openai-chatkit");
    await open(page);
    assert.deepEqual(await said(page, "ready"), [null]);
    await page.getByRole("heading", { name: "What can I help with today?" }).waitFor();
    assert.equal(await field(page).getAttribute("placeholder"), "Message the AI");
    // The page's type is small; the chat has its own.
    assert.equal(await style(page, "#message", "font-size"), "16px");
  },

  "greeting and prompts": async (/** @type {Page} */ page) => {
    answers(server, done(says("msg_1", "Hello!")));
    const make = () => ({
      startScreen: {
        greeting: "Good morning",
        prompts: [
          { label: "Say hello", prompt: "Hello there", icon: "sparkle" },
          {
            label: "Ask about Ada",
            icon: "lucide:user",
            prompt: [
              { type: "input_text", text: "Who is " },
              { type: "input_tag", id: "ada", text: "Ada", group: "People", data: { team: "a" }, interactive: true },
            ],
          },
        ],
      },
    });
    await open(page, make);
    await page.getByRole("heading", { name: "Good morning" }).waitFor();
    await page.getByRole("button", { name: "Say hello" }).click();
    await hears(page, "Hello!");
    assert.deepEqual(server.last("threads.create").input.content, [{ type: "input_text", text: "Hello there" }]);
    await open(page, make);
    await page.getByRole("button", { name: "Ask about Ada" }).click();
    await hears(page, "Hello!");
    const [, tag] = server.last("threads.create").input.content;
    assert.deepEqual(tag, {
      type: "input_tag",
      id: "ada",
      text: "Ada",
      group: "People",
      data: { team: "a" },
      interactive: true,
    });
    await page.locator(".bubble .tag").filter({ hasText: "@Ada" }).waitFor();
  },

  "title, buttons of the header, and none of it": async (/** @type {Page} */ page) => {
    const make = () => ({
      header: {
        enabled: true,
        title: { enabled: true, text: "Our shop" },
        leftAction: { icon: "home", onClick: () => /** @type {any} */ (window).site.calls.push("home") },
        rightAction: { icon: "close", onClick: () => /** @type {any} */ (window).site.calls.push("close") },
      },
      frameTitle: "Chat with our shop",
    });
    await open(page, make);
    await page.getByRole("region", { name: "Chat with our shop" }).waitFor();
    await page.getByRole("heading", { name: "Our shop" }).waitFor();
    await page.getByRole("button", { name: "home" }).click();
    await page.getByRole("button", { name: "close", exact: true }).click();
    assert.deepEqual(await calls(page), ["home", "close"]);
    await set(page, () => ({ header: { enabled: false } }));
    await page.locator(".topbar").waitFor({ state: "hidden" });
  },

  "the chats are listed, with the buttons that the site wants": async (/** @type {Page} */ page) => {
    stored(server);
    await open(page, () => ({ history: { enabled: true, showDelete: false, showRename: true } }));
    await page.getByRole("button", { name: "Show the chats" }).click();
    await page.getByRole("link", { name: "The moon" }).hover();
    assert.equal(await page.getByRole("button", { name: "Rename" }).count(), 1);
    assert.equal(await page.getByRole("button", { name: "Delete" }).count(), 0);
    assert.equal((await said(page, "history.open")).length, 1);
    await page.getByRole("link", { name: "The moon" }).click();
    await hears(page, "About 384,400 km.");
    await set(page, () => ({ history: { enabled: false } }));
    await page.getByRole("button", { name: "Show the chats" }).waitFor({ state: "hidden" });
    assert.equal((await said(page, "history.close")).length, 1);
  },

  "the first thread is loaded, and answers have the buttons that the site wants": async (/** @type {Page} */ page) => {
    stored(server);
    await open(page, () => ({ initialThread: "thr_1", threadItemActions: { feedback: true, retry: true } }));
    await hears(page, "About 384,400 km.");
    assert.deepEqual(await said(page, "thread.load.start"), [{ threadId: "thr_1" }]);
    assert.deepEqual(await said(page, "thread.load.end"), [{ threadId: "thr_1" }]);
    assert.deepEqual(await said(page, "thread.change"), [{ threadId: "thr_1" }]);
    server.handlers["items.feedback"] = () => ({});
    await page.getByRole("button", { name: "Bad answer" }).click();
    await page.getByRole("button", { name: "Bad answer", pressed: true }).waitFor();
    assert.deepEqual(server.last("items.feedback"), { thread_id: "thr_1", item_ids: ["msg_1"], kind: "negative" });
    server.handlers["threads.retry_after_item"] = (_, emit) => emit(done(says("msg_2", "Still as far.")));
    await page.getByRole("button", { name: "Answer again" }).click();
    await hears(page, "Still as far.");
    await ended(page);
    await set(page, () => ({ threadItemActions: {} }));
    assert.equal(await page.getByRole("button", { name: "Answer again" }).count(), 0);
  },

  "every part of the theme is seen": async (/** @type {Page} */ page) => {
    answers(server, done(says("msg_1", "In colour, with `code`.")));
    await page.route("**/font.woff2", (route) => route.fulfill({ status: 404 }));
    await open(page, () => ({
      theme: {
        colorScheme: "dark",
        radius: "sharp",
        density: "spacious",
        typography: {
          baseSize: 18,
          fontFamily: "Georgia, serif",
          fontFamilyMono: "Menlo, monospace",
          fontSources: [
            {
              family: "Ours",
              src: "/font.woff2",
              weight: 500,
              style: "italic",
              display: "swap",
              unicodeRange: "U+0-7F",
            },
          ],
        },
        color: {
          grayscale: { hue: 220, tint: 6, shade: -1 },
          accent: { primary: "#2d8c6d", level: 3 },
          surface: { background: "#101820", foreground: "#f2f4f6" },
        },
      },
      disclaimer: { text: "It can be **wrong**.", highContrast: true },
    }));
    await send(page, "Hello");
    await ended(page);
    assert.equal(await style(page, ".chat", "color-scheme"), "dark");
    assert.equal(await style(page, ".chat", "background-color"), "rgb(16, 24, 32)");
    assert.equal(await style(page, ".chat", "color"), "rgb(242, 244, 246)");
    assert.equal(await style(page, "#message", "font-size"), "18px");
    assert.match(await style(page, ".answer", "font-family"), /^Georgia/);
    assert.match(await style(page, ".answer code", "font-family"), /^Menlo/);
    assert.equal(await style(page, ".composer", "border-radius"), "2px");
    assert.equal(await style(page, ".bubble", "background-color"), "rgb(45, 140, 109)");
    assert.deepEqual(
      await page.evaluate(() => [...document.fonts].map(({ family, weight, style }) => [family, weight, style])),
      [["Ours", "500", "italic"]],
    );
    assert.equal(await style(page, ".disclaimer", "color"), "rgb(242, 244, 246)");
    await page.locator(".disclaimer strong").filter({ hasText: "wrong" }).waitFor();
    // A colour of raised boxes, which some sites name here, does not become text on itself.
    await set(page, () => ({ theme: { color: { surface: { background: "#ffffff", foreground: "#f8f8f8" } } } }));
    assert.notEqual(await style(page, ".chat", "color"), "rgb(248, 248, 248)");
    await set(page, () => ({ theme: "dark" }));
    assert.equal(await style(page, ".chat", "color-scheme"), "dark");
  },

  "eight languages, and right to left": async (/** @type {Page} */ page) => {
    /** @type {[string, string][]} */
    const greetings = [
      ["de-DE", "Womit kann ich heute helfen?"],
      ["fr", "Comment puis-je vous aider aujourd’hui ?"],
      ["es-419", "¿En qué puedo ayudar hoy?"],
      ["pt-BR", "Como posso ajudar hoje?"],
      ["it", "Come posso aiutarti oggi?"],
      ["ja-JP", "今日は何をお手伝いしましょうか？"],
      ["zh-CN", "今天有什么可以帮您？"],
      ["ko-KR", "What can I help with today?"],
    ];
    for (const [locale, greeting] of greetings) {
      await page.evaluate((locale) => /** @type {any} */ (window).site.open({ locale }), locale);
      await page.getByRole("heading", { name: greeting }).waitFor();
    }
    await open(page, () => ({ locale: "ar" }));
    assert.equal(await style(page, ".chat", "direction"), "rtl");
    await page.evaluate(() => (document.documentElement.dir = "rtl"));
    await open(page);
    assert.equal(await style(page, ".chat", "direction"), "rtl");
    await page.evaluate(() => document.documentElement.removeAttribute("dir"));
  },

  "a growing answer is followed only where the site wants it": async (/** @type {Page} */ page) => {
    const long = Array.from({ length: 80 }, (_, index) => `Line ${index}`).join("\n\n");
    answers(server, done(says("msg_1", long)));
    const distance = () =>
      page
        .locator(".scroller")
        .evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
    await open(page, () => ({ thread: { autoScroll: true } }));
    await send(page, "Go on");
    await ended(page);
    await page.waitForFunction(() => {
      const scroller = document.querySelector("openai-chatkit")?.shadowRoot?.querySelector(".scroller");
      return scroller && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2;
    });
    await open(page);
    await send(page, "Go on");
    await ended(page);
    await page.getByRole("button", { name: "Go to the newest message" }).click();
    assert.ok((await distance()) < 2);
  },

  "tools, actions, effects and links of the page": async (/** @type {Page} */ page) => {
    const widget = {
      type: "Card",
      children: [
        {
          type: "Button",
          label: "Wave",
          onClickAction: { type: "wave", payload: { hand: "left" }, handler: "client" },
        },
      ],
    };
    const clientCall = { status: "pending", call_id: "call_1", name: "look", arguments: { at: "sky" } };
    answers(
      server,
      done(item("msg_w", "widget", { widget })),
      { type: "client_effect", name: "confetti", data: { amount: 3 } },
      done(item("fc_1", "client_tool_call", clientCall)),
    );
    const link = "[The map](chatkit-link://map?place=Rome)";
    server.handlers["threads.add_client_tool_output"] = (_, emit) => emit(done(says("msg_2", `It is blue. ${link}`)));
    await open(page, () => ({
      onClientTool: async (/** @type {any} */ call) => {
        /** @type {any} */ (window).site.calls.push(call);
        return { colour: "blue" };
      },
      widgets: { onAction: async (/** @type {any} */ ...given) => /** @type {any} */ (window).site.calls.push(given) },
    }));
    await send(page, "What colour is the sky?");
    await page.getByRole("link", { name: "The map" }).waitFor();
    assert.deepEqual(server.last("threads.add_client_tool_output").result, { colour: "blue" });
    assert.deepEqual(await said(page, "effect"), [{ name: "confetti", data: { amount: 3 } }]);
    await page.getByRole("button", { name: "Wave" }).click();
    assert.deepEqual(await calls(page), [
      { name: "look", params: { at: "sky" } },
      [
        { type: "wave", payload: { hand: "left" } },
        { id: "msg_w", widget },
      ],
    ]);
    await page.getByRole("link", { name: "The map" }).click();
    assert.deepEqual(await said(page, "deeplink"), [{ name: "map", data: { place: "Rome" } }]);
  },

  "a thread that is closed says why": async (/** @type {Page} */ page) => {
    stored(server, { status: { type: "closed", reason: "We are on holiday." } });
    await open(page);
    await call(page, "setThreadId", "thr_1");
    await page.locator("#closed").filter({ hasText: "We are on holiday." }).waitFor();
    server.handlers["threads.get_by_id"] = () => thread({ title: "The moon" });
  },
});
