// Every item and event of the protocol on the page, sent by a scripted server: `node items.mjs [URL]`, or BASE_URL. The
// page itself comes from the local server. With SCREENSHOTS=DIR each step leaves a picture.
import assert from "node:assert/strict";
import { runSteps } from "./harness.mjs";
import { PIXEL, ask, connect, ended, gate, hears } from "./scripted-page.mjs";
import { ScriptedServer, added, done, item, replaced, says, updated } from "./scripted-server.mjs";
import { CART, GALLERY, LIST, list } from "./widgets.mjs";

const url = process.argv[2] ?? process.env.BASE_URL ?? "http://127.0.0.1:3000";
const server = new ScriptedServer();

const passed = await runSteps(url, {
  "the page is served": (page) => connect(server, page),

  "a tool of the page is run, and the server gets what it returned": async (page) => {
    const call = item("fc_1", "client_tool_call", {
      status: "pending",
      call_id: "call_1",
      name: "set_theme",
      arguments: { theme: "dark" },
    });
    server.handlers["threads.add_client_tool_output"] = (_, emit) => {
      emit(done(says("msg_1", "It is dark now.")));
    };
    await ask(server, page, (_, emit) => emit(done(call)), "Make it dark");
    await hears(page, "It is dark now.");
    assert.deepEqual(server.last("threads.add_client_tool_output"), { thread_id: "thr_1", result: { theme: "dark" } });
    await page.getByText("The page used set_theme").waitFor();
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
  },

  "a tool that the page has not says so to the model": async (page) => {
    const call = item("fc_2", "client_tool_call", { status: "pending", call_id: "call_2", name: "fly", arguments: {} });
    await ask(server, page, (_, emit) => emit(done(call)));
    await hears(page, "It is dark now.");
    assert.deepEqual(server.last("threads.add_client_tool_output").result, { error: "this page has no tool `fly`" });
    await page.getByText("The page could not use fly").waitFor();
    await page.evaluate(() => localStorage.removeItem("chatkit-playground:theme"));
  },

  "a widget grows, and its button starts a turn": async (page) => {
    const opened = gate();
    await ask(server, page, async (_, emit) => {
      emit({ type: "progress_update", text: "Looking through the shelves" });
      await opened.promise;
      emit(added(item("msg_w", "widget", { widget: list(1) })));
      emit(
        updated("msg_w", "widget.root.updated", { widget: list(2) }),
        updated("msg_w", "widget.root.updated", { widget: LIST }),
      );
      emit(
        done(item("msg_w", "widget", { widget: LIST, copy_text: "three things" })),
        done(says("msg_2", "That is what there is.")),
      );
    }, "Show me the products of your shop.");
    await page.getByText("Looking through the shelves").first().waitFor();
    opened.resolve(null);
    await ended(page);
    assert.equal(await page.locator(".widget-list-item").count(), 3);
    server.handlers["threads.custom_action"] = (_, emit) =>
      emit(replaced(item("msg_w", "widget", { widget: CART })), {
        type: "client_effect",
        name: "cart_changed",
        data: { count: 1 },
      });
    await page.getByRole("button", { name: "Add", exact: true }).first().click();
    await page.locator(".toast").filter({ hasText: "There is 1 item in your cart" }).waitFor();
    await page.getByRole("heading", { name: "Your cart" }).waitFor();
    assert.deepEqual(server.last("threads.custom_action"), {
      thread_id: "thr_1",
      item_id: "msg_w",
      action: { type: "add_to_cart", payload: { product: "bag" } },
    });
  },

  "an action that does not stream changes the widget and keeps what was typed": async (page) => {
    await page.getByLabel("A note for us").fill("Ring twice");
    const cheaper = JSON.parse(JSON.stringify(CART).replace("€49.00", "€44.10"));
    server.handlers["threads.sync_custom_action"] = () => ({
      updated_item: item("msg_w", "widget", { widget: cheaper }),
    });
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.getByText("€44.10").waitFor();
    assert.deepEqual(server.last("threads.sync_custom_action").action, {
      type: "refresh_price",
      payload: { product: "bag", delivery: "post", note: "Ring twice" },
    });
    assert.equal(await page.getByLabel("A note for us").inputValue(), "Ring twice");
  },

  "a form's values join the action": async (page) => {
    await page.getByRole("radio", { name: "Express" }).check();
    server.handlers["threads.custom_action"] = (_, emit) => emit(done(says("msg_3", "Thank you for your order.")));
    await page.getByRole("button", { name: "Check out" }).click();
    await hears(page, "Thank you for your order.");
    assert.deepEqual(server.last("threads.custom_action").action, {
      type: "checkout",
      payload: { product: "bag", delivery: "express", note: "Ring twice" },
    });
  },

  "text in a widget streams by the letter": async (page) => {
    const opened = gate();
    const widget = {
      type: "Card",
      children: [
        { type: "Text", id: "t", value: "", streaming: true },
        { type: "Markdown", id: "m", value: "**bo" },
      ],
    };
    await ask(server, page, async (_, emit) => {
      emit(added(item("msg_s", "widget", { widget })));
      emit(updated("msg_s", "widget.streaming_text.value_delta", { component_id: "t", delta: "One ", done: false }));
      await opened.promise;
      emit(updated("msg_s", "widget.streaming_text.value_delta", { component_id: "t", delta: "two", done: true }));
      emit(updated("msg_s", "widget.streaming_text.value_delta", { component_id: "m", delta: "ld**", done: true }));
    });
    await page.locator(".widget-text[data-streaming]").filter({ hasText: "One" }).waitFor();
    opened.resolve(null);
    await page.locator(".widget-text:not([data-streaming])").filter({ hasText: "One two" }).waitFor();
    await page.locator(".widget strong").filter({ hasText: "bold" }).waitFor();
    await ended(page);
  },

  "every component has a face, and an unknown one shows its children": async (page) => {
    await ask(server, page, (_, emit) =>
      emit(
        updated("none", "widget.root.updated", { widget: GALLERY }),
        added(
          item("msg_g", "widget", { widget: { type: "Card", children: [{ type: "Text", id: "x", value: "before" }] } }),
        ),
        updated("msg_g", "widget.component.updated", {
          component_id: "x",
          component: { type: "Text", id: "x", value: "after" },
        }),
        done(item("msg_g", "widget", { widget: GALLERY })),
      ),
    );
    await ended(page);
    await page.getByText("Inside of something new").waitFor();
    for (const kind of ["badge", "chart", "table", "field", "radios", "divider", "status", "missing"])
      assert.ok(await page.locator(`.widget-${kind}`).count(), kind);
    assert.deepEqual(await page.locator(".widget script, .widget [onclick]").count(), 0);
    await page.getByRole("button", { name: "A thing of the page" }).click();
    await page.getByText("Action of the page: wave").waitFor();
  },

  "questions take over the composer, one by one": async (page) => {
    const inputs = [
      {
        type: "multiple_choice",
        id: "where",
        question: "Where would you like to go?",
        options: [{ value: "The sea" }, { value: "A city" }],
        multiple: false,
      },
      {
        type: "multiple_choice",
        id: "likes",
        question: "What do you like?",
        options: [{ value: "Food" }, { value: "Museums" }],
        multiple: true,
      },
      { type: "freeform", id: "wishes", question: "Anything else?", description: "Dates, budget" },
    ];
    const asked = item("si_1", "structured_input", { status: "pending", inputs });
    await ask(server, page, (_, emit) => emit(done(asked)), "Plan a trip with me");
    const form = page.getByRole("form", { name: "Questions to you" });
    await form.getByText("Question 1 of 3").waitFor();
    assert.equal(await page.locator("#composer").isHidden(), true);
    await form.getByRole("radio", { name: "The sea" }).check();
    await page.keyboard.press("Enter");
    await form.getByRole("checkbox", { name: "Food" }).check();
    await form.getByRole("checkbox", { name: "Museums" }).check();
    await form.getByRole("button", { name: "Next" }).click();
    server.handlers["threads.add_structured_input"] = (_, emit) => {
      const answers = [["The sea"], ["Food", "Museums"], []].map((values) => ({
        values,
        skipped: values.length === 0,
      }));
      emit(
        replaced({
          ...asked,
          status: "answered",
          inputs: inputs.map((input, index) => ({ ...input, answer: answers[index] })),
        }),
        done(says("msg_4", "Then it is the sea.")),
      );
    };
    await form.getByRole("button", { name: "Skip", exact: true }).click();
    await hears(page, "Then it is the sea.");
    assert.deepEqual(server.last("threads.add_structured_input"), {
      thread_id: "thr_1",
      item_id: "si_1",
      input: {
        status: "answered",
        answers: {
          where: { values: ["The sea"], skipped: false },
          likes: { values: ["Food", "Museums"], skipped: false },
          wishes: { values: [], skipped: true },
        },
      },
    });
    await page.locator(".answers dd").filter({ hasText: "Food, Museums" }).waitFor();
    assert.equal(await page.locator("#composer").isVisible(), true);
  },

  "a search shows what it looks for and what it found": async (page) => {
    const opened = gate();
    const task = {
      type: "web_search",
      status_indicator: "loading",
      title: "Searching the web",
      title_query: "news about ChatKit",
      queries: ["chatkit news"],
      sources: [],
    };
    const found = {
      ...task,
      status_indicator: "complete",
      sources: [{ type: "url", title: "ChatKit guide", url: "https://platform.openai.com/docs" }],
    };
    const tasks = [
      found,
      {
        type: "file",
        status_indicator: "complete",
        title: "Read the handbook",
        sources: [{ type: "file", title: "Handbook", filename: "handbook.pdf" }],
      },
      {
        type: "custom",
        status_indicator: "complete",
        title: "Looked in the shop",
        icon: "suitcase",
        content: "Three things",
      },
      { type: "image", status_indicator: "none", title: "A picture" },
    ];
    await ask(server, page, async (_, emit) => {
      emit(added(item("wf_1", "workflow", { workflow: { type: "custom", tasks: [], expanded: false } })));
      emit(updated("wf_1", "workflow.task.added", { task_index: 0, task }));
      await opened.promise;
      emit(updated("wf_1", "workflow.task.updated", { task_index: 0, task: found }));
      emit(
        done(
          item("wf_1", "workflow", {
            workflow: { type: "custom", tasks, expanded: true, summary: { title: "Looked around", icon: "search" } },
          }),
        ),
      );
      emit(
        done(
          item("tsk_1", "task", { task: { type: "custom", title: "Done on its own", status_indicator: "complete" } }),
        ),
      );
      emit(
        done(
          says("msg_5", "Here is what I found.", [
            {
              type: "annotation",
              index: 21,
              source: { type: "url", title: "ChatKit guide", url: "https://platform.openai.com/docs" },
            },
          ]),
        ),
      );
      emit(done(item("eot_1", "end_of_turn", {})));
    }, "Search the web");
    await page.locator(".workflow .task-body[data-status=loading]").filter({ hasText: "news about ChatKit" }).waitFor();
    opened.resolve(null);
    await ended(page);
    await page.locator(".workflow").getByRole("link", { name: "ChatKit guide" }).waitFor();
    await page.getByText("Looked around").waitFor();
  },

  "a picture becomes clearer": async (page) => {
    const gates = [gate(), gate()];
    await ask(server, page, async (_, emit) => {
      emit(added(item("img_1", "generated_image", {})));
      await gates[0].promise;
      emit(updated("img_1", "generated_image.updated", { image: { id: "i", url: PIXEL }, progress: 0.5 }));
      await gates[1].promise;
      emit(done(item("img_1", "generated_image", { image: { id: "i", url: PIXEL } })));
    }, "Draw a picture");
    await page.getByText("Making an image…").waitFor();
    gates[0].resolve(null);
    await page.locator(".generated-image progress[value='0.5']").waitFor();
    await page.getByAltText("Image made by the assistant").waitFor();
    gates[1].resolve(null);
    await ended(page);
    assert.equal(await page.locator(".generated-image progress").count(), 0);
  },

  "notices, errors, removed items and unknown ones": async (page) => {
    await ask(server, page, (_, emit) => emit(
      done(says("msg_6", "This goes away.")),
      done(item("msg_7", "hologram", { depth: 3 })),
      { type: "notice", level: "warning", title: "Careful", message: "This is **important**." },
      { type: "client_effect", name: "confetti" },
      { type: "thread.item.removed", item_id: "msg_6" },
      { type: "error", code: "custom", message: "It did not work out.", allow_retry: true },
    ));
    await page.getByRole("note").filter({ hasText: "This is important." }).waitFor();
    await page.getByText("Effect on the page: confetti").waitFor();
    await page.getByText("hologram", { exact: true }).waitFor();
    assert.equal(await page.locator(".answer").count(), 0);
    server.handlers["threads.retry_after_item"] = (_, emit) => emit(done(says("msg_8", "The second time it did.")));
    await page.getByRole("alert").getByRole("button", { name: "Retry" }).click();
    await hears(page, "The second time it did.");
    assert.deepEqual(server.last("threads.retry_after_item"), { thread_id: "thr_1", item_id: "msg_user" });
  },

  "on a phone nothing is wider than the screen": async (page) => {
    await page.setViewportSize({ width: 360, height: 700 });
    await ask(server, page, (_, emit) =>
      emit(done(item("msg_g", "widget", { widget: GALLERY })), done(item("msg_c", "widget", { widget: LIST }))),
    );
    await ended(page);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    assert.ok(
      await page.evaluate(() =>
        [...document.querySelectorAll(".widget-card")].every((card) => card.getBoundingClientRect().right <= 360),
      ),
    );
  },
});
server.close();
process.exitCode = passed ? 0 : 1;
