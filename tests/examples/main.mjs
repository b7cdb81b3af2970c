// The sites in `examples/` in Chromium, each with the local server behind it: `main.mjs SERVER FOLDER NAME...`. FOLDER has the
// examples with their packages.
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseEnv } from "node:util";
import { runSteps } from "../browser/harness.mjs";
import * as sessions from "./sessions.mjs";
import { API, ROOT, SITE, signOut, signUp } from "./site.mjs";

const STAND_IN = readFileSync(new URL("chatkit.js", import.meta.url), "utf8");
const SECONDS_TO_START = 30;
/** As its README says. @type {Record<string, string[]>} */
const START = {
  nextjs: ["npm", "start"],
  express: ["npm", "start"],
  fastapi: [".venv/bin/uvicorn", "server:app", "--port", "4000"],
};

/** @typedef {import("playwright-core").Page} Page */

/** Whether something answers at this address. @param {string} url */
const answers = (url) => fetch(url).then((response) => response.ok, () => false);

/**
 * Starts a program, and returns what stops it. @param {string} url where it answers @param {string[]} command
 * @param {string | URL} cwd @param {Record<string, string | undefined>} variables
 */
async function start(url, [program, ...options], cwd, variables) {
  assert(!(await answers(url)), `something else answers at ${url}`);
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, ...variables };
  const child = spawn(program, options, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const stop = async () => {
    if (child.exitCode !== null || child.pid === undefined) return;
    const exited = once(child, "exit");
    // With what it has started itself.
    process.kill(-child.pid);
    await exited;
  };
  for (let waited = 0; !(await answers(url)); waited += 0.2) {
    if (child.exitCode !== null || waited > SECONDS_TO_START) {
      await stop();
      throw new Error(`${program} does not answer at ${url}: ${output}`);
    }
    await pause(200);
  }
  return stop;
}

/** @param {Page} page @param {"ask" | "converse"} method @param {unknown[]} values @returns {Promise<any>} */
const widget = (page, method, ...values) =>
  page.locator("openai-chatkit").evaluate((element, [method, values]) => element[method](...values), [method, values]);

let thread = "";
const steps = {
  "the page has no chat before a user signs up": async (/** @type {Page} */ page) => {
    await page.goto("/");
    await page.locator("form").waitFor();
    assert.equal(await page.locator("openai-chatkit[data-ready]").count(), 0);
  },
  "a user signs up, asks, and gets what the site's tool says": async (/** @type {Page} */ page) => {
    await signUp(page, "ada");
    thread = await widget(page, "converse", "Which products do you have?");
    const answer = (await page.locator("openai-chatkit").textContent()) ?? "";
    for (const part of ["blue mug, 12 EUR", '"customer":"ada"', "Which products do you have?"])
      assert(answer.replaceAll(/":\s+/g, '":').includes(part), answer);
  },
  "the thread is still there after a reload": async (/** @type {Page} */ page) => {
    await page.reload();
    await page.locator("openai-chatkit[data-ready]").waitFor({ state: "attached" });
    const { status, answer } = await widget(page, "ask", "threads.list", {});
    assert.deepEqual([status, answer.data.map(({ id }) => id)], [200, [thread]]);
  },
  "another user does not see it": async (/** @type {Page} */ page) => {
    await signOut(page);
    await signUp(page, "grace");
    assert.deepEqual((await widget(page, "ask", "threads.list", {})).answer.data, []);
    const { status } = await widget(page, "ask", "threads.get_by_id", { thread_id: thread });
    assert.equal(status, 404);
    await widget(page, "converse", "Which products do you have?");
    assert(((await page.locator("openai-chatkit").textContent()) ?? "").includes("grace"));
  },
  "the tool answers the backend only": async () => {
    const call = { type: "tool.call", data: { arguments: { query: "mugs" }, user: { name: "ada" } } };
    const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(call) };
    assert.equal((await fetch(`${SITE}/chat-tools`, options)).status, 401);
    const now = String(Math.floor(Date.now() / 1000));
    const forged = { "webhook-id": "call_1", "webhook-timestamp": now, "webhook-signature": "v1,AAAA" };
    for (const signature of ["v1,AAAA", "v1", "", "v1,%"]) {
      const headers = { ...options.headers, ...forged, "webhook-signature": signature };
      assert.equal((await fetch(`${SITE}/chat-tools`, { ...options, headers })).status, 401, signature);
    }
  },
};

/** Runs the steps against a site that runs, with the local server behind it. */
async function tryOut(/** @type {typeof steps} */ steps, /** @type {Record<string, string | undefined>} */ variables) {
  const stop = await start(`${API}/health`, [server, "--memory"], ROOT, variables);
  const prepared = (/** @type {Page} */ page) =>
    page.route("https://cdn.platform.openai.com/deployments/chatkit/chatkit.js", (route) =>
      route.fulfill({ body: STAND_IN, contentType: "text/javascript" }),
    );
  try {
    return await runSteps(SITE, { "the widget's script is replaced": prepared, ...steps });
  } finally {
    await stop();
  }
}

const [server, folder, ...names] = process.argv.slice(2);
let passed = true;
for (const name of names) {
  const here = join(folder, name);
  const variables = parseEnv(readFileSync(join(here, "local.env"), "utf8"));
  const stop = await start(SITE, START[name], here, variables);
  console.log(name);
  try {
    passed = (await tryOut(steps, variables)) && passed;
    if (name !== "nextjs") continue;
    console.log("nextjs, with Better Auth's own cookie");
    passed = (await tryOut(sessions.steps, sessions.variables(variables))) && passed;
  } finally {
    await stop();
  }
}
process.exit(passed ? 0 : 1);
