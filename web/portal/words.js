/** Every sentence of the portal, in English. */

/** Milliseconds. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });

/**
 * How long ago, in words; a date once it is some days.
 * @param {number} then Unix milliseconds
 * @param {number} now Unix milliseconds
 */
function ago(then, now) {
  const passed = now - then;
  if (passed < MINUTE) {
    return "just now";
  }
  if (passed < HOUR) {
    return relative.format(-Math.floor(passed / MINUTE), "minute");
  }
  if (passed < DAY) {
    return relative.format(-Math.floor(passed / HOUR), "hour");
  }
  return passed < 7 * DAY ? relative.format(-Math.floor(passed / DAY), "day") : `on ${day.format(then)}`;
}

/** @param {string[]} names */
const list = (names) => new Intl.ListFormat("en", { type: "conjunction" }).format(names);

/** @param {number} milliseconds */
const seconds = (milliseconds) => `${(Math.max(milliseconds, 0) / 1000).toFixed(1)} s`;

/** How a session was ended, by the audit's words. @type {Record<string, string>} */
const endings = {
  "signed out": "You signed out.",
  "signed out from the portal": "You signed out another browser.",
};

/** How a sign-in was proved, by the audit's words. @param {string} detail */
function by(detail) {
  if (detail.includes("code")) {
    return " with a one-time code";
  }
  return detail.includes("passkey") ? " with a passkey" : ", approved on a phone";
}

/**
 * Each kind of event as its owner reads it.
 * @type {Record<string, (event: {app: string|null, phone: string|null, address: string|null, detail: string}) => string>}
 */
const happened = {
  introduction_asked: ({ app, address }) =>
    `Your password was used for ${app} at ${address}, in a browser that Nod does not know. No phone was asked.`,
  denied: ({ app, address, phone }) => `You denied a sign-in to ${app} from ${address} with ${phone}.`,
  fraud_reported: ({ app, address, phone }) => `You said of a sign-in to ${app} from ${address} “this wasn’t me”, with ${phone}.`,
  sign_in_reported: ({ app, address }) => `You said of a past sign-in to ${app} from ${address} “this wasn’t me”.`,
  unknown_allowed: () => "Browsers that Nod does not know may sign you in again.",
  wrong_number: ({ app, phone }) => `A wrong number was typed on ${phone} for a sign-in to ${app}. It ended.`,
  expired: ({ app, address }) => `Nobody answered a sign-in to ${app} from ${address} in time.`,
  withdrawn: ({ app, address }) => `A sign-in to ${app} from ${address} was cancelled.`,
  answer_refused: ({ phone }) => `An answer from ${phone} was refused, because its signature did not hold.`,
  signed_in: ({ app, address, detail }) => `You signed in to ${app} from ${address}${by(detail)}.`,
  mail_changed: ({ detail }) => `Letters to you now go to ${detail}.`,
  mail_refused: () => "A letter to you was not taken by the mail server.",
  passkey_refused: ({ address }) => `A passkey used at ${address} was refused.`,
  code_refused: ({ address }) => `A code typed at ${address} was not right, or was used already.`,
  code_throttled: ({ address }) => `Too many wrong codes were typed, the last at ${address}. For a while no code is taken. If that was not you, somebody knows your password.`,
  token_added: ({ detail }) => `The token ${detail} was added.`,
  token_activated: ({ detail }) => `Codes of the token ${detail} can now take the place of your phone.`,
  token_resynced: ({ detail }) => `The count of the token ${detail} was found again.`,
  token_renamed: ({ detail }) => `A token was renamed to ${detail}.`,
  token_removed: ({ detail }) => `The token ${detail} was removed. Its codes open nothing any more.`,
  recovery_made: () => "You made new recovery codes. Older ones open nothing any more.",
  recovery_revoked: () => "Your administrator took your recovery codes away.",
  session_ended: ({ detail }) => endings[detail] ?? "You were signed out.",
  browser_bound: ({ detail, address }) => `${detail} at ${address} was introduced: sign-ins there ask your phone.`,
  browser_unbound: ({ detail }) => `${detail} was forgotten.`,
  browser_cloned: ({ detail, address }) => `A copy of your browser ${detail} was seen at ${address}. Both copies were forgotten.`,
  enrolment_opened: ({ detail }) =>
    detail.includes("administrator") ? "Your administrator made a link to add a phone." : "You began to add a phone.",
  device_enrolled: ({ phone }) => `${phone} was added.`,
  device_refused: ({ phone }) => `${phone} was refused while it was being added.`,
  device_revoked: ({ phone }) => `${phone} was removed.`,
  device_renamed: ({ phone }) => `A phone was renamed to ${phone}.`,
  introduction_link_made: () => "Your administrator made a link that introduces one browser.",
  user_added: () => "Your account was made.",
  user_disabled: () => "Your account was disabled.",
  user_enabled: () => "Your account was enabled again.",
  mail_changed: () => "Your administrator changed the address that letters about your account go to.",
  mail_refused: () => "A letter to you was not taken by the mail server. Tell your administrator.",
  user_changed: () => "Your administrator changed what your account may and must do.",
  password_refused: ({ address }) => `A wrong password was given at ${address}.`,
  password_throttled: ({ address }) => `Too many passwords were tried at ${address}. For a while no further one is taken.`,
  password_set: () => "Your password was changed.",
  group_changed: () => "Your groups were changed.",
  app_refused: ({ app, address }) => (address ? `A sign-in to ${app} from ${address} was refused.` : `A sign-in to ${app} was refused.`),
  tampered: () => "A stored row of your account was not as Nod wrote it, and was refused. Tell your administrator.",
};

