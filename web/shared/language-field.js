/** The choice of the language, at the foot of the portal and in the app. */

import { h } from "./dom.js";
import { chooseLanguage, language, languages } from "./language.js";
import { words } from "./words.js";

/** A list of the languages, each in itself; choosing one loads the page again. */
export function languageField() {
  const field = /** @type {HTMLSelectElement} */ (
    h(
      "select",
      {
        id: "language",
        "aria-describedby": "language-hint",
        change: () => {
          chooseLanguage(field.value);
          location.reload();
        },
      },
      ...languages.map(([tag, name]) => h("option", { value: tag, lang: tag, selected: tag === language }, name)),
    )
  );
  const hint = h("p", { id: "language-hint", class: "hint" }, words.languageHint);
  return h("div", { class: "field" }, h("label", { for: "language" }, words.language), field, hint);
}
