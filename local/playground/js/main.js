/** The playground: the chat, the developer's panel, and the current thread in the address. */

import { askAbout, showAbout } from "./about.js";
import { byId } from "./dom.js";
import { IdentityPanel } from "./identity.js";
import { options } from "./options.js";
import { applyEffect } from "./page-tools.js";
import { Panel } from "./panel.js";
import { Session } from "./session.js";
import { socketFetch } from "./socket-fetch.js";
import "/playground/chatkit.js";

const TITLE = "ChatKit playground";

const bySocket = new URLSearchParams(location.search).get("transport") === "socket";
const session = new Session(
  bySocket ? socketFetch(new URL("/ws", location.href.replace("http", "ws"))) : fetch.bind(window),
);
const panel = new Panel(() => session.fetch("/api/usage/me"));
const about = await askAbout();
if (about) showAbout(about);

let chat = open();
new IdentityPanel(session, () => {
  history.replaceState(null, "", location.pathname + location.search);
  chat.remove();
  chat = open();
});
addEventListener("hashchange", () => chat.setThreadId(threadInAddress()));
addEventListener("themechange", () => chat.setOptions(current()));

function current() {
  return options(about, session.fetch, threadInAddress());
}

function open() {
  const made = /** @type {any} */ (document.createElement("openai-chatkit"));
  made.addEventListener("chatkit.thread.change", (/** @type {CustomEvent} */ { detail }) => keep(detail.threadId));
  made.addEventListener("chatkit.effect", (/** @type {CustomEvent} */ { detail }) => applyEffect(detail));
  panel.watch(made);
  made.setOptions(current());
  byId("main", HTMLElement).append(made);
  made.focusComposer();
  // Where there is room for both.
  if (matchMedia("(min-width: 76rem)").matches) made.showHistory();
  return made;
}

/** Keeps the thread in the address. @param {string | null} threadId */
function keep(threadId) {
  if (threadId === threadInAddress()) return;
  history.pushState(null, "", threadId === null ? location.pathname + location.search : `#${threadId}`);
}

/** @returns {string | null} */
function threadInAddress() {
  const text = location.hash.slice(1);
  try {
    return decodeURIComponent(text) || null;
  } catch {
    // Somebody else's address: there is no such thread.
    return text;
  }
}
document.title = TITLE;
