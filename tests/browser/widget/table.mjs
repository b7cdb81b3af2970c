// The official types against what the steps before have used.
import assert from "node:assert/strict";
import { officialNames } from "./types.mjs";

/** Only OpenAI's own host asks for it. */
const NOT_READ = ["api.domainKey"];

export const table = {
  "every option, method and event of the official types was used": async (
    /** @type {import("playwright-core").Page} */ page,
  ) => {
    const { options, methods, events } = await officialNames();
    assert.ok(
      options.length > 100 && methods.length > 40 && events.length === 13,
      `${options.length} ${methods.length}`,
    );
    /** @type {{ read: string[], heard: string[] }} */
    const { read, heard } = await page.evaluate(() => {
      const { read, heard } = /** @type {any} */ (window).site;
      return { read: [...read], heard: [...heard] };
    });
    const missing = [...options, ...methods].filter((name) => !read.includes(name) && !NOT_READ.includes(name));
    assert.deepEqual(missing, []);
    assert.deepEqual(
      events.filter((name) => !heard.includes(name)),
      [],
    );
    console.log(`     ${options.length} options, ${methods.length} methods and parameters, ${events.length} events`);
  },
};
