/** The line that says what answers here. */

import { byId, element } from "./dom.js";

/** @typedef {{ model: string, demo: boolean, version: string }} About */

const DISMISSED = "chatkit-playground:about-dismissed";

/** Asks the local server, and shows the line unless it was dismissed for the same model. */
export async function showAbout() {
  const response = await fetch("/playground.json");
  if (!response.ok) return;
  /** @type {About} */
  const { model, demo, version } = await response.json();
  byId("version", HTMLElement).textContent = version;
  byId("model", HTMLElement).textContent = demo ? "Demo model" : model;
  const banner = byId("about", HTMLElement);
  banner.hidden = localStorage.getItem(DISMISSED) === model;
  byId("about-text", HTMLElement).replaceChildren(...(demo
    ? ["The built-in demo model answers. Set ", element("code", {}, "OPENAI_API_KEY"), " and start again for a real one."]
    : ["Answers come from ", element("strong", {}, model), " and are paid for with your API key."]));
  byId("about-dismiss", HTMLButtonElement).addEventListener("click", () => {
    localStorage.setItem(DISMISSED, model);
    banner.hidden = true;
  });
}
