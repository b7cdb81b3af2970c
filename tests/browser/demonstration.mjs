// Walks through what the demonstration assistant can do, against a running server with the demo model:
// `node demonstration.mjs [URL]`, or BASE_URL. The engine, the demo model and the demonstration site answer; nothing is
// scripted.
import assert from "node:assert/strict";
import { illustrate, runSteps } from "./harness.mjs";

/** @typedef {import("playwright-core").Page} Page */

const url = process.argv[2] ?? process.env.BASE_URL ?? "http://127.0.0.1:3000";

/** @param {Page} page @param {string} text */
async function ask(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
}

/** Waits for the end of the turn. @param {Page} page */
async function ended(page) {
  await page.locator(".conversation:not([data-running])").waitFor();
}

/** @param {Page} page @param {string | RegExp} text */
async function hears(page, text) {
  await page.locator(".answer").filter({ hasText: text }).last().waitFor();
  await ended(page);
}

/** Begins a new thread. @param {Page} page */
async function newChat(page) {
  await page.getByRole("button", { name: "New chat" }).first().click();
  await page.getByRole("heading", { name: "What shall we talk about?" }).waitFor();
}

/** Everything that is in the thread, without what only a running turn shows. @param {Page} page */
async function contents(page) {
  await ended(page);
  return page.locator(".items > .item").allInnerTexts();
}

/** What was said stays said: the thread looks the same when it is loaded again. @param {Page} page */
async function survivesReload(page) {
  const before = await contents(page);
  await page.reload();
  await page.locator(".items > .item").nth(before.length - 1).waitFor();
  assert.deepEqual(await contents(page), before);
}

