/**
 * A `fetch` for ChatKit that sends a session token with every request, starts and renews the session, and keeps it for the
 * visitor's next visit. `api` is the backend's address: "" on the page's own origin. `user` is the signed-in user of your
 * site, or null for a visitor: `{ id, token }`, where `token()` resolves to a user token that your server has signed.
 */
export function sessionFetch(api, user = null) {
  const key = `chatkit-session:${user?.id ?? "visitor"}`;
  let renewal = null;

  async function obtain(path, body) {
    const headers = { "content-type": "application/json" };
    if (user) headers.authorization = `Bearer ${await user.token()}`;
    // `include` sends the cookie that makes a returning browser the same visitor.
    const options = { method: "POST", credentials: "include", headers, body: JSON.stringify(body) };
    const response = await fetch(api + path, options);
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.message), { status: response.status });
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

  return async function fetchAsUser(url, options = {}) {
    // A file is uploaded to the bucket, with a presigned URL that needs no token.
    const isOurs = new URL(url, location.href).href.startsWith(new URL(api || "/", location.href).href);
    if (!isOurs) return fetch(url, options);
    const send = (secret) => {
      const headers = new Headers(options.headers);
      headers.set("authorization", `Bearer ${secret}`);
      return fetch(url, { ...options, headers });
    };
    const response = await send(await clientSecret());
    return response.status === 401 ? send(await clientSecret({ wasRefused: true })) : response;
  };
}
