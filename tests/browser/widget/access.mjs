// axe-core over every view in both themes, on a phone and on a desk; with SCREENSHOTS=DIR a picture of each.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ended } from "../scripted-page.mjs";
import { added, done, item, says, thread } from "../scripted-server.mjs";
import { GALLERY, LIST } from "../widgets.mjs";
import { answers, call, field, open, send } from "./chat.mjs";

/** @typedef {import("playwright-core").Page} Page */

const AXE = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const SIZES = [
  { width: 320, height: 640 },
  { width: 360, height: 720 },
  { width: 1280, height: 800 },
];
const MARKDOWN = `## A short plan

Here is what I would do, **step by step**:

1. Read the *logs* of \`yesterday\`
2. Compare them with [the handbook](https://example.com/)

| Planet | Moons |
| --- | ---: |
| Earth | 1 |
| Mars | 2 |

\`\`\`js
console.log("Hello");
\`\`\`

> Nothing is as fast as what is not done.`;
const TASKS = [
  { type: "thought", title: "Reading", content: "The question is about the plan." },
  {
    type: "web_search",
    status_indicator: "complete",
    title_query: "chatkit plans",
    queries: ["chatkit"],
    sources: [{ type: "url", title: "ChatKit guide", url: "https://example.com/guide" }],
  },
];
const SOURCES = [
  { type: "annotation", source: { type: "url", title: "ChatKit guide", url: "https://example.com/guide" } },
  { type: "annotation", source: { type: "file", title: "Handbook", filename: "handbook.pdf" } },
];
const QUESTIONS = item("si_1", "structured_input", {
  status: "pending",
  inputs: [
    {
      type: "multiple_choice",
      id: "where",
      question: "Where to?",
      options: [{ value: "The sea" }, { value: "A city" }],
    },
    { type: "freeform", id: "wish", question: "Anything else?" },
  ],
});
const OPTIONS = `{
  startScreen: { prompts: [
    { label: "Where is my order?", prompt: "Where is my order?", icon: "cube" },
    { label: "Plan a trip to the sea", prompt: "Plan a trip", icon: "map-pin" },
    { label: "Explain this to me like a good teacher would", prompt: "Explain", icon: "book-open" },
    { label: "Draw a picture", prompt: "Draw", icon: "images" },
  ] },
  header: { title: { text: "Help" }, rightAction: { icon: "close", onClick() {} } },
  composer: {
    attachments: { enabled: true }, dictation: { enabled: true },
    models: [{ id: "quick", label: "Quick", description: "at once" }, { id: "careful", label: "Careful" }],
    tools: [
      { id: "search", label: "Search the web", icon: "globe" },
      { id: "draw", label: "Draw", icon: "images", pinned: true },
    ],
  },
  entities: {
    onTagSearch: async () => [{ id: "a", title: "Ada Lovelace", group: "People", icon: "user" }],
    showComposerMenu: true,
  },
  disclaimer: { text: "An assistant makes mistakes. Check what matters." },
  threadItemActions: { feedback: true, retry: true },
  thread: { autoScroll: true },
}`;

/** @param {Page} page @param {string} colorScheme */
const begin = (page, colorScheme) =>
  open(page, /** @type {any} */ (`() => ({ ...${OPTIONS}, theme: "${colorScheme}" })`));

/**
 * @param {Page} page
 * @param {string} view
 * @param {string} scheme
 * @param {() => Promise<void>} [prepare] at each size
 */
async function examine(page, view, scheme, prepare = async () => {}) {
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await prepare();
    const folder = process.env.SCREENSHOTS;
    if (folder) await page.screenshot({ path: join(folder, `widget-${view}-${scheme}-${size.width}.png`) });
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(tooWide <= 0, `${view} is ${tooWide} px too wide at ${size.width}`);
  }
  // Colours and names are the same at every size.
  const faults = await page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (window).axe.run(document, { resultTypes: ["violations"] });
    return violations.map(
      (/** @type {any} */ { id, nodes }) =>
        `${id}: ${nodes.map((/** @type {any} */ { html }) => html.slice(0, 160)).join(" | ")}`,
    );
  });
  assert.deepEqual(faults, [], `${view}, ${scheme}`);
}

/** @param {import("../scripted-server.mjs").ScriptedServer} server */
export const access = (server) => ({
  "every view is accessible in both themes and fits every screen": async (/** @type {Page} */ page) => {
    await page.evaluate(AXE);
    for (const scheme of ["light", "dark"]) {
      server.handlers["threads.list"] = () => ({ data: [thread({ title: "The moon" })], has_more: false });
      await begin(page, scheme);
      await examine(page, "start", scheme);
      await field(page).focus();
      await page.keyboard.type("@");
      await page.getByRole("option", { name: "Ada Lovelace" }).waitFor();
      await examine(page, "tags", scheme);
      await field(page).fill("");
      answers(
        server,
        done(
          item("wf_1", "workflow", {
            workflow: { type: "reasoning", tasks: TASKS, expanded: true, summary: { duration: 4 } },
          }),
        ),
        { type: "notice", level: "warning", title: "Careful", message: "The shop closes **soon**." },
        done(says("msg_1", MARKDOWN, SOURCES)),
      );
      await send(page, "What shall I do?");
      await ended(page);
      await examine(page, "answer", scheme);
      answers(
        server,
        done(item("msg_g", "widget", { widget: GALLERY })),
        done(item("msg_l", "widget", { widget: LIST })),
      );
      await begin(page, scheme);
      await send(page, "Show me everything");
      await ended(page);
      await examine(page, "widgets", scheme);
      answers(server, done(QUESTIONS), {
        type: "error",
        code: "custom",
        message: "It did not work out.",
        allow_retry: true,
      });
      await begin(page, scheme);
      await send(page, "Plan a trip");
      await ended(page);
      await examine(page, "questions", scheme);
      await examine(page, "chats", scheme, async () => {
        await call(page, "showHistory");
        await page.locator(".thread-link").waitFor();
      });
      answers(
        server,
        added(
          item("msg_2", "assistant_message", {
            content: [{ type: "output_text", text: "Half an ans", annotations: [] }],
          }),
        ),
      );
      await begin(page, scheme);
      await send(page, "Go on");
      await examine(page, "growing", scheme);
    }
  },
});
