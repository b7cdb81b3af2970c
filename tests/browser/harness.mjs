// What the browser tests share: Debian's Chromium, a page that reports its own errors, steps that are counted.
import { join } from "node:path";
import { chromium } from "playwright-core";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = [
  // As root, as in a container, Chromium has no sandbox; it opens only what the tests serve.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Runs the steps one after the other in one page; a step that fails does not stop the next.
 *
 * @param {string} url where the server is
 * @param {Record<string, (page: import("playwright-core").Page) => Promise<void>>} steps
 * @returns {Promise<boolean>} whether all passed
 */
export async function runSteps(url, steps) {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
  const context = await browser.newContext({ baseURL: url });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = collectFaults(page);
  let passed = 0;
  let failed = 0;
  // `ONLY` is a part of the names of the steps that are wanted.
  for (const [name, step] of Object.entries(steps).filter(([name]) => name.includes(process.env.ONLY ?? ""))) {
    try {
      await step(page);
      await photograph(page, name);
      if (faults.length > 0) throw new Error(`the page reported: ${faults.splice(0).join("; ")}`);
      passed += 1;
      console.log(`ok   ${name}`);
    } catch (error) {
      failed += 1;
      await photograph(page, `FAIL ${name}`);
      faults.length = 0;
      console.log(`FAIL ${name}\n     ${error instanceof Error ? error.stack : error}`);
    }
  }
  await browser.close();
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

/**
 * Keeps a picture of the page, if somebody wants to look.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
async function photograph(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name.replaceAll(/[^A-Za-z]+/g, "-")}.png`) });
}

/**
 * Makes a picture of the documentation: `IMAGES=../../docs/images`.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function illustrate(page, name) {
  const folder = process.env.IMAGES;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) });
}

/**
 * Exceptions, and messages of the browser such as violations of the content security policy. An answer of 400 and
 * above is not a fault by itself: the page has to deal with it.
 *
 * @param {import("playwright-core").Page} page
 * @returns {string[]}
 */
function collectFaults(page) {
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(error.stack ?? error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      faults.push(message.text());
  });
  return faults;
}
