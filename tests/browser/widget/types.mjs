// What the official types of `@openai/chatkit` name: every option, method, parameter and event, as paths.
import { readFile } from "node:fs/promises";

const FILE = new URL("../node_modules/@openai/chatkit/types/index.d.ts", import.meta.url);

/** The text between a bracket and the one that closes it. @param {string} text @param {number} open */
function inner(text, open) {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if ("{(".includes(text[at])) depth += 1;
    if ("})".includes(text[at])) depth -= 1;
    if (depth === 0) return { body: text.slice(open + 1, at), end: at + 1 };
  }
  throw new Error(`a bracket is not closed: ${text.slice(open, open + 60)}`);
}

/** The properties of a type's body. @param {string} body @returns {[string, string][]} names and what they are */
function properties(body) {
  /** @type {[string, string][]} */
  const found = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= body.length; at += 1) {
    if ("{(<".includes(body[at])) depth += 1;
    if ("})".includes(body[at]) || (body[at] === ">" && body[at - 1] !== "=")) depth -= 1;
    if (at < body.length && (body[at] !== ";" || depth > 0)) continue;
    const [, name, kind] = /^\s*'?([\w.]+)'?(?:<[^>]*>)?\??(:[^]*|\([^]*)$/.exec(body.slice(start, at)) ?? [];
    if (name) found.push([name, kind]);
    start = at + 1;
  }
  return found;
}

/** @returns {Promise<{ options: string[], methods: string[], events: string[] }>} */
export async function officialNames() {
  const source = (await readFile(FILE, "utf8")).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "").replaceAll(/\n\s*\n/g, "\n");
  /** @type {Map<string, string>} */
  const types = new Map();
  for (const { 1: name, 2: text } of source.matchAll(/export type (\w+) =([^]*?);\n(?=export|$)/g))
    types.set(name, text);
  const interfaces = /export interface OpenAIChatKit[^{]*/.exec(source);
  if (!interfaces) throw new Error("the types have no element");
  const { body } = inner(source, interfaces.index + interfaces[0].length);

  /** All paths below a type. @param {string} text @param {string} path @param {string[]} within @returns {string[]} */
  const below = (text, path, within) => {
    // What a function takes and returns is the page's; its own name says that it is called.
    if (/^:?\s*\(/.test(text)) return [];
    const paths = [];
    for (let at = text.indexOf("{"); at >= 0;) {
      const { body, end } = inner(text, at);
      for (const [name, kind] of properties(body)) {
        const own = path === "" ? name : `${path}.${name}`;
        paths.push(own, ...below(kind, own, within));
      }
      at = text.indexOf("{", end);
    }
    for (const [name] of text.replaceAll(/\{[^]*\}/g, "").matchAll(/\b[A-Z]\w+/g)) {
      const known = types.get(name);
      if (known && !within.includes(name)) paths.push(...below(known, path, [...within, name]));
    }
    return paths;
  };

  /** @type {string[]} */
  const methods = [];
  for (const [name, text] of properties(body)) {
    if (name.endsWith("EventListener")) continue;
    methods.push(name);
    if (name === "setOptions") continue;
    const { body: parameters } = inner(text, 0);
    methods.push(...below(parameters.replace(/^\s*\w+\s*\??:/, ""), name, []));
  }
  const events = properties(
    inner(types.get("ChatKitEvents") ?? "", (types.get("ChatKitEvents") ?? "").indexOf("{")).body,
  );
  return {
    options: [...new Set(below(types.get("ChatKitOptions") ?? "", "", []))],
    methods: [...new Set(methods)],
    events: events.map(([name]) => name),
  };
}
