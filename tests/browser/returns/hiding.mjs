// A tab that is hidden and shown, a network that goes and comes back.
import assert from "node:assert/strict";
import { endpoint, gateway, model, site } from "./backend.mjs";
import { HELLO, WHOLE, check, halfAnswered, hideAndShow, input, newVisitor, repeated, secondQuestion, stored, thread } from "./checks.mjs";
import { SitePage } from "./page.mjs";

/** @typedef {import("playwright-core").Page} Page */

export const hiding = {
  "a first message, hidden and shown": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const answer = model.next();
    await chat.ask("threads.create", { input: input("Hello") });
    await hideAndShow(chat, answer);
    await check(chat, { stored: ["user_message: Hello", "assistant_message: One two three"], modelCalls: 1 });
    repeated("threads.create", 2);
  },

  "a message, hidden and shown": async (/** @type {Page} */ page) => {
    const { chat, answer } = await secondQuestion(page);
    await hideAndShow(chat, answer);
    await check(chat, { stored: WHOLE, modelCalls: 2 });
    repeated("threads.add_user_message", 2);
  },

  "a message, hidden until after the end": async (/** @type {Page} */ page) => {
    const { chat, id, answer } = await halfAnswered(page);
    await chat.hide();
    await answer.end("two three");
    await stored(chat, id, WHOLE);
    await chat.show();
    await check(chat, { stored: WHOLE, modelCalls: 2 });
    repeated("threads.add_user_message", 2);
  },

  "a first message, hidden until after the end": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const answer = model.next();
    await chat.ask("threads.create", { input: input("Hello") });
    await answer.say("One ");
    await chat.shows("One ");
    await chat.hide();
    await answer.end("two three");
    const whole = ["user_message: Hello", "assistant_message: One two three"];
    await stored(chat, (await chat.view()).thread, whole);
    await chat.show();
    await check(chat, { stored: whole, modelCalls: 1 });
    repeated("threads.create", 2);
  },

  "five times within one answer": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const answer = model.next();
    await chat.ask("threads.create", { input: input("Count") });
    let text = "";
    for (const word of ["one ", "two ", "three ", "four ", "five "]) {
      await answer.say((text += word, word));
      await chat.shows(text);
      await chat.hide();
      await answer.say((text += "and ", "and "));
      await chat.show();
      await chat.shows(text);
    }
    await answer.end("six");
    await check(chat, { stored: ["user_message: Count", `assistant_message: ${text}six`], modelCalls: 1 });
    repeated("threads.create", 6);
  },

  "hidden, offline, online and shown": async (/** @type {Page} */ page) => {
    const { chat, answer } = await halfAnswered(page);
    await chat.hide();
    gateway.disconnect();
    await answer.say("two ");
    gateway.reconnect();
    await chat.show();
    await chat.shows("One two ");
    await answer.end("three");
    await check(chat, { stored: WHOLE, modelCalls: 2 });
    repeated("threads.add_user_message", 2);
  },

  "offline in the middle: ChatKit gives up, the answer is made all the same": async (/** @type {Page} */ page) => {
    const { chat, id, answer } = await halfAnswered(page);
    gateway.disconnect();
    assert.notEqual(await chat.ended(), null);
    gateway.reconnect();
    await answer.end("two three");
    await stored(chat, id, WHOLE);
    assert.deepEqual([model.calls, gateway.stops, await chat.usedTokens()], [2, 0, model.tokens]);
    repeated("threads.add_user_message", 1);
  },

  "a gateway that loses the beginning: a message joins its own answer": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const id = await thread(chat);
    const answer = model.next();
    gateway.failures = 2;
    await chat.ask("threads.add_user_message", { thread_id: id, input: input("And now?") });
    await answer.say("One ");
    await chat.shows("One ");
    await answer.end("two three");
    await check(chat, { stored: WHOLE, modelCalls: 2 });
    assert.deepEqual(gateway.positions("threads.add_user_message"), [null, null, null]);
  },

  "a gateway that loses the beginning: a first message joins its own answer": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const answer = model.next();
    gateway.failures = 2;
    await chat.ask("threads.create", { input: input("Hello") });
    await answer.say("One ");
    await chat.shows("One ");
    await answer.end("two three");
    await check(chat, { stored: ["user_message: Hello", "assistant_message: One two three"], modelCalls: 1 });
    assert.deepEqual(gateway.positions("threads.create"), [null, null, null]);
  },

  "a gateway that loses the beginning: an action is carried out once": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const id = await thread(chat);
    const answer = model.next();
    gateway.failures = 2;
    await chat.ask("threads.custom_action", { thread_id: id, action: { type: "buy", payload: { order: 7 } } });
    await chat.begins();
    await endpoint.answer({ output: "bought", effects: [{ type: "respond" }] });
    await answer.end("One two three");
    await check(chat, { stored: [...HELLO, "assistant_message: One two three"], modelCalls: 2, endpointCalls: 1 });
    assert.deepEqual(gateway.positions("threads.custom_action"), [null, null, null]);
  },

  "an event that was cut in its middle comes again": async (/** @type {Page} */ page) => {
    const { chat, answer } = await halfAnswered(page);
    gateway.cutBehind = "two";
    await answer.say("two ");
    while (gateway.cutBehind !== "") await page.evaluate("0");
    await chat.hide();
    await chat.show();
    await chat.shows("One two ");
    await answer.end("three");
    await check(chat, { stored: WHOLE, modelCalls: 2 });
  },

  "a server tool is called once": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const [first, second] = [model.next(), model.next()];
    await chat.ask("threads.create", { input: input("A pizza") });
    await first.call("order_pizza");
    await chat.begins();
    await endpoint.called();
    await chat.hide();
    await chat.show();
    await endpoint.answer({ output: "ordered" });
    await hideAndShow(chat, second);
    const stored = ["user_message: A pizza", "workflow", "assistant_message: One two three"];
    await check(chat, { stored, modelCalls: 2, endpointCalls: 1 });
    repeated("threads.create", 3);
  },

  "a message with a file": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const file = await chat.upload();
    const answer = model.next();
    await chat.ask("threads.create", { input: input("Read this", [file]) });
    await hideAndShow(chat, answer);
    await check(chat, { stored: ["user_message: Read this", "assistant_message: One two three"], modelCalls: 1 });
    repeated("threads.create", 2);
  },

  "a message with a file, hidden until after the end": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const id = await thread(chat);
    const file = await chat.upload();
    const answer = model.next();
    await chat.ask("threads.add_user_message", { thread_id: id, input: input("And now?", [file]) });
    await answer.say("One ");
    await chat.shows("One ");
    await chat.hide();
    await answer.end("two three");
    await stored(chat, id, WHOLE);
    await chat.show();
    await check(chat, { stored: WHOLE, modelCalls: 2 });
  },

  "the output of a client tool": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const [first, second] = [model.next(), model.next()];
    await chat.ask("threads.create", { input: input("What is selected?") });
    await first.call("get_selection");
    assert.equal(await chat.ended(), null);
    const [{ id }] = (await chat.call("threads.list", {})).data;
    await chat.ask("threads.add_client_tool_output", { thread_id: id, result: "a line" });
    await hideAndShow(chat, second);
    const stored = ["user_message: What is selected?", "client_tool_call", "assistant_message: One two three"];
    await check(chat, { stored, modelCalls: 2 });
    repeated("threads.add_client_tool_output", 2);
  },

  "the answers to questions": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const [first, second] = [model.next(), model.next()];
    await chat.ask("threads.create", { input: input("Ask me") });
    await first.call("order_pizza");
    const inputs = [{ type: "freeform", id: "topping", question: "Which topping?" }];
    await endpoint.answer({ output: "asked", effects: [{ type: "structured_input", inputs }] });
    assert.equal(await chat.ended(), null);
    const [{ id }] = (await chat.call("threads.list", {})).data;
    const { data } = await chat.call("items.list", { thread_id: id, limit: 1, order: "desc" });
    const answers = { status: "answered", answers: { topping: { values: ["Cheese"] } } };
    await chat.ask("threads.add_structured_input", { thread_id: id, item_id: data[0].id, input: answers });
    await hideAndShow(chat, second);
    const stored = ["user_message: Ask me", "workflow", "structured_input", "assistant_message: One two three"];
    await check(chat, { stored, modelCalls: 2, endpointCalls: 1 });
    repeated("threads.add_structured_input", 2);
  },

  "a retry": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const id = await thread(chat);
    const { data } = await chat.call("items.list", { thread_id: id, order: "asc" });
    const answer = model.next();
    await chat.ask("threads.retry_after_item", { thread_id: id, item_id: data[0].id });
    // ChatKit takes away what is answered again.
    await chat.remove(data[1].id);
    await hideAndShow(chat, answer);
    await check(chat, { stored: ["user_message: Hello", "assistant_message: One two three"], modelCalls: 2 });
    repeated("threads.retry_after_item", 2);
  },

  "an action": async (/** @type {Page} */ page) => {
    const chat = await newVisitor(page);
    const id = await thread(chat);
    const answer = model.next();
    await chat.ask("threads.custom_action", { thread_id: id, action: { type: "buy", payload: { order: 7 } } });
    await chat.begins();
    await endpoint.called();
    await chat.hide();
    await chat.show();
    await endpoint.answer({ output: "bought", effects: [{ type: "respond" }] });
    await hideAndShow(chat, answer);
    await check(chat, { stored: [...HELLO, "assistant_message: One two three"], modelCalls: 2, endpointCalls: 1 });
    repeated("threads.custom_action", 3);
  },

  "a second tab shows what has come so far, and hiding the first stops nothing": async (/** @type {Page} */ page) => {
    const { chat, id, answer } = await halfAnswered(page);
    await chat.hide();
    const other = await SitePage.open(await page.context().newPage(), site, gateway.url);
    // What has come is in the run's record after a moment.
    await stored(other, id, [...HELLO, "user_message: And now?", "assistant_message: One "]);
    await chat.show();
    await answer.end("two three");
    await check(chat, { stored: WHOLE, modelCalls: 2 });
    await stored(other, id, WHOLE);
    await other.page.close();
  },
};
