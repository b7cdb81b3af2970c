// What ChatKit does with the site's `fetch`, as far as its transport goes. Runs in the page.
import { sessionFetch } from "/session/chatkit-session.js";
import { fetchEventSource } from "/fetch-event-source/index.js";

const API = new URLSearchParams(location.search).get("api") ?? "";
const MAX_RETRIES = 5;
/** ChatKit waits for a second and more. */
const RETRY_MS = 20;
const fetchAsUser = sessionFetch(API);

class Retriable extends Error {}

window.widget = {
  /** The text of the newest answer, put together from its deltas. */
  answer: "",
  /** Why the stream has ended: `null` if nothing failed. @type {string | null | undefined} */
  end: null,
  hasBegun: false,
  items: new Map(),
  thread: "",
  /** How many threads were announced. */
  created: 0,
  /** Of events. */
  errors: [],
  /** Events that do not fit what was seen before. */
  faults: [],

  async call(type, params) {
    const body = JSON.stringify({ type, params });
    const response = await fetchAsUser(`${API}/chatkit`, { method: "POST", headers: { "content-type": "application/json" }, body });
    return response.json();
  },

  ask(type, params) {
    const abort = new AbortController();
    let retries = 0;
    this.end = undefined;
    this.hasBegun = false;
    this.stop = () => abort.abort();
    const source = fetchEventSource(`${API}/chatkit`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ type, params }),
      signal: abort.signal,
      fetch: fetchAsUser,
      async onopen(response) {
        if (response.ok && response.headers.get("content-type")?.startsWith("text/event-stream")) return;
        if (response.status >= 400 && response.status < 500) throw new Error(`Streaming failed: ${response.statusText}`);
        throw new Retriable(`Streaming failed: ${response.statusText}`);
      },
      onmessage: ({ data }) => this.apply(JSON.parse(data)),
      onerror(error) {
        retries += 1;
        if (!(error instanceof Retriable) || retries > MAX_RETRIES) throw error;
        return RETRY_MS;
      },
    });
    source.then(() => (this.end = null), (error) => (this.end = String(error.message ?? error)));
  },

  apply(event) {
    this.hasBegun = true;
    switch (event.type) {
      case "thread.created":
        this.created += 1;
        this.thread = event.thread.id;
        break;
      case "thread.item.added":
      case "thread.item.replaced":
        if (event.type === "thread.item.added" && this.items.has(event.item.id)) this.faults.push(`added twice: ${event.item.type}`);
        this.put(event.item);
        break;
      case "thread.item.done": {
        const known = this.items.get(event.item.id);
        if (known?.isDone) this.faults.push(`done twice: ${event.item.type}`);
        const isOther = known && event.item.type === "assistant_message" && !text(event.item).startsWith(text(known));
        if (isOther) this.faults.push(`"${text(known)}" was "${text(event.item)}"`);
        this.put({ ...event.item, isDone: true });
        break;
      }
      case "thread.item.removed":
        this.items.delete(event.item_id);
        break;
      case "thread.item.updated":
        this.update(this.items.get(event.item_id), event.update);
        break;
      case "error":
        this.errors.push(event.message ?? event.code);
        break;
    }
  },

  put(item) {
    this.items.set(item.id, item);
    if (item.type === "assistant_message") this.answer = text(item);
  },

  update(item, update) {
    if (!item) return void this.faults.push(`no item for ${update.type}`);
    const parts = item.content;
    if (update.type === "assistant_message.content_part.added") parts[update.content_index] = { ...update.content };
    if (update.type === "assistant_message.content_part.text_delta") parts[update.content_index].text += update.delta;
    if (item.type === "assistant_message") this.answer = text(item);
  },

  view() {
    const items = [...this.items.values()].map((item) => (item.content ? `${item.type}: ${text(item)}` : item.type));
    return { items, thread: this.thread, created: this.created, errors: this.errors, faults: this.faults, end: this.end };
  },

  remove(id) {
    this.items.delete(id);
  },

  setHidden(isHidden) {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (isHidden ? "hidden" : "visible") });
    document.dispatchEvent(new Event("visibilitychange"));
  },

  async upload() {
    const body = new FormData();
    body.append("file", new File(["Hello"], "notes.txt", { type: "text/plain" }));
    const response = await fetchAsUser(`${API}/chatkit/attachments`, { method: "POST", body });
    return (await response.json()).id;
  },

  async runStatus(thread) {
    const abort = new AbortController();
    const { status } = await fetchAsUser(`${API}/chatkit/threads/${thread}/run`, { signal: abort.signal });
    abort.abort();
    return status;
  },

  async usedTokens() {
    const response = await fetchAsUser(`${API}/api/usage/me`);
    return (await response.json()).tokens.used;
  },
};

const text = (item) => item.content.map((part) => part.text).join("");
