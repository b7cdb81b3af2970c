/**
 * Inline markdown: the text of one block as a list of nodes. A subset of CommonMark with strikethrough and bare links;
 * HTML is text. Images become links: a model's answer must not make the browser load anything.
 *
 * One pass over the text, in time that grows with its length and without recursion, whatever the text is: nothing is
 * searched for twice from the same place, and what is nested too deep is text.
 *
 * @typedef {{ type: "text", text: string }
 *   | { type: "code", text: string }
 *   | { type: "break" }
 *   | { type: "strong" | "emphasis" | "strike", children: Inline[] }
 *   | { type: "link", href: string, children: Inline[] }} Inline
 *
 * @typedef {{ type: "delimiter", mark: string, length: number, opens: boolean, closes: boolean }} Delimiter
 */

import { linkTarget, matchLength, withoutEnd } from "./scan.js";

const SAFE_LINK = /^(?:https?:\/\/|mailto:|chatkit-link:\/\/)[^\s]+$/i;
const BARE_LINK = /https?:\/\/[^\s<>`"]+/iy;
const ANGLE_LINK = /<(?:https?:\/\/|mailto:)[^\s<>]+>/iy;
const ESCAPE = /\\[!-/:-@[-`{-~]/y;
const SPACES = / +/y;
/** What is text in every place. */
const PLAIN = /[^\\\n `!\[\]<h*_~]+|h(?!ttp)| (?![ \n])/iy;
const FENCE = /`+/y;
const MARKS = /\*+|_+|~{2,}/y;
const PUNCTUATION = /[\p{P}\p{S}]/u;
const EMPHASIS = /** @type {const} */ ({ 1: "emphasis", 2: "strong" });
/** Marks and open brackets in more levels are text: no answer needs them. */
const DEEPEST = 20;

/**
 * @param {string} text
 * @param {{ partial?: boolean }} [options] `partial`: the text is still growing, so a mark that was opened counts as
 *   closed at the end, and a mark at the very end is not shown until it is known what it is
 * @returns {Inline[]}
 */
export function parseInline(text, { partial = false } = {}) {
  return new Parser(partial ? withoutLooseMarks(text) : text, partial).parse();
}

/**
 * A text without the marks at its end, and without the bracket that is open there.
 *
 * @param {string} text
 */
function withoutLooseMarks(text) {
  const source = withoutEnd(text, "*_~`");
  const open = source.indexOf("[", source.lastIndexOf("]") + 1);
  if (open < 0) return source;
  return source.slice(0, source[open - 1] === "!" ? open - 1 : open) + source.slice(open + 1);
}

class Parser {
  /** @type {(Inline | Delimiter)[]} */
  #nodes = [];
  /** The text behind the last node. */
  #plain = "";
  #at = 0;
  /** What may begin a link, and where its label begins in `#nodes`. @type {{ start: number, isImage: boolean }[]} */
  #brackets = [];
  /** Where runs of backticks begin, by their length, the first one last. @type {Map<number, number[]>} */
  #fences = new Map();
  /** Behind it no address in brackets ends. */
  #lastEnd;

  /** @param {string} source @param {boolean} partial */
  constructor(source, partial) {
    this.source = source;
    this.partial = partial;
    this.#lastEnd = Math.max(source.lastIndexOf(")"), source.lastIndexOf("\n"));
    for (const {
      0: { length },
      index,
    } of [...source.matchAll(/`+/g)].reverse()) {
      const places = this.#fences.get(length);
      if (places) places.push(index);
      else this.#fences.set(length, [index]);
    }
  }

  parse() {
    while (this.#at < this.source.length) this.#next();
    this.#flush();
    return pairMarks(this.#nodes, this.partial);
  }

  #next() {
    const { source } = this;
    const plain = matchLength(PLAIN, source, this.#at);
    if (plain > 0) return this.#addText(source.slice(this.#at, this.#at + plain));
    const character = source[this.#at];
    const next = source[this.#at + 1];
    switch (character) {
      case "\\":
        if (next === "\n") return this.#add({ type: "break" }, 2);
        return matchLength(ESCAPE, source, this.#at) ? this.#addText(next, 2) : this.#addText(character);
      case "\n":
        // Every line break of an answer is shown: models write lines, not paragraphs to be refilled.
        return this.#add({ type: "break" }, 1);
      case " ":
        return this.#spaces();
      case "`":
        return this.#code();
      case "!":
        return next === "[" ? this.#open("![") : this.#addText(character);
      case "[":
        return this.#open("[");
      case "]":
        return this.#close();
      case "<":
      case "h":
      case "H":
        return this.#bareLink(character);
      default:
        return this.#marks(character);
    }
  }

  /** @param {string} text @param {number} [length] what it takes of the source */
  #addText(text, length = text.length) {
    this.#plain += text;
    this.#at += length;
  }

  /** @param {Inline | Delimiter} node @param {number} length what it takes of the source */
  #add(node, length) {
    this.#flush();
    this.#nodes.push(node);
    this.#at += length;
  }

  #flush() {
    if (this.#plain !== "") this.#nodes.push({ type: "text", text: this.#plain });
    this.#plain = "";
  }

  #spaces() {
    const length = matchLength(SPACES, this.source, this.#at);
    if (length > 1 && this.source[this.#at + length] === "\n") this.#add({ type: "break" }, length + 1);
    else this.#addText(" ".repeat(length));
  }

  #code() {
    const { source } = this;
    const length = matchLength(FENCE, source, this.#at);
    const start = this.#at + length;
    const places = this.#fences.get(length) ?? [];
    while (places.length > 0 && places[places.length - 1] < start) places.pop();
    const end = places.pop();
    if (end !== undefined) {
      const inner = source.slice(start, end).replaceAll("\n", " ");
      const isPadded = inner.startsWith(" ") && inner.endsWith(" ") && inner.trim() !== "";
      this.#add({ type: "code", text: isPadded ? inner.slice(1, -1) : inner }, length + end - this.#at);
    } else if (this.partial) {
      this.#add({ type: "code", text: source.slice(start) }, source.length - this.#at);
    } else {
      this.#addText("`".repeat(length));
    }
  }

  /** @param {"[" | "!["} mark */
  #open(mark) {
    this.#add({ type: "text", text: mark }, mark.length);
    this.#brackets.push({ start: this.#nodes.length, isImage: mark === "![" });
    if (this.#brackets.length > DEEPEST) this.#brackets.shift();
  }

  /** `[text](href "title")`; the title is dropped. An address that is not for people leaves its text without a link. */
  #close() {
    const { source } = this;
    const after = this.#at + 1;
    const bracket = this.#brackets.pop();
    const target = bracket && source[after] === "(" ? linkTarget(source, after) : null;
    // Until the address is complete, only its text is shown.
    const isGrowing = this.partial && source[after] === "(" && this.#lastEnd < after;
    if (!bracket || (!target && !isGrowing)) return this.#addText("]");
    this.#flush();
    const label = pairMarks(this.#nodes.splice(bracket.start), false);
    // The bracket itself.
    this.#nodes.pop();
    this.#at = target?.end ?? source.length;
    const href = target?.href ?? "";
    const children = label.length > 0 || href === "" ? label : [/** @type {Inline} */ ({ type: "text", text: href })];
    if (SAFE_LINK.test(href)) {
      this.#nodes.push(nested({ type: "link", href, children: withoutLinks(children) }));
      // No link is in another link, unless it was an image.
      if (!bracket.isImage) this.#brackets = this.#brackets.filter(({ isImage }) => isImage);
    } else {
      for (const child of children) this.#nodes.push(child);
    }
  }

  /** `<https://…>`, `<name@host>` and `https://…` as it stands. @param {string} character */
  #bareLink(character) {
    const { source } = this;
    const inAngles = matchLength(ANGLE_LINK, source, this.#at);
    if (inAngles > 0) return this.#addLink(source.slice(this.#at + 1, this.#at + inAngles - 1), inAngles);
    const length = /\w/.test(source[this.#at - 1] ?? " ") ? 0 : matchLength(BARE_LINK, source, this.#at);
    if (length === 0) return this.#addText(character);
    // What ends a sentence does not belong to the address; a closing bracket does if it was opened inside.
    let href = withoutEnd(source.slice(this.#at, this.#at + length), ".,:;!?'*_~]");
    let surplus = href.split(")").length - href.split("(").length;
    for (; surplus > 0 && href.endsWith(")"); surplus -= 1) href = withoutEnd(href.slice(0, -1), ".,:;!?");
    return this.#addLink(href, href.length);
  }

  /** @param {string} href @param {number} length what it takes of the source */
  #addLink(href, length) {
    this.#add(nested({ type: "link", href, children: [{ type: "text", text: href }] }), length);
  }

  /** @param {string} character */
  #marks(character) {
    const { source } = this;
    const length = matchLength(MARKS, source, this.#at);
    if (length === 0) return this.#addText(character);
    return this.#add(
      delimiter(character, length, source[this.#at - 1] ?? " ", source[this.#at + length] ?? " "),
      length,
    );
  }
}

/**
 * CommonMark's flanking rules.
 *
 * @param {string} mark
 * @param {number} length
 * @param {string} before
 * @param {string} after
 * @returns {Delimiter}
 */
function delimiter(mark, length, before, after) {
  const leftFlanking = !/\s/.test(after) && (!PUNCTUATION.test(after) || /\s/.test(before) || PUNCTUATION.test(before));
  const rightFlanking =
    !/\s/.test(before) && (!PUNCTUATION.test(before) || /\s/.test(after) || PUNCTUATION.test(after));
  const insideWord = mark === "_" && leftFlanking && rightFlanking;
  // Two make a pair that strikes out, and no other number.
  const canPair = mark !== "~" || length === 2;
  return {
    type: "delimiter",
    mark,
    length,
    opens: canPair && leftFlanking && (!insideWord || PUNCTUATION.test(before)),
    closes: canPair && rightFlanking && (!insideWord || PUNCTUATION.test(after)),
  };
}

/**
 * Turns pairs of delimiters into nodes and the rest into text.
 *
 * @param {(Inline | Delimiter)[]} nodes
 * @param {boolean} partial
 * @returns {Inline[]}
 */
function pairMarks(nodes, partial) {
  /** @type {(Inline | Delimiter)[]} */
  const paired = [];
  /** Where the delimiters that may open a pair are in `paired`. @type {Record<string, number[]>} */
  const openers = { "*": [], _: [], "~": [] };
  for (const node of nodes) {
    if (node.type !== "delimiter") {
      paired.push(node);
      continue;
    }
    const own = openers[node.mark];
    let { length } = node;
    while (node.closes && length > 0 && own.length > 0) {
      const open = own[own.length - 1];
      const opener = /** @type {Delimiter} */ (paired[open]);
      const children = mergeText(paired.slice(open + 1).map(asText));
      if (depthOf(children) >= DEEPEST) {
        // What is around it would be deeper still.
        own.length = 0;
        break;
      }
      const used = Math.min(opener.length, length, 2);
      paired.length = open;
      // What was opened inside and not closed is text.
      for (const places of Object.values(openers))
        while (places.length > 0 && places[places.length - 1] >= open) places.pop();
      if (opener.length > used) {
        own.push(open);
        paired.push({ ...opener, length: opener.length - used });
      }
      paired.push(wrap(node.mark, used, children));
      length -= used;
    }
    if (length === 0) continue;
    if (node.opens) own.push(paired.length);
    paired.push({ ...node, length });
  }
  return partial ? closedAtEnd(paired) : mergeText(paired.map(asText));
}

/**
 * As if every delimiter that may open a pair were closed at the end.
 *
 * @param {(Inline | Delimiter)[]} nodes
 */
function closedAtEnd(nodes) {
  /** What follows, in reverse. @type {Inline[]} */
  let rest = [];
  let depth = 0;
  for (const node of nodes.reverse()) {
    if (node.type === "delimiter" && node.opens && depth < DEEPEST) {
      rest = [wrap(node.mark, Math.min(node.length, 2), mergeText(rest.reverse()))];
      depth += 1;
    } else {
      rest.push(asText(node));
      depth = Math.max(depth, depths.get(node) ?? 0);
    }
  }
  return mergeText(rest.reverse());
}

/** How many levels of nodes are in a node, with itself; a text has none. @type {WeakMap<object, number>} */
const depths = new WeakMap();

/** @param {Inline[]} nodes */
function depthOf(nodes) {
  return nodes.reduce((depth, node) => Math.max(depth, depths.get(node) ?? 0), 0);
}

/** @template {Inline & { children: Inline[] }} T @param {T} node @returns {T} */
function nested(node) {
  depths.set(node, depthOf(node.children) + 1);
  return node;
}

/** @param {string} mark @param {number} length @param {Inline[]} children @returns {Inline} */
function wrap(mark, length, children) {
  return nested({ type: mark === "~" ? "strike" : EMPHASIS[/** @type {1 | 2} */ (length)], children });
}

/** @param {Inline[]} nodes @returns {Inline[]} */
function withoutLinks(nodes) {
  return nodes.flatMap((node) => {
    if (node.type === "link") return node.children;
    return "children" in node ? [nested({ ...node, children: withoutLinks(node.children) })] : [node];
  });
}

/** @param {Inline | Delimiter} node @returns {Inline} */
function asText(node) {
  return node.type === "delimiter" ? { type: "text", text: node.mark.repeat(node.length) } : node;
}

/** @param {Inline[]} nodes @returns {Inline[]} */
function mergeText(nodes) {
  /** @type {Inline[]} */
  const merged = [];
  for (const node of nodes) {
    const last = merged.at(-1);
    if (node.type === "text" && last?.type === "text")
      merged[merged.length - 1] = { type: "text", text: last.text + node.text };
    else merged.push(node);
  }
  return merged;
}
