/** Waiting for turns that run without us, as after a stop or a reload: the server finishes what it has begun. */

import { ApiError } from "./api.js";

/** How often a request is sent again: for about two minutes. */
const ATTEMPTS = 30;
/** The longest wait in between where the server names none, in seconds. */
const PAUSE = 5;
/** Milliseconds between two looks for an answer that was not seen arriving. */
const LOOK_AGAIN = 2000;
/** So many items at the end of the thread may be part of it. */
const LOOKED_AT = 20;

/**
 * As the API's stream, but tries again while the thread is busy.
 *
 * @param {import("./api.js").ChatKit} api
 * @param {string} type
 * @param {object} params
 * @param {AbortSignal} signal
 * @param {() => void} onBusy
 * @returns {AsyncGenerator<import("./types.js").StreamEvent, void, void>}
 */
export async function* patientStream(api, type, params, signal, onBusy) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return yield* api.stream(type, params, signal);
    } catch (error) {
      const isBusy = error instanceof ApiError && error.code === "conflict" && attempt < ATTEMPTS;
      if (!isBusy) throw error;
      onBusy();
      await pause((error.retryAfter ?? Math.min(attempt, PAUSE)) * 1000, signal);
    }
  }
}

/**
 * Looks for what a turn leaves in the thread, until it ends or waits for the page.
 *
 * @param {import("./api.js").ChatKit} api
 * @param {import("./timeline.js").Timeline} timeline is kept up to date
 * @param {string} threadId
 * @param {number} givenUp when to stop looking, in milliseconds since 1970
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} whether it has come to that
 */
export async function comesToRest(api, timeline, threadId, givenUp, signal) {
  while (Date.now() < givenUp) {
    await pause(LOOK_AGAIN, signal);
    const page = await api.call("items.list", { thread_id: threadId, limit: LOOKED_AT, order: "desc" });
    signal.throwIfAborted();
    for (const item of page.data.reverse()) timeline.apply({ type: "thread.item.done", item });
    if (timeline.isAnswered || timeline.pendingCall) return true;
  }
  return false;
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>} rejected when the signal says so
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
