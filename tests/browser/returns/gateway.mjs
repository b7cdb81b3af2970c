// Between the page and the server: writes down every request, and breaks what a test wants broken.
import { request as ask } from "node:http";
import { listen } from "./listen.mjs";
import { buffer } from "node:stream/consumers";

/** @typedef {{ method: string, path: string, type: string, position: string | null }} Entry `type` of a ChatKit operation */

export class Gateway {
  url = "";
  server = "";
  /** @type {Entry[]} */
  requests = [];
  isOffline = false;
  /** Of an answer, behind which nothing more of it arrives: the first time that it comes. */
  cutBehind = "";
  /** So many requests reach the server and are then answered with 502. */
  failures = 0;
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();

  /** @param {string} server */
  async start(server) {
    this.server = server;
    this.url = await listen((request, response) => this.#pass(request, response));
  }

  /** From now on the page reaches nothing. */
  disconnect() {
    this.isOffline = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  reconnect() {
    this.isOffline = false;
  }

  /** The positions with which an operation was requested, `null` where there was none. @param {string} type */
  positions(type) {
    return this.requests.filter((entry) => entry.type === type).map(({ position }) => position);
  }

  /** How often an answer was to be stopped. */
  get stops() {
    return this.requests.filter(({ method }) => method === "DELETE").length;
  }

  reset() {
    this.requests = [];
    this.reconnect();
    this.cutBehind = "";
    this.failures = 0;
  }

  /** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
  async #pass(request, response) {
    if (this.isOffline) return void request.socket.destroy();
    this.#sockets.add(request.socket);
    const body = await buffer(request);
    const { method = "", url: path = "", headers } = request;
    const isOperation = method === "POST" && path === "/chatkit";
    const type = isOperation ? JSON.parse(body.toString()).type : "";
    const position = headers["last-event-id"];
    if (method !== "OPTIONS") this.requests.push({ method, path, type, position: typeof position === "string" ? position : null });
    const passed = ask(`${this.server}${path}`, { method, headers: { ...headers, host: new URL(this.server).host } });
    response.on("close", () => passed.destroy());
    passed.on("error", () => response.destroy());
    passed.on("response", (answer) => {
      if (isOperation && this.failures > 0) {
        this.failures -= 1;
        // As of a gateway that has lost the answer.
        const { "access-control-allow-origin": origin, "access-control-allow-credentials": credentials } = answer.headers;
        response.writeHead(502, { "access-control-allow-origin": origin, "access-control-allow-credentials": credentials });
        return void response.end();
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      let isCut = false;
      answer.on("data", (chunk) => {
        const end = this.cutBehind === "" ? -1 : chunk.indexOf(this.cutBehind);
        if (end >= 0 && !isCut) {
          response.write(chunk.subarray(0, end + this.cutBehind.length));
          this.cutBehind = "";
          isCut = true;
        }
        if (!isCut) response.write(chunk);
      });
      answer.on("end", () => isCut || response.end());
      answer.on("error", () => response.destroy());
    });
    passed.end(body);
  }
}
