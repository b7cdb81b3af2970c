// The path of the book's page on sign-in for sessions that say nothing, as it is written there: Better Auth's own cookie, and the
// route of the site that says whose it is. `examples.sh` has put that route into the Next.js example.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { API, ROOT, SITE, signOut, signUp } from "./site.mjs";

const BOOK = readFileSync(new URL("docs/src/sign-in.md", ROOT), "utf8");
const SCRIPT = readFileSync(new URL("docs/src/chatkit-session.js", ROOT), "utf8");

/** @typedef {import("playwright-core").Page} Page */

/** The variables of the backend. @param {Record<string, string | undefined>} site those of the site */
export function variables(site) {
  const [block] = /^AUTH_MODE=session\n(?:[A-Z_]+=.*\n)+/m.exec(BOOK) ?? [];
  assert(block);
  const here = block.replaceAll("https://www.example.com", SITE).replace(/<([A-Z_]+) .*>/g, (_, name) => site[name] ?? "");
  return { ...parseEnv(here), ASSISTANT: site.ASSISTANT };
}

/** An operation of the user's, sent with the cookie alone. @param {Page} page @param {string} id @param {object} operation */
async function ask(page, id, operation) {
  if (!(await page.evaluate(() => "sessionFetch" in window)))
    await page.addScriptTag({ type: "module", content: `${SCRIPT}\nwindow.sessionFetch = sessionFetch;` });
  await page.waitForFunction(() => "sessionFetch" in window);
  return page.evaluate(
    async ([api, id, body]) => {
      const options = { method: "POST", headers: { "content-type": "application/json" }, body };
      const response = await window.sessionFetch(api, { id })(`${api}/chatkit`, options);
      return { status: response.status, text: await response.text() };
    },
    [API, id, JSON.stringify(operation)],
  );
}

let thread = "";
export const steps = {
  "the site's cookie says who the user is": async (/** @type {Page} */ page) => {
    await signUp(page, "ada", "Sign in");
    const input = { content: [{ type: "input_text", text: "Which products?" }], attachments: [], inference_options: {} };
    const { status, text } = await ask(page, "ada", { type: "threads.create", params: { input } });
    assert.equal(status, 200, text);
    assert(text.includes("blue mug, 12 EUR") && text.includes("ada"), text);
    thread = /"id":"(thr_[^"]+)"/.exec(text)?.[1] ?? "";
    assert((await ask(page, "ada", { type: "threads.list", params: {} })).text.includes(thread));
  },
  "another user of the browser sees nothing of the first": async (/** @type {Page} */ page) => {
    await signOut(page);
    await signUp(page, "grace", "Sign in");
    assert.deepEqual(JSON.parse((await ask(page, "grace", { type: "threads.list", params: {} })).text).data, []);
    assert.equal((await ask(page, "grace", { type: "threads.get_by_id", params: { thread_id: thread } })).status, 404);
  },
  "without the cookie there is no session": async (/** @type {Page} */ page) => {
    await page.context().clearCookies();
    await assert.rejects(ask(page, "a stranger", { type: "threads.list", params: {} }));
  },
};
