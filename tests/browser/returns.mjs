// People who hide a tab, lose the network, reload or press stop while an answer is being made: ChatKit's transport in Chromium,
// on a page of another origin, and the playground. The model and the site's endpoint are scripted, so that nothing waits for a
// time to pass. Starts a server of its own.
import { runSteps } from "./harness.mjs";
import { site, stopServer } from "./returns/backend.mjs";
import { hiding } from "./returns/hiding.mjs";
import { playground } from "./returns/playground.mjs";
import { stopping } from "./returns/stopping.mjs";

const passed = await runSteps(site, { ...hiding, ...stopping, ...playground });
stopServer();
process.exitCode = passed ? 0 : 1;
