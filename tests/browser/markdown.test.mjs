// The playground's markdown: written here as the HTML that its nodes stand for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBlocks } from "../../widget/src/markdown/blocks.js";
import { parseInline } from "../../widget/src/markdown/inline.js";

/** @param {any[]} nodes @returns {string} */
function inlineHtml(nodes) {
  return nodes.map((node) => {
    switch (node.type) {
      case "text": return node.text;
      case "break": return "<br>";
      case "code": return `<code>${node.text}</code>`;
      case "link": return `<a ${node.href}>${inlineHtml(node.children)}</a>`;
      default: return `<${node.type}>${inlineHtml(node.children)}</${node.type}>`;
    }
  }).join("");
}

/** @param {any[]} blocks @returns {string} */
function blockHtml(blocks) {
  return blocks.map((block) => {
    switch (block.type) {
      case "heading": return `<h${block.level}>${block.text}</h${block.level}>`;
      case "paragraph": return `<p>${block.text}</p>`;
      case "code": return `<pre ${block.language}>${block.text}</pre>`;
      case "quote": return `<quote>${blockHtml(block.blocks)}</quote>`;
      case "rule": return "<hr>";
      case "list": {
        const entries = block.entries.map(
          (entry) => `<li${entry.checked === null ? "" : ` ${entry.checked}`}>${blockHtml(entry.blocks)}</li>`,
        );
        return `<list ${block.start ?? "-"}${block.loose ? " loose" : ""}>${entries.join("")}</list>`;
      }
      case "table": {
        const rows = [block.header, ...block.rows].map((row) => `<tr>${row.join("|")}</tr>`);
        return `<table ${block.alignments.map((alignment) => alignment ?? "-").join(",")}>${rows.join("")}</table>`;
      }
    }
  }).join("");
}

/** @param {string} text */
const inline = (text) => inlineHtml(parseInline(text));
/** @param {string} text */
const partial = (text) => inlineHtml(parseInline(text, { partial: true }));
/** @param {string} text */
const blocks = (text) => blockHtml(parseBlocks(text));

/** @param {(text: string) => string} render @param {[string, string][]} cases */
function all(render, cases) {
  for (const [text, expected] of cases) assert.equal(render(text), expected, JSON.stringify(text));
}

test("emphasis", () =>
  all(inline, [
    [
      "*a* _b_ **c** __d__ ~~e~~",
      "<emphasis>a</emphasis> <emphasis>b</emphasis> <strong>c</strong> <strong>d</strong> <strike>e</strike>",
    ],
    ["***a***", "<emphasis><strong>a</strong></emphasis>"],
    ["**a *b* c**", "<strong>a <emphasis>b</emphasis> c</strong>"],
    ["snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"],
    ["in*side*word", "in<emphasis>side</emphasis>word"],
    ["**not closed", "**not closed"],
    ["\\*no\\* ~one~", "*no* ~one~"],
  ]));

test("code spans keep their text as it is", () => all(inline, [
  ["`a *b* <i>`", "<code>a *b* <i></code>"],
  ["``a ` b``", "<code>a ` b</code>"],
  ["`` ` ``", "<code>`</code>"],
  ["`open", "`open"],
]));

test("links lead to web pages and mail only", () =>
  all(inline, [
    ["[a **b**](https://x.org/(y)?z)", "<a https://x.org/(y)?z>a <strong>b</strong></a>"],
    ['[a](<mailto:a@x.org> "title")', "<a mailto:a@x.org>a</a>"],
    ["[a](javascript:alert(1)) [b](data:text/html,x) [c](/local) [d]( JAVASCRIPT:x )", "a b c d"],
    ["![image](https://x.org/a.png)", "<a https://x.org/a.png>image</a>"],
    [
      "see https://x.org/a, (https://x.org/b) and <https://x.org/c>.",
      "see <a https://x.org/a>https://x.org/a</a>, (<a https://x.org/b>https://x.org/b</a>) and " +
        "<a https://x.org/c>https://x.org/c</a>.",
    ],
    ["xhttps://x.org [a] [b](open", "xhttps://x.org [a] [b](open"],
  ]));

test("markup is text, and lines stay lines", () => all(inline, [
  ["<script>alert(1)</script> <b>", "<script>alert(1)</script> <b>"],
  ["a\nb  \nc\\\nd", "a<br>b<br>c<br>d"],
]));

