/**
 * Block markdown: a text as a list of blocks. Works on text that is cut off anywhere, because it is called while the
 * answer is still being written: an open fence runs to the end, a table is one as soon as its header is complete.
 *
 * @typedef {"left" | "center" | "right" | null} Alignment
 * @typedef {{ blocks: Block[], checked: boolean | null }} ListEntry
 * @typedef {{ type: "heading", level: number, text: string, depth?: number }
 *   | { type: "paragraph", text: string }
 *   | { type: "code", language: string, text: string }
 *   | { type: "quote", blocks: Block[] }
 *   | { type: "list", start: number | null, loose: boolean, entries: ListEntry[] }
 *   | { type: "table", header: string[], alignments: Alignment[], rows: string[][] }
 *   | { type: "rule" }} Block
 */

import { withoutEnd } from "./scan.js";

// No pattern can match a line in two ways, as trying both takes too long for a hostile one.
const HEADING = /^ {0,3}(#{1,6})(?![^ \t])(.*)$/s;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const FENCE = /^( {0,3})(`{3,}(?!`)|~{3,}(?!~))([^`]*)$/;
const QUOTE = /^ {0,3}> ?/;
const ENTRY = /^( {0,3})([-*+]|\d{1,9}[.)])(?:([ \t]+)(.*)|[ \t]*)$/s;
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
const DIVIDER = /^ {0,3}[-:|][-:| \t]*$/;
const DIVIDER_CELL = /^:?-+:?$/;
const GROWING_HEADER = /^(\|[^\S\n]*\S[^\n]*)(?:\n\|[ \t:|-]*)?$/;
const TASK = /^\[([ xX])\][ \t]+/;
/** Deeper nesting is read as text: no answer needs it, and it must not exhaust the stack. */
const DEEPEST = 20;
/** Rows beyond are text: each has as many cells as the header, however short it is. */
const MOST_CELLS = 20_000;

/**
 * @param {string} text
 * @param {{ partial?: boolean }} [options] `partial`: more text will follow
 * @returns {Block[]}
 */
export function parseBlocks(text, { partial = false } = {}) {
  const blocks = blocksOf(text.replace(/\r\n?/g, "\n").split("\n"), 0);
  const last = blocks.at(-1);
  // A line that starts as a table's header is one, before the whole divider below it says so.
  const [, line] = (partial && last?.type === "paragraph" && GROWING_HEADER.exec(last.text)) || [];
  if (line) {
    const header = cells(line);
    blocks[blocks.length - 1] = { type: "table", header, alignments: header.map(() => null), rows: [] };
  }
  return blocks;
}

/**
 * @param {string[]} lines
 * @param {number} depth
 * @returns {Block[]}
 */
function blocksOf(lines, depth) {
  /** @type {Block[]} */
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (lines[at].trim() === "") {
      at += 1;
      continue;
    }
    const { block, length } =
      fencedCode(lines, at) ??
      heading(lines, at) ??
      rule(lines, at) ??
      table(lines, at) ??
      (depth < DEEPEST ? (quote(lines, at, depth) ?? list(lines, at, depth)) : null) ??
      paragraph(lines, at);
    blocks.push(block);
    at += length;
  }
  return blocks;
}

/** @typedef {{ block: Block, length: number }} Found a block and how many lines it takes */

