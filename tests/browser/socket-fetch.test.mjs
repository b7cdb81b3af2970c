// The `fetch` over a WebSocket, with a socket that the test plays.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { socketFetch } from "../../local/playground/js/socket-fetch.js";

/** @type {FakeSocket[]} */
let sockets = [];
/** What went the ordinary way. @type {unknown[][]} */
let plain = [];
let refuses = false;
/** Whether sockets wait for the test to open them. */
let isSlow = false;

class FakeSocket {
  readyState = 0;
  /** @type {any[]} */
  sent = [];
  /** @param {string} url @param {string[]} protocols */
  constructor(url, protocols) {
    Object.assign(this, { url, protocols });
    sockets.push(this);
    if (!isSlow) queueMicrotask(() => (refuses ? this.close() : this.open()));
  }
  open() {
    this.readyState = 1;
    this.onopen();
  }
  close() {
    this.readyState = 3;
    this.onclose();
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  /** @param {object[]} frames */
  says(...frames) {
    for (const frame of frames) this.onmessage({ data: JSON.stringify(frame) });
  }
}

beforeEach(() => {
  sockets = [];
  plain = [];
  refuses = false;
  isSlow = false;
});

function made() {
  const fetch = async (...request) => {
    plain.push(request);
    return new Response("plain");
  };
  return socketFetch("wss://example.com", { WebSocket: FakeSocket, fetch });
}

const turn = { type: "threads.create", params: {} };
/** @param {string} [token] @param {object} [more] */
const post = (token = "a", more) => ({
  method: "POST",
  headers: { Authorization: `Bearer ${token}` },
  body: JSON.stringify(turn),
  ...more,
});
/** Lets all that is ready run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Asks once, and gives the answer to come, the socket and the id. */
async function asked(fetch = made(), options = post()) {
  const answer = fetch("/chatkit", options);
  answer.catch(() => {});
  await settle();
  const socket = sockets.at(-1);
  return { answer, socket, id: socket.sent.at(-1).id };
}

test("a stream of events is one over HTTP", async () => {
  const { answer, socket, id } = await asked();
  assert.deepEqual([socket.url, socket.protocols], ["wss://example.com", ["chatkit", "a"]]);
  assert.deepEqual(socket.sent, [{ id, request: turn }]);
  socket.says({ id, seq: 0, events: [{ n: 1 }, { n: "ü\n" }] });
  const response = await answer;
  assert.deepEqual([response.status, response.headers.get("content-type")], [200, "text/event-stream"]);
  const reader = response.body.getReader();
  const read = async () => new TextDecoder().decode((await reader.read()).value);
  assert.equal(await read(), 'data: {"n":1}\n\ndata: {"n":"ü\\n"}\n\n');
  // Pieces, repetitions, signs of life, other people's frames.
  const long = JSON.stringify({ events: [{ n: "long" }] });
  socket.says({ id, ping: true }, { id, seq: 1, part: long.slice(0, 9), left: 1 }, { id, seq: 0, events: [{ n: 1 }] });
  socket.says({ id: "other", seq: 0, done: true }, { id, ping: true }, { seq: 0, done: true });
  socket.says({ id, seq: 1, part: long.slice(0, 9), left: 1 }, { id, seq: 2, part: long.slice(9), left: 0 });
  assert.equal(await read(), 'data: {"n":"long"}\n\n');
  socket.says({ id, seq: 3, done: true }, { id, error: { status: 503 } });
  while (!(await reader.read()).done);
});

test("a repeated request carries its position, and the last event of a frame has the next one", async () => {
  const headers = { Authorization: "Bearer a", "last-event-id": "thr_1:run_1:4:12" };
  const { answer, socket, id } = await asked(made(), post("a", { headers }));
  assert.deepEqual(socket.sent, [{ id, request: turn, last_event_id: "thr_1:run_1:4:12" }]);
  const long = JSON.stringify({ events: [{ n: 7 }], position: "thr_1:run_1:7:15" });
  socket.says({ id, seq: 0, events: [{ n: 5 }, { n: 6 }], position: "thr_1:run_1:6:12" });
  socket.says({ id, seq: 1, part: long.slice(0, 9), left: 1 }, { id, seq: 2, part: long.slice(9), left: 0 }, { id, seq: 3, done: true });
  const body = 'data: {"n":5}\n\ndata: {"n":6}\nid: thr_1:run_1:6:12\n\ndata: {"n":7}\nid: thr_1:run_1:7:15\n\n';
  assert.equal(await (await answer).text(), body);
});

test("documents and refusals have a status", async () => {
  const fetch = made();
  const first = await asked(fetch);
  first.socket.says({ id: first.id, seq: 0, reply: { data: [] } });
  const reply = await first.answer;
  assert.deepEqual(
    [reply.status, reply.headers.get("content-type"), await reply.json()],
    [200, "application/json", { data: [] }],
  );
  const second = await asked(fetch);
  assert.equal(second.socket, first.socket);
  const error = { error: "rate_limit_exceeded", message: "too many", request_id: "req_1" };
  second.socket.says({ id: second.id, seq: 0, error: { ...error, status: 429, retry_after: 30 } });
  const refusal = await second.answer;
  assert.deepEqual([refusal.status, refusal.headers.get("retry-after"), await refusal.json()], [429, "30", error]);
});

const broken = 'data: {"type":"error","code":"stream.error","allow_retry":true}\n\n';
for (const [what, breaks] of Object.entries({
  "a gap": ({ socket, id }) => socket.says({ id, seq: 2, done: true }),
  "an invocation that died": ({ socket, id }) => socket.says({ id, error: { error: "unavailable", status: 503 } }),
  "a connection that closed": ({ socket }) => socket.close(),
})) {
  test(`${what} ends a stream with an error event, and fails what has not started`, async () => {
    const started = await asked();
    started.socket.says({ id: started.id, seq: 0, events: [] });
    breaks(started);
    assert.equal(await (await started.answer).text(), broken);
    const waiting = await asked();
    breaks(waiting);
    await assert.rejects(waiting.answer, TypeError);
  });
}

test("a stream with a position fails, so that its reader comes back for the rest", async () => {
  const { answer, socket, id } = await asked();
  socket.says({ id, seq: 0, events: [{}], position: "thr_1:run_1:1:0" });
  const reader = (await answer).body.getReader();
  await reader.read();
  socket.close();
  await assert.rejects(reader.read(), TypeError);
});

test("API Gateway's own errors are for what nobody has answered yet", async () => {
  const fetch = made();
  const started = await asked(fetch);
  started.socket.says({ id: started.id, ping: true });
  const waiting = await asked(fetch);
  waiting.socket.says({ message: "Internal server error", connectionId: "c", requestId: "r" });
  await assert.rejects(waiting.answer, TypeError);
  started.socket.says({ id: started.id, seq: 0, reply: {} });
  assert.equal((await started.answer).status, 200);
});

test("who hears nothing for long enough stops waiting, and a sign of life is something", async (context) => {
  const { answer, socket, id } = await (async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    context.after(() => mock.timers.reset());
    return asked();
  })();
  mock.timers.tick(89_000);
  socket.says({ id, ping: true });
  mock.timers.tick(89_000);
  socket.says({ id, seq: 0, events: [{}] });
  mock.timers.tick(90_000);
  assert.equal(await (await answer).text(), `data: {}\n\n${broken}`);
});

