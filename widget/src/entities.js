/**
 * What of the site's own a message or an answer names: people, documents, … They can be opened, and looked at before.
 */

import { element } from "./dom.js";
import { WidgetView } from "./widgets/view.js";

/**
 * @typedef {{ id: string, title: string, icon?: string, interactive?: boolean, group?: string,
 *   data?: Record<string, string> }} Entity
 *
 * @typedef {object} EntitiesOptions
 * @property {(query: string) => Promise<Entity[]>} [onTagSearch]
 * @property {boolean} [showComposerMenu]
 * @property {(entity: Entity) => void} [onClick]
 * @property {(entity: Entity) => Promise<{ preview: import("./types.js").WidgetNode | null }>} [onRequestPreview]
 */

/** A pointer that only passes by asks for nothing. */
const HOVER_MS = 250;
/** Between a tag and its preview, and to the edges, in pixels. */
const GAP_PX = 8;

export class Entities {
  /** @type {HTMLElement | null} */
  #preview = null;

  /** @param {import("./ui.js").Ui} ui @param {() => EntitiesOptions} options */
  constructor(ui, options) {
    this.ui = ui;
    this.options = options;
  }

  /** The tag of a message. @param {import("./types.js").UserContent & { type: "input_tag" }} part */
  tag({ id, text, group, data, interactive }) {
    const entity = { id, title: text, group, data: /** @type {Record<string, string>} */ (data), interactive };
    return this.link(entity, "tag", `@${text}`);
  }

  /** @param {Entity} entity @param {string} kind @param {...(Node | string | null)} content */
  link(entity, kind, ...content) {
    const { onClick, onRequestPreview } = this.options();
    if (!entity.interactive || !(onClick || onRequestPreview)) return element("span", { class: kind }, ...content);
    let timer = 0;
    const hide = () => {
      clearTimeout(timer);
      this.#hide();
    };
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#show(entity, made), HOVER_MS);
    };
    const made = element(
      "button",
      {
        type: "button",
        class: kind,
        click: () => this.options().onClick?.(entity),
        pointerenter: soon,
        pointerleave: hide,
        focus: soon,
        blur: hide,
        keydown: (event) => event.key === "Escape" && hide(),
      },
      ...content,
    );
    return made;
  }

  /** @param {Entity} entity @param {HTMLElement} beside */
  async #show(entity, beside) {
    const { onRequestPreview } = this.options();
    if (!onRequestPreview) return;
    const { preview } = await onRequestPreview(entity).catch((error) => {
      this.ui.report(error);
      return { preview: null };
    });
    // The pointer may have gone meanwhile.
    if (!preview || !beside.matches(":hover, :focus")) return;
    this.#hide();
    const host = { ui: this.ui, act: async () => {}, mayShow: () => true };
    const made = element(
      "div",
      { class: "preview", popover: "manual", role: "tooltip" },
      new WidgetView(preview, host).element,
    );
    this.#preview = made;
    this.ui.root.append(made);
    made.showPopover();
    const place = beside.getBoundingClientRect();
    const { width, height } = made.getBoundingClientRect();
    const above = place.top - height - GAP_PX;
    made.style.left = `${Math.max(GAP_PX, Math.min(place.left, innerWidth - width - GAP_PX))}px`;
    made.style.top = `${above > 0 ? above : place.bottom + GAP_PX}px`;
  }

  #hide() {
    this.#preview?.remove();
    this.#preview = null;
  }
}
