/** What the enrolment page says. The sentences stand in web/words. */

import { locale, moment, sentences } from "../shared/language.js";

const said = sentences("enrol");
const { missing, missingNames } = said.device;

export const words = {
  ...said,
  hold: { ...said.hold, /** @param {number} until */ sentence: (until) => said.hold.sentence(moment(until)) },
  device: {
    ...said.device,
    /** @param {string[]} names */
    missing: (names) => missing(new Intl.ListFormat(locale, { type: "unit" }).format(names.map((name) => missingNames[name] ?? name))),
  },
};