test("a connection on which nothing comes is left, and one that carries something else stays", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  const fetch = made();
  const lost = await asked(fetch);
  const other = await asked(fetch);
  mock.timers.tick(60_000);
  other.socket.says({ id: other.id, ping: true });
  mock.timers.tick(30_000);
  await assert.rejects(lost.answer, TypeError);
  assert.equal(lost.socket.readyState, 1);
  // From here on the connection is dead, as after a sleep.
  const late = await asked(fetch);
  mock.timers.tick(60_000);
  for (const { answer } of [other, late]) await assert.rejects(answer, TypeError);
  assert.equal(other.socket.readyState, 3);
  const next = await asked(fetch);
  assert.deepEqual([sockets.length, next.socket.sent.length], [2, 1]);
  // Nobody waits for anything, and nothing comes: that is no sign of death.
  next.socket.says({ id: next.id, seq: 0, reply: {} });
  mock.timers.tick(600_000);
  assert.equal((await asked(fetch)).socket, next.socket);
});

test("who has another token does not wait long for a connection that may be dead", async () => {
  const fetch = made();
  const first = await asked(fetch);
  const silence = new AbortController();
  const timeout = mock.method(AbortSignal, "timeout", () => silence.signal);
  const renewed = fetch("/chatkit", post("b"));
  renewed.catch(() => {});
  await settle();
  assert.deepEqual([first.socket.sent.at(-1).token, sockets.length], ["b", 1]);
  silence.abort();
  await settle();
  assert.deepEqual(timeout.mock.calls.map((call) => call.arguments), [[5_000]]);
  timeout.mock.restore();
  assert.deepEqual(sockets.map(({ sent, protocols }) => [protocols[1], sent.length]), [["a", 2], ["b", 1]]);
  // What was asked before is read to its end.
  first.socket.says({ id: first.id, seq: 0, reply: 1 });
  assert.equal(await (await first.answer).json(), 1);
  assert.equal(first.socket.readyState, 3);
});

