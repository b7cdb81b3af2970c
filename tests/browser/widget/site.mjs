// A site that has the widget on its page, under the strictest policy that a site can have.
import { readFile } from "node:fs/promises";
import { listen } from "../returns/listen.mjs";

const HERE = new URL(".", import.meta.url);
const FILES = {
  "/chatkit.js": new URL("../../../widget/dist/chatkit.js", HERE),
  "/page.js": new URL("page.js", HERE),
};
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  // The page's own sheet; the widget needs none.
  "style-src 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");
const STYLE = "html, body, main { height: 100%; margin: 0; font-size: 10px } main { display: grid }";
const HTML = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>A site</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script></head><body><main></main></body></html>`;

/** @returns {Promise<string>} the site's origin */
export function startSite() {
  return listen(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://site").pathname;
    const file = /** @type {Record<string, URL>} */ (FILES)[path];
    const type = path === "/page.css" ? "text/css" : file ? "text/javascript" : "text/html";
    response.writeHead(200, { "content-type": type, "content-security-policy": POLICY });
    response.end(file ? await readFile(file) : path === "/page.css" ? STYLE : HTML);
  }, "localhost");
}