test("a text that is still growing shows no loose marks", () => all(partial, [
  ["a **bo", "a <strong>bo</strong>"],
  ["a **bold*", "a <strong>bold</strong>"],
  ["a **bold** *", "a <strong>bold</strong> "],
  ["**a `co", "<strong>a <code>co</code></strong>"],
  ["see [the do", "see the do"],
  ["see [the docs](https://x.o", "see the docs"],
  ["see [the docs](https://x.org) n", "see <a https://x.org>the docs</a> n"],
]));

test("headings, paragraphs and rules", () => all(blocks, [
  ["# A\n###### B #\n#no", "<h1>A</h1><h6>B</h6><p>#no</p>"],
  ["A\n===\nB\n---\n\n---", "<h1>A</h1><h2>B</h2><hr>"],
  ["a\nb\n\n\nc", "<p>a\nb</p><p>c</p>"],
  ["***\n___\n- - -", "<hr><hr><hr>"],
  ["a\r\n\r\nb", "<p>a</p><p>b</p>"],
]));

test("fenced code", () => all(blocks, [
  ["```rust\nfn main() {\n\n}\n```\nb", "<pre rust>fn main() {\n\n}</pre><p>b</p>"],
  ["~~~\n```\n~~~", "<pre >```</pre>"],
  ["````\n```\n````", "<pre >```</pre>"],
  ["a\n```js\nopen\n", "<p>a</p><pre js>open</pre>"],
  ["```", "<pre ></pre>"],
]));

test("lists", () =>
  all(blocks, [
    ["- a\n- b", "<list -><li><p>a</p></li><li><p>b</p></li></list>"],
    ["3. a\n4. b", "<list 3><li><p>a</p></li><li><p>b</p></li></list>"],
    ["- a\n\n- b", "<list - loose><li><p>a</p></li><li><p>b</p></li></list>"],
    [
      "1. a\n   - b\n     - c\n2. d",
      "<list 1><li><p>a</p><list -><li><p>b</p><list -><li><p>c</p></li></list></li></list></li>" +
        "<li><p>d</p></li></list>",
    ],
    [
      "1. a\n  - indented by two\n2. b",
      "<list 1><li><p>a</p><list -><li><p>indented by two</p></li></list></li><li><p>b</p></li></list>",
    ],
    ["1. a\n   ```\n   code\n   ```\n2. b", "<list 1><li><p>a</p><pre >code</pre></li><li><p>b</p></li></list>"],
    ["- a\nlazy\n\nb", "<list -><li><p>a\nlazy</p></li></list><p>b</p>"],
    ["- [ ] a\n- [x] b", "<list -><li false><p>a</p></li><li true><p>b</p></li></list>"],
    ["-\n- a\n-", "<list -><li></li><li><p>a</p></li><li></li></list>"],
    ["text\n- a", "<p>text</p><list -><li><p>a</p></li></list>"],
    ["* a\n- b", "<list -><li><p>a</p></li></list><list -><li><p>b</p></li></list>"],
  ]));

test("quotations", () => all(blocks, [
  ["> a\n> - b\n\nc", "<quote><p>a</p><list -><li><p>b</p></li></list></quote><p>c</p>"],
  ["> a\nlazy\n> > b", "<quote><p>a\nlazy</p><quote><p>b</p></quote></quote>"],
]));

test("tables", () =>
  all(blocks, [
    [
      "| a | b | c |\n|---|:-:|--:|\n| 1 | 2 | 3 |\n| 4 |\n\nx",
      "<table -,center,right><tr>a|b|c</tr><tr>1|2|3</tr><tr>4||</tr></table><p>x</p>",
    ],
    ["a | b\n--|--\n1 \\| 2 | 3", "<table -,-><tr>a|b</tr><tr>1 | 2|3</tr></table>"],
    ["| a | b |\n|--", "<table -,-><tr>a|b</tr></table>"],
    ["a | b\nc", "<p>a | b\nc</p>"],
  ]));

test("a table that is still growing is one from its first line on", () => {
  const growing = (/** @type {string} */ text) => blockHtml(parseBlocks(text, { partial: true }));
  all(growing, [
    ["|", "<p>|</p>"],
    ["| a | b", "<table -,-><tr>a|b</tr></table>"],
    ["| a | b |\n", "<table -,-><tr>a|b</tr></table>"],
    ["| a | b |\n|", "<table -,-><tr>a|b</tr></table>"],
    ["| a | b |\n| :", "<table -,-><tr>a|b</tr></table>"],
    ["| a | b |\n|--", "<table -,-><tr>a|b</tr></table>"],
    ["a | b", "<p>a | b</p>"],
  ]);
});