test("another token goes on, and another user gets another connection", async () => {
  const fetch = made();
  const first = await asked(fetch);
  const renewed = await asked(fetch, post("b"));
  assert.deepEqual(renewed.socket.sent.at(-1), { id: renewed.id, token: "b" });
  first.socket.says({ id: renewed.id, seq: 0, reply: { expires_at: 1 } });
  await settle();
  assert.deepEqual(first.socket.sent.at(-1).request, turn);
  const other = await asked(fetch, post("c"));
  other.socket.says({ id: other.id, seq: 0, error: { status: 401 } });
  await settle();
  assert.deepEqual(sockets.map(({ protocols }) => protocols[1]), ["a", "c"]);
  sockets[1].says({ id: sockets[1].sent[0].id, seq: 0, reply: {} });
  // The first one is closed when its answers have come.
  const [, second] = first.socket.sent.filter((message) => message.request);
  first.socket.says({ id: first.id, seq: 0, reply: {} });
  assert.equal(first.socket.readyState, 1);
  first.socket.says({ id: second.id, seq: 0, reply: {} });
  assert.equal(first.socket.readyState, 3);
});

test("an abort ends the answer and not the connection", async () => {
  const fetch = made();
  for (const begins of [false, true]) {
    const abort = new AbortController();
    const { answer, socket, id } = await asked(fetch, post("a", { signal: abort.signal }));
    if (begins) socket.says({ id, seq: 0, events: [{}] });
    const read = answer.then((response) => response.text());
    await settle();
    abort.abort();
    await assert.rejects(read, { name: "AbortError" });
    socket.says({ id, seq: 1, done: true });
    assert.equal(socket.readyState, 1);
  }
  await assert.rejects(fetch("/chatkit", post("a", { signal: AbortSignal.abort() })), { name: "AbortError" });
  const { answer, socket, id } = await asked(fetch);
  socket.says({ id, seq: 0, events: [{}] });
  await (await answer).body.cancel();
  socket.says({ id, seq: 1, events: [{}] }, { id, seq: 2, done: true });
  assert.equal(sockets.length, 1);
});

test("what is aborted before there is a connection is not sent", async () => {
  isSlow = true;
  const fetch = made();
  const abort = new AbortController();
  const aborted = fetch("/chatkit", post("a", { signal: abort.signal }));
  const kept = fetch("/chatkit", post("a"));
  for (const answer of [aborted, kept]) answer.catch(() => {});
  await settle();
  abort.abort();
  sockets[0].open();
  await assert.rejects(aborted, { name: "AbortError" });
  await settle();
  assert.deepEqual([sockets[0].sent.length, plain.length], [1, 0]);
});

test("everything else goes the ordinary way", async () => {
  const fetch = made();
  const form = new FormData();
  const requests = [
    undefined,
    { method: "PUT", headers: post().headers, body: "x" },
    { method: "POST", headers: post().headers, body: form },
    { method: "POST", body: "{}" },
    { method: "POST", headers: { authorization: "Basic a" }, body: "{}" },
    post("a", { body: JSON.stringify("ü".repeat(60_000)) }),
  ];
  for (const options of requests) assert.equal(await (await fetch("/chatkit", options)).text(), "plain");
  assert.equal(sockets.length, 0);
  refuses = true;
  assert.equal(await (await fetch("/chatkit", post())).text(), "plain");
  assert.deepEqual([sockets.length, plain.length], [1, 7]);
  refuses = false;
  const { answer, socket, id } = await asked(fetch);
  socket.says({ id, seq: 0, reply: 1 });
  assert.equal(await (await answer).json(), 1);
});
