// Sign-in at a real OpenID provider, in Chromium: a page of another origin that has no sign-in of its own, the local server, and
// the npm package `oidc-provider`. Starts all of them itself.
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { runSteps } from "./harness.mjs";

const ROOT = new URL("../..", import.meta.url);
const SCRIPT = readFileSync(new URL("docs/src/chatkit-session.js", ROOT));
const CLIENT = { client_id: "the-chat", client_secret: "a secret: +/&=" };

/** @typedef {import("playwright-core").Page} Page */

/** Starts a server on loopback. @param {import("node:http").RequestListener} listener @returns {Promise<string>} */
function serve(listener) {
  const server = createServer(listener);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      assert(address && typeof address === "object");
      resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}

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
/** @type {import("node:http").RequestListener} */
let provide = (_, response) => response.end();
const issuer = await serve((request, response) => provide(request, response));

const server = spawn("cargo", ["run", "--quiet", "--package", "chatkit-local", "--", "--port", "0", "--memory"], {
  cwd: ROOT,
  stdio: ["ignore", "pipe", process.env.LOGS ? "inherit" : "pipe"],
  env: {
    ...process.env,
    AUTH_MODE: "login",
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: CLIENT.client_id,
    OIDC_CLIENT_SECRET: CLIENT.client_secret,
    ALLOWED_ORIGINS: site,
  },
});
process.on("exit", () => server.kill());
let log = "";
server.stderr?.on("data", (chunk) => (log += chunk));
api = await new Promise((resolve, reject) => {
  let output = "";
  server.stdout?.on("data", (chunk) => {
    output += chunk;
    const [, url] = /^listening on (\S+)$/m.exec(output) ?? [];
    if (url) resolve(url);
  });
  server.on("exit", () => reject(new Error("the server has not started")));
});
provide = new Provider(issuer, {
  clients: [{ ...CLIENT, redirect_uris: [`${api}/auth/callback`], post_logout_redirect_uris: [`${site}/`] }],
  claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"] },
  // The usual providers do so, too: a person's name is in the ID token.
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `The name of ${id}`, email: `${id}@example.com`, email_verified: true }),
  }),
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
}).callback();

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

/** Signs in at the provider, where the browser is. @param {Page} page @param {string} name */
async function signIn(page, name) {
  await page.waitForURL(`${issuer}/interaction/**`);
  await page.fill("input[name=login]", name);
  await page.fill("input[name=password]", "any");
  await page.click("button[type=submit]");
  await page.waitForSelector("text=Authorize");
  await page.click("button[type=submit]");
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
    await signIn(page, "ada");
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
    await signIn(page, "grace");
    assert.deepEqual(JSON.parse((await ask(page, LIST)).text).data, []);
  },
  "no token was in an address, and no code in a log line": async () => {
    assert.deepEqual(addresses.filter((address) => address.includes("eyJ")), []);
    const codes = addresses.map((address) => new URL(address).searchParams.get("code")).filter((code) => code !== null);
    assert(codes.length >= 2);
    assert.deepEqual(codes.filter((code) => log.includes(code)), []);
    assert(!log.includes("eyJ"));
  },
};

const passed = await runSteps(site, steps);
process.exit(passed ? 0 : 1);
