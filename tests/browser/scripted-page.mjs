// The page in front of a scripted server.
import { opening } from "./scripted-server.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("./scripted-server.mjs").ScriptedServer} ScriptedServer */
/** @typedef {import("./scripted-server.mjs").Handler} Handler */

/** An image of one pixel. */
export const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+" +
  "M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/** What the local server says that it offers. */
const ABOUT = {
  model: "demo",
  demo: true,
  version: "0",
  composer: {
    models: [
      { id: "quick", label: "Quick" },
      { id: "careful", label: "Careful" },
    ],
    tools: [
      { id: "search", label: "Search the web", icon: "globe" },
      { id: "picture", label: "Make a picture", icon: "square-image" },
    ],
  },
  attachments: { enabled: true, max_bytes: 1000, types: ["image/*", "text/plain"] },
  dictation: true,
};

/** From now on the page talks to this server. @param {ScriptedServer} server @param {Page} page */
export async function connect(server, page) {
  await server.attach(page);
  await page.route("**/playground.json", (route) => route.fulfill({ json: ABOUT }));
  await page.goto("/");
}

/**
 * Opens an empty page whose first message is answered by this.
 * @param {ScriptedServer} server
 * @param {Page} page
 * @param {Handler} answer
 */
export async function start(server, page, answer) {
  server.requests.length = 0;
  server.handlers["threads.create"] = async (params, emit) => {
    emit(...opening(params, "msg_user"));
    await answer(params, emit);
  };
  await page.goto("about:blank");
  await page.goto("/");
  await page.locator(".tool-choice").first().waitFor();
}

/**
 * @param {ScriptedServer} server
 * @param {Page} page
 * @param {Handler} answer
 * @param {string} [text]
 */
export async function ask(server, page, answer, text = "Go on") {
  await start(server, page, answer);
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

/** What a scripted answer waits for in its middle. */
export function gate() {
  /** @type {(value: null) => void} */
  let resolve = () => {};
  const promise = new Promise((resolved) => {
    resolve = resolved;
  });
  return { promise, resolve };
}

/** Waits for an answer of the assistant. @param {Page} page @param {string} text */
export const hears = (page, text) => page.locator(".answer").getByText(text, { exact: true }).waitFor();
/** @param {Page} page */
export const ended = (page) => page.locator(".conversation:not([data-running])").waitFor();
