/** What the pages say from JavaScript. The sentences stand in web/words; here is what depends on more than a value. */

import { locale, moment, sentences } from "./language.js";

const said = sentences("shared");
const { asked, now, yourPhone } = said.signIn.waiting;
const either = new Intl.ListFormat(locale, { type: "disjunction" });

const waiting = {
  ...said.signIn.waiting,
  /** @param {string[]} devices @param {string} app */
  asked: (devices, app) => asked({ app, devices: devices.length === 0 ? yourPhone : either.format(devices) }),
  /**
   * @param {{sent: boolean, reached: boolean, opened: boolean, answered: boolean}} status
   * @param {boolean} slow
   */
  now: (status, slow) => {
    if (status.answered) {
      return now.answered;
    }
    if (status.opened) {
      return now.opened;
    }
    if (status.reached) {
      return now.reached;
    }
    if (slow) {
      return now.slow;
    }
    return status.sent ? now.sent : now.sending;
  },
};

/** @param {{phase: string, outcome: string|null, sent: boolean, reached: boolean, opened: boolean, answered: boolean}} status */
function announce(status) {
  switch (status.phase) {
    case "waiting":
      return waiting.now(status, false);
    case "ready":
      return `${said.signIn.ready.title}.`;
    case "ended":
      return said.signIn.outcomes[status.outcome ?? "finished"]?.sentence ?? "";
    default:
      return "";
  }
}

export const words = {
  ...said,
  /** @param {number} seconds */
  timeLeft: (seconds) => {
    if (seconds <= 0) {
      return said.timeLeft.over;
    }
    const minutes = Math.floor(seconds / 60);
    return minutes > 1 ? said.timeLeft.minutes(minutes) : said.timeLeft.seconds(seconds);
  },
  signIn: {
    ...said.signIn,
    waiting,
    announce,
    recover: { ...said.signIn.recover, /** @param {number} until */ held: (until) => said.signIn.recover.held(moment(until)) },
  },
};
