// The widget's languages say the same things, and put the same values into them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LANGUAGES, directionOf, translator } from "../../widget/src/words/index.js";

/** @param {string | string[]} said */
const places = (said) =>
  [
    ...new Set(
      [said]
        .flat()
        .join(" ")
        .match(/\{\d\}/g) ?? [],
    ),
  ].sort();

test("every language has every sentence, with its values", () => {
  const { en, ...others } = LANGUAGES;
  assert.equal(Object.keys(others).length, 7);
  for (const [language, sentences] of Object.entries(others)) {
    assert.deepEqual(Object.keys(sentences), Object.keys(en), language);
    for (const [key, said] of Object.entries(en)) {
      const own = sentences[/** @type {keyof typeof en} */ (key)];
      assert.notEqual([own].flat().join(""), "", `${language}: ${key}`);
      // One form for all numbers is enough, and one question need not be counted.
      if (key !== "hasQuestions") assert.deepEqual(places(own), places(said), `${language}: ${key}`);
    }
  }
});

test("one and more are told apart", () => {
  const { text } = translator("en-GB");
  assert.deepEqual([text("thoughtFor", 1), text("thoughtFor", 4)], ["Thought for 1 second", "Thought for 4 seconds"]);
  assert.equal(translator("ja").text("thoughtFor", 1), "1 秒考えました");
});

test("a locale is a language, or English", () => {
  const spoken = ["de-AT", "zh-Hant", "ko-KR"].map((locale) => translator(locale).language);
  assert.deepEqual(spoken, ["de", "zh", "en"]);
  assert.deepEqual(["ar", "he-IL", "de"].map(directionOf), ["rtl", "rtl", undefined]);
});
