/** Waiting for a thread that is still busy with the turn before, as after a stop: the server finishes what it has begun. */

import { ApiError } from "./api.js";

/** How often a request is sent again: for about two minutes. */
const ATTEMPTS = 30;
/** The longest wait in between where the server names none, in seconds. */
const PAUSE = 5;

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
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>} rejected when the signal says so
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}
