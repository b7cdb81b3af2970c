/** Our ChatKit server: one endpoint, answered with JSON or with a stream of events. */

import { eventStream } from "./sse.js";

/** @typedef {import("./types.js").StreamEvent} StreamEvent */
/** @typedef {import("./session.js").Session} Session */

const ENDPOINT = "/chatkit";

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
 * Posts JSON.
 *
 * @param {string} path
 * @param {object} body
 * @param {Record<string, string>} headers
 * @param {AbortSignal} [signal]
 * @param {typeof fetch} [via] how it travels
 * @returns {Promise<Response>} a success
 * @throws {ApiError} for everything else; an abort stays the `AbortError` it is
 */
export async function post(path, body, headers = {}, signal, via = fetch) {
  const response = await via(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal,
  }).catch((error) => {
    throw signal?.aborted ? error : ApiError.connection();
  });
  if (!response.ok) throw await ApiError.from(response);
  return response;
}

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
    const response = await this.#request(type, params);
    return response.json();
  }

  /**
   * An operation that is answered with a stream.
   *
   * @param {string} type
   * @param {object} params
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<StreamEvent, void, void>}
   * @throws {ApiError}
   */
  async *stream(type, params, signal) {
    const response = await this.#request(type, params, signal);
    if (!response.body) return;
    try {
      for await (const data of eventStream(response.body)) yield JSON.parse(data);
    } catch (error) {
      // A body that breaks off is the network's; the rest is a bug and must be seen as one.
      throw error instanceof TypeError && !signal.aborted ? ApiError.connection() : error;
    }
  }

  /**
   * @param {string} type
   * @param {object} params
   * @param {AbortSignal} [signal]
   */
  async #request(type, params, signal) {
    const send = async () => post(ENDPOINT, { type, params }, await this.session.headers(), signal, this.via);
    try {
      return await send();
    } catch (error) {
      // The session is no longer valid, for example after a restart of the server: once more with a new one.
      if (error instanceof ApiError && error.status === 401 && (await this.session.renew())) return send();
      throw error;
    }
  }
}
