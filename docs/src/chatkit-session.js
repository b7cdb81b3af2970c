/**
 * A `fetch` for ChatKit that sends a session token with every request, starts and renews the session, and keeps it for the
 * visitor's next visit. When the person presses stop, it tells the server to stop. `api` is the backend's address: "" on the
 * page's own origin. `user` is the signed-in user of your site, or null for a visitor: `{ id, token }`, where `token()`
 * resolves to a user token; without `token` your site's cookie says who the user is. The result's `signOut()` ends the session.
 */
export function sessionFetch(api, user = null) {
  const key = `chatkit-session:${user?.id ?? "visitor"}`;
  let renewal = null;

  /** POSTs to a route of sessions, with the user token or the site's cookie. */
  async function post(path, body) {
    const headers = { "content-type": "application/json" };
    if (user?.token) headers.authorization = `Bearer ${await user.token()}`;
    // `include` sends the site's cookie, or the one that makes a returning browser the same visitor.
    const options = { method: "POST", credentials: "include", headers, body: JSON.stringify(body) };
    const response = await fetch(api + path, options);
    const answer = response.status === 204 ? null : await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.message), { status: response.status });
    return answer;
  }

  async function obtain(path, body) {
    const answer = await post(path, body);
    // A minute before the token ends, by this computer's clock: the server's may differ.
    const renewAt = Date.now() + (answer.expires_in - 60) * 1000;
    localStorage.setItem(key, JSON.stringify({ secret: answer.client_secret, renewAt }));
    return answer.client_secret;
  }

  async function renew(current) {
    if (current) {
      try {
        return await obtain("/api/chatkit/refresh", { currentClientSecret: current });
      } catch (error) {
        if (error.status !== 401) throw error;
      }
    }
    return obtain("/api/chatkit/start", {});
  }

  /** The stored session token, or the next one. */
  async function clientSecret({ wasRefused = false } = {}) {
    const stored = JSON.parse(localStorage.getItem(key) ?? "null");
    if (stored && Date.now() < stored.renewAt && !wasRefused) return stored.secret;
    renewal ??= renew(stored?.secret).finally(() => (renewal = null));
    return renewal;
  }

  async function fetchAsUser(url, options = {}) {
    // A file is uploaded to the bucket, with a presigned URL that needs no token.
    const isOurs = new URL(url, location.href).href.startsWith(new URL(api || "/", location.href).href);
    if (!isOurs) return fetch(url, options);
    const send = (secret) => {
      const headers = new Headers(options.headers);
      headers.set("authorization", `Bearer ${secret}`);
      return fetch(url, { ...options, headers });
    };
    const sendAsUser = async () => {
      const response = await send(await clientSecret());
      return response.status === 401 ? send(await clientSecret({ wasRefused: true })) : response;
    };
    const isStreamed = options.signal && new Headers(options.headers).get("accept")?.includes("text/event-stream");
    return isStreamed ? stopWithSignal(options, sendAsUser, (thread) => stop(fetchAsUser, url, thread)) : sendAsUser();
  }

  /**
   * Ends the session, for a sign-out button; `everywhere` ends the person's sessions on other devices, too. A visitor is
   * another visitor after that.
   */
  fetchAsUser.signOut = async ({ everywhere = false } = {}) => {
    const stored = JSON.parse(localStorage.getItem(key) ?? "null");
    localStorage.removeItem(key);
    if (stored) await post("/api/chatkit/logout", { currentClientSecret: stored.secret, everywhere });
  };

  return fetchAsUser;
}

/**
 * A `fetch` for ChatKit where people sign in at the backend itself (`/auth/login`). Their cookie goes with every request; a
 * person without one is sent there. The result's `signOut()` ends the sign-in and goes where the provider ends its own.
 */
export function loginFetch(api) {
  async function fetchAsUser(url, options = {}) {
    const isOurs = new URL(url, location.href).href.startsWith(new URL(api || "/", location.href).href);
    if (!isOurs) return fetch(url, options);
    const send = async () => {
      const response = await fetch(url, { ...options, credentials: "include" });
      // Who has just said no at the provider is not asked again.
      const mayAsk = response.status === 401 && !new URL(location.href).searchParams.has("sign_in_error");
      if (mayAsk) location.assign(`${api}/auth/login?return_to=${encodeURIComponent(location.href)}`);
      return response;
    };
    const isStreamed = options.signal && new Headers(options.headers).get("accept")?.includes("text/event-stream");
    return isStreamed ? stopWithSignal(options, send, (thread) => stop(fetchAsUser, url, thread)) : send();
  }

  fetchAsUser.signOut = async () => {
    const address = `${api}/auth/logout?return_to=${encodeURIComponent(location.href)}`;
    const response = await fetch(address, { method: "POST", credentials: "include" });
    if (!response.ok) throw new Error("signing out failed");
    location.assign((await response.json()).end_session_url ?? location.href);
  };

  return fetchAsUser;
}

/** Stops the answer that is being made in a thread. If this fails, the answer is made to its end. */
function stop(fetchAsUser, url, thread) {
  const run = new URL(url, location.href);
  run.pathname += `/threads/${encodeURIComponent(thread)}/run`;
  // `keepalive`: it is sent even if the page is left at this moment.
  fetchAsUser(run.href, { method: "DELETE", keepalive: true }).catch(() => {});
}

/**
 * Sends a streamed request, and calls `stop` with its thread when the person presses stop. ChatKit aborts the request then, but
 * also when the tab is hidden and when the answer has ended or broken off. In these cases the server goes on.
 */
async function stopWithSignal({ signal, headers, body }, send, stop) {
  // The position that ChatKit repeats a request with begins with the thread, too.
  const position = new Headers(headers).get("last-event-id");
  let thread = position ? position.split(":")[0] : JSON.parse(body).params.thread_id;
  // A request that began in a hidden tab is aborted and repeated when the tab is shown.
  const beganHidden = document.hidden;
  const onAbort = () => thread && !beganHidden && !document.hidden && stop(thread);
  signal.addEventListener("abort", onAbort);
  const ended = () => signal.removeEventListener("abort", onAbort);
  const failed = (error) => {
    ended();
    throw error;
  };

  const response = await send().catch(failed);
  if (!response.ok || !response.body) ended();
  if (!response.body) return response;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  // The same bytes; but here their end is seen before ChatKit sees it and aborts.
  const stream = new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read().catch(failed);
      if (done) {
        ended();
        return controller.close();
      }
      // The first answer of a thread has its id in each position.
      if (!thread) thread = /^id: ?([^:\s]+):/m.exec((text += decoder.decode(value, { stream: true })))?.[1];
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(stream, response);
}
