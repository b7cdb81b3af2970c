// Tokens as identity providers make them, with the variables that the book's page on sign-in names for each:
// `tokens.mjs SERVER`. The providers' servers are played here: their published keys, with what else they publish.
import { strict as assert } from "node:assert";
import { createSign, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { start } from "../browser/program.mjs";

const CLIENT = "the-client-id";
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...publicKey.export({ format: "jwk" }), kid: "one", use: "sig" };
// Keycloak's key for encryption comes first; Microsoft's keys name no algorithm.
const keys = [{ ...key, kid: "enc", use: "enc", alg: "RSA-OAEP" }, key];
const provider = createServer((_, response) => response.end(JSON.stringify({ keys })));
await new Promise((resolve) => provider.listen(0, "127.0.0.1", () => resolve(null)));
const address = provider.address();
assert(address && typeof address === "object");
const origin = `http://127.0.0.1:${address.port}`;

/**
 * @typedef {object} Case
 * @property {string} issuer
 * @property {string} [audience] for `JWT_AUDIENCE`
 * @property {string} [names] for `USER_CLAIMS`
 * @property {object} [header]
 * @property {Record<string, unknown>} claims
 * @property {object} [wants] of the session's claims; without it the token is refused
 */

/** @type {Record<string, Case>} */
const CASES = {
  "Auth0's ID token": {
    issuer: `${origin}/`,
    names: "tenant=org_id",
    claims: { sub: "auth0|63f", aud: CLIENT, name: "Ada", email: "ada@example.com", email_verified: true, org_id: "org_1", sid: "s" },
    wants: { sub: "auth0|63f", tenant: "org_1", profile: { name: "Ada", email: "ada@example.com" } },
  },
  "Auth0's access token": {
    issuer: `${origin}/`,
    audience: "https://chat.example.com",
    header: { typ: "at+jwt" },
    claims: {
      sub: "auth0|63f",
      aud: ["https://chat.example.com", `${origin}/userinfo`],
      azp: CLIENT,
      scope: "openid profile",
      permissions: ["orders:refund"],
    },
    wants: { sub: "auth0|63f", tenant: "default", permissions: ["orders:refund", "openid", "profile"] },
  },
  "Clerk's token of a template": {
    issuer: origin,
    audience: "chat",
    names: "tenant=org_id",
    header: { cat: "cl_B7d4PD222AAA" },
    claims: { sub: "user_2b", aud: "chat", azp: "https://www.example.com", org_id: "org_2", name: "Ada", jti: "j" },
    wants: { sub: "user_2b", tenant: "org_2", profile: { name: "Ada" } },
  },
  "Clerk's own session token, which has no audience": {
    issuer: origin,
    audience: "chat",
    claims: { sub: "user_2b", azp: "https://www.example.com", o: { id: "org_2", rol: "admin" }, sid: "sess_1", v: 2 },
  },
  "Cognito's ID token": {
    issuer: `${origin}/eu-central-1_X`,
    names: "tenant=custom:tenant,permissions=cognito:groups",
    claims: {
      sub: "0c7",
      aud: CLIENT,
      "cognito:username": "ada",
      "cognito:groups": ["orders:refund"],
      "custom:tenant": "acme",
      token_use: "id",
      email: "ada@example.com",
      email_verified: true,
    },
    wants: { sub: "0c7", tenant: "acme", permissions: ["orders:refund"], profile: { email: "ada@example.com" } },
  },
  "Cognito's access token, which has no audience": {
    issuer: `${origin}/eu-central-1_X`,
    claims: { sub: "0c7", client_id: CLIENT, token_use: "access", scope: "openid" },
  },
  "Keycloak's access token": {
    issuer: `${origin}/realms/shop`,
    audience: "chat",
    names: "permissions=realm_access.roles",
    claims: {
      sub: "f:1:ada",
      typ: "Bearer",
      aud: ["account", "chat"],
      azp: "page",
      scope: "openid",
      name: "Ada",
      realm_access: { roles: ["offline_access"] },
    },
    wants: { sub: "f:1:ada", tenant: "default", permissions: ["offline_access", "openid"], profile: { name: "Ada" } },
  },
  "Microsoft's ID token": {
    issuer: `${origin}/9188040d/v2.0`,
    names: "user=oid",
    claims: { sub: "AAA", oid: "6821", tid: "9188040d", aud: CLIENT, ver: "2.0", name: "Ada", preferred_username: "ada" },
    wants: { sub: "6821", tenant: "default", profile: { name: "Ada" } },
  },
};

/** @param {object} header @param {object} claims */
function signed(header, claims) {
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${text}.${createSign("sha256").update(text).sign(privateKey, "base64url")}`;
}

let failed = 0;
for (const [name, { issuer, audience, names, header, claims, wants }] of Object.entries(CASES)) {
  const variables = {
    AUTH_MODE: "jwt",
    JWKS_URL: `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience ?? CLIENT,
    USER_CLAIMS: names,
  };
  const { url, stop } = await start(process.argv[2], variables);
  try {
    const now = Math.floor(Date.now() / 1000);
    const token = signed({ alg: "RS256", typ: "JWT", kid: "one", ...header }, { iss: issuer, iat: now, exp: now + 60, ...claims });
    const options = { method: "POST", headers: { authorization: `Bearer ${token}` } };
    const response = await fetch(`${url}/api/chatkit/start`, options);
    const answer = await response.json();
    assert.equal(response.status, wants ? 200 : 401, JSON.stringify(answer));
    if (wants) {
      const session = JSON.parse(Buffer.from(answer.client_secret.split(".")[1], "base64url").toString());
      assert.deepEqual(Object.fromEntries(Object.keys(wants).map((name) => [name, session[name]])), wants);
    }
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n     ${error instanceof Error ? error.message : error}`);
  } finally {
    await stop();
  }
}
provider.close();
console.log(`${Object.keys(CASES).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
