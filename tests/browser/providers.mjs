// Sign-in at providers that differ as the usual ones do, in Chromium: `providers.mjs SERVER`. Each is `oidc-provider` with the
// issuer's form, the client's proof, the claims and the sign-out of the one after which it is named, and the variables that the
// book names for it.
import { strict as assert } from "node:assert";
import { runSteps } from "./harness.mjs";
import { openIdProvider, serve, signIn } from "./openid.mjs";
import { start } from "./program.mjs";

const PAGE = '<!doctype html><title>page</title><link rel="icon" href="data:,">';

/** @typedef {import("playwright-core").Page} Page */
/**
 * @typedef {object} Kind
 * @property {string} path of the issuer
 * @property {string} method how the client proves itself
 * @property {string} [names] for `USER_CLAIMS`
 * @property {(id: string) => object} [claims]
 * @property {boolean} [signsOut] whether it has an address for that
 * @property {object} wants who is signed in
 */

/** @type {Record<string, Kind>} */
const KINDS = {
  Auth0: {
    path: "/",
    method: "client_secret_post",
    names: "tenant=https://example.com/tenant",
    claims: () => ({ "https://example.com/tenant": "acme" }),
    signsOut: true,
    wants: { sub: "ada", tenant: "acme" },
  },
  Cognito: {
    path: "/eu-central-1_X",
    method: "none",
    names: "permissions=cognito:groups",
    claims: () => ({ "cognito:groups": ["orders:refund"], token_use: "id" }),
    wants: { sub: "ada", tenant: "default", permissions: ["orders:refund"] },
  },
  Google: { path: "", method: "client_secret_basic", wants: { sub: "ada", tenant: "default" } },
  Keycloak: {
    path: "/realms/shop",
    method: "client_secret_basic",
    claims: () => ({ typ: "ID", azp: "the-chat" }),
    signsOut: true,
    wants: { sub: "ada", tenant: "default" },
  },
  Microsoft: {
    path: "/9188040d/v2.0",
    method: "client_secret_post",
    names: "user=oid",
    claims: (id) => ({ oid: `object-${id}`, tid: "9188040d", ver: "2.0" }),
    signsOut: true,
    wants: { sub: "object-ada", tenant: "default" },
  },
};

const site = await serve((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(PAGE));

/** @param {string} name @param {Kind} kind @param {Page} page */
async function signInAndOut(name, { path, method, names, claims, signsOut = false, wants }, page) {
  const { issuer, open } = await openIdProvider(path);
  const client = { client_id: "the-chat", client_secret: method === "none" ? undefined : "a secret: +/&=" };
  const { url, stop } = await start(process.argv[2], {
    AUTH_MODE: "login",
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: client.client_id,
    OIDC_CLIENT_SECRET: client.client_secret,
    USER_CLAIMS: names,
    ALLOWED_ORIGINS: site,
  });
  try {
    const pages = { redirect_uris: [`${url}/auth/callback`], post_logout_redirect_uris: [`${site}/`] };
    const features = { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: signsOut } };
    open({ ...client, ...pages, token_endpoint_auth_method: method }, { features, clientAuthMethods: [method] }, claims);
    await page.context().clearCookies();
    await page.goto(`${url}/auth/login?return_to=${encodeURIComponent(`${site}/`)}`);
    await signIn(page, issuer, "ada");
    await page.waitForURL(`${site}/`);
    const cookie = (await page.context().cookies(url)).find((cookie) => cookie.name === "chatkit_login");
    const payload = JSON.parse(Buffer.from(cookie?.value.split(".")[1] ?? "", "base64url").toString());
    assert.deepEqual(Object.fromEntries(Object.keys(wants).map((name) => [name, payload[name]])), wants, name);
    const signedOut = await page.evaluate(async (url) => {
      const response = await fetch(url, { method: "POST", credentials: "include" });
      return response.json();
    }, `${url}/auth/logout?return_to=${encodeURIComponent(`${site}/`)}`);
    assert.equal(signedOut.end_session_url === null, !signsOut);
    if (!signsOut) return;
    await page.goto(signedOut.end_session_url);
    await page.click("button[value=yes]");
    await page.waitForURL(`${site}/`);
  } finally {
    await stop();
  }
}

const steps = Object.entries(KINDS).map(([name, kind]) => [
  `a person signs in and out at a provider like ${name}`,
  (/** @type {Page} */ page) => signInAndOut(name, kind, page),
]);
process.exit((await runSteps(site, Object.fromEntries(steps))) ? 0 : 1);
