// A program of the local server on a port of its own, which keeps nothing.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** @param {string} program @param {Record<string, string | undefined>} variables */
export async function start(program, variables) {
  const { PATH, HOME } = process.env;
  const options = { env: { PATH, HOME, ...variables }, stdio: /** @type {const} */ (["ignore", "pipe", "pipe"]) };
  const child = spawn(program, ["--memory", "--port", "0"], options);
  const exited = once(child, "exit");
  // If the tests end in the middle.
  process.on("exit", () => child.kill());
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), exited]);
  const url = String(line).replace("listening on ", "");
  if (!url.startsWith("http")) throw new Error(`the server has not started: ${log}`);
  /** Everything that it has logged. */
  const logged = () => log;
  const stop = async () => {
    child.kill();
    await exited;
  };
  return { url, logged, stop };
}