test("links are not in links, and images are links", () => all(inline, [
  ["[a [b](https://x.org) c](https://y.org/)", "[a <a https://x.org>b</a> c](<a https://y.org/>https://y.org/</a>)"],
  ["[![a *b*](https://x.org/a.png) c](https://y.org)", "<a https://y.org>a <emphasis>b</emphasis> c</a>"],
  ["*a [b* c](https://x.org)*", "<emphasis>a <a https://x.org>b* c</a></emphasis>"],
  ["[`]`](https://x.org)", "<a https://x.org><code>]</code></a>"],
]));

test("headings and tables of odd spaces", () => all(blocks, [
  ["#\n# #\n## a #b\n# a\t## \t", "<h1></h1><h1></h1><h2>a #b</h2><h1>a</h1>"],
  ["a | b\n - | -: \n1|2", "<table -,right><tr>a|b</tr><tr>1|2</tr></table>"],
  ["a | b\n:- - | -", "<p>a | b\n:- - | -</p>"],
]));

test("every beginning of a text is parsed without an error", () => {
  const text =
    "# A\n\n1. **b** `c`\n   - [d](https://x.org)\n\n| a | b |\n|---|:-:|\n| 1 | ~~2~~ |\n\n> q\n\n```js\nx\n```\n";
  for (let length = 0; length <= text.length; length += 1) blocks(text.slice(0, length));
});

const CHARACTERS = 100_000;

const HOSTILE = [
  "*a ", "**a ", "_a*", "*a_", "***", "~~a ", "~~~a~~", "*a* ", "**a*", "a*b_c~~", "[", "]", "![", "[a](", "[]()", "](",
  "[a](https://x.org", "[a](<", '[a](x "', "[a](x '", "[a](  ", "[a](b(c", "`", "`a``", "``a`", "\\", "<", "<https://x.org", "> ",
  "- ", "-\n", "1. ", "* ", "|", "|\n", "a|b\n-|-\n", "|-\n", "# ", "#", "=", "-", "~", "`\n", "```\n", "~~~\n", " ", "\t", "\n",
  "  \n", "a\n", "a\n\n", "- a\n\n", "- a\n", "> a\n", ">", "https://x.org/(", "https://x.org/)", "http://", ".", "h", "\u2028",
];

test("a hostile text takes no longer than another, and no stack", () => {
  const repeated = HOSTILE.map((piece) => piece.repeat(CHARACTERS / piece.length));
  const half = (/** @type {string} */ piece) => piece.repeat(CHARACTERS / piece.length / 2);
  const nestings = [["[", "](https://x.org)"], ["![", "](u)"], ["![", "](https://x.org)"], ["*", "*"], ["**a", "b**"], ["*a_b", "_c*"], ["`", "``"]];
  const framed = [
    ["# ", " ", "x"], ["# ", "#", "x"], ["```", " ", "`"], ["~~~", "~", "`"], ["- ", " ", "\u2028x"], ["a|b\n-", " ", "x"],
    ["| ", " ", "\nx"], ["- a\n", "\n", "  b"], ["a", " ", "b"], ["a", "*", "b"], ["a [", "a", "]"], ["[a](", " ", "x"],
    ["https://x", ".", "y"], ["https://x", ")", ""], ["", "|", `\n${half("-|")}-\n${"|\n".repeat(50_000)}`],
  ];
  const hostile = [
    ...repeated,
    ...nestings.map(([open, close]) => open.repeat(20_000) + close.repeat(20_000)),
    ...nestings.map(([open, close]) => open.repeat(20_000) + half("*a* ") + close.repeat(20_000)),
    ...framed.map(([before, piece, after]) => before + half(piece) + after),
  ];
  // As long as the server keeps answers.
  hostile.push("*a ".repeat(100_000), "[".repeat(300_000));
  // Some 100 ms are usual; in time that grows with the square of the length it would be minutes.
  const most = 10_000;
  for (const text of hostile) {
    for (const options of [{}, { partial: true }]) {
      const began = performance.now();
      inlineHtml(parseInline(text, options));
      blockHtml(parseBlocks(text, options));
      const milliseconds = performance.now() - began;
      assert.ok(milliseconds < most, `${JSON.stringify(text.slice(0, 20))}… took ${milliseconds} ms`);
    }
  }
});
