/** The playground: puts the parts together and keeps the current thread in the address. */

import { showAbout } from "./about.js";
import { ApiError, ChatKit } from "./api.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { byId } from "./dom.js";
import { IdentityPanel } from "./identity.js";
import { failureCard } from "./notices.js";
import { Session } from "./session.js";
import { restoreTheme } from "./theme.js";
import { Sidebar } from "./sidebar.js";
import { socketFetch } from "./socket-fetch.js";
import { UNTITLED } from "./thread-row.js";
import { ThreadList } from "./threads.js";

/** @typedef {import("./types.js").Thread} Thread */

restoreTheme();
const session = new Session();
const bySocket = new URLSearchParams(location.search).get("transport") === "socket";
const api = new ChatKit(session, bySocket ? socketFetch(new URL("/ws", location.href.replace("http", "ws"))) : undefined);
const stage = byId("stage", HTMLElement);
const welcome = byId("welcome", HTMLElement);
const heading = byId("title", HTMLElement);

const sidebar = new Sidebar();
const threads = new ThreadList(api, {
  onRenamed(thread) {
    if (thread.id !== current.thread?.id) return;
    current.thread = { ...current.thread, title: thread.title };
    draw();
  },
  onDeleted(threadId) {
    for (const conversation of running) if (conversation.thread?.id === threadId) conversation.leave();
    if (threadId === current.thread?.id) newChat();
  },
});
const composer = new Composer(api, {
  onSend: (message) => send(message),
  onStop: () => current.stop(),
  onAnswers: (item, answers) => current.answerQuestions(item, answers),
});
new IdentityPanel(session, () => {
  for (const conversation of running) conversation.leave();
  threads.reload();
  newChat();
});

/** Conversations whose answer is still coming: they go on while another one is shown. @type {Set<Conversation>} */
const running = new Set();
let current = conversation();

/** @returns {Conversation} */
function conversation() {
  const made = new Conversation(api, {
    onThread(thread) {
      const isNew = made === current && threadInAddress() !== thread.id;
      if (isNew) history.pushState(null, "", `#${thread.id}`);
      threads.show(thread);
      threads.markRunning(thread.id, made.isRunning);
      draw();
    },
    onChange() {
      if (made.isRunning) running.add(made);
      else running.delete(made);
      if (made.thread) threads.markRunning(made.thread.id, made.isRunning);
      draw();
    },
  });
  return made;
}

/** @param {import("./composer.js").Message} message */
function send(message) {
  current.send(message);
  draw();
}

/** Shows a conversation in place of the one that is shown. @param {Conversation} next */
function show(next) {
  if (next === current && next.element.isConnected) return;
  if (!current.isRunning) current.leave();
  current.element.remove();
  current = next;
  stage.append(current.element);
  current.shown();
  sidebar.close();
  draw();
}

function newChat() {
  if (threadInAddress() !== null) history.pushState(null, "", location.pathname + location.search);
  show(conversation());
  composer.focus();
}

/** Shows what the address names. */
async function followAddress() {
  const threadId = threadInAddress();
  if (threadId === null) return newChat();
  if (threadId === current.thread?.id) return;
  const known = [...running].find(({ thread }) => thread?.id === threadId);
  if (known) return show(known);
  const next = conversation();
  show(next);
  welcome.hidden = true;
  // Now and not after the load: whoever does something else meanwhile keeps the focus.
  composer.focus();
  try {
    await next.load(threadId);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (next === current) next.element.replaceChildren(loadFailure(error));
  }
}

/** @param {ApiError} error */
function loadFailure(error) {
  if (error.status === 404) return failureCard(new Error("This chat does not exist, or it belongs to another user."), { label: "New chat", run: newChat });
  return failureCard(error, { label: "Try again", run: () => followAddress() });
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

/** Updates everything around the conversation. */
function draw() {
  const { thread } = current;
  const isWelcome = current.isEmpty && threadInAddress() === null;
  welcome.hidden = !isWelcome;
  current.element.hidden = isWelcome;
  heading.textContent = thread ? thread.title || UNTITLED : "";
  document.title = thread?.title ? `${thread.title} · ChatKit playground` : "ChatKit playground";
  composer.set({ isRunning: current.isRunning, canStop: current.canStop, status: thread?.status ?? { type: "active" }, question: current.question });
  threads.markCurrent(thread?.id ?? threadInAddress());
}

byId("new-chat", HTMLButtonElement).addEventListener("click", newChat);
byId("new-chat-narrow", HTMLButtonElement).addEventListener("click", newChat);
welcome.addEventListener("click", (event) => {
  const prompt = event.target instanceof Element && event.target.closest("button")?.dataset.prompt;
  if (prompt) send({ text: prompt, attachments: [], options: composer.takeOptions() });
});
addEventListener("hashchange", followAddress);
document.addEventListener("visibilitychange", () => document.hidden || current.refresh());

byId("threads", HTMLElement).append(threads.element);
stage.append(current.element);
draw();
threads.reload();
showAbout().then((about) => about && composer.configure(about));
followAddress();