export const words = {
  ago,
  signOut: "Sign out",
  cancel: "Cancel",
  thisOne: "this one",
  loading: "Looking at your account.",
  tryAgain: "Try again",
  cannotLoad: "Your account cannot be shown now",
  protection: {
    /** @param {string[]} names phones first, then what else protects the account */
    by: (names) => `Your account is protected by ${list(names)}.`,
    /** @param {string} name */
    token: (name) => `codes of ${name}`,
    none: "Nothing but your password protects your account.",
    /** @param {number} count */
    phones: (count) => `${count} phones`,
    /** @param {number} count */
    recovery: (count) => `${count} recovery ${count === 1 ? "code" : "codes"}`,
  },
  next: {
    title: "Worth doing next",
    noPhone: "Add a phone, so that Nod can ask you when somebody signs in.",
    silent: /** @param {string} name */ (name) => `Nod cannot ring ${name}. Open Nod on it and allow notifications.`,
    introduce: "Introduce this browser, so that the next sign-in here asks your phone at once.",
    introduceButton: "Introduce this browser",
    recovery: "Make recovery codes and print them. If you lose your phone, one of them gets you a new one.",
    recoveryButton: "Go to recovery codes",
    fewCodes: /** @param {number} left */ (left) => `Make new recovery codes: ${left === 1 ? "one is" : `${left} are`} left.`,
    second: "Add a second phone. If you lose this one, you can still sign in.",
    allGood: "Nothing. Everything is set up.",
  },
  ways: {
    title: "Ways to sign in",
    addPhone: "Add a phone",
    empty: "No phone yet. Add one, so that Nod can ask you.",
  },
  phone: {
    /** @type {Record<string, string>} */
    platform: { android: "Android", ios: "iPhone or iPad", desktop: "Browser on a computer", terminal: "Terminal" },
    unfinished: "not finished",
    /** @param {string} when */
    added: (when) => `Added ${when}`,
    /** @param {string} when */
    seen: (when) => `last seen ${when}`,
    lastRing: "Last ring",
    /**
     * @param {{about: string, sent_at: number, outcome: string, at: number}} delivery
     * @param {number} now
     */
    delivery: ({ about, sent_at: sent, outcome, at }, now) => {
      const what = { test: "a test", notice: "a change of your account" }[about] ?? "a sign-in";
      const after = seconds(at - sent);
      /** @type {Record<string, string>} */
      const ends = {
        sent: "it has not arrived yet",
        accepted: "the push service took it, the phone has not said that it rang",
        failed: "the push service refused it",
        rang: `it rang after ${after}`,
        opened: `it was opened after ${after}`,
        answered: `it was answered after ${after}`,
      };
      return `for ${what}, ${ago(sent, now)}; ${ends[outcome] ?? outcome}.`;
    },
    noDelivery: "Not rung in the last day.",
    silent: "Cannot be rung. It asks you while Nod is open on it.",
    rename: "Rename",
    newName: "New name",
    save: "Save",
    remove: "Remove",
    /** @param {string} name */
    removeTitle: (name) => `Remove ${name}?`,
    removeSentence: "It can no longer approve your sign-ins. To use it again, you add it again.",
    lastSentence:
      "This is the last phone of your account. Without it you cannot sign in again: you stay signed in here for a while, and then you need a new link from your administrator.",
    /** @param {string} name */
    removeButton: (name) => `Remove ${name}`,
    removeLastButton: "Remove my last phone",
    /** @param {string} name */
    removed: (name) => `${name} was removed.`,
    /** @param {string} name */
    renamed: (name) => `It is now called ${name}.`,
  },
  test: {
    button: "Send a test",
    /** @param {string} name */
    sent: (name) => `Sent to ${name}. It should ring within a few seconds.`,
    accepted: "The push service took it. Waiting for the phone.",
    /** @param {number} milliseconds */
    rang: (milliseconds) => `It rang after ${seconds(milliseconds)}. Tap the notification and approve the test.`,
    /** @param {string} name */
    answered: (name) => `${name} approved the test. Everything works.`,
    unanswered: "It rang, but nobody approved the test. If the phone showed nothing, send another one.",
    slow: "It has not arrived. Look at the phone’s settings for notifications and battery, and at its connection.",
    failed: "The push service refused it. Open Nod on the phone once, then send another one.",
  },
  recovery: {
    title: "Recovery codes",
    /** @param {number} left */
    left: (left) => (left === 0 ? "You have none yet." : `${left} of them ${left === 1 ? "is" : "are"} left.`),
    sentence: "For the day when your phone is lost: a code and your password let you add a new phone. Each works once.",
    few: "That is not many: make a new set and throw the old one away.",
    make: "Make recovery codes",
    again: "Make new codes",
    againTitle: "Make new recovery codes?",
    againSentence: "The codes that you have now open nothing any more.",
    shownTitle: "Your recovery codes",
    shownSentence: "You see them once. Print them, or write them down, and keep them where your phone is not.",
    /** @param {string} server @param {string} user */
    paperTitle: (server, user) => `Recovery codes for ${user} at ${server}`,
    /** @param {number} at */
    madeOn: (at) => `Made on ${day.format(at)}.`,
    howTo: "Phone lost? Sign in with your password, choose “I don’t have my phone” and type one of these. Each works once. Type them at this address only:",
    nobody: "Nobody from IT will ever ask you for one of them.",
    print: "Print",
    copy: "Copy",
    copied: "The codes are in the clipboard.",
    download: "Save as text",
    done: "I have them",
    kept: "Recovery codes were made.",
    list: "Recovery codes, one in each line",
  },
  history: {
    title: "What happened",
    empty: "Nothing yet.",
    more: "Show earlier",
    /** @param {{kind: string, app: string|null, phone: string|null, address: string|null, detail: string}} event */
    sentence: (event) => {
      const known = happened[event.kind];
      const filled = { ...event, app: event.app ?? "Nod", phone: event.phone ?? "a phone", address: event.address ?? "" };
      return known ? known(filled) : `Something changed: ${event.kind.replaceAll("_", " ")}.`;
    },
    notMe: "This wasn’t me",
    notMeTitle: "Somebody else signed in?",
    notMeSentence:
      "Nod ends that sign-in, forgets the browser that it introduced and removes a phone that was added from it, tells your phones, and takes only browsers that you have used before until you say otherwise. This browser stays signed in.",
    /** @param {{ended: number, forgotten: number, removed: number, told: number, unknown_refused: boolean}} done */
    reported: (done) => {
      const parts = [done.ended > 0 ? "That sign-in was ended." : "That sign-in had ended already."];
      if (done.forgotten > 0) {
        parts.push("The browser that it introduced was forgotten.");
      }
      if (done.removed > 0) {
        parts.push("The phone that was added from it was removed.");
      }
      parts.push(done.unknown_refused ? "Browsers that Nod does not know are refused for now." : "Introduce this browser next.");
      parts.push("Somebody knows your password: ask your administrator to change it.");
      return parts.join(" ");
    },
  },
  frozen: {
    title: "Only browsers that Nod knows",
    sentence: "You said that a sign-in was not yours. Since then Nod refuses browsers that it does not know.",
    button: "Allow new browsers again",
    done: "New browsers may sign in again.",
  },
  sessions: {
    title: "Where you are signed in",
    /** @type {Record<string, string>} */
    how: { push: "approved on a phone", push_number: "approved on a phone with the number", passkey: "with a passkey", code: "with a one-time code" },
    /** @param {string} when @param {string} how */
    started: (when, how) => `Signed in ${when}, ${how}`,
    /** @param {string} address @param {string} when */
    used: (address, when) => `From ${address}, last used ${when}`,
    end: "Sign out",
    /** @param {string} name @param {string} address */
    endLabel: (name, address) => `Sign out ${name} at ${address}`,
    /** @param {string} name */
    ended: (name) => `${name} was signed out.`,
  },
  browsers: {
    title: "Browsers that may ask your phone",
    empty: "None yet. The next sign-in on your own computer offers to keep its browser.",
    /** @type {Record<string, string>} */
    how: { passkey: "with a passkey", link: "by an administrator’s link" },
    /** @param {string} when @param {string} how */
    added: (when, how) => `Introduced ${when} ${how}`,
    /** @param {string} when */
    used: (when) => `used ${when}`,
    forget: "Forget this browser",
    /** @param {string} name */
    forgetTitle: (name) => `Forget ${name}?`,
    forgetSentence: "It is signed out, and a sign-in in it no longer asks your phone. You can introduce it again.",
    /** @param {string} name */
    forgetButton: (name) => `Forget ${name}`,
    /** @param {string} name */
    forgotten: (name) => `${name} was forgotten.`,
  },
};
