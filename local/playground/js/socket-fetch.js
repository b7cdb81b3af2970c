/**
 * A `fetch` that asks a ChatKit server over one WebSocket. It needs nothing else: copy it beside your page, and call it
 * where `fetch` was called.
 *
 * A POST of JSON with a session token (`Authorization: Bearer …`) goes over the socket, and its answer is a `Response` as
 * over HTTP: a status and JSON, or a stream of server-sent events. Everything else goes the ordinary way, and so does
 * what cannot be asked over the socket: a message too large for it, or a server that takes no connection.
 *
 * @param {string | URL} url where the socket is: `ws://127.0.0.1:3000/ws`, or the output `WebSocketUrl`
 * @param {{ WebSocket?: typeof globalThis.WebSocket, fetch?: typeof globalThis.fetch, silence?: number }} [parts]
 *   `silence`: after so many milliseconds without a frame a request counts as failed
 * @returns {(input: RequestInfo | URL, options?: RequestInit) => Promise<Response>}
 *
 * @typedef {{ id?: string, seq: number, ping?: boolean, part?: string, left: number, connectionId?: string }} Frame
 *   and what it says: `events`, `done`, `reply` or `error`
 */
export function socketFetch(url, { WebSocket = globalThis.WebSocket, fetch: plain = globalThis.fetch, silence = 90_000 } = {}) {
  /** @type {Promise<Connection | null>} */
  let latest = Promise.resolve(null);
  return async (input, options = {}) => {
    const headers = new Headers(options.headers);
    const [, token] = /^Bearer (.+)$/i.exec(headers.get("authorization") ?? "") ?? [];
    const body = options.method === "POST" && typeof options.body === "string" ? options.body : null;
    // A message has at most 128 KB.
    if (!token || body === null || new Blob([body]).size > 120_000) return plain.call(globalThis, input, options);
    options.signal?.throwIfAborted();
    // One after the other: two requests shall not open two connections.
    latest = latest.then(async (connection) => {
      if (await connection?.resumeWith(token)) return connection;
      return Connection.open(new WebSocket(url, ["chatkit", token]), token, silence).catch(() => null);
    });
    const connection = await latest;
    options.signal?.throwIfAborted();
    if (!connection?.isOpen) return plain.call(globalThis, input, options);
    const position = headers.get("last-event-id");
    const message = `"request":${body}${position === null ? "" : `,"last_event_id":${JSON.stringify(position)}`}`;
    return connection.send(message, options.signal);
  };
}

/** For a connection, or for the answer whether one can be kept. */
const CONNECT_TIMEOUT_MS = 5_000;

class Connection {
  /** How many frames have come. */
  frames = 0;
  /** @type {Map<string, Answer>} Those that have not ended, by the id of their request. */
  #answers = new Map();
  #requests = 0;
  #isLeft = false;

  /** @param {WebSocket} socket @param {string} token @param {number} silence */
  constructor(socket, token, silence) {
    this.socket = socket;
    this.token = token;
    this.silence = silence;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = () => this.#answers.forEach((answer) => answer.breakOff());
  }

  /** @param {WebSocket} socket @param {string} token @param {number} silence @returns {Promise<Connection>} */
  static open(socket, token, silence) {
    return new Promise((resolve, reject) => {
      // A proxy may swallow what it does not know.
      const timeout = setTimeout(() => socket.close(), CONNECT_TIMEOUT_MS);
      socket.onopen = () => {
        clearTimeout(timeout);
        resolve(new Connection(socket, token, silence));
      };
      socket.onclose = () => {
        clearTimeout(timeout);
        reject(new TypeError("there is no connection"));
      };
    });
  }

  get isOpen() {
    return this.socket.readyState === 1;
  }

  /** @param {string} token @returns {Promise<boolean>} whether requests with this token may be sent here */
  async resumeWith(token) {
    if (!this.isOpen || token === this.token) return this.isOpen;
    const answer = this.send(`"token":${JSON.stringify(token)}`, AbortSignal.timeout(CONNECT_TIMEOUT_MS));
    const { ok } = await answer.catch(() => ({ ok: false }));
    if (ok) this.token = token;
    // Somebody else's, or dead: they get a connection of their own, and what still comes here is read to its end.
    else this.#isLeft = true;
    this.#closeIfLeft();
    return this.isOpen && !this.#isLeft;
  }

