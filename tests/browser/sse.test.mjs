// The playground's parser of server-sent events.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStreamParser, eventStream } from "../../widget/src/sse.js";

/** @param {string} text @returns {string[]} */
const parse = (text) => new EventStreamParser().push(text).map(({ data }) => data);

/** @param {Uint8Array[]} chunks */
async function read(chunks) {
  const found = [];
  for await (const { data } of eventStream(ReadableStream.from(chunks))) found.push(data);
  return found;
}

test("an event is its data lines, joined", () => {
  assert.deepEqual(parse("data: one\n\n"), ["one"]);
  assert.deepEqual(parse("data: one\ndata: two\n\n"), ["one\ntwo"]);
  assert.deepEqual(parse("data:one\n\ndata:  two\n\n"), ["one", " two"]);
  assert.deepEqual(parse("data\n\n"), [""]);
});

test("comments and other fields are no data", () => {
  assert.deepEqual(parse(": ping\ndata: one\n\n"), ["one"]);
  assert.deepEqual(parse(": ping\n\n: ping\n\ndata: one\n\n"), ["one"]);
  assert.deepEqual(parse("event: message\nid: 7\nretry: 10\ndata: one\ndatabase: no\n\n"), ["one"]);
  assert.deepEqual(parse("event: message\n\n"), []);
});

test("an event has its id or the last one before it, wherever the id stands", () => {
  const text = "data: one\n\nid: a:1\ndata: two\n\ndata: three\nid: b\n\ndata: four\n\nid\ndata: five\n\n";
  const ids = new EventStreamParser().push(text).map(({ data, id }) => `${data} ${id}`);
  assert.deepEqual(ids, ["one ", "two a:1", "three b", "four b", "five "]);
});

test("lines end with LF, CRLF or CR", () => {
  assert.deepEqual(parse("data: one\r\ndata: two\r\n\r\n"), ["one\ntwo"]);
  assert.deepEqual(parse("data: one\r\rdata: two\r\r\n"), ["one", "two"]);
});

test("an event that is not finished is kept back, and dropped at the end", async () => {
  const parser = new EventStreamParser();
  assert.deepEqual(parser.push("data: one\n"), []);
  assert.deepEqual(parser.push("\ndata: two"), [{ data: "one", id: "" }]);
  assert.deepEqual(await read([new TextEncoder().encode("data: one\n\ndata: two\n")]), ["one"]);
});

test("chunks may be cut anywhere, also within a character and within a line's end", async () => {
  const bytes = new TextEncoder().encode(': ping\r\ndata: {"text":"Grüße 🦀"}\r\n\r\ndata: one\r\ndata: two\r\n\r\n');
  const expected = ['{"text":"Grüße 🦀"}', "one\ntwo"];
  for (let first = 0; first <= bytes.length; first += 1) {
    for (let second = first; second <= bytes.length; second += 1) {
      assert.deepEqual(
        await read([bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]),
        expected,
      );
    }
  }
});

test("who stops reading cancels the body", async () => {
  let isCancelled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: one\n\n")),
    cancel: () => {
      isCancelled = true;
    },
  });
  for await (const { data } of eventStream(body)) {
    assert.equal(data, "one");
    break;
  }
  assert.equal(isCancelled, true);
});
