/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>} earlier when the browser comes online, rejected on abort
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, milliseconds);
    addEventListener("online", () => resolve(), { once: true, signal });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
