/** The actions of widgets: the values of a form are added to the action, and the control shows that it is running. */

import { collect } from "./form.js";

/** @typedef {import("../types.js").WidgetAction} WidgetAction */

/**
 * @param {import("./view.js").WidgetHost} host
 * @param {HTMLElement} source the button, field or form
 * @param {WidgetAction} action
 * @param {Record<string, unknown>} [own] values of the source itself
 */
export async function perform(host, source, action, own = {}) {
  if (source.closest("[aria-busy=true]")) return;
  const form = source.closest(".widget-form");
  const busy = waiting(source, action.loadingBehavior ?? "auto");
  busy?.setAttribute("aria-busy", "true");
  try {
    await host.act({ ...action, payload: merged(action.payload, { ...(form ? collect(form) : {}), ...own }) });
  } finally {
    busy?.removeAttribute("aria-busy");
  }
}

/** What looks busy meanwhile. @param {HTMLElement} source @param {string} behaviour @returns {Element | null} */
function waiting(source, behaviour) {
  const widget = source.closest(".widget");
  switch (behaviour) {
    case "none":
      return null;
    case "container":
      return widget;
    case "self":
      return source;
    default:
      // A form or a list runs as a whole; a button or a field by itself.
      return source instanceof HTMLFormElement || source.matches(".widget-list-item") ? widget : source;
  }
}

/** @param {unknown} payload @param {Record<string, unknown>} values */
function merged(payload, values) {
  if (Object.keys(values).length === 0) return payload ?? null;
  return { ...(typeof payload === "object" && payload !== null ? payload : {}), ...values };
}
