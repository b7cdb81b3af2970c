/**
 * Inline markdown: the text of one block as a list of nodes. A subset of CommonMark with strikethrough and bare links;
 * HTML is text. Images become links: a model's answer must not make the browser load anything.
 *
 * @typedef {{ type: "text", text: string }
 *   | { type: "code", text: string }
 *   | { type: "break" }
 *   | { type: "strong" | "emphasis" | "strike", children: Inline[] }
 *   | { type: "link", href: string, children: Inline[] }} Inline
 *
 * @typedef {{ type: "delimiter", mark: string, length: number, opens: boolean, closes: boolean }} Delimiter
 */

const SAFE_LINK = /^(?:https?:\/\/|mailto:)[^\s]+$/i;
const BARE_LINK = /^https?:\/\/[^\s<>`"]+/i;
const PUNCTUATION = /[\p{P}\p{S}]/u;
const EMPHASIS = /** @type {const} */ ({ 1: "emphasis", 2: "strong" });

/**
 * @param {string} text
 * @param {{ partial?: boolean }} [options] `partial`: the text is still growing, so a mark that was opened counts as
 *   closed at the end, and a mark at the very end is not shown until it is known what it is
 * @returns {Inline[]}
 */
export function parseInline(text, { partial = false } = {}) {
  /** @type {(Inline | Delimiter)[]} */
  const nodes = [];
  const source = partial ? text.replace(/[*_~`]+$/, "").replace(/!?\[([^\]]*)$/, "$1") : text;
  let plain = "";
  let at = 0;

  /** @param {Inline | Delimiter} node */
  const add = (node) => {
    if (plain !== "") nodes.push({ type: "text", text: plain });
    plain = "";
    nodes.push(node);
  };

  while (at < source.length) {
    const rest = source.slice(at);
    const character = rest[0];
    if (character === "\\" && /^\\[!-/:-@[-`{-~]/.test(rest)) {
      plain += rest[1];
      at += 2;
    } else if (character === "\n" || /^(?: {2,}|\\)\n/.test(rest)) {
      // Every line break of an answer is shown: models write lines, not paragraphs to be refilled.
      add({ type: "break" });
      at += rest.indexOf("\n") + 1;
    } else if (character === "`") {
      const fence = rest.slice(0, rest.search(/[^`]|$/));
      const code = codeSpan(rest, fence, partial);
      if (code) add({ type: "code", text: code.text });
      else plain += fence;
      at += code ? code.length : fence.length;
    } else if (character === "[" || (character === "!" && rest[1] === "[")) {
      const link = bracketLink(rest, partial);
      if (link) link.nodes.forEach(add);
      else plain += character;
      at += link ? link.length : 1;
    } else if (character === "<" || (/[hH]/.test(character) && !/\w/.test(source[at - 1] ?? " "))) {
      const link = bareLink(rest);
      if (link) add(link.node);
      else plain += character;
      at += link ? link.length : 1;
    } else if (character === "*" || character === "_" || rest.startsWith("~~")) {
      const mark = /** @type {RegExpExecArray} */ (/^(\*+|_+|~+)/.exec(rest))[0];
      add(delimiter(mark, source[at - 1] ?? " ", source[at + mark.length] ?? " "));
      at += mark.length;
    } else {
      plain += character;
      at += 1;
    }
  }
  if (plain !== "") nodes.push({ type: "text", text: plain });
  return pairMarks(nodes, partial);
}

/**
 * @param {string} rest
 * @param {string} fence the backticks with which `rest` starts
 * @param {boolean} partial
 */
function codeSpan(rest, fence, partial) {
  for (const run of rest.slice(fence.length).matchAll(/`+/g)) {
    if (run[0] !== fence) continue;
    const inner = rest.slice(fence.length, fence.length + run.index).replace(/\n/g, " ");
    const text = /^ .*[^ ].* $|^ [^ ] $/.test(inner) ? inner.slice(1, -1) : inner;
    return { text, length: fence.length * 2 + run.index };
  }
  return partial ? { text: rest.slice(fence.length), length: rest.length } : null;
}

/**
 * `[text](href "title")`; the title is dropped. An address that is not for people leaves its text without a link.
 *
 * @param {string} rest
 * @param {boolean} partial
 * @returns {{ nodes: Inline[], length: number } | null}
 */
function bracketLink(rest, partial) {
  const start = rest.indexOf("[") + 1;
  let depth = 1;
  let end = start;
  for (; end < rest.length && depth > 0; end += 1) {
    if (rest[end] === "\\") end += 1;
    else if (rest[end] === "[") depth += 1;
    else if (rest[end] === "]") depth -= 1;
  }
  if (depth > 0) return null;
  const label = rest.slice(start, end - 1);
  const after = rest.slice(end);
  const target = /^\(\s*(?:<([^<>\n]*)>|((?:[^\s()]|\([^\s()]*\))*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/.exec(after);
  if (target) {
    const href = target[1] ?? target[2];
    const children = parseInline(label || href);
    const nodes = SAFE_LINK.test(href) ? [/** @type {Inline} */ ({ type: "link", href, children })] : children;
    return { nodes, length: end + target[0].length };
  }
  // Until the address is complete, only its text is shown.
  if (partial && /^\([^)\n]*$/.test(after)) return { nodes: parseInline(label), length: rest.length };
  return null;
}

/**
 * `<https://…>`, `<name@host>` and `https://…` as it stands.
 *
 * @param {string} rest
 * @returns {{ node: Inline, length: number } | null}
 */
function bareLink(rest) {
  const angle = /^<((?:https?:\/\/|mailto:)[^\s<>]+)>/i.exec(rest);
  if (angle) return { node: { type: "link", href: angle[1], children: [{ type: "text", text: angle[1] }] }, length: angle[0].length };
  const found = BARE_LINK.exec(rest);
  if (!found) return null;
  // What ends a sentence does not belong to the address; a closing bracket does if it was opened inside.
  let href = found[0].replace(/[.,:;!?'*_~\]]+$/, "");
  while (href.endsWith(")") && href.split(")").length > href.split("(").length) href = href.slice(0, -1).replace(/[.,:;!?]+$/, "");
  return { node: { type: "link", href, children: [{ type: "text", text: href }] }, length: href.length };
}

/**
 * CommonMark's flanking rules.
 *
 * @param {string} mark
 * @param {string} before
 * @param {string} after
 * @returns {Delimiter}
 */
function delimiter(mark, before, after) {
  const leftFlanking = !/\s/.test(after) && (!PUNCTUATION.test(after) || /\s/.test(before) || PUNCTUATION.test(before));
  const rightFlanking = !/\s/.test(before) && (!PUNCTUATION.test(before) || /\s/.test(after) || PUNCTUATION.test(after));
  const insideWord = mark[0] === "_" && leftFlanking && rightFlanking;
  return {
    type: "delimiter",
    mark: mark[0],
    length: mark.length,
    opens: leftFlanking && (!insideWord || PUNCTUATION.test(before)),
    closes: rightFlanking && (!insideWord || PUNCTUATION.test(after)),
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
  for (let close = 0; close < nodes.length; close += 1) {
    const closer = nodes[close];
    if (closer.type !== "delimiter" || !closer.closes) continue;
    for (let open = close - 1; open >= 0; open -= 1) {
      const opener = nodes[open];
      if (opener.type !== "delimiter" || opener.mark !== closer.mark || !opener.opens) continue;
      const length = markLength(opener, closer);
      if (length === 0) continue;
      const inside = nodes.slice(open + 1, close).map(asText);
      const replaced = [remainder(opener, length), wrap(closer.mark, length, inside), remainder(closer, length)];
      nodes.splice(open, close - open + 1, ...replaced.filter((node) => node !== null));
      // The same closer may have more to close: look at what is left of it next.
      close = open;
      break;
    }
  }
  if (partial) closeAtEnd(nodes);
  return mergeText(nodes.map(asText));
}

/** @param {(Inline | Delimiter)[]} nodes */
function closeAtEnd(nodes) {
  for (let open = nodes.length - 1; open >= 0; open -= 1) {
    const opener = nodes[open];
    if (opener.type !== "delimiter" || !opener.opens) continue;
    const length = opener.mark === "~" ? 2 : Math.min(opener.length, 2);
    if (opener.length < length) continue;
    const inside = mergeText(nodes.slice(open + 1).map(asText));
    nodes.splice(open, nodes.length - open, wrap(opener.mark, length, inside));
  }
}

/**
 * @param {Delimiter} opener
 * @param {Delimiter} closer
 * @returns {number} how many characters of both make a pair, 0 for none
 */
function markLength(opener, closer) {
  if (opener.mark === "~") return opener.length === 2 && closer.length === 2 ? 2 : 0;
  return opener.length >= 2 && closer.length >= 2 ? 2 : 1;
}

/** @param {Delimiter} node @param {number} used @returns {Delimiter | null} */
function remainder(node, used) {
  return node.length > used ? { ...node, length: node.length - used } : null;
}

/** @param {string} mark @param {number} length @param {Inline[]} children @returns {Inline} */
function wrap(mark, length, children) {
  const type = mark === "~" ? "strike" : EMPHASIS[/** @type {1 | 2} */ (length)];
  return { type, children: mergeText(children) };
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
    if (node.type === "text" && last?.type === "text") merged[merged.length - 1] = { type: "text", text: last.text + node.text };
    else merged.push(node);
  }
  return merged;
}
