/** Every sentence that the pages say from JavaScript, in English. One noun per thing: sign-in, phone, code, security key,
 *  app, device, browser. Say what happened, then what to do. The authenticator's own are in authenticator/words.js. */

/** @param {string[]} names */
const listed = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} or ${names.at(-1)}` : (names[0] ?? "your phone"));

const waiting = {
  title: "Check your phone",
  /** @param {string[]} devices @param {string} app */
  asked: (devices, app) => `Approve the sign-in to ${app} on ${listed(devices)}.`,
  typeNumber: "Type this number on your phone:",
  progress: "How far it has come",
  steps: { sent: "Sent", reached: "Phone reached", opened: "Opened", answered: "Answered" },
  resend: "Send again",
  otherWay: "Use another way",
  /**
   * @param {{sent: boolean, reached: boolean, opened: boolean, answered: boolean}} status
   * @param {boolean} slow
   */
  now: ({ sent, reached, opened, answered }, slow) => {
    if (answered) {
      return "Answered. One moment.";
    }
    if (opened) {
      return "It is open on your phone. Read it, then decide there.";
    }
    if (reached) {
      return "Your phone has it. Tap the notification.";
    }
    if (slow) {
      return "No notification? Open Nod on your phone: the sign-in is waiting there.";
    }
    return sent ? "It usually takes 1 to 3 seconds." : "Sending it to your phone now.";
  },
};

const introduce = {
  title: "Show that it is you",
  /** @param {string} app */
  why: (app) =>
    `Nod does not know this browser yet, so it did not ask your phone. That keeps strangers from making it ring. Use a passkey once to go on to ${app}.`,
  titleInstead: "Use a passkey",
  whyInstead: "Sign in without an answer from your phone. The sign-in there is withdrawn when you are done.",
  ways: "Ways to use a passkey",
  byComputer: "This computer: fingerprint, face or PIN",
  byPhone: "Your phone: scan the QR code that the browser shows",
  byKey: "A security key: plug it in or hold it close",
  whose: "Whose computer is this?",
  mine: "My computer",
  mineHint: "Keep this browser. From now on Nod asks your phone.",
  notMine: "Not my computer",
  notMineHint: "Keep nothing here.",
  button: "Use a passkey",
  back: "Back to my phone",
  without: "No passkey? Ask your administrator for a link that introduces this browser.",
};

const code = {
  offer: "Type a code",
  title: "Type your code",
  sentence: "Type the code that your authenticator app or your token shows now.",
  label: "Code",
  button: "Sign in",
  back: "Back",
  warning: "Type it on this page only. Nobody from IT will ever ask you for it.",
};

/** @type {Record<string, {title: string, sentence: string}>} */
const outcomes = {
  denied: { title: "Denied on your phone", sentence: "The sign-in was denied. If that was a slip, try again." },
  fraud: {
    title: "Denied and reported",
    sentence: "Somebody said on the phone that this sign-in is not theirs. It is noted for your administrator.",
  },
  expired: { title: "No answer in time", sentence: "Your phone did not answer in time. Try again, or use another way." },
  wrong_number: {
    title: "The numbers did not match",
    sentence: "This sign-in has ended. Try again: you get a new number to type on your phone.",
  },
  withdrawn: { title: "Cancelled", sentence: "This sign-in was cancelled. Nobody was signed in." },
  superseded: { title: "A newer sign-in took its place", sentence: "Go on in the newer window, or try again here." },
  finished: { title: "This sign-in is finished", sentence: "It was used already. Go back to the app, or start over." },
  failed: { title: "It did not work", sentence: "Nod could not finish this sign-in. Try again. If it happens again, tell your administrator." },
};

/** @param {{phase: string, outcome: string|null, sent: boolean, reached: boolean, opened: boolean, answered: boolean}} status */
function announce(status) {
  switch (status.phase) {
    case "waiting":
      return waiting.now(status, false);
    case "ready":
      return "Approved.";
    case "ended":
      return outcomes[status.outcome ?? "finished"]?.sentence ?? "";
    default:
      return "";
  }
}

export const words = {
  cancel: "Cancel",
  userName: "User name",
  password: "Password",
  goToSignIn: "Go to sign-in",
  tryAgain: "Try again",
  /** @param {number} seconds */
  timeLeft: (seconds) => {
    if (seconds <= 0) {
      return "time is up";
    }
    const minutes = Math.floor(seconds / 60);
    return minutes > 1 ? `${minutes} min left` : `${seconds} s left`;
  },
  errors: {
    offline: "The server cannot be reached. Check your connection, then try again.",
    failed: "That did not work. Try again. If it happens again, tell your administrator.",
  },
  passkey: {
    refused: "The passkey was not used: it was cancelled or refused. Try again when you are ready.",
    alreadyThere: "This device already holds a passkey for this account. Use that one, or remove it first.",
    failed: "The passkey did not work here. Try again, or use another device.",
    unsupported: "This browser cannot use passkeys. Use a current Firefox, Chrome, Edge or Safari.",
  },
  introduceLink: {
    title: "Introduce this browser",
    sentence: "Your administrator made this link for one browser, once. Use it only on your own computer.",
    button: "Introduce this browser",
    doneTitle: "Nod knows this browser now",
    doneSentence: "From now on a sign-in here asks your phone.",
    noTokenTitle: "Open your link again",
    noToken: "This page needs the whole link that you were given. Open it once more, or ask your administrator for a new one.",
  },
  signIn: {
    waiting,
    introduce,
    code,
    outcomes,
    announce,
    startOver: "Start over",
    locked: {
      title: "One step is missing",
      sentence: "Your password was right, but this account has no phone and no passkey yet.",
      next: "Ask your administrator for a link to set up your phone.",
    },
    ready: { title: "Approved", sentence: "You are signed in. Going on now." },
  },
};
