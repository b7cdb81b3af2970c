// A ChatKit server that says what a test tells it to, so that the page is looked at without an engine behind it.
import { createServer } from "node:http";

/**
 * @typedef {Record<string, any>} Json
 * @typedef {Promise<Json | void> | Json | void} Answer
 * @typedef {(params: any, emit: (...events: Json[]) => void) => Answer} Handler an answer in JSON is returned, the
 *   events of a stream are emitted
 */

const STREAMED = [
  "threads.create",
  "threads.add_user_message",
  "threads.add_client_tool_output",
  "threads.add_structured_input",
  "threads.retry_after_item",
  "threads.custom_action",
];
const CREATED = "2026-11-20T10:00:00Z";

export class ScriptedServer {
  /** By operation. @type {Record<string, Handler>} */
  handlers = {
    "threads.list": () => ({ data: [], has_more: false }),
  };
  /** What was asked, oldest first. @type {{ type: string, params: any }[]} */
  requests = [];
  /** How often an answer was to be stopped. None is ever followed. */
  stops = 0;
  /** What was uploaded. @type {{ method?: string, type?: string, body: Buffer }[]} */
  uploads = [];
  #server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces);
    if (request.url?.endsWith("/run")) {
      this.stops += request.method === "DELETE" ? 1 : 0;
      response.writeHead(204);
      return response.end();
    }
    if (request.url !== "/chatkit") {
      this.uploads.push({ method: request.method, type: request.headers["content-type"], body });
      return response.end();
    }
    const { type, params } = JSON.parse(body.toString());
    this.requests.push({ type, params });
    const handler = this.handlers[type];
    if (!handler) {
      response.writeHead(400, { "content-type": "application/json" });
      return response.end(
        JSON.stringify({ error: "bad_request", message: `no script for ${type}`, request_id: "req_scripted" }),
      );
    }
    if (!STREAMED.includes(type)) {
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(JSON.stringify(await handler(params, () => {})));
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    await handler(params, (...events) => {
      for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
    });
    response.end();
  });

  /** Answers the page's requests from now on. @param {import("playwright-core").Page} page */
  async attach(page) {
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve(null)));
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("no address");
    const here = `http://127.0.0.1:${address.port}`;
    await page.route("**/chatkit", (route) => route.continue({ url: `${here}/chatkit` }));
    await page.route("**/chatkit/threads/*/run", (route) => route.continue({ url: `${here}/chatkit/threads/thr_1/run` }));
    await page.route("**/upload/*", (route) => route.continue({ url: `${here}/upload` }));
  }

  /** The newest request of this operation. @param {string} type */
  last(type) {
    return this.requests.findLast((request) => request.type === type)?.params;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** @param {Json} [more] */
export const thread = (more = {}) => ({
  id: "thr_1",
  created_at: CREATED,
  status: { type: "active" },
  metadata: {},
  items: { data: [], has_more: false },
  ...more,
});

/** @param {string} id @param {string} type @param {Json} more */
export const item = (id, type, more) => ({ id, thread_id: "thr_1", created_at: CREATED, type, ...more });

/** @param {Json} made */
export const added = (made) => ({ type: "thread.item.added", item: made });
/** @param {Json} made */
export const done = (made) => ({ type: "thread.item.done", item: made });
/** @param {Json} made */
export const replaced = (made) => ({ type: "thread.item.replaced", item: made });
/** @param {string} id @param {string} type @param {Json} more */
export const updated = (id, type, more) => ({ type: "thread.item.updated", item_id: id, update: { type, ...more } });

/** An assistant's message. @param {string} id @param {string} text @param {Json[]} [annotations] */
export const says = (id, text, annotations = []) =>
  item(id, "assistant_message", { content: [{ type: "output_text", text, annotations }] });

/** The beginning of every new thread. @param {any} params @param {string} id @param {Json[]} [attachments] */
export const opening = ({ input }, id, attachments = []) => [
  { type: "thread.created", thread: thread() },
  done(item(id, "user_message", {
    content: input.content,
    attachments,
    inference_options: input.inference_options,
    quoted_text: input.quoted_text,
  })),
  { type: "stream_options", stream_options: { allow_cancel: true } },
];
