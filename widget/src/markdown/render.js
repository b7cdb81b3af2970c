/** Markdown as DOM nodes. */

import { copyButton } from "../copy.js";
import { element } from "../dom.js";
import { parseBlocks } from "./blocks.js";
import { parseInline } from "./inline.js";

/** @typedef {import("./blocks.js").Block} Block */
/** @typedef {import("./inline.js").Inline} Inline */

/** The level of the first heading: the chat has one above. */
const OUTERMOST = 2;
/** Of more blocks than these the browser draws only what is in view. */
const LONG = 200;

/** A text that may still be growing. Blocks that have not changed keep their elements, so a selection survives. */
export class MarkdownView {
  element = element("div", { class: "prose", dir: "auto" });
  /** @type {{ key: string, block: Block, element: HTMLElement }[]} */
  #shown = [];

  /** @param {import("../ui.js").Ui} ui */
  constructor(ui) {
    this.ui = ui;
  }

  /**
   * @param {string} text
   * @param {{ partial?: boolean }} [options] `partial`: more text will follow
   */
  set(text, { partial = false } = {}) {
    const blocks = outlined(parseBlocks(text, { partial }));
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
      const made = { key, block, element: renderBlock(this.ui, block, isGrowing) };
      if (old) old.element.replaceWith(made.element);
      else this.element.append(made.element);
      return made;
    });
    this.element.toggleAttribute("data-long", blocks.length > LONG);
    for (const { element: gone } of this.#shown.slice(next.length)) gone.remove();
    this.#shown = next;
  }
}

/**
 * Gives the headings levels without gaps, as screen readers want them; how large they are does not change.
 *
 * @param {Block[]} blocks
 */
function outlined(blocks) {
  let first = 0;
  let depth = OUTERMOST - 1;
  for (const block of blocks) {
    if (block.type !== "heading") continue;
    first ||= block.level;
    depth = Math.min(Math.max(block.level - first + OUTERMOST, OUTERMOST), depth + 1, 6);
    block.depth = depth;
  }
  return blocks;
}

/**
 * @param {import("../ui.js").Ui} ui
 * @param {string} text
 * @returns {HTMLElement}
 */
export function renderMarkdown(ui, text) {
  const view = new MarkdownView(ui);
  view.set(text);
  return view.element;
}

/**
 * @param {import("../ui.js").Ui} ui
 * @param {Block} block
 * @param {boolean} partial
 * @returns {HTMLElement}
 */
function renderBlock(ui, block, partial) {
  switch (block.type) {
    case "heading":
      return element(
        /** @type {"h2"} */ (`h${block.depth ?? OUTERMOST}`),
        { "data-level": block.level },
        renderInline(block.text, partial),
      );
    case "paragraph":
      return element("p", {}, renderInline(block.text, partial));
    case "code":
      return codeBlock(ui, block);
    case "quote":
      return element("blockquote", {}, renderBlocks(ui, block.blocks, partial));
    case "list":
      return list(ui, block, partial);
    case "table":
      return table(ui, block, partial);
    case "rule":
      return element("hr");
  }
}

/** @param {import("../ui.js").Ui} ui @param {Block[]} blocks @param {boolean} partial */
function renderBlocks(ui, blocks, partial) {
  return blocks.map((block, index) => renderBlock(ui, block, partial && index === blocks.length - 1));
}

/** @param {import("../ui.js").Ui} ui @param {Block & { type: "code" }} block */
function codeBlock(ui, block) {
  const code = element("code", {}, block.text);
  return element(
    "figure",
    { class: "code-block" },
    element(
      "figcaption",
      {},
      element("span", {}, block.language || ui.text("plainText").toLowerCase()),
      copyButton(ui, ui.text("copyCode"), () => code.textContent ?? ""),
    ),
    element("pre", { tabindex: 0, "aria-label": ui.text("codeIn", block.language || ui.text("plainText")) }, code),
  );
}

/** @param {import("../ui.js").Ui} ui @param {Block & { type: "list" }} block @param {boolean} partial */
function list(ui, { start, loose, entries }, partial) {
  const items = entries.map(({ blocks, checked }, index) => {
    const isGrowing = partial && index === entries.length - 1;
    const box =
      checked === null
        ? null
        : element("input", {
            type: "checkbox",
            disabled: true,
            checked,
            "aria-label": ui.text(checked ? "done" : "toDo"),
          });
    const [first, ...others] = blocks;
    if (loose || first?.type !== "paragraph") return element("li", {}, box, renderBlocks(ui, blocks, isGrowing));
    const text = renderInline(first.text, isGrowing && others.length === 0);
    return element("li", { class: box ? "task" : null }, box, text, renderBlocks(ui, others, isGrowing));
  });
  return start === null ? element("ul", {}, items) : element("ol", { start }, items);
}

/** @param {import("../ui.js").Ui} ui @param {Block & { type: "table" }} block @param {boolean} partial */
function table(ui, { header, alignments, rows }, partial) {
  const body = rows.map((row, index) =>
    element(
      "tr",
      {},
      row.map((cell, column) =>
        element("td", { "data-align": alignments[column] }, renderInline(cell, partial && index === rows.length - 1)),
      ),
    ),
  );
  const head = header.map((cell, column) =>
    element("th", { scope: "col", "data-align": alignments[column] }, renderInline(cell, false)),
  );
  return element(
    "div",
    { class: "table", tabindex: 0, role: "group", "aria-label": ui.text("table") },
    element("table", {}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, body)),
  );
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
        return element(
          "a",
          { href: node.href, target: "_blank", rel: "noopener noreferrer" },
          inlineNodes(node.children),
        );
    }
  });
}
