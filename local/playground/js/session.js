/** The current user, and the short-lived token that proves it to the server. */

/**
 * @typedef {{ kind: "anonymous" } | { kind: "development", name: string }} Identity
 * @typedef {{ client_secret: string, expires_at: number, expires_in: number }} StartAnswer unix seconds, seconds
 * @typedef {{ secret: string, renewAt: number }} Token `renewAt` in milliseconds since 1970
 */

const IDENTITY = "chatkit-playground:identity";
const TOKEN = "chatkit-playground:token";
/** How long before it expires a token is renewed. */
const MARGIN_SECONDS = 60;

export class Session {
  /** @type {Identity} */
  #identity = stored(IDENTITY) ?? { kind: "anonymous" };
  /** @type {Promise<string> | null} One exchange at a time, however many requests wait for it. */
  #exchange = null;
  #timer = 0;

  /** @param {typeof fetch} via how requests travel */
  constructor(via) {
    this.via = via;
    this.#schedule();
  }

  /** A `fetch` on behalf of the user. @type {typeof fetch} */
  fetch = async (input, options = {}) => {
    const send = async (/** @type {Record<string, string>} */ own) => {
      const headers = new Headers(options.headers);
      for (const [name, value] of Object.entries(own)) headers.set(name, value);
      return this.via(input, { ...options, headers });
    };
    try {
      const response = await send(await this.headers());
      // The session is no longer valid, for example after a restart of the server: once more with a new one.
      return response.status === 401 && (await this.renew()) ? send(await this.headers()) : response;
    } catch (refusal) {
      // The server starts no session, and says why.
      if (refusal instanceof Response) return refusal;
      throw refusal;
    }
  };

  get identity() {
    return this.#identity;
  }

  /** @param {Identity} identity */
  use(identity) {
    this.#identity = identity;
    localStorage.setItem(IDENTITY, JSON.stringify(identity));
    this.#schedule();
  }

  /**
   * The headers that identify the user.
   *
   * @returns {Promise<Record<string, string>>}
   * @throws {Response} when the server starts no session
   */
  async headers() {
    if (this.#identity.kind === "development") return { "x-user-id": this.#identity.name };
    // Read each time: another tab may have renewed it.
    const token = /** @type {Token | null} */ (stored(TOKEN));
    const secret = token && Date.now() < token.renewAt ? token.secret : await this.#obtain();
    return { authorization: `Bearer ${secret}` };
  }

  /**
   * Replaces a token that the server did not accept.
   *
   * @returns {Promise<boolean>} whether there is a new one, so that a retry can succeed
   */
  async renew() {
    if (this.#identity.kind === "development") return false;
    const token = /** @type {Token | null} */ (stored(TOKEN));
    if (token) localStorage.setItem(TOKEN, JSON.stringify({ ...token, renewAt: 0 }));
    await this.#obtain();
    return true;
  }

  #obtain() {
    this.#exchange ??= exclusively(exchange)
      .then((secret) => {
        this.#schedule();
        return secret;
      })
      .finally(() => {
        this.#exchange = null;
      });
    return this.#exchange;
  }

  /**
   * Renews a token before it expires, so that no message waits for it. For a while the server renews an expired one,
   * too.
   */
  #schedule() {
    clearTimeout(this.#timer);
    const token = /** @type {Token | null} */ (stored(TOKEN));
    if (this.#identity.kind === "development" || !token) return;
    // A renewal that fails is tried again by the next request, which shows the error.
    this.#timer = setTimeout(() => this.headers().catch(() => {}), Math.max(1000, token.renewAt - Date.now()));
  }
}

/**
 * A new token for the same visitor, or for a new one where there is none or the server no longer renews the old one.
 *
 * @returns {Promise<string>}
 */
async function exchange() {
  const token = /** @type {Token | null} */ (stored(TOKEN));
  // Another tab was faster.
  if (token && Date.now() < token.renewAt) return token.secret;
  const response = token ? await refresh(token.secret) : await post("/api/chatkit/start", {});
  /** @type {StartAnswer} */
  const { client_secret: secret, expires_in: lifetime } = await response.json();
  // Half a lifetime at the earliest: a short one must not be renewed with every request.
  const renewAt = Date.now() + Math.max(lifetime - MARGIN_SECONDS, lifetime / 2) * 1000;
  localStorage.setItem(TOKEN, JSON.stringify({ secret, renewAt }));
  return secret;
}

/** @param {string} path @param {object} body @throws {Response} of a refusal */
async function post(path, body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw response;
  return response;
}

/** @param {string} currentClientSecret */
async function refresh(currentClientSecret) {
  try {
    return await post("/api/chatkit/refresh", { currentClientSecret });
  } catch (error) {
    if (error instanceof Response && error.status === 401) return post("/api/chatkit/start", {});
    throw error;
  }
}

/**
 * Runs in one tab at a time, where the browser can (it cannot on a page that is not served securely).
 *
 * @template T
 * @param {() => Promise<T>} run
 * @returns {Promise<T>}
 */
async function exclusively(run) {
  return navigator.locks ? await navigator.locks.request(TOKEN, run) : run();
}

/** @param {string} key */
function stored(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}
