// The widget on a site of its own, in front of a scripted server: every option, method and event of the official
// types is
// used once, and a table made of these types shows that none is missing. Needs no server.
import { runSteps } from "./harness.mjs";
import { ScriptedServer } from "./scripted-server.mjs";
import { access } from "./widget/access.mjs";
import { hostile } from "./widget/hostile.mjs";
import { methods } from "./widget/methods.mjs";
import { options } from "./widget/options.mjs";
import { writing } from "./widget/writing.mjs";
import { startSite } from "./widget/site.mjs";
import { table } from "./widget/table.mjs";

const server = new ScriptedServer();
const site = await startSite();
const steps = {
  ...options(server),
  ...writing(server),
  ...methods(server),
  ...table,
  ...hostile(server),
  ...access(server),
};
const passed = await runSteps(site, steps);
server.close();
process.exit(passed ? 0 : 1);
