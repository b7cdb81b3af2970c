/** What this page lets the assistant do: a site has its own tools, effects and actions in their place. */

import { toast } from "./dom.js";
import { isTheme, useTheme } from "./theme.js";

/** Tools that the model may call. @type {Record<string, (parameters: Record<string, unknown>) => unknown>} */
const TOOLS = {
  set_theme({ theme }) {
    if (!isTheme(theme)) throw new Error("the theme is `light`, `dark` or `system`");
    useTheme(theme);
    return { theme };
  },
};

/**
 * Effects that a server may have. What a server sends that the page does not know is only shown.
 *
 * @type {Record<string, (data: any) => string>}
 */
const EFFECTS = {
  set_theme({ theme }) {
    if (isTheme(theme)) useTheme(theme);
    return `The page is ${theme} now`;
  },
  cart_changed: ({ count }) => (count === 1 ? "There is 1 item in your cart" : `There are ${count} items in your cart`),
};

/** Runs a tool for the model. @param {{ name: string, params: Record<string, unknown> }} call */
export function runTool({ name, params }) {
  if (!Object.hasOwn(TOOLS, name)) throw new Error(`this page has no tool \`${name}\``);
  return TOOLS[name](params);
}

/** @param {{ name: string, data?: Record<string, any> }} effect */
export function applyEffect({ name, data = {} }) {
  toast(Object.hasOwn(EFFECTS, name) ? EFFECTS[name](data) : `Effect on the page: ${name}`);
}

/** What a widget leaves to the page (`handler: "client"`). @param {{ type: string, payload?: any }} action */
export async function applyAction({ type, payload }) {
  toast(Object.hasOwn(EFFECTS, type) ? EFFECTS[type](payload ?? {}) : `Action of the page: ${type}`);
}
