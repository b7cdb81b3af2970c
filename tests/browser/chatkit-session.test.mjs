import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { sessionFetch } from "../../docs/src/chatkit-session.js";

const API = "https://api.example";
const PAGE = "https://www.example.com/shop";

/** A backend that gives out `token-1`, `token-2`, … and accepts those of `good`; every request is in `requests`. */
class Backend {
  requests = [];
  good = new Set();
  #tokens = 0;

  fetch = async (url, options = {}) => {
    const headers = new Headers(options.headers);
    const token = headers.get("authorization")?.replace("Bearer ", "") ?? null;
    this.requests.push({ url, token, body: options.body ?? null, credentials: options.credentials ?? null });
    const path = url.replace(API, "");
    if (path === "/api/chatkit/start") return this.#session();
    if (path === "/api/chatkit/refresh") {
      return this.good.has(JSON.parse(options.body).currentClientSecret) ? this.#session() : refusal();
    }
    if (path === "/chatkit") return this.good.has(token) ? Response.json({}) : refusal();
    return Response.json({});
  };

  get paths() {
    return this.requests.map(({ url }) => url.replace(API, ""));
  }

  #session() {
    this.#tokens += 1;
    const token = `token-${this.#tokens}`;
    this.good.add(token);
    return Response.json({ client_secret: token, expires_in: 600 });
  }
}

const refusal = () =>
  Response.json({ error: "unauthorized", message: "the session token has expired" }, { status: 401 });

let backend;

beforeEach(() => {
  backend = new Backend();
  const stored = new Map();
  Object.assign(globalThis, {
    fetch: backend.fetch,
    location: { href: PAGE },
    localStorage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => stored.set(key, value),
    },
  });
});

test("first_requests_share_one_session", async () => {
  const fetchAsUser = sessionFetch(API);
  await Promise.all([fetchAsUser(`${API}/chatkit`), fetchAsUser(`${API}/chatkit`)]);
  assert.deepEqual(backend.paths, ["/api/chatkit/start", "/chatkit", "/chatkit"]);
  assert.equal(backend.requests[0].credentials, "include");
  assert.equal(backend.requests[1].token, "token-1");
});

test("next_page_uses_the_stored_token", async () => {
  await sessionFetch(API)(`${API}/chatkit`);
  await sessionFetch(API)(`${API}/chatkit`);
  assert.deepEqual(backend.paths, ["/api/chatkit/start", "/chatkit", "/chatkit"]);
});

test("token_near_its_end_is_refreshed_before_the_request", async (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 0 });
  await sessionFetch(API)(`${API}/chatkit`);
  context.mock.timers.tick(541_000);
  await sessionFetch(API)(`${API}/chatkit`);
  assert.deepEqual(backend.paths.slice(2), ["/api/chatkit/refresh", "/chatkit"]);
  assert.equal(backend.requests[3].token, "token-2");
});

test("refused_token_is_replaced_and_the_request_repeated", async () => {
  const fetchAsUser = sessionFetch(API);
  await fetchAsUser(`${API}/chatkit`);
  backend.good.clear();
  const response = await fetchAsUser(`${API}/chatkit`);
  assert.equal(response.status, 200);
  assert.deepEqual(backend.paths.slice(2), ["/chatkit", "/api/chatkit/refresh", "/api/chatkit/start", "/chatkit"]);
});

test("known_user_sends_their_own_token_to_start", async () => {
  const user = { id: "ada", token: async () => "signed-by-the-site" };
  await sessionFetch(API, user)(`${API}/chatkit`);
  assert.deepEqual(backend.requests.map(({ token }) => token), ["signed-by-the-site", "token-1"]);
});

test("upload_to_another_origin_carries_no_token", async () => {
  await sessionFetch(API)("https://bucket.example/uploads/1", { method: "PUT" });
  assert.deepEqual(backend.requests, [
    { url: "https://bucket.example/uploads/1", token: null, body: null, credentials: null },
  ]);
});
