/** What the enrolment page says. The sentences stand in web/words. */

import { locale, sentences } from "../shared/language.js";

const said = sentences("enrol");
const { missing, missingNames } = said.device;

export const words = {
  ...said,
  device: {
    ...said.device,
    /** @param {string[]} names */
    missing: (names) => missing(new Intl.ListFormat(locale, { type: "unit" }).format(names.map((name) => missingNames[name] ?? name))),
  },
};
