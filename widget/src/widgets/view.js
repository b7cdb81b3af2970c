/** A widget on the page, and its changes: small ones in place, larger ones by drawing it again. */

import { element, focused } from "../dom.js";
import { perform } from "./actions.js";
import { fieldValues, restoreFields } from "./form.js";
import { render } from "./render.js";
import { connectLabels } from "./fields.js";

/** @typedef {import("../types.js").WidgetNode} WidgetNode */
/** @typedef {import("../types.js").WidgetAction} WidgetAction */

/**
 * @typedef {object} WidgetHost
 * @property {import("../ui.js").Ui} ui
 * @property {(action: WidgetAction) => Promise<void>} act
 * @property {(host: string) => boolean} mayShow whether images may come from there
 *
 * @typedef {object} Scope what components need besides their own properties
 * @property {import("../ui.js").Ui} ui
 * @property {(source: HTMLElement, action: WidgetAction, own?: Record<string, unknown>) => void} act `own` are
 *   values of
 *   the component itself
 * @property {(host: string) => boolean} mayShow
 * @property {Map<string, (node: WidgetNode) => void>} texts how components with an id show a text that grows
 */

const FOCUSABLE = "a[href], button, input, select, textarea, [tabindex]";

export class WidgetView {
  element = element("div", { class: "widget" });
  /** @type {WidgetNode} */
  #tree;
  /** @type {Scope["texts"]} */
  #texts = new Map();

  /** @param {WidgetNode} tree @param {WidgetHost} host */
  constructor(tree, host) {
    this.host = host;
    this.#tree = tree;
    this.#draw();
  }

  get tree() {
    return this.#tree;
  }

  /** @param {WidgetNode} tree */
  set(tree) {
    // A widget that was streamed is complete already.
    if (JSON.stringify(tree) === JSON.stringify(this.#tree)) return;
    this.#tree = tree;
    this.#draw();
  }

  /** @param {import("../types.js").ItemUpdate} update */
  update(update) {
    switch (update.type) {
      case "widget.streaming_text.value_delta": {
        const node = find(this.#tree, update.component_id);
        if (!node) return;
        node.value = `${node.value ?? ""}${update.delta}`;
        node.streaming = !update.done;
        this.#texts.get(update.component_id)?.(node);
        break;
      }
      case "widget.root.updated":
        this.set(update.widget);
        break;
      case "widget.component.updated": {
        const node = find(this.#tree, update.component_id);
        if (!node) return;
        for (const name of Object.keys(node)) delete node[name];
        Object.assign(node, update.component);
        this.#draw();
        break;
      }
    }
  }

  /** What the user has typed and where they are survives, as far as the new tree has a place for it. */
  #draw() {
    // The tree is ours from here on: it grows with the deltas.
    this.#tree = structuredClone(this.#tree);
    this.#texts = new Map();
    const values = fieldValues(this.element);
    const focusable = [...this.element.querySelectorAll(FOCUSABLE)];
    const place = focusable.indexOf(/** @type {Element} */ (focused(this.element)));
    const scope = {
      ui: this.host.ui,
      act: (
        /** @type {HTMLElement} */ source,
        /** @type {WidgetAction} */ action,
        /** @type {Record<string, unknown> | undefined} */ own,
      ) => perform(this.host, source, action, own),
      mayShow: this.host.mayShow,
      texts: this.#texts,
    };
    this.element.replaceChildren(...render(this.#tree, scope));
    connectLabels(this.element);
    restoreFields(this.element, values);
    const target = place < 0 ? null : this.element.querySelectorAll(FOCUSABLE)[place];
    if (target instanceof HTMLElement) target.focus();
  }
}

/**
 * @param {WidgetNode} node
 * @param {string} id
 * @returns {WidgetNode | null}
 */
function find(node, id) {
  if (node.id === id) return node;
  for (const child of [node.children ?? []].flat()) {
    const found = child && find(child, id);
    if (found) return found;
  }
  return null;
}