  /**
   * @param {string} fields of the message, as JSON without braces
   * @param {AbortSignal | null} [signal]
   * @returns {Promise<Response>}
   */
  send(fields, signal) {
    const id = String((this.#requests += 1));
    const answer = new Answer(this, () => {
      this.#answers.delete(id);
      this.#closeIfLeft();
    });
    this.#answers.set(id, answer);
    // The server is not told: it goes on, until who presses stop says so over HTTP.
    signal?.addEventListener("abort", () => answer.fail(signal.reason), { once: true });
    this.socket.send(`{"id":"${id}",${fields}}`);
    return answer.response;
  }

  /** @param {Frame} frame */
  #receive(frame) {
    this.frames += 1;
    // API Gateway's own: a message could not be handed over, and which one is not said.
    if (frame.connectionId) this.#answers.forEach((answer) => answer.isWaiting && answer.breakOff());
    else this.#answers.get(frame.id ?? "")?.take(frame);
  }

  #closeIfLeft() {
    if (this.#isLeft && this.#answers.size === 0) this.socket.close();
  }
}

/** The frames of one answer as a `Response`. */
class Answer {
  isWaiting = true;
  #next = 0;
  #pieces = "";
  /** Whether the answer can be asked for again from where it broke off. */
  #hasPosition = false;
  #timer = 0;
  /** @type {ReadableStreamDefaultController<Uint8Array> | null} Of the body, once there are events. */
  #body = null;
  /** @type {(response: Response) => void} */
  #resolve = () => {};
  /** @type {(reason: unknown) => void} */
  #reject = () => {};

  /** @param {Connection} connection @param {() => void} onEnd */
  constructor(connection, onEnd) {
    this.connection = connection;
    this.onEnd = onEnd;
    /** @type {Promise<Response>} */
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#listen();
  }

  /** @param {Frame} frame */
  take({ seq, ping, part, left, ...content }) {
    this.isWaiting = false;
    this.#listen();
    // A repetition.
    if (ping || seq < this.#next) return;
    // Something was lost, or who has answered so far has died.
    if (seq !== this.#next) return this.breakOff();
    this.#next += 1;
    this.#pieces += part ?? "";
    if (left > 0) return;
    const { events, position, reply, error } = part === undefined ? content : JSON.parse(this.#pieces);
    this.#pieces = "";
    if (events) return this.#say(events, position);
    if (reply !== undefined) this.#respond(JSON.stringify(reply), 200);
    else if (error) this.#refuse(error);
    else this.#say([]);
    this.#end();
  }

  /** Nothing more will come, though the server may have done what it was asked for. */
  breakOff() {
    const reason = new TypeError("the answer broke off");
    // As over HTTP: what has a position fails, so that the reader comes back; other answers end with an error event.
    if (this.#hasPosition) return this.fail(reason);
    if (this.#body) this.#say([{ type: "error", code: "stream.error", allow_retry: true }]);
    this.#reject(reason);
    this.#end();
  }

  /** @param {unknown} reason */
  fail(reason) {
    this.#reject(reason);
    this.#body?.error(reason);
    this.#body = null;
    this.#end();
  }

  /** @param {{ status: number, retry_after?: number }} error */
  #refuse({ status, retry_after: seconds, ...error }) {
    const headers = seconds === undefined ? {} : { "retry-after": String(seconds) };
    this.#respond(JSON.stringify(error), status, headers);
  }

  /** @param {object[]} events @param {string} [position] behind the last of them */
  #say(events, position) {
    if (!this.#body) {
      const start = (/** @type {ReadableStreamDefaultController} */ body) => (this.#body = body);
      const cancel = () => this.fail(null);
      this.#respond(new ReadableStream({ start, cancel }), 200, { "content-type": "text/event-stream" });
    }
    const blocks = events.map((event) => `data: ${JSON.stringify(event)}\n`);
    if (position) blocks.push(`${blocks.pop()}id: ${position}\n`);
    this.#hasPosition ||= position !== undefined;
    this.#body?.enqueue(new TextEncoder().encode(blocks.map((block) => `${block}\n`).join("")));
  }

  /** @param {BodyInit} body @param {number} status @param {Record<string, string>} [headers] */
  #respond(body, status, headers) {
    this.#resolve(new Response(body, { status, headers: { "content-type": "application/json", ...headers } }));
  }

  #listen() {
    clearTimeout(this.#timer);
    const { frames, silence, socket } = this.connection;
    this.#timer = setTimeout(() => {
      this.breakOff();
      // Nor has anybody else heard anything: after a sleep, or in another network, a dead socket still looks open.
      if (this.connection.frames === frames) socket.close();
    }, silence);
  }

  #end() {
    clearTimeout(this.#timer);
    this.#body?.close();
    this.#body = null;
    this.onEnd();
  }
}
