/**
 * Server-sent events out of a fetch body, as the HTML standard defines their parsing
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
 * `EventSource` itself cannot send a POST.
 */

/** @typedef {{ data: string, id: string }} Message `id`: the last one so far, empty if there was none */

/** Takes text in pieces cut anywhere and hands out each finished event. */
export class EventStreamParser {
  /** Text after the last finished line. */
  #rest = "";
  /** @type {string[]} The `data` lines of the current event. */
  #data = [];
  /** It stays until another one comes. */
  #id = "";

  /**
   * @param {string} text
   * @returns {Message[]} the events that this text finishes
   */
  push(text) {
    this.#rest += text;
    const finished = [];
    for (let line = this.#line(); line !== null; line = this.#line()) {
      if (line === "") {
        if (this.#data.length > 0) finished.push({ data: this.#data.join("\n"), id: this.#id });
        this.#data = [];
        continue;
      }
      const [field, value] = split(line);
      if (field === "data") this.#data.push(value);
      else if (field === "id") this.#id = value;
      // Comments (`: ping`) and the other fields (`event`, `retry`) carry nothing that ChatKit uses.
    }
    return finished;
  }

  /** @returns {string | null} the next whole line, ended by LF, CR or CRLF */
  #line() {
    const end = this.#rest.search(/[\r\n]/);
    if (end < 0) return null;
    const isReturn = this.#rest[end] === "\r";
    // A CR at the very end may be the first half of a CRLF: wait for what follows.
    if (isReturn && end + 1 === this.#rest.length) return null;
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + (isReturn && this.#rest[end + 1] === "\n" ? 2 : 1));
    return line;
  }
}

/** The name and the value of a line. @param {string} line @returns {[string, string]} */
function split(line) {
  const end = line.indexOf(":");
  return end < 0 ? [line, ""] : [line.slice(0, end), line.slice(end + 1).replace(/^ /, "")];
}

/**
 * Each event of a response body, as it arrives. An event that the end of the body cuts off is dropped.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<Message, void, void>}
 */
export async function* eventStream(body) {
  const parser = new EventStreamParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
