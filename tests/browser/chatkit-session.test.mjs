import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { loginFetch, sessionFetch } from "../../docs/src/chatkit-session.js";

const API = "https://api.example";
const PAGE = "https://www.example.com/shop";

/** A backend that gives out `token-1`, `token-2`, … and accepts those of `good`; every request is in `requests`. */
class Backend {
  requests = [];
  good = new Set();
  stops = [];
  /** What a streamed request is answered with. */
  answer = () => refusal();
  #tokens = 0;

  fetch = async (url, options = {}) => {
    const headers = new Headers(options.headers);
    const token = headers.get("authorization")?.replace("Bearer ", "") ?? null;
    this.requests.push({ url, token, body: options.body ?? null, credentials: options.credentials ?? null });
    if (options.method === "DELETE") this.stops.push({ url, token, keepalive: options.keepalive });
    const path = url.replace(API, "");
    if (path === "/api/chatkit/start") return this.#session();
    if (path === "/api/chatkit/refresh") {
      return this.good.has(JSON.parse(options.body).currentClientSecret) ? this.#session() : refusal();
    }
    if (path === "/api/chatkit/logout") {
      this.good.delete(JSON.parse(options.body).currentClientSecret);
      return new Response(null, { status: 204 });
    }
    if (path === "/chatkit" && headers.get("accept")) return this.answer(options.signal);
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
    document: { hidden: false },
    location: { href: PAGE },
    localStorage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => stored.set(key, value),
      removeItem: (key) => stored.delete(key),
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

test("user_whom_a_cookie_names_has_a_session_of_their_own", async () => {
  for (const id of ["ada", "grace", "ada"]) await sessionFetch(API, { id })(`${API}/chatkit`);
  assert.deepEqual(backend.requests.map(({ token }) => token), [null, "token-1", null, "token-2", "token-1"]);
  assert.equal(backend.requests[2].credentials, "include");
});

test("sign_out_ends_the_session_and_forgets_it", async () => {
  const fetchAsUser = sessionFetch(API);
  await fetchAsUser.signOut();
  assert.deepEqual(backend.paths, []);
  await fetchAsUser(`${API}/chatkit`);
  await fetchAsUser.signOut({ everywhere: true });
  assert.deepEqual(JSON.parse(backend.requests[2].body), { currentClientSecret: "token-1", everywhere: true });
  await fetchAsUser(`${API}/chatkit`);
  assert.deepEqual(backend.paths.slice(2), ["/api/chatkit/logout", "/api/chatkit/start", "/chatkit"]);
});

test("upload_to_another_origin_carries_no_token", async () => {
  await sessionFetch(API)("https://bucket.example/uploads/1", { method: "PUT" });
  assert.deepEqual(backend.requests, [
    { url: "https://bucket.example/uploads/1", token: null, body: null, credentials: null },
  ]);
});

/** A response whose body the test writes, and which ends as one of `fetch` does when its signal is aborted. */
function streamed() {
  const made = { write: null, end: null, breakOff: null };
  made.answer = (signal) => {
    const body = new ReadableStream({
      start(controller) {
        made.write = (text) => controller.enqueue(new TextEncoder().encode(text));
        made.end = () => controller.close();
        made.breakOff = () => controller.error(new TypeError("network error"));
        signal.addEventListener("abort", () => controller.error(signal.reason));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  return made;
}

const CREATE = { type: "threads.create", params: { input: {} } };
const ADD = { type: "threads.add_user_message", params: { thread_id: "thr_7", input: {} } };
const FIRST_EVENT = 'data: {"type":"thread.created"}\nid: thr_9:run_1:1:0\n\n';

/** Asks for a stream, and lets it begin. */
async function asked(request = CREATE, headers = {}) {
  const stream = streamed();
  backend.answer = stream.answer;
  const abort = new AbortController();
  const options = { method: "POST", headers: { accept: "text/event-stream", ...headers }, body: JSON.stringify(request), signal: abort.signal };
  const response = await sessionFetch(API)(`${API}/chatkit`, options);
  return { ...stream, abort, reader: response.body.getReader(), response };
}

/** Lets all that is ready run, and says what was stopped. */
async function stopped() {
  await new Promise((resolve) => setImmediate(resolve));
  return backend.stops.map(({ url }) => url.replace(API, ""));
}

test("stop_is_told_to_the_server_once_with_the_same_token", async () => {
  const { write, reader, abort } = await asked();
  write(": ping\n");
  write(FIRST_EVENT.slice(0, 40));
  write(FIRST_EVENT.slice(40));
  for (let read = ""; !read.endsWith("\n\n"); ) read += new TextDecoder().decode((await reader.read()).value);
  abort.abort();
  await assert.rejects(reader.read(), { name: "AbortError" });
  assert.deepEqual(await stopped(), ["/chatkit/threads/thr_9/run"]);
  assert.deepEqual(backend.stops, [{ url: `${API}/chatkit/threads/thr_9/run`, token: "token-1", keepalive: true }]);
});

test("stop_before_the_first_event_names_the_thread_of_the_request", async () => {
  (await asked(ADD)).abort.abort();
  assert.deepEqual(await stopped(), ["/chatkit/threads/thr_7/run"]);
});

test("stop_of_a_repeated_request_names_the_thread_of_its_position", async () => {
  (await asked(CREATE, { "last-event-id": "thr_9:run_1:4:12" })).abort.abort();
  assert.deepEqual(await stopped(), ["/chatkit/threads/thr_9/run"]);
});

test("bytes_and_status_pass_through_unchanged", async () => {
  const { write, end, response, reader } = await asked();
  write(FIRST_EVENT);
  end();
  assert.deepEqual([response.status, response.headers.get("content-type")], [200, "text/event-stream"]);
  assert.equal(new TextDecoder().decode((await reader.read()).value), FIRST_EVENT);
  assert.equal((await reader.read()).done, true);
});

for (const [what, happens] of Object.entries({
  "hidden_tab": ({ abort }) => {
    document.hidden = true;
    abort.abort();
  },
  "answer_that_has_ended": async ({ end, reader, abort }) => {
    end();
    await reader.read();
    abort.abort();
  },
  "answer_that_broke_off": async ({ breakOff, reader, abort }) => {
    breakOff();
    await assert.rejects(reader.read(), TypeError);
    abort.abort();
  },
})) {
  test(`${what}_is_no_stop`, async () => {
    await happens(await asked(ADD));
    assert.deepEqual(await stopped(), []);
  });
}

test("request_that_began_in_a_hidden_tab_is_repeated_and_not_stopped", async () => {
  document.hidden = true;
  const { abort } = await asked(ADD);
  document.hidden = false;
  abort.abort();
  assert.deepEqual(await stopped(), []);
});

test("refused_or_unanswered_stream_is_no_stop", async () => {
  const abort = new AbortController();
  const options = { method: "POST", headers: { accept: "text/event-stream" }, body: JSON.stringify(ADD), signal: abort.signal };
  backend.answer = () => Response.json({ error: "conflict" }, { status: 409 });
  assert.equal((await sessionFetch(API)(`${API}/chatkit`, options)).status, 409);
  backend.answer = () => Promise.reject(new TypeError("failed to fetch"));
  await assert.rejects(sessionFetch(API)(`${API}/chatkit`, options), TypeError);
  abort.abort();
  assert.deepEqual(await stopped(), []);
});

test("aborted_request_for_json_is_no_stop", async () => {
  const abort = new AbortController();
  await sessionFetch(API)(`${API}/chatkit`, { method: "POST", body: JSON.stringify({ type: "threads.list", params: {} }), signal: abort.signal });
  abort.abort();
  assert.deepEqual(await stopped(), []);
});

/** Where the page was sent, on a page at this address. */
function visited(href) {
  const addresses = [];
  globalThis.location = { href, assign: (address) => addresses.push(address) };
  return addresses;
}

test("somebody who is not signed in is sent to sign in and back, with the cookie and no token", async () => {
  const addresses = visited(PAGE);
  const response = await loginFetch(API)(`${API}/chatkit`, { method: "POST", body: "{}" });
  assert.equal(response.status, 401);
  assert.deepEqual(addresses, [`${API}/auth/login?return_to=${encodeURIComponent(PAGE)}`]);
  const [{ token, credentials }] = backend.requests;
  assert.deepEqual([token, credentials], [null, "include"]);
});

test("who has said no at the provider is not asked again, and other servers get no cookie", async () => {
  const addresses = visited(`${PAGE}?sign_in_error=access_denied`);
  const fetchAsUser = loginFetch(API);
  await fetchAsUser(`${API}/chatkit`, { method: "POST", body: "{}" });
  await fetchAsUser("https://bucket.example/file", { method: "PUT" });
  assert.deepEqual(addresses, []);
  assert.equal(backend.requests[1].credentials, null);
});

test("signing out goes where the provider signs out, or stays on the page", async () => {
  for (const url of ["https://id.example/end", null]) {
    const addresses = visited(PAGE);
    globalThis.fetch = async () => Response.json({ end_session_url: url });
    await loginFetch(API).signOut();
    assert.deepEqual(addresses, [url ?? PAGE]);
  }
});
