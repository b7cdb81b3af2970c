// A person who presses stop.
import assert from "node:assert/strict";
import { endpoint, gateway, model } from "./backend.mjs";
import { HELLO, halfAnswered, input, newVisitor, noRun, stored, thread } from "./checks.mjs";

/** @typedef {import("playwright-core").Page} Page */

export const stopping = {
  "stop cuts the model off and keeps what it had said": async (/** @type {Page} */ page) => {
    const { chat, id, answer } = await halfAnswered(page);
    await chat.stop();
    await answer.isCut();
    await stored(chat, id, [...HELLO, "user_message: And now?", "assistant_message: One "]);
    assert.deepEqual([gateway.stops, model.calls], [1, 2]);
    // The next message is answered at once.
    const next = model.next();
    await chat.ask("threads.add_user_message", { thread_id: id, input: input("Go on") });
    await next.end("Gladly");
    assert.equal(await chat.ended(), null);
  },

  "stop of a first message, after it was hidden and shown": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const answer = model.next();
    await chat.ask("threads.create", { input: input("Hello") });
    await answer.say("One ");
    await chat.shows("One ");
    await chat.hide();
    await chat.show();
    await answer.say("two ");
    await chat.shows("One two ");
    await chat.stop();
    await answer.isCut();
    const id = await chat.thread();
    await stored(chat, id, ["user_message: Hello", "assistant_message: One two "]);
    assert.equal(gateway.stops, 1);
  },

  "stop while a tool runs: the model is not asked again, no further tool is called": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const answer = model.next();
    await chat.ask("threads.create", { input: input("200 pizzas") });
    await answer.call("order_pizza");
    await endpoint.called();
    const id = await chat.thread();
    const told = page.waitForResponse((response) => response.request().method() === "DELETE");
    await chat.stop();
    await told;
    await endpoint.answer({ output: "ordered" });
    await noRun(chat, id);
    assert.deepEqual([model.calls, endpoint.calls.length, gateway.stops], [1, 1, 1]);
  },

  "stop before a tool is called": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const answer = model.next();
    await chat.ask("threads.create", { input: input("200 pizzas") });
    await answer.say("I will order 200 pizzas. ");
    await chat.shows("I will order 200 pizzas. ");
    await chat.stop();
    await answer.isCut();
    await answer.call("order_pizza");
    const id = await chat.thread();
    await noRun(chat, id);
    assert.deepEqual([model.calls, endpoint.calls.length, gateway.stops], [1, 0, 1]);
  },
};
