// The site's endpoint, which answers when a test tells it to.
import { listen, readJson, within } from "./listen.mjs";

export class ScriptedSite {
  url = "";
  /** The `webhook-id` of each call, oldest first. @type {string[]} */
  calls = [];
  /** @type {((answer: object) => void)[]} */
  #waiting = [];
  /** @type {(() => void) | null} */
  #onCall = null;

  async start() {
    this.url = await listen(async (request, response) => {
      await readJson(request);
      this.calls.push(String(request.headers["webhook-id"]));
      this.#waiting.push((answer) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify(answer));
      });
      this.#onCall?.();
    });
  }

  /** Waits for a call that has no answer yet. */
  async called() {
    if (this.#waiting.length === 0) await within(new Promise((resolve) => (this.#onCall = () => resolve(null))), "the call");
    this.#onCall = null;
  }

  /** Answers the oldest call that has no answer. @param {object} answer */
  async answer(answer) {
    await this.called();
    this.#waiting.shift()?.(answer);
  }

  reset() {
    this.calls = [];
    this.#waiting = [];
  }
}
