/** The language of the pages. The server decides it once, by the visitor's choice or what the browser asks for, and names it in the
 *  page's `lang`. Sentences stand in web/words, one file for each language. */

import de from "../words/de.js";
import en from "../words/en.js";

/** @type {Record<string, {name: string, said: any}>} each with its name for people who do not speak another one */
const LANGUAGES = { en: { name: "English", said: en }, de: { name: "Deutsch", said: de } };
/** Where the visitor's choice is kept, for the server to read; nothing secret. */
const COOKIE = "nod-language";
/** How long it is kept, seconds: a year. */
const KEPT = 365 * 24 * 60 * 60;

/** @type {[string, string][]} */
export const languages = Object.entries(LANGUAGES).map(([tag, { name }]) => [tag, name]);

/** A worker has no page: it is told, or follows the browser. */
const wanted = typeof document === "undefined" ? navigator.languages : [document.documentElement.lang];
const primary = (/** @type {string} */ tag) => tag.split("-")[0]?.toLowerCase() ?? "";

/** The language spoken here. */
export const language = wanted.map(primary).find((tag) => tag in LANGUAGES) ?? "en";

/** For dates and lists: with the region that the browser names, if it is one of this language. */
export const locale = navigator.languages.find((tag) => primary(tag) === language) ?? language;

const momentFormat = new Intl.DateTimeFormat(locale, { weekday: "long", hour: "2-digit", minute: "2-digit" });

/** A time within the next days, as a weekday and a time of day. @param {number} at Unix milliseconds */
export const moment = (at) => momentFormat.format(at);

/** Chooses a language for this browser; a page says it from its next load on. @param {string} tag */
export function chooseLanguage(tag) {
  document.cookie = `${COOKIE}=${tag}; Path=/; Max-Age=${KEPT}; SameSite=Lax; Secure`;
}

const HOLE = /\{(\w+)\}/g;
const holes = (/** @type {string} */ sentence) => [...sentence.matchAll(HOLE)].map(([, name]) => name ?? "");

/**
 * @param {string} sentence
 * @param {string[]} names the placeholders in the order of the English sentence
 * @param {any[]} values in that order, or one object with the names
 */
function filled(sentence, names, values) {
  const named = typeof values[0] === "object" ? values[0] : Object.fromEntries(names.map((name, index) => [name, values[index]]));
  return sentence.replace(HOLE, (hole, name) => String(named[name] ?? hole));
}

/**
 * A part of the catalogue as the pages use it: a sentence without placeholders is a string; one with placeholders is a function of
 * their values; `one` and `other` beside each other are forms for a number, chosen by it.
 * @param {any} english
 * @param {any} said the same in the language
 * @param {string} tag
 * @returns {any}
 */
function usable(english, said, tag) {
  if (typeof english === "string") {
    const names = holes(english);
    return names.length === 0 ? said : (/** @type {any[]} */ ...values) => filled(said, names, values);
  }
  if (Array.isArray(english)) {
    return english.map((one, index) => usable(one, said[index], tag));
  }
  if ("one" in english && "other" in english) {
    const names = holes(english.other);
    const rules = new Intl.PluralRules(tag);
    return (/** @type {number[]} */ ...values) => filled(said[rules.select(values[0] ?? 0)] ?? said.other, names, values);
  }
  return Object.fromEntries(Object.entries(english).map(([key, value]) => [key, usable(value, said[key], tag)]));
}

/** @param {"shared"|"enrol"|"authenticator"|"portal"} part @param {string} [tag] by default the page's language */
export const sentences = (part, tag = language) => usable(en[part], (LANGUAGES[tag] ?? LANGUAGES.en)?.said[part], tag);

/** What the server says in English, in the page's language: whole messages, and a sentence for each code.
 *  @type {{messages: Record<string, string>, codes: Record<string, string>}} */
export const fromServer = LANGUAGES[language]?.said.server;

/** A sentence of a map, some of which have placeholders. @param {string|((values: any) => string)} sentence @param {any} values */
export const tell = (sentence, values) => (typeof sentence === "function" ? sentence(values) : sentence);
