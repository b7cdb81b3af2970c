/** A ChatKit server: one endpoint, answered with JSON or with a stream of events. */

import { eventStream } from "./sse.js";
import { pause } from "./waiting.js";

/** @typedef {import("./types.js").StreamEvent} StreamEvent */
/**
 * @typedef {object} ApiOptions
 * @property {string} [url] of the ChatKit endpoint; with `getClientSecret` alone, on the server that this script is
 *   from
 * @property {typeof fetch} [fetch]
 * @property {(current: string | null) => Promise<string>} [getClientSecret]
 * @property {{ type: "two_phase" } | { type: "direct", uploadUrl: string }} [uploadStrategy]
 */

/**
 * Of coming back to an answer whose connection broke, for about a minute; and of waiting for another turn, for about
 * two.
 */
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
      message: typeof body.message === "string" ? body.message : "",
      requestId: body.request_id ?? response.headers.get("x-request-id") ?? undefined,
      retryAfter: Number.isNaN(retryAfter) ? undefined : retryAfter,
    });
  }

  /** No answer, or not all of it. */
  static connection() {
    return new ApiError({ status: 0, code: "connection", message: "the server cannot be reached" });
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
const posted = (body) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** The ChatKit protocol. */
export class ChatKitApi {
  /** @type {string | null} */
  #secret = null;
  /** @type {Promise<string> | null} One exchange at a time, however many requests wait for it. */
  #exchange = null;

  /** @param {() => ApiOptions} options as they are at the moment @param {import("./ui.js").Ui} ui */
  constructor(options, ui) {
    this.options = options;
    this.ui = ui;
  }

  get #endpoint() {
    return this.options().url ?? `${new URL(import.meta.url).origin}/chatkit`;
  }

  /**
   * An operation that is answered with JSON.
   *
   * @param {string} type
   * @param {object} params
   * @returns {Promise<any>}
   */
  async call(type, params) {
    this.ui.log("request", { type, params });
    const response = await this.#request(this.#endpoint, posted({ type, params }));
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
    this.ui.log("request", { type, params });
    for (let waits = 1; ; waits += 1) {
      try {
        return yield* this.#events(await this.#request(this.#endpoint, options), this.#endpoint, options, signal);
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
    try {
      const response = await this.#request(this.#runOf(threadId), { signal });
      return response.status === 204 ? null : this.#events(response, this.#runOf(threadId), { signal }, signal);
    } catch (error) {
      // A server that cannot follow, or a thread that is not there: the next request says which.
      if (error instanceof ApiError && [404, 405].includes(error.status)) return null;
      throw error;
    }
  }

  /** @param {string} threadId whose answer is stopped @returns {Promise<boolean>} whether the server can do that */
  async stop(threadId) {
    try {
      await this.#request(this.#runOf(threadId), { method: "DELETE" });
      return true;
    } catch (error) {
      if (error instanceof ApiError && [404, 405].includes(error.status)) return false;
      throw error;
    }
  }

  /**
   * Sends a file as a form.
   *
   * @param {string} url
   * @param {File} file
   * @param {AbortSignal} signal
   * @returns {Promise<any>}
   */
  async upload(url, file, signal) {
    const body = new FormData();
    body.append("file", file);
    return (await this.#request(url, { method: "POST", body, signal })).json();
  }

  /**
   * The events of an answer. When the connection breaks, the same request with the position of the last event gets
   * the rest.
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
          const event = JSON.parse(data);
          this.ui.log("event", { type: event.type, event });
          yield event;
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
    const { fetch: via, getClientSecret } = this.options();
    // No `accept`: what a server's session code does when ChatKit aborts a stream is not meant for us, who ask to stop.
    const once = async () => {
      /** @type {Record<string, string>} */
      const secret = getClientSecret ? { authorization: `Bearer ${await this.#clientSecret()}` } : {};
      return send(
        path,
        { ...options, headers: { .../** @type {Record<string, string>} */ (options.headers), ...secret, ...more } },
        via,
      );
    };
    try {
      return await once();
    } catch (error) {
      // The secret has ended: once more with the next.
      const hasEnded = error instanceof ApiError && error.status === 401 && error.code !== "client_secret";
      if (!getClientSecret || !hasEnded) throw error;
      await this.#exchanged();
      return once();
    }
  }

  async #clientSecret() {
    return this.#secret ?? this.#exchanged();
  }

  #exchanged() {
    const exchange = async () => {
      try {
        this.#secret = (await this.options().getClientSecret?.(this.#secret)) ?? "";
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new ApiError({ status: 401, code: "client_secret", message });
      }
      return this.#secret;
    };
    this.#exchange ??= exchange().finally(() => {
      this.#exchange = null;
    });
    return this.#exchange;
  }

  /** Where the answer is that is being made in a thread. @param {string} threadId */
  #runOf(threadId) {
    const address = new URL(this.#endpoint, location.href);
    address.pathname += `/threads/${encodeURIComponent(threadId)}/run`;
    return address.href;
  }
}
