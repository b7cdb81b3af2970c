// Sign-in at a real OpenID provider, in Chromium: a page of another origin that has no sign-in of its own, the local server, and
// the npm package `oidc-provider`. Starts all of them itself.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { runSteps } from "./harness.mjs";
import { openIdProvider, serve, signIn } from "./openid.mjs";
import { start } from "./program.mjs";

const SCRIPT = readFileSync(new URL("../../docs/src/chatkit-session.js", import.meta.url));
const CLIENT = { client_id: "the-chat", client_secret: "a secret: +/&=" };

/** @typedef {import("playwright-core").Page} Page */

let api = "";
const site = await serve((request, response) => {
  if (request.url === "/chatkit-session.js") {
    response.writeHead(200, { "content-type": "text/javascript" });
    return response.end(SCRIPT);
  }
  response.writeHead(200, { "content-type": "text/html" });
  response.end(`<!doctype html><title>page</title><link rel="icon" href="data:,"><script type="module">
    import { loginFetch } from "./chatkit-session.js";
    window.fetchAsUser = loginFetch("${api}");
    document.title = "ready";
  </script>`);
});
const provider = await openIdProvider();
const { issuer } = provider;
const server = await start(process.argv[2], {
  AUTH_MODE: "login",
  OIDC_ISSUER: issuer,
  OIDC_CLIENT_ID: CLIENT.client_id,
  OIDC_CLIENT_SECRET: CLIENT.client_secret,
  ALLOWED_ORIGINS: site,
});
api = server.url;
provider.open({ ...CLIENT, redirect_uris: [`${api}/auth/callback`], post_logout_redirect_uris: [`${site}/`] });

/** Every address that the browser asked for. @type {string[]} */
const addresses = [];
/** The answer of an operation, as the page sees it. @param {Page} page @param {object} operation */
const ask = (page, operation) =>
  page.evaluate(
    async ([url, body]) => {
      const options = { method: "POST", headers: { "content-type": "application/json" }, body };
      const response = await window.fetchAsUser(`${url}/chatkit`, options);
      return { status: response.status, text: await response.text() };
    },
    [api, JSON.stringify(operation)],
  );
const LIST = { type: "threads.list", params: {} };

/** Signs in at the provider, where the browser is, and comes back. @param {Page} page @param {string} name */
async function comeBack(page, name) {
  await signIn(page, issuer, name);
  await page.waitForURL(`${site}/**`);
  await page.waitForFunction(() => document.title === "ready");
}

/** @param {Page} page */
async function open(page) {
  await page.goto(`${site}/`);
  await page.waitForFunction(() => document.title === "ready");
}

const steps = {
  "whoever is not signed in is sent to the provider and comes back": async (/** @type {Page} */ page) => {
    page.context().on("request", (request) => addresses.push(request.url()));
    await open(page);
    // The page is left while it reads the answer.
    await ask(page, LIST).catch(() => {});
    await comeBack(page, "ada");
    assert.equal(page.url(), `${site}/`);
    assert.equal((await ask(page, LIST)).status, 200);
  },
  "the cookie is out of the page's reach and ends": async (/** @type {Page} */ page) => {
    const cookies = (await page.context().cookies(api)).filter(({ name }) => name.startsWith("chatkit_"));
    assert.deepEqual(
      cookies.map(({ name, httpOnly, sameSite, path }) => ({ name, httpOnly, sameSite, path })),
      [{ name: "chatkit_login", httpOnly: true, sameSite: "Lax", path: "/" }],
    );
    const hours = (cookies[0].expires * 1000 - Date.now()) / 3_600_000;
    assert(hours > 7.9 && hours <= 8, `${hours} hours`);
    assert(!(await page.evaluate(() => document.cookie)).includes("chatkit"));
  },
  "a conversation streams with the cookie alone": async (/** @type {Page} */ page) => {
    const content = [{ type: "input_text", text: "Hello" }];
    const input = { content, attachments: [], inference_options: {} };
    const answer = await ask(page, { type: "threads.create", params: { input } });
    assert.equal(answer.status, 200);
    assert(answer.text.includes("thread.item.done"), answer.text);
  },
  "an answer of the provider counts once": async (/** @type {Page} */ page) => {
    const callback = addresses.find((address) => address.startsWith(`${api}/auth/callback`));
    assert(callback);
    const answer = await page.context().request.get(callback);
    assert.equal(answer.status(), 400);
    assert.equal((await ask(page, LIST)).status, 200);
  },
  "a page of another site signs nobody out": async (/** @type {Page} */ page) => {
    // To a browser `localhost` is another site than `127.0.0.1`.
    await page.goto(site.replace("127.0.0.1", "localhost"));
    const answered = page.waitForResponse(`${api}/auth/logout`);
    await page.evaluate((url) => {
      const form = Object.assign(document.createElement("form"), { method: "POST", action: url });
      document.body.append(form);
      form.submit();
    }, `${api}/auth/logout`);
    assert.equal((await answered).status(), 403);
    await page.waitForURL(`${api}/auth/logout`);
    await open(page);
    assert.equal((await ask(page, LIST)).status, 200);
  },
  "no other page gets the browser back": async (/** @type {Page} */ page) => {
    for (const target of ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"]) {
      const url = `${api}/auth/login?return_to=${encodeURIComponent(target)}`;
      assert.equal((await page.context().request.get(url, { maxRedirects: 0 })).status(), 400, target);
    }
  },
  "signing out ends it here and at the provider": async (/** @type {Page} */ page) => {
    await open(page);
    await page.evaluate(() => window.fetchAsUser.signOut());
    await page.waitForURL(`${issuer}/session/end**`);
    await page.click("button[value=yes]");
    await page.waitForURL(`${site}/`);
    await page.waitForFunction(() => document.title === "ready");
    const cookies = await page.context().cookies(api);
    assert(!cookies.some(({ name }) => name === "chatkit_login"));
    await ask(page, LIST).catch(() => {});
    await page.waitForSelector("input[name=password]");
  },
  "a person who does not want to is back on the page": async (/** @type {Page} */ page) => {
    await page.click("text=Cancel");
    await page.waitForURL(`${site}/?sign_in_error=access_denied`);
  },
  "another user sees nothing of the first": async (/** @type {Page} */ page) => {
    await open(page);
    await ask(page, LIST).catch(() => {});
    await comeBack(page, "grace");
    assert.deepEqual(JSON.parse((await ask(page, LIST)).text).data, []);
  },
  "no token was in an address, and no code in a log line": async () => {
    assert.deepEqual(addresses.filter((address) => address.includes("eyJ")), []);
    const codes = addresses.map((address) => new URL(address).searchParams.get("code")).filter((code) => code !== null);
    assert(codes.length >= 2);
    assert.deepEqual(codes.filter((code) => server.logged().includes(code)), []);
    assert(!server.logged().includes("eyJ"));
  },
};

const passed = await runSteps(site, steps);
process.exit(passed ? 0 : 1);
