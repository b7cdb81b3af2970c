// A real OpenID provider on this machine, the npm package `oidc-provider`.
import { strict as assert } from "node:assert";
import { createServer } from "node:http";
import Provider from "oidc-provider";

/** @typedef {import("playwright-core").Page} Page */

/** Starts a server on loopback. @param {import("node:http").RequestListener} listener @returns {Promise<string>} */
export function serve(listener) {
  const server = createServer(listener);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      assert(address && typeof address === "object");
      resolve(`http://127.0.0.1:${address.port}`);
    });
  });
}

/**
 * A provider whose issuer has this path. `open` gives it its client, with other settings if there are any.
 * @param {string} path
 */
export async function openIdProvider(path = "") {
  /** @type {import("node:http").RequestListener} */
  let provide = (_, response) => response.end();
  const issuer = `${await serve((request, response) => provide(request, response))}${path}`;
  const mount = path.replace(/\/$/, "");
  /** @param {object} client @param {object} [settings] @param {(id: string) => object} [more] of an account's claims */
  const open = (client, settings = {}, more = () => ({})) => {
    const provider = new Provider(issuer, {
      clients: [client],
      claims: { openid: ["sub", ...Object.keys(more(""))], profile: ["name"], email: ["email", "email_verified"] },
      // The usual providers do so, too: a person's name is in the ID token.
      conformIdTokenClaims: false,
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, name: `The name of ${id}`, email: `${id}@example.com`, email_verified: true, ...more(id) }),
      }),
      features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
      ...settings,
    }).callback();
    provide = (request, response) => {
      if (!request.url?.startsWith(`${mount}/`)) return response.writeHead(404).end();
      // As Express mounts it.
      Object.assign(request, { originalUrl: request.url, url: request.url?.slice(mount.length) });
      provider(request, response);
    };
  };
  return { issuer, open };
}

/** Signs in at a provider, where the browser is. @param {Page} page @param {string} issuer @param {string} name */
export async function signIn(page, issuer, name) {
  await page.waitForURL(`${issuer.replace(/\/$/, "")}/interaction/**`);
  await page.fill("input[name=login]", name);
  await page.fill("input[name=password]", "any");
  await page.click("button[type=submit]");
  await page.waitForSelector("text=Authorize");
  await page.click("button[type=submit]");
}
