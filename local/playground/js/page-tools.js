/** What this page lets the assistant do: a site has its own tools, effects and actions in their place. */

import { isTheme, useTheme } from "./theme.js";
import { toast } from "./toast.js";

/** @typedef {import("./types.js").WidgetAction} WidgetAction */

/** Tools that the model may call. @type {Record<string, (parameters: Record<string, unknown>) => unknown>} */
const TOOLS = {
  set_theme({ theme }) {
    if (!isTheme(theme)) throw new Error("the theme is `light`, `dark` or `system`");
    useTheme(theme);
    return { theme };
  },
};

/** Effects that a server may have. What a server sends that the page does not know is only shown. @type {Record<string, (data: any) => string>} */
const EFFECTS = {
  set_theme({ theme }) {
    if (isTheme(theme)) useTheme(theme);
    return `The page is ${theme} now`;
  },
  cart_changed: ({ count }) => (count === 1 ? "There is 1 item in your cart" : `There are ${count} items in your cart`),
};

/**
 * Runs a tool for the model.
 *
 * @param {string} name
 * @param {Record<string, unknown>} parameters
 * @returns {Promise<unknown>} what it returned, or `{error}` for the model to read
 */
export async function runTool(name, parameters) {
  try {
    if (!Object.hasOwn(TOOLS, name)) throw new Error(`this page has no tool \`${name}\``);
    return (await TOOLS[name](parameters)) ?? null;
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** @param {string} name @param {Record<string, any>} data */
export function applyEffect(name, data) {
  toast(Object.hasOwn(EFFECTS, name) ? EFFECTS[name](data) : `Effect on the page: ${name}`);
}

/** What a widget leaves to the page (`handler: "client"`). @param {WidgetAction} action */
export function applyAction({ type, payload }) {
  toast(Object.hasOwn(EFFECTS, type) ? EFFECTS[type](payload ?? {}) : `Action of the page: ${type}`);
}
