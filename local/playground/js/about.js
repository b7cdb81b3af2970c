/** What the server that serves this page says about itself. */

import { byId, element } from "./dom.js";

/**
 * @typedef {{ id: string, label: string, icon?: string }} Choice
 * @typedef {{ model: string, demo: boolean, model_server?: string, version: string,
 *   composer: { models: Choice[], tools: Choice[] },
 *   attachments: { enabled: boolean, max_bytes?: number, types: string[] }, dictation: boolean }} About
 */

/** @returns {Promise<About | null>} `null` if the server does not answer */
export async function askAbout() {
  const response = await fetch("/playground.json").catch(() => null);
  return response?.ok ? response.json() : null;
}

/** @param {About} about */
export function showAbout({ model, demo, model_server: server, version }) {
  byId("version", HTMLElement).textContent = version;
  byId("model", HTMLElement).textContent = demo ? "Demo model" : model;
  const key = element("code", "OPENAI_API_KEY");
  byId("about-text", HTMLElement).replaceChildren(
    ...(demo
      ? ["The built-in demo model answers. For a real model, set ", key, " and restart the server."]
      : [
          "Answers come from ",
          element("strong", model),
          server ? ` at ${server}.` : " at OpenAI and are paid for with your API key.",
        ]),
  );
}
