/** Our ChatKit server: one endpoint, answered with JSON or with a stream of events. */

import { eventStream } from "./sse.js";
import { pause } from "./waiting.js";

/** @typedef {import("./types.js").StreamEvent} StreamEvent */
/** @typedef {import("./session.js").Session} Session */

const ENDPOINT = "/chatkit";
/** Of coming back to an answer whose connection broke, for about a minute; and of waiting for another turn, for about two. */
const MAX_RETURNS = 15;
const MAX_WAITS = 30;
const MAX_PAUSE_MS = 5000;

/** A refusal, or a connection that failed (`status` 0). */
export class ApiError extends Error {
  /**
   * @param {{ status: number, code: string, message: string, requestId?: string, retryAfter?: number }} details
   *   `retryAfter` in seconds
   */
  constructor({ status, code, message, requestId, retryAfter }) {
    super(message);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }

  /**
   * Reads the documented shape `{error, message, request_id}`, and makes do where something else answers.
   *
   * @param {Response} response
   */
  static async from(response) {
    const body = await response.json().catch(() => ({}));
    const retryAfter = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
    return new ApiError({
      status: response.status,
      code: typeof body.error === "string" ? body.error : "unknown",
      message: typeof body.message === "string" ? body.message : `The server answered ${response.status}.`,
      requestId: body.request_id ?? response.headers.get("x-request-id") ?? undefined,
      retryAfter: Number.isNaN(retryAfter) ? undefined : retryAfter,
    });
  }

  /** No answer, or not all of it. */
  static connection() {
    return new ApiError({ status: 0, code: "connection", message: "The server cannot be reached. Is it still running?" });
  }
}

/**
 * Sends a request.
 *
 * @param {string} path
 * @param {RequestInit} options
 * @param {typeof fetch} [via] how it travels
 * @returns {Promise<Response>} a success
 * @throws {ApiError} for everything else; an abort stays the `AbortError` it is
 */
async function send(path, options, via = fetch) {
  const response = await via(path, options).catch((error) => {
    throw options.signal?.aborted ? error : ApiError.connection();
  });
  if (!response.ok) throw await ApiError.from(response);
  return response;
}

/** What posts a body as JSON. @param {object} body @returns {RequestInit} */
const posted = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/** Posts JSON. @param {string} path @param {object} body @throws {ApiError} */
export const post = (path, body) => send(path, posted(body));

/** The ChatKit protocol, on behalf of the session's user. */
export class ChatKit {
  /** @param {Session} session @param {typeof fetch} [via] how requests travel */
  constructor(session, via) {
    this.session = session;
    this.via = via;
  }

  /**
   * An operation that is answered with JSON.
   *
   * @param {string} type
   * @param {object} params
   * @returns {Promise<any>}
   */
  async call(type, params) {
    const response = await this.#request(ENDPOINT, posted({ type, params }));
    return response.json();
  }

  /**
   * An operation that is answered with a stream. It is sent again while another turn runs in the thread.
   *
   * @param {string} type
   * @param {object} params
   * @param {AbortSignal} signal
   * @param {() => void} onBusy
   * @returns {AsyncGenerator<StreamEvent, void, void>}
   * @throws {ApiError}
   */
  async *stream(type, params, signal, onBusy) {
    const options = { ...posted({ type, params }), signal };
    for (let waits = 1; ; waits += 1) {
      try {
        return yield* this.#events(await this.#request(ENDPOINT, options), ENDPOINT, options, signal);
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== "conflict" || waits === MAX_WAITS) throw error;
        onBusy();
        await pause(error.retryAfter ? error.retryAfter * 1000 : Math.min(waits * 1000, MAX_PAUSE_MS), signal);
      }
    }
  }

  /**
   * The answer that is being made in a thread, from its beginning.
   *
   * @param {string} threadId
   * @param {AbortSignal} signal
   * @returns {Promise<AsyncGenerator<StreamEvent, void, void> | null>} `null`: there is none
   * @throws {ApiError}
   */
  async follow(threadId, signal) {
    const response = await this.#request(runOf(threadId), { signal });
    return response.status === 204 ? null : this.#events(response, runOf(threadId), { signal }, signal);
  }

  /** Stops the answer that is being made in a thread. @param {string} threadId @throws {ApiError} */
  async stop(threadId) {
    await this.#request(runOf(threadId), { method: "DELETE" });
  }

  /**
   * The events of an answer. When the connection breaks, the same request with the position of the last event gets the rest.
   *
   * @param {Response} response
   * @param {string} path
   * @param {RequestInit} options
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<StreamEvent, void, void>}
   */
  async *#events(response, path, options, signal) {
    let position = "";
    for (let failures = 1; ; failures += 1) {
      try {
        if (position !== "") response = await this.#request(path, options, { "last-event-id": position });
        for await (const { data, id } of eventStream(response.body ?? new Blob().stream())) {
          yield JSON.parse(data);
          position = id;
          failures = 0;
        }
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        // A body that breaks off is the network's; the rest is a bug and must be seen as one.
        const failure = error instanceof TypeError ? ApiError.connection() : error;
        const isBroken = failure instanceof ApiError && failure.status === 0;
        if (!isBroken || position === "" || failures === MAX_RETURNS) throw failure;
        await pause(Math.min(100 * 2 ** failures, MAX_PAUSE_MS), signal);
      }
    }
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   * @param {Record<string, string>} [more] headers
   */
  async #request(path, options, more) {
    const once = async () => {
      const headers = { ...options.headers, ...(await this.session.headers()), ...more };
      return send(path, { ...options, headers }, this.via);
    };
    try {
      return await once();
    } catch (error) {
      // The session is no longer valid, for example after a restart of the server: once more with a new one.
      if (error instanceof ApiError && error.status === 401 && (await this.session.renew())) return once();
      throw error;
    }
  }
}

/** Where the answer is that is being made in a thread. @param {string} threadId */
const runOf = (threadId) => `${ENDPOINT}/threads/${encodeURIComponent(threadId)}/run`;