/** @param {string[]} lines @param {number} at @returns {Found | null} */
function fencedCode(lines, at) {
  const opened = FENCE.exec(lines[at]);
  if (!opened) return null;
  const [, indent, fence, information] = opened;
  const closed = new RegExp(`^ {0,3}${fence[0]}{${fence.length},}[ \\t]*$`);
  let end = at + 1;
  while (end < lines.length && !closed.test(lines[end])) end += 1;
  const text = lines.slice(at + 1, end).map((line) => line.replace(new RegExp(`^ {0,${indent.length}}`), ""));
  const language = information.trim().split(/[\s{,]/)[0];
  // Without its end the block is still growing: a last line that is empty has not been written yet.
  if (end === lines.length && text.at(-1) === "") text.pop();
  return { block: { type: "code", language, text: text.join("\n") }, length: end + 1 - at };
}

/** @param {string[]} lines @param {number} at @returns {Found | null} */
function heading(lines, at) {
  const found = HEADING.exec(lines[at]);
  return (
    found && {
      block: { type: "heading", level: found[1].length, text: withoutClosingMarks(found[2].trim()) },
      length: 1,
    }
  );
}

/** @param {string} heading */
function withoutClosingMarks(heading) {
  const text = withoutEnd(heading, "#");
  return text === "" || " \t".includes(text[text.length - 1]) ? text.trimEnd() : heading;
}

/** @param {string[]} lines @param {number} at @returns {Found | null} */
function rule(lines, at) {
  return RULE.test(lines[at]) ? { block: { type: "rule" }, length: 1 } : null;
}

/** @param {string[]} lines @param {number} at @returns {Found | null} */
function table(lines, at) {
  if (!lines[at].includes("|") || at + 1 >= lines.length || !DIVIDER.test(lines[at + 1])) return null;
  const header = cells(lines[at]);
  const divider = cells(lines[at + 1]);
  if (!divider.every((cell) => DIVIDER_CELL.test(cell))) return null;
  const alignments = divider.map(alignment);
  // While the divider is being written it has fewer columns than the header.
  const isGrowing = at + 2 === lines.length && lines[at + 1].includes("|") && alignments.length < header.length;
  if (header.length !== alignments.length && !isGrowing) return null;
  let end = at + 2;
  const last = Math.min(lines.length, end + Math.ceil(MOST_CELLS / header.length));
  while (end < last && lines[end].includes("|")) end += 1;
  const rows = lines
    .slice(at + 2, end)
    .map(cells)
    .map((row) => header.map((_, column) => row[column] ?? ""));
  return {
    block: { type: "table", header, alignments: header.map((_, column) => alignments[column] ?? null), rows },
    length: end - at,
  };
}

/** @param {string} line @returns {string[]} */
function cells(line) {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** @param {string} cell @returns {Alignment} */
function alignment(cell) {
  if (cell.startsWith(":") && cell.endsWith(":")) return "center";
  if (cell.endsWith(":")) return "right";
  return cell.startsWith(":") ? "left" : null;
}

/** @param {string[]} lines @param {number} at @param {number} depth @returns {Found | null} */
function quote(lines, at, depth) {
  if (!QUOTE.test(lines[at])) return null;
  let end = at + 1;
  while (end < lines.length && (QUOTE.test(lines[end]) || continues(lines, end))) end += 1;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return { block: { type: "quote", blocks: blocksOf(inner, depth + 1) }, length: end - at };
}

/** @param {string[]} lines @param {number} at @param {number} depth @returns {Found | null} */
function list(lines, at, depth) {
  const first = ENTRY.exec(lines[at]);
  if (!first) return null;
  const marker = first[2].at(-1);
  /** @type {ListEntry[]} */
  const entries = [];
  let loose = false;
  let end = at;
  while (end < lines.length) {
    const entry = ENTRY.exec(lines[end]);
    if (!entry || entry[2].at(-1) !== marker || RULE.test(lines[end])) break;
    const { inner, length } = entryLines(lines, end, entry);
    const task = TASK.exec(inner[0]);
    if (task) inner[0] = inner[0].slice(task[0].length);
    entries.push({ blocks: blocksOf(inner, depth + 1), checked: task && task[1] !== " " });
    end += length;
    const blank = blankLines(lines, end);
    const next = ENTRY.exec(lines[end + blank] ?? "");
    const goesOn = next?.[2].at(-1) === marker && !RULE.test(lines[end + blank]);
    loose ||= inner.includes("", 1) || (blank > 0 && goesOn);
    if (goesOn) end += blank;
  }
  return {
    block: { type: "list", start: /\d/.test(first[2]) ? Number.parseInt(first[2], 10) : null, loose, entries },
    length: end - at,
  };
}

/**
 * The lines of one list entry without their indentation.
 *
 * @param {string[]} lines
 * @param {number} at
 * @param {RegExpExecArray} entry
 */
function entryLines(lines, at, [, indent, bullet, space = " ", text = ""]) {
  const width = indent.length + bullet.length + (space.length > 4 ? 1 : space.length);
  const inner = [space.length > 4 ? space.slice(1) + text : text];
  let end = at + 1;
  for (;;) {
    const blank = blankLines(lines, end);
    const line = lines[end + blank];
    if (line === undefined) break;
    // Models often indent nested lists by two spaces where the marker is wider; that is accepted from the first one on.
    const indented = /^[ \t]*/.exec(line.replaceAll("\t", "    "))?.[0].length ?? 0;
    const belongs = indented >= Math.min(width, 2) + indent.length && indented > 0;
    if (!belongs && (blank > 0 || ENTRY.test(line) || !continues(lines, end))) break;
    for (let empty = 0; empty < blank; empty += 1) inner.push("");
    inner.push(belongs ? outdent(line, width) : line);
    end += blank + 1;
  }
  return { inner, length: end - at };
}

/** @param {string} line @param {number} width at most so many columns are taken away */
function outdent(line, width) {
  const spaces = line.replace(/^[ \t]+/, (indent) => indent.replaceAll("\t", "    "));
  return spaces.replace(new RegExp(`^ {0,${width}}`), "");
}

/** @param {string[]} lines @param {number} at */
function blankLines(lines, at) {
  let end = at;
  while (end < lines.length && lines[end].trim() === "") end += 1;
  return end - at;
}

/** @param {string[]} lines @param {number} at @returns {Found} */
function paragraph(lines, at) {
  let end = at + 1;
  for (; end < lines.length; end += 1) {
    const underline = UNDERLINE.exec(lines[end]);
    // A lone `-` under a text that is still being written is a list to come, not a heading.
    if (underline && (underline[1][0] === "=" || underline[1].length > 1)) {
      const text = lines.slice(at, end).join("\n").trim();
      return { block: { type: "heading", level: underline[1][0] === "=" ? 1 : 2, text }, length: end + 1 - at };
    }
    if (!continues(lines, end)) break;
  }
  const text = lines
    .slice(at, end)
    .map((line) => line.trimStart())
    .join("\n")
    .trimEnd();
  return { block: { type: "paragraph", text }, length: end - at };
}

/** Whether a line goes on with the paragraph above it. @param {string[]} lines @param {number} at */
function continues(lines, at) {
  const line = lines[at];
  if (line.trim() === "") return false;
  const entry = ENTRY.exec(line);
  const startsList = entry !== null && ((entry[4] !== undefined && entry[4] !== "") || at + 1 === lines.length);
  return (
    !startsList &&
    !FENCE.test(line) &&
    !HEADING.test(line) &&
    !RULE.test(line) &&
    !QUOTE.test(line) &&
    !table(lines, at)
  );
}
