// Servers on loopback, and waiting.
import { createServer } from "node:http";
import { json } from "node:stream/consumers";

/**
 * @param {import("node:http").RequestListener} respond
 * @param {string} [name] of this machine
 * @returns {Promise<string>} the origin
 */
export async function listen(respond, name = "127.0.0.1") {
  const server = createServer(respond);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  // The process ends with its last test.
  server.unref();
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  return `http://${name}:${address.port}`;
}

/** @param {import("node:http").IncomingMessage} request @returns {Promise<any>} */
export const readJson = (request) => json(request);

/** What waits for something that does not come fails after so long. */
export const MAX_WAIT_MS = 6000;

/** @template T @param {Promise<T>} promise @param {string} what @param {number} [milliseconds] @returns {Promise<T>} */
export function within(promise, what, milliseconds = MAX_WAIT_MS) {
  const timeout = new Promise((_, reject) => setTimeout(() => reject(new Error(`${what} has not come`)), milliseconds).unref());
  return Promise.race([promise, timeout]);
}
