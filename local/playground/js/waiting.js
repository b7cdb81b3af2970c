/** Waiting for a turn whose stream this page does not read, as after a stop or a reload: the server finishes it. */

import { ApiError } from "./api.js";

/** About two minutes. */
const MAX_ATTEMPTS = 30;
/** Between two attempts, unless the server says `Retry-After`. */
const MAX_PAUSE_SECONDS = 5;
const POLL_INTERVAL_MS = 2000;
/** A turn may add this many items to the end of the thread. */
const POLLED_ITEMS = 20;

/**
 * The API's stream, sent again while another turn runs in the thread.
 *
 * @param {import("./api.js").ChatKit} api
 * @param {string} type
 * @param {object} params
 * @param {AbortSignal} signal
 * @param {() => void} onBusy
 * @returns {AsyncGenerator<import("./types.js").StreamEvent, void, void>}
 */
export async function* streamWhenFree(api, type, params, signal, onBusy) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return yield* api.stream(type, params, signal);
    } catch (error) {
      const isBusy = error instanceof ApiError && error.code === "conflict" && attempt < MAX_ATTEMPTS;
      if (!isBusy) throw error;
      onBusy();
      await pause((error.retryAfter ?? Math.min(attempt, MAX_PAUSE_SECONDS)) * 1000, signal);
    }
  }
}

/**
 * Polls the items of a thread until its turn has ended or waits for the page.
 *
 * @param {import("./api.js").ChatKit} api
 * @param {import("./timeline.js").Timeline} timeline is kept up to date
 * @param {string} threadId
 * @param {number} deadline in milliseconds since 1970
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} `false` if the deadline has passed
 */
export async function pollUntilAnswered(api, timeline, threadId, deadline, signal) {
  while (Date.now() < deadline) {
    await pause(POLL_INTERVAL_MS, signal);
    const page = await api.call("items.list", { thread_id: threadId, limit: POLLED_ITEMS, order: "desc" });
    signal.throwIfAborted();
    for (const item of page.data.reverse()) timeline.apply({ type: "thread.item.done", item });
    if (timeline.isAnswered || timeline.pendingCall) return true;
  }
  return false;
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>} rejected on abort
 */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
