/** What the authenticator says. The sentences stand in web/words; here is what depends on more than a value. */

import { locale, sentences, tell } from "../shared/language.js";

const said = sentences("authenticator");
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** A date and a time of day, as this phone writes them. @param {number} at Unix milliseconds */
const when = (at) => new Date(at).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });

/** @param {number} at @param {number} now Unix milliseconds */
function ago(at, now) {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 15) {
    return said.request.ago.now;
  }
  if (seconds < 60) {
    return said.request.ago.seconds(seconds);
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? said.request.ago.minutes(minutes) : when(at);
}

export const words = {
  ...said,
  when,
  request: {
    ...said.request,
    ago,
    /** What a `new` mark of a request says. @param {string} name */
    newMark: (name) => said.request.newMarks[name] ?? said.request.newMark(name),
  },
  selfTest: {
    ...said.selfTest,
    /** @param {number} milliseconds */
    woke: (milliseconds) => said.selfTest.woke(tenths.format(milliseconds / 1000)),
  },
  history: {
    ...said.history,
    /** @param {string} decision @param {string} app */
    line: (decision, app) => `${said.history.decisions[decision] ?? decision}: ${app}`,
  },
  notices: {
    ...said.notices,
    /** @param {{kind: string, about: string, from: string}} notice */
    sentence: (notice) =>
      tell(said.notices.sentences[notice.kind] ?? said.notices.other, { ...notice, kind: notice.kind.replaceAll("_", " ") }),
  },
  move: {
    ...said.move,
    /** @param {number} added @param {number} same */
    broughtIn: (added, same) => said.move.broughtIn(added) + (same > 0 ? ` ${said.move.wereHere(same)}` : ""),
  },
};
