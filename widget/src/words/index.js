/**
 * What the chat says, in the person's language. A new language is one file beside this one and one line in the table.
 */

import de from "./de.js";
import en from "./en.js";
import es from "./es.js";
import fr from "./fr.js";
import it from "./it.js";
import ja from "./ja.js";
import pt from "./pt.js";
import zh from "./zh.js";

/** @typedef {keyof typeof en} Key */
/** @typedef {(key: Key, ...values: (string | number)[]) => string} Text */

/** @type {Record<string, Record<Key, string | string[]>>} */
export const LANGUAGES = { en, de, fr, es, pt, it, ja, zh };
/** Languages that are written from right to left. */
const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];

/**
 * @param {string | undefined} locale the browser's where there is none; one without a translation speaks English
 * @returns {{ text: Text, language: string }}
 */
export function translator(locale = navigator.language) {
  const [asked] = locale.toLowerCase().split("-");
  const language = Object.hasOwn(LANGUAGES, asked) ? asked : "en";
  const plural = new Intl.PluralRules(language);
  return {
    language,
    text(key, ...values) {
      const found = LANGUAGES[language][key];
      // Two forms: one, and more.
      const form = Array.isArray(found) ? found[plural.select(Number(values[0])) === "one" ? 0 : 1] : found;
      return form.replace(/\{(\d)\}/g, (_, place) => String(values[place]));
    },
  };
}

/** @param {string | undefined} locale @returns {"rtl" | undefined} `undefined`: as the page is written */
export function directionOf(locale) {
  return RIGHT_TO_LEFT.includes(locale?.toLowerCase().split("-")[0] ?? "") ? "rtl" : undefined;
}
