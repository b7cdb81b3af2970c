// The local server with a scripted model and a scripted site, behind a gateway.
import { spawn } from "node:child_process";
import { Gateway } from "./gateway.mjs";
import { ScriptedModel } from "./model.mjs";
import { startSite } from "./page.mjs";
import { ScriptedSite } from "./site.mjs";

const ROOT = new URL("../../..", import.meta.url);
const FUNCTION = { type: "function", description: "A function.", parameters: { type: "object", properties: {} } };

export const model = new ScriptedModel();
export const endpoint = new ScriptedSite();
export const gateway = new Gateway();
await model.start();
await endpoint.start();
/** The origin of the page. */
export const site = await startSite();

const assistant = {
  model: "scripted",
  tools: [
    { ...FUNCTION, name: "order_pizza", run: { url: `${endpoint.url}/tools` } },
    { ...FUNCTION, name: "get_selection", run: "client" },
  ],
  actions: { url: `${endpoint.url}/actions` },
};
const server = spawn("cargo", ["run", "--quiet", "--package", "chatkit-local", "--", "--port", "0", "--memory"], {
  cwd: ROOT,
  stdio: ["ignore", "pipe", process.env.LOGS ? "inherit" : "ignore"],
  env: {
    ...process.env,
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: "test",
    ASSISTANT: JSON.stringify(assistant),
    TOOL_SIGNING_SECRET: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
    ALLOWED_ORIGINS: site,
    // All visitors come from one address.
    LIMIT_ADDRESS_BURST: "0",
    LIMIT_ADDRESS_PER_SECOND: "0",
    LIMIT_ADDRESS_TOKENS_PER_HOUR: "0",
  },
});

export const stopServer = () => server.kill();
process.on("exit", stopServer);
await gateway.start(await address());

/** Where the server listens. @returns {Promise<string>} */
function address() {
  return new Promise((resolve, reject) => {
    let output = "";
    server.stdout.on("data", (chunk) => {
      output += chunk;
      const [, url] = /^listening on (\S+)$/m.exec(output) ?? [];
      if (url) resolve(url);
    });
    server.on("exit", () => reject(new Error("the server has not started")));
  });
}
