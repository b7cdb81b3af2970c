// Makes `dist/chatkit.js`, which is checked in, out of the sources: `npm run build`. `npm run check` fails where it
// is not
// what the sources give, or too large.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const FILE = new URL("dist/chatkit.js", import.meta.url);
const MAX_GZIP_BYTES = 70 * 1024;
const isCheck = process.argv.includes("--check");

/** A style sheet as a text, with the size of the chat's type in place of the page's. */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim().replace(/(-?[\d.]+)rem\b/g, "calc(var(--rem)*$1)"), loader: "text" };
    });
  },
};

const {
  outputFiles: [{ contents }],
} = await build({
  entryPoints: [fileURLToPath(new URL("src/index.js", import.meta.url))],
  outfile: fileURLToPath(FILE),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  plugins: [styles],
  write: false,
});
const size = gzipSync(contents, { level: 9 }).length;
console.log(`dist/chatkit.js: ${contents.length} bytes, ${size} compressed`);
if (!isCheck) await writeFile(FILE, contents);
const isOld = !(await readFile(FILE)).equals(contents);
if (isOld) console.error("dist/chatkit.js is not what the sources give: `npm run build` makes it anew");
if (size > MAX_GZIP_BYTES) console.error(`dist/chatkit.js is larger than ${MAX_GZIP_BYTES} bytes`);
process.exitCode = isOld || size > MAX_GZIP_BYTES ? 1 : 0;
