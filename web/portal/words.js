/** What the portal says. The sentences stand in web/words; here is what depends on more than a value. */

import { locale, moment, sentences, tell } from "../shared/language.js";

const said = sentences("portal");

/** Milliseconds. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const listed = new Intl.ListFormat(locale, { type: "conjunction" });

/**
 * How long ago, in words; a date once it is some days.
 * @param {number} then Unix milliseconds
 * @param {number} now Unix milliseconds
 */
function ago(then, now) {
  const passed = now - then;
  if (passed < MINUTE) {
    return said.ago.now;
  }
  if (passed < HOUR) {
    return relative.format(-Math.floor(passed / MINUTE), "minute");
  }
  if (passed < DAY) {
    return relative.format(-Math.floor(passed / HOUR), "hour");
  }
  return passed < 7 * DAY ? relative.format(-Math.floor(passed / DAY), "day") : said.ago.on(day.format(then));
}

/** @param {number} milliseconds */
const seconds = (milliseconds) => said.seconds(tenths.format(Math.max(milliseconds, 0) / 1000));

/** @typedef {{kind: string, app: string|null, phone: string|null, address: string|null, detail: string}} Event */

/** The sentence of an event by its key: some kinds have several, told apart by the audit's words. @param {Event} event */
function keyOf({ kind, address, detail }) {
  switch (kind) {
    case "signed_in":
      return detail.includes("code") ? "signed_in_code" : detail.includes("passkey") ? "signed_in_passkey" : kind;
    case "recovery_used":
      return detail.startsWith("the pass") ? "recovery_used_pass" : kind;
    case "session_ended":
      return detail === "signed out" ? "session_ended_here" : detail === "signed out from the portal" ? "session_ended_portal" : kind;
    case "enrolment_opened":
      return detail.includes("administrator") ? "enrolment_opened_for" : kind;
    case "app_refused":
      return address ? "app_refused_at" : kind;
    default:
      return kind;
  }
}

export const words = {
  ...said,
  ago,
  protection: {
    ...said.protection,
    /** @param {string[]} names phones first, then what else protects the account */
    by: (names) => said.protection.by(listed.format(names)),
  },
  phone: {
    ...said.phone,
    /** @param {number} until */
    held: (until) => said.phone.held(moment(until)),
    /**
     * @param {{about: string, sent_at: number, outcome: string, at: number}} delivery
     * @param {number} now
     */
    delivery: ({ about, sent_at: sent, outcome, at }, now) => {
      const what = said.phone.about[about] ?? said.phone.about.sign_in;
      const end = tell(said.phone.ends[outcome] ?? outcome, { after: seconds(at - sent) });
      return said.phone.delivery({ what, when: ago(sent, now), end });
    },
  },
  test: {
    ...said.test,
    /** @param {number} milliseconds */
    rang: (milliseconds) => said.test.rang(seconds(milliseconds)),
  },
  recovery: {
    ...said.recovery,
    /** @param {number} left */
    left: (left) => (left === 0 ? said.recovery.noneLeft : said.recovery.left(left)),
    /** @param {string} server @param {string} user */
    paperTitle: (server, user) => said.recovery.paperTitle({ server, user }),
    /** @param {number} at */
    madeOn: (at) => said.recovery.madeOn(day.format(at)),
  },
  history: {
    ...said.history,
    /** @param {Event} event */
    sentence: (event) => {
      const values = { ...event, app: event.app ?? "Nod", phone: event.phone ?? said.history.aPhone, address: event.address ?? "" };
      return tell(said.history.happened[keyOf(event)] ?? said.history.other, { ...values, kind: event.kind.replaceAll("_", " ") });
    },
    /** @param {{ended: number, forgotten: number, removed: number, told: number, unknown_refused: boolean}} done */
    reported: (done) => {
      const parts = said.history.reported;
      return [
        done.ended > 0 ? parts.ended : parts.endedBefore,
        done.forgotten > 0 && parts.forgotten,
        done.removed > 0 && parts.removed,
        done.unknown_refused ? parts.unknownRefused : parts.introduceNext,
        parts.password,
      ]
        .filter(Boolean)
        .join(" ");
    },
  },
};
