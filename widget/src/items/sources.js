/** Numbered chips for what an answer cites. */

import { element } from "../dom.js";
import { icon } from "../icons.js";

/** @typedef {import("../types.js").Source} Source */

/**
 * @param {import("../ui.js").Ui} ui
 * @param {{ source: Source }[]} annotations
 * @param {import("../entities.js").Entities} [entities] of the site, which may be opened
 * @returns {HTMLElement[]} one list, or nothing
 */
export function sourceChips(ui, annotations, entities) {
  const distinct = new Map(annotations.map(({ source }) => [identity(source), source]));
  if (distinct.size === 0) return [];
  const chips = [...distinct.values()].map((source, index) =>
    element(
      "li",
      {},
      link(
        source,
        entities,
        element("span", { class: "number" }, String(index + 1)),
        element("span", {}, name(ui, source)),
      ),
    ),
  );
  return [element("ol", { class: "sources", "aria-label": ui.text("sources") }, ...chips)];
}

/** @param {Source} source */
function identity(source) {
  switch (source.type) {
    case "url":
      return source.url;
    case "file":
      return `file:${source.filename}`;
    case "entity":
      return `entity:${source.id}`;
  }
}

/** @param {import("../ui.js").Ui} ui @param {Source} source */
function name(ui, source) {
  if (source.title) return source.title;
  return source.type === "url" ? source.url : ui.text("source");
}

/** @param {Source} source @param {import("../entities.js").Entities | undefined} entities @param {...HTMLElement} content */
function link(source, entities, ...content) {
  if (source.type === "entity" && entities) return entities.link(source, "chip", ...content);
  const description = source.description ?? (source.type === "file" ? source.filename : null);
  if (source.type === "url" && /^https?:\/\//i.test(source.url)) {
    return element(
      "a",
      { class: "chip", href: source.url, title: source.url, target: "_blank", rel: "noopener noreferrer" },
      ...content,
    );
  }
  return element(
    "span",
    { class: "chip", title: description },
    ...content,
    source.type === "file" ? icon("file") : null,
  );
}
