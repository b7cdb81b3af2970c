// What the tests of the examples share: where they are, and what a person does there.

/** @typedef {import("playwright-core").Page} Page */

export const ROOT = new URL("../..", import.meta.url);
export const SITE = "http://127.0.0.1:4000";
export const API = "http://127.0.0.1:3000";

/** Signs up, or in. @param {Page} page @param {string} name @param {string} [button] */
export async function signUp(page, name, button = "Sign up") {
  await page.goto("/");
  await page.fill("[name=email]", `${name}@example.com`);
  await page.fill("[name=password]", "correct horse battery");
  await page.getByRole("button", { name: button }).click();
  await page.getByText(`Hello ${name}`).waitFor();
  await page.locator("openai-chatkit[data-ready]").waitFor({ state: "attached" });
}

/** @param {Page} page */
export async function signOut(page) {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("form").waitFor();
}
