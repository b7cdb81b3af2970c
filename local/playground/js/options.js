/** The chat of this page: what a site would write down for its own. */

import { applyAction, runTool } from "./page-tools.js";
import { restoredTheme } from "./theme.js";

const PROMPTS = [
  [
    "Show me what markdown can do: a list, a table and some code.",
    "Markdown: a list, a table and some code",
    "square-text",
  ],
  ["Think about why streaming feels faster, then tell me.", "Reasoning: watch it think before it answers", "lightbulb"],
  ["Give me an answer with a link to a source.", "Sources: an answer that says where it is from", "book-open"],
  ["Write a long answer, so that I can stop it.", "Streaming: a long answer that you can stop", "bolt"],
];
/** What only the demonstration assistant can do. */
const DEMONSTRATION = [
  ["Show me the products of your shop.", "Widgets: a shop with buttons that do something", "suitcase"],
  ["Plan a trip with me.", "Questions: the assistant asks, you pick", "circle-question"],
  ["Search the web for news about ChatKit.", "Search: sources looked up in front of you", "globe"],
  ["Draw a picture of an evening by the sea.", "Pictures: they become clearer as they are made", "images"],
];

/**
 * @param {import("./about.js").About | null} about
 * @param {typeof fetch} fetch with the identity of the user
 * @param {string | null} initialThread
 */
export function options(about, fetch, initialThread) {
  const { composer = { models: [], tools: [] }, attachments, dictation = false, demo = false } = about ?? {};
  const hasDemonstration = demo && composer.tools.length > 0;
  const prompts = hasDemonstration ? [...PROMPTS, ...DEMONSTRATION] : PROMPTS;
  const types = attachments?.types ?? [];
  return {
    api: { url: "/chatkit", domainKey: "local", fetch },
    locale: "en",
    theme: { colorScheme: restoredTheme(), color: { accent: { primary: "#c2552a", level: 0 } } },
    initialThread,
    startScreen: {
      greeting: "What shall we talk about?",
      prompts: prompts.map(([prompt, label, icon]) => ({ prompt, label, icon })),
    },
    composer: {
      placeholder: "Write a message",
      attachments: {
        enabled: attachments?.enabled ?? false,
        maxSize: attachments?.max_bytes,
        accept: types.length > 0 ? Object.fromEntries(types.map((type) => [type, []])) : undefined,
      },
      models: composer.models,
      tools: composer.tools.map((tool) => ({ ...tool, pinned: true })),
      dictation: { enabled: dictation },
    },
    disclaimer: { text: "`Enter` sends, `Shift`+`Enter` breaks the line, `Esc` stops the answer." },
    threadItemActions: { feedback: true, retry: true },
    thread: { autoScroll: true },
    onClientTool: runTool,
    widgets: { onAction: applyAction },
  };
}
