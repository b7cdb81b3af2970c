// A site on another origin, whose page talks to the server as ChatKit does: through the site's `fetch`, streamed operations
// through `@microsoft/fetch-event-source`.
import { readFile } from "node:fs/promises";
import { listen } from "./listen.mjs";

const HERE = new URL(".", import.meta.url);
/** By their paths: what a page of the site loads. */
const FOLDERS = {
  "/session/": new URL("../../../docs/src/", HERE),
  "/fetch-event-source/": new URL("../node_modules/@microsoft/fetch-event-source/lib/esm/", HERE),
  "/": HERE,
};
const HTML = `<!doctype html><title>A site</title><link rel="icon" href="data:,"><script type="module" src="/widget.js"></script>`;

/** @returns {Promise<string>} the site's origin */
export async function startSite() {
  return listen(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://site").pathname;
    if (path === "/") {
      response.writeHead(200, { "content-type": "text/html" });
      return response.end(HTML);
    }
    const [prefix, folder] = Object.entries(FOLDERS).find(([start]) => path.startsWith(start)) ?? ["/", HERE];
    // That package imports its own files without their ending.
    const file = path.slice(prefix.length).replace(/(\.js)?$/, ".js");
    response.writeHead(200, { "content-type": "text/javascript" });
    response.end(await readFile(new URL(file, folder)));
  }, "localhost");
}

/** The page of one visitor. */
export class SitePage {
  /** @param {import("playwright-core").Page} page */
  constructor(page) {
    this.page = page;
  }

  /** Opens the site as somebody who was never there. @param {import("playwright-core").Page} page @param {string} site @param {string} api */
  static async asNewVisitor(page, site, api) {
    await page.context().clearCookies();
    await page.goto(site);
    await page.evaluate(() => localStorage.clear());
    return SitePage.open(page, site, api);
  }

  /** @param {import("playwright-core").Page} page @param {string} site @param {string} api */
  static async open(page, site, api) {
    await page.goto(`${site}/?api=${encodeURIComponent(api)}`);
    await page.waitForFunction("window.widget !== undefined");
    return new SitePage(page);
  }

  /** An operation that is answered with JSON. @param {string} type @param {object} params @returns {Promise<any>} */
  call(type, params) {
    return this.#do("call", type, params);
  }

  /** Begins an operation that is answered with a stream. @param {string} type @param {object} params */
  ask(type, params) {
    return this.#do("ask", type, params);
  }

  /** Waits for the first event of the stream. */
  async begins() {
    await this.page.waitForFunction(() => /** @type {any} */ (window).widget.hasBegun);
  }

  /** Waits until the answer is what the person sees. @param {string} text */
  async shows(text) {
    await this.page.waitForFunction((text) => /** @type {any} */ (window).widget.answer === text, text);
  }

  /** Waits until the page knows its thread. @returns {Promise<string>} its id */
  async thread() {
    await this.page.waitForFunction(() => /** @type {any} */ (window).widget.thread !== "");
    return (await this.view()).thread;
  }

  /** Waits until the stream has ended. @returns {Promise<string | null>} what the transport failed with */
  async ended() {
    await this.page.waitForFunction(() => /** @type {any} */ (window).widget.end !== undefined);
    return (await this.view()).end;
  }

  /** What the person sees, and what was wrong. */
  view() {
    return this.#do("view");
  }

  hide() {
    return this.#do("setHidden", true);
  }

  show() {
    return this.#do("setHidden", false);
  }

  /** Presses ChatKit's stop button. */
  stop() {
    return this.#do("stop");
  }

  /** Uploads a text. @returns {Promise<string>} the id of the attachment */
  upload() {
    return this.#do("upload");
  }

  /** 200 while an answer is being made in a thread, else 204. @param {string} thread @returns {Promise<number>} */
  runStatus(thread) {
    return this.#do("runStatus", thread);
  }

  /** @returns {Promise<number>} tokens that the visitor has used or that are reserved */
  usedTokens() {
    return this.#do("usedTokens");
  }

  /** Takes away an item that the widget takes away by itself. @param {string} id */
  remove(id) {
    return this.#do("remove", id);
  }

  /** A method of `widget.js`. @param {string} name @param {any[]} values @returns {Promise<any>} */
  #do(name, ...values) {
    return this.page.evaluate(({ name, values }) => /** @type {any} */ (window).widget[name](...values), { name, values });
  }
}
