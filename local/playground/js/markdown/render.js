/** Markdown as DOM nodes. */

import { copyButton } from "../copy.js";
import { element } from "../dom.js";
import { parseBlocks } from "./blocks.js";
import { parseInline } from "./inline.js";

/** @typedef {import("./blocks.js").Block} Block */
/** @typedef {import("./inline.js").Inline} Inline */

/** A text that may still be growing. Blocks that have not changed keep their elements, so a selection survives. */
export class MarkdownView {
  element = element("div", { class: "prose", dir: "auto" });
  /** @type {{ key: string, block: Block, element: HTMLElement }[]} */
  #shown = [];

  /**
   * @param {string} text
   * @param {{ partial?: boolean }} [options] `partial`: more text will follow
   */
  set(text, { partial = false } = {}) {
    const blocks = parseBlocks(text, { partial });
    const next = blocks.map((block, index) => {
      const isGrowing = partial && index === blocks.length - 1;
      const key = `${isGrowing}${JSON.stringify(block)}`;
      const old = this.#shown[index];
      if (old?.key === key) return old;
      if (old?.block.type === "code" && block.type === "code" && old.block.language === block.language) {
        // In place, so that a long line stays scrolled where the reader has it.
        /** @type {HTMLElement} */ (old.element.querySelector("code")).textContent = block.text;
        return { key, block, element: old.element };
      }
      const made = { key, block, element: renderBlock(block, isGrowing) };
      if (old) old.element.replaceWith(made.element);
      else this.element.append(made.element);
      return made;
    });
    for (const { element: gone } of this.#shown.slice(next.length)) gone.remove();
    this.#shown = next;
  }
}

/**
 * @param {string} text
 * @returns {HTMLElement}
 */
export function renderMarkdown(text) {
  const view = new MarkdownView();
  view.set(text);
  return view.element;
}

/**
 * @param {Block} block
 * @param {boolean} partial
 * @returns {HTMLElement}
 */
function renderBlock(block, partial) {
  switch (block.type) {
    case "heading":
      // The page has its own first levels: an answer's outline begins below them.
      return element(/** @type {"h3"} */ (`h${Math.min(block.level + 2, 6)}`), { "data-level": block.level }, renderInline(block.text, partial));
    case "paragraph":
      return element("p", {}, renderInline(block.text, partial));
    case "code":
      return codeBlock(block);
    case "quote":
      return element("blockquote", {}, renderBlocks(block.blocks, partial));
    case "list":
      return list(block, partial);
    case "table":
      return table(block, partial);
    case "rule":
      return element("hr");
  }
}

/** @param {Block[]} blocks @param {boolean} partial */
function renderBlocks(blocks, partial) {
  return blocks.map((block, index) => renderBlock(block, partial && index === blocks.length - 1));
}

/** @param {Block & { type: "code" }} block */
function codeBlock(block) {
  const code = element("code", {}, block.text);
  return element(
    "figure",
    { class: "code-block" },
    element("figcaption", {}, element("span", {}, block.language || "text"), copyButton("Copy code", () => code.textContent ?? "")),
    element("pre", { tabindex: 0, "aria-label": `${block.language || "Text"} code` }, code),
  );
}

/** @param {Block & { type: "list" }} block @param {boolean} partial */
function list({ start, loose, entries }, partial) {
  const items = entries.map(({ blocks, checked }, index) => {
    const isGrowing = partial && index === entries.length - 1;
    const box = checked === null ? null : element("input", { type: "checkbox", disabled: true, checked, "aria-label": checked ? "done" : "to do" });
    const [first, ...others] = blocks;
    if (loose || first?.type !== "paragraph") return element("li", {}, box, renderBlocks(blocks, isGrowing));
    const text = renderInline(first.text, isGrowing && others.length === 0);
    return element("li", { class: box ? "task" : null }, box, text, renderBlocks(others, isGrowing));
  });
  return start === null ? element("ul", {}, items) : element("ol", { start }, items);
}

/** @param {Block & { type: "table" }} block @param {boolean} partial */
function table({ header, alignments, rows }, partial) {
  const body = rows.map((row, index) =>
    element("tr", {}, row.map((cell, column) =>
      element("td", { "data-align": alignments[column] }, renderInline(cell, partial && index === rows.length - 1)))));
  const head = header.map((cell, column) => element("th", { scope: "col", "data-align": alignments[column] }, renderInline(cell, false)));
  return element("div", { class: "table", tabindex: 0, role: "group", "aria-label": "Table" },
    element("table", {}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, body)));
}

/** @param {string} text @param {boolean} partial */
function renderInline(text, partial) {
  return inlineNodes(parseInline(text, { partial }));
}

/** @param {Inline[]} nodes @returns {(Node | string)[]} */
function inlineNodes(nodes) {
  return nodes.map((node) => {
    switch (node.type) {
      case "text":
        return node.text;
      case "code":
        return element("code", {}, node.text);
      case "break":
        return element("br");
      case "strong":
        return element("strong", {}, inlineNodes(node.children));
      case "emphasis":
        return element("em", {}, inlineNodes(node.children));
      case "strike":
        return element("del", {}, inlineNodes(node.children));
      case "link":
        return element("a", { href: node.href, target: "_blank", rel: "noopener noreferrer" }, inlineNodes(node.children));
    }
  });
}
