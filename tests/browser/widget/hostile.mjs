// Texts that want to be more than text, in every field; and a lot of text.
import assert from "node:assert/strict";
import { ended } from "../scripted-page.mjs";
import { done, item, says } from "../scripted-server.mjs";
import { answers, open, send } from "./chat.mjs";

/** @typedef {import("playwright-core").Page} Page */

const MARKUP = `"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script><svg onload=window.hacked=1>{{7*7}}`;
const LINK = "javascript:window.hacked=1";
const EVIL = `${MARKUP} [x](${LINK}) ![y](${LINK}) <${LINK}>`;
/** 1 MB. What a parser may stumble over is in `markdown.test.mjs`. */
const MEGABYTE = "The **quick** brown _fox_ jumps over `the` lazy [dog](https://example.com/).\n\n".repeat(13_000);

/** An item of every type, full of it. */
const ITEMS = [
  item("i_1", "workflow", {
    workflow: {
      type: EVIL,
      summary: { title: EVIL, icon: EVIL },
      expanded: true,
      tasks: [
        { type: "custom", title: EVIL, icon: EVIL, content: EVIL },
        { type: "web_search", title_query: EVIL, queries: [EVIL], sources: [{ type: "url", title: EVIL, url: LINK }] },
        { type: "file", title: EVIL, sources: [{ type: "file", title: EVIL, filename: EVIL }] },
      ],
    },
  }),
  item("i_2", "task", { task: { type: "thought", title: EVIL, content: EVIL } }),
  item("i_3", "widget", {
    copy_text: EVIL,
    widget: {
      type: "Card",
      size: EVIL,
      background: `url(${LINK})`,
      status: { text: EVIL, icon: EVIL },
      confirm: { label: EVIL, action: { type: EVIL } },
      children: [
        { type: "Text", value: EVIL, color: EVIL },
        { type: "Title", value: EVIL },
        { type: "Markdown", value: EVIL },
        { type: "Image", src: LINK, alt: EVIL },
        { type: "Button", label: EVIL, iconStart: EVIL, onClickAction: { type: EVIL } },
        { type: "Input", name: "__proto__.hacked", placeholder: EVIL, defaultValue: EVIL },
        { type: "Badge", label: EVIL },
        {
          type: "Chart",
          data: [{ x: EVIL, y: 1 }],
          series: [{ type: "bar", dataKey: "y", label: EVIL }],
          xAxis: { dataKey: "x" },
        },
        { type: EVIL, children: [{ type: "constructor" }, { type: "__proto__" }] },
      ],
    },
  }),
  item("i_4", "generated_image", { image: { id: "i", url: LINK } }),
  item("i_5", "client_tool_call", {
    status: "completed",
    call_id: "c",
    name: EVIL,
    arguments: {},
    output: { error: EVIL },
  }),
  item("i_6", "structured_input", {
    status: "answered",
    inputs: [{ type: "freeform", id: "__proto__", question: EVIL, answer: { values: [EVIL] } }],
  }),
  item("i_7", EVIL, { a: EVIL }),
  says("i_8", EVIL, [
    { type: "annotation", source: { type: "url", title: EVIL, url: LINK, description: EVIL } },
    { type: "annotation", source: { type: "entity", id: EVIL, title: EVIL } },
  ]),
];

/** @param {import("../scripted-server.mjs").ScriptedServer} server */
export const hostile = (server) => ({
  "markup in every field is text": async (/** @type {Page} */ page) => {
    server.handlers["threads.list"] = () => ({
      data: [{ id: `thr"${MARKUP}`, title: EVIL, created_at: EVIL, status: { type: "active" } }],
      has_more: false,
    });
    answers(
      server,
      { type: "progress_update", text: EVIL },
      { type: "notice", level: EVIL, title: EVIL, message: EVIL },
      ...ITEMS.map(done),
      { type: "error", code: EVIL, message: EVIL, allow_retry: true },
    );
    await page.evaluate(
      (evil) =>
        /** @type {any} */ (window).site.open({
          frameTitle: evil,
          startScreen: { greeting: evil, prompts: [{ label: evil, prompt: evil, icon: evil }] },
          header: { title: { text: evil }, leftAction: { icon: evil, onClick() {} } },
          disclaimer: { text: evil },
          theme: {
            color: { accent: { primary: evil, level: evil }, surface: { background: evil, foreground: evil } },
            radius: evil,
            density: evil,
          },
          composer: {
            placeholder: evil,
            tools: [{ id: evil, label: evil, icon: evil }],
            models: [{ id: evil, label: evil }],
          },
        }),
      EVIL,
    );
    await send(page, EVIL);
    await ended(page);
    await page.getByRole("button", { name: "Show the chats" }).click();
    const found = await page.evaluate(() => {
      const root = document.querySelector("openai-chatkit")?.shadowRoot;
      const addresses = [...(root?.querySelectorAll("a, img") ?? [])].map(
        (made) => made.getAttribute("href") ?? made.getAttribute("src"),
      );
      return {
        hacked: /** @type {any} */ (window).hacked ?? /** @type {any} */ ({}).hacked,
        markup: root?.querySelectorAll("script, [onerror], [onload], img[src=x]").length,
        addresses: addresses.filter((address) => address?.startsWith("javascript:")),
      };
    });
    assert.deepEqual(found, { hacked: undefined, markup: 0, addresses: [] });
    server.handlers["threads.list"] = () => ({ data: [], has_more: false });
  },

  "a megabyte of markdown is shown": async (/** @type {Page} */ page) => {
    answers(server, done(says("msg_1", MEGABYTE)), done(says("msg_2", "That was a lot.")));
    await open(page);
    await send(page, "A lot, please");
    await page.locator(".answer").getByText("That was a lot.", { exact: true }).waitFor();
    await open(page);
  },
});
