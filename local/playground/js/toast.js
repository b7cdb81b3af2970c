/** Short messages at the edge of the page, which go by themselves. */

import { byId, element, icon } from "./dom.js";

/** Milliseconds. */
const SHOWN = 5000;

/** @param {string} text @param {string} [symbol] */
export function toast(text, symbol = "spark") {
  const made = element("p", { class: "toast" }, icon(symbol), element("span", {}, text));
  byId("toasts", HTMLElement).append(made);
  setTimeout(() => made.remove(), SHOWN);
}
