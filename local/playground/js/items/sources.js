/** Numbered chips for what an answer cites. */

import { element, icon } from "../dom.js";

/** @typedef {import("../types.js").Source} Source */

/**
 * @param {{ source: Source }[]} annotations
 * @returns {HTMLElement[]} one list, or nothing
 */
export function sourceChips(annotations) {
  const distinct = new Map(annotations.map(({ source }) => [identity(source), source]));
  if (distinct.size === 0) return [];
  const chips = [...distinct.values()].map((source, index) =>
    element("li", {}, link(source, element("span", { class: "number" }, String(index + 1)), element("span", {}, name(source)))));
  return [element("ol", { class: "sources", "aria-label": "Sources" }, ...chips)];
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

/** @param {Source} source */
function name(source) {
  if (source.title) return source.title;
  return source.type === "url" ? source.url : "Source";
}

/** @param {Source} source @param {...HTMLElement} content */
function link(source, ...content) {
  const description = source.description ?? (source.type === "file" ? source.filename : null);
  if (source.type === "url" && /^https?:\/\//i.test(source.url)) {
    return element("a", { class: "chip", href: source.url, title: source.url, target: "_blank", rel: "noopener noreferrer" }, ...content);
  }
  return element("span", { class: "chip", title: description }, ...content, source.type === "file" ? icon("file") : null);
}
