/** The banner that says which model answers. */

import { byId, element } from "./dom.js";

/**
 * @typedef {import("./pickers.js").Choice} Choice
 * @typedef {{ model: string, demo: boolean, model_server?: string, version: string, composer: { models: Choice[], tools: Choice[] },
 *   attachments: import("./attachments.js").Limits, dictation: boolean }} About
 */

const DISMISSED = "chatkit-playground:about-dismissed";

/**
 * Asks the server, and shows the banner unless it was dismissed for the same model.
 *
 * @returns {Promise<About | null>} `null` if the server does not answer
 */
export async function showAbout() {
  const response = await fetch("/playground.json");
  if (!response.ok) return null;
  /** @type {About} */
  const about = await response.json();
  const { model, demo, model_server: server, version, composer } = about;
  byId("version", HTMLElement).textContent = version;
  byId("model", HTMLElement).textContent = demo ? "Demo model" : model;
  const banner = byId("about", HTMLElement);
  banner.hidden = localStorage.getItem(DISMISSED) === model;
  byId("about-text", HTMLElement).replaceChildren(...(demo
    ? ["The built-in demo model answers. For a real model, set ", element("code", {}, "OPENAI_API_KEY"), " and restart the server."]
    : ["Answers come from ", element("strong", {}, model), server ? ` at ${server}.` : " at OpenAI and are paid for with your API key."]));
  for (const prompt of document.querySelectorAll("[data-demonstration]")) {
    if (prompt instanceof HTMLElement) prompt.hidden = !demo || composer.tools.length === 0;
  }
  byId("about-dismiss", HTMLButtonElement).addEventListener("click", () => {
    localStorage.setItem(DISMISSED, model);
    banner.hidden = true;
  });
  return about;
}