const passed = await runSteps(url, {
  "the welcome offers what the assistant can do": async (page) => {
    await page.goto("/");
    for (const label of ["Search the web", "Make a picture", "Look in the shop"])
      await page.getByRole("button", { name: label, exact: true }).waitFor();
    for (const name of ["Widgets", "Questions", "Search", "Pictures"])
      await page.locator(".prompts button").filter({ hasText: `${name}:` }).waitFor();
    assert.deepEqual(await page.getByRole("combobox", { name: "Model" }).locator("option").allInnerTexts(), [
      "Demo, quick",
      "Demo, careful",
    ]);
  },

  "a tool of the page changes the page, and the model hears of it": async (page) => {
    await ask(page, "Please make the page dark");
    await hears(page, "set_theme returned");
    await page.getByText("The page used set_theme").waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    await ask(page, "And now use the light theme");
    await page.waitForFunction(() => document.documentElement.dataset.theme === "light");
    await ended(page);
    await survivesReload(page);
  },

  "a tool of the site shows a widget that grows": async (page) => {
    await newChat(page);
    await ask(page, "Show me the products of your shop.");
    await page.locator(".progress").filter({ hasText: "Looking through the shelves" }).waitFor();
    await page.locator(".widget-list-item").nth(0).waitFor();
    await page.locator(".widget-list-item").nth(2).waitFor();
    await hears(page, "find_products returned");
    assert.equal(await page.locator(".widget-list").count(), 1);
    await survivesReload(page);
  },

  "its button puts a product into the cart": async (page) => {
    await page
      .locator(".widget-list-item")
      .filter({ hasText: "Canvas bag" })
      .getByRole("button", { name: "Add", exact: true })
      .click();
    await page.getByRole("heading", { name: "Your cart" }).waitFor();
    await page.locator(".toast").filter({ hasText: "There is 1 item in your cart" }).waitFor();
    await ended(page);
    await illustrate(page, "playground");
  },

  "an action that does not stream changes the price and nothing else": async (page) => {
    await page.getByLabel("A note for us").fill("Ring twice");
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.getByText("€44.10").waitFor();
    assert.equal(await page.getByLabel("A note for us").inputValue(), "Ring twice");
  },

  "a checkout is confirmed, and the model hears of the order": async (page) => {
    await page.getByRole("radio", { name: "Express" }).check();
    await page.getByRole("button", { name: "Check out" }).click();
    await page.getByRole("heading", { name: "Order 1042" }).waitFor();
    await page.getByText("Arrives tomorrow").waitFor();
    await hears(page, "order number 1042");
    assert.equal(await page.getByText("The visitor has ordered").count(), 0, "hidden context is not shown");
    await survivesReload(page);
  },

  "questions are asked in place of the composer, also after a reload": async (page) => {
    await newChat(page);
    await ask(page, "Plan a trip with me.");
    const form = page.getByRole("form", { name: "Questions to you" });
    await form.getByText("Question 1 of 3").waitFor();
    await page.reload();
    await form.getByText("Question 1 of 3").waitFor();
    await form.getByRole("radio", { name: "The mountains" }).check();
    await form.getByRole("button", { name: "Next" }).click();
    await form.getByRole("checkbox", { name: "Walking" }).check();
    await form.getByRole("button", { name: "Next" }).click();
    await form.getByRole("textbox").fill("Not too far");
    await form.getByRole("button", { name: "Submit" }).click();
    await page.locator(".answers dd").filter({ hasText: "Not too far" }).waitFor();
    await hears(page, /The mountains/);
    assert.equal(await page.locator("#composer").isVisible(), true);
    await survivesReload(page);
  },

  "questions can be skipped": async (page) => {
    await newChat(page);
    await ask(page, "Ask me questions.");
    await page.getByRole("button", { name: "Skip all" }).click();
    await page.getByText("You skipped the questions").waitFor();
    await ended(page);
  },

  "a search is seen while it goes on, and its sources stay": async (page) => {
    await newChat(page);
    await ask(page, "Search the web for news about ChatKit.");
    await page.locator(".workflow .task-body").first().waitFor();
    await hears(page, "what a search looks like");
    assert.equal(await page.locator(".source-row .chip").count(), 2);
    await page.locator(".workflow summary").click();
    await page.locator(".workflow .chip").first().waitFor();
  },

  "a picture becomes clearer": async (page) => {
    await newChat(page);
    await ask(page, "Draw a picture of an evening by the sea.");
    await page.locator(".generated-image[data-growing]").waitFor();
    await page.locator(".generated-image img").waitFor();
    await hears(page, "by a formula");
    const image = page.getByAltText("Image made by the assistant");
    assert.equal(await image.evaluate((/** @type {HTMLImageElement} */ { naturalWidth }) => naturalWidth), 384);
    await page.reload();
    await image.waitFor();
    await page.locator(".generated-image img").evaluate((/** @type {HTMLImageElement} */ image) => image.decode());
    assert.equal(await image.evaluate((/** @type {HTMLImageElement} */ { naturalWidth }) => naturalWidth), 384);
  },

  "a tool is picked for a message that does not ask for it": async (page) => {
    await newChat(page);
    await page.getByRole("button", { name: "Look in the shop" }).click();
    await ask(page, "Hello");
    await page.locator(".widget-list-item").nth(2).waitFor();
    await hears(page, "find_products returned");
  },

  "files are uploaded and arrive": async (page) => {
    await newChat(page);
    const png = Buffer.from(
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
      "base64",
    );
    await page.locator("#files").setInputFiles([
      { name: "pixel.png", mimeType: "image/png", buffer: png },
      { name: "notes.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4 hello") },
    ]);
    await page.locator(".upload[data-state=ready]").nth(1).waitFor();
    await ask(page, "What do you see?");
    await hears(page, /A picture: image\/png, \d+ bytes/);
    await page.locator(".answer").filter({ hasText: "notes.pdf" }).waitFor();
    await page.locator(".sent-files").getByAltText("pixel.png").waitFor();
    await page.locator(".sent-files").getByText("notes.pdf").waitFor();
    await survivesReload(page);
  },
});
process.exitCode = passed ? 0 : 1;
