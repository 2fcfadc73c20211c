/** Every sentence of the authenticator, in English. */

/** What a `new` mark of a request says. */
const NEW_MARKS = /** @type {Record<string, string>} */ ({
  network: "first time from this network",
  place: "first time from this place",
  browser: "first time from this browser",
  app: "first time in this app",
  device: "first time from this device",
  time: "unusual time for you",
});

/** @param {number} at @param {number} now Unix milliseconds */
function ago(at, now) {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 15) {
    return "now";
  }
  if (seconds < 60) {
    return `${seconds} s ago`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min ago` : new Date(at).toLocaleString();
}

const request = {
  /** @type {[string, string]} before and after the app's name */
  title: ["Sign in to ", "?"],
  who: "Who",
  from: "From",
  when: "When",
  ago,
  /** @param {string} name */
  newMark: (name) => NEW_MARKS[name] ?? `new: ${name}`,
  unknownPlace: "place unknown",
  number: "Number on the screen",
  numberHint: "Type the number that you see on the screen where you are signing in. Nobody from IT will ever ask you for it.",
  numberMissing: "Type the six digits first. They stand on the screen where you are signing in.",
  approve: "Approve",
  deny: "Deny",
  fraud: "This wasn’t me",
  /** @param {number} count */
  others: (count) =>
    count === 1
      ? "Another sign-in is waiting for you. Approve only the one that you started."
      : `${count} other sign-ins are waiting for you. Approve only the one that you started.`,
  changed: "Something changed: another sign-in appeared. Read this one again before you answer.",
  uvRefused: "Your fingerprint, face or PIN was not accepted, so nothing was sent. Try again, or deny.",
};

/** @type {Record<string, {title: string, sentence: string}>} */
const outcomes = {
  approve: { title: "Approved", sentence: "You can go on where you started signing in." },
  deny: { title: "Denied", sentence: "Nobody was signed in." },
  deny_fraud: {
    title: "Denied and reported",
    sentence: "Nobody was signed in. Somebody may know your password: change it now. It is noted for your administrator.",
  },
  wrong_number: {
    title: "The numbers did not match",
    sentence: "This sign-in has ended. If you started it, try again there: you get a new number.",
  },
  gone: { title: "Too late", sentence: "This sign-in has ended. If you started it, try again there." },
  revoked: {
    title: "This phone was removed",
    sentence: "It can no longer answer for this account. If you did not expect that, ask your administrator.",
  },
  conflict: { title: "Already answered", sentence: "This sign-in was answered, cancelled or replaced in the meantime." },
};

const enrol = {
  title: "Set up this phone",
  code: "Code",
  codeHint: "8 characters. They stand on the computer where you opened your link.",
  codeMissing: "The code has 8 characters. Look at it again on the computer.",
  name: "Name of this phone",
  nameHint: "So that you know it again in a list.",
  next: "Go on",
  /** @param {number} step */
  stepOf: (step) => `Step ${step} of 3`,
  passkeyTitle: "Make your passkey",
  /** @param {string} user @param {string} server */
  passkeySentence: (user, server) =>
    `Each approval for ${user} at ${server} needs your fingerprint, face or PIN. This phone keeps the passkey for it.`,
  passkeyButton: "Make a passkey",
  noPasskey: "This phone cannot hold a passkey. Ask your administrator for a security key or another way.",
  notificationsTitle: "Allow notifications",
  notificationsSentence: "Nod then rings when somebody signs in with your password, and only then.",
  notificationsButton: "Allow notifications",
  notificationsSkip: "Go on without",
  notificationsDenied: "Notifications are off for Nod. Turn them on in this phone’s settings, or go on without and open Nod yourself.",
  pushUnreachable: "The push service cannot be reached. Nod works while it is open on this phone; you can go on.",
  subscribing: "Asking the push service. This takes up to 10 seconds.",
  confirmTitle: "Six digits for your computer",
  confirmSentence: "Type them there. Your computer asks for them now.",
  confirmWaiting: "Waiting for your computer. This page goes on by itself.",
  revoked: "The computer did not confirm these digits, so this phone was not added. Ask for a new code and start again.",
  keyRefused: "This browser does not keep keys here. Leave private browsing or Lockdown Mode, then try again.",
  doneTitle: "This phone is ready",
  /** @param {string} name */
  doneSentence: (name) => `${name}, from now on Nod asks you here. Try it once, so that you know how it looks.`,
  practise: "Try it once",
  done: "Done",
};

const rehearsal = {
  title: "Practice: is this you?",
  notice: "This is practice. Nothing opens, whatever you press. A real request looks like this and names the app and the browser.",
  from: "this phone, while you set it up",
  fromTest: "a test that was started for this phone",
  approve: { title: "That is how you approve", sentence: "Approve only what you started yourself. When in doubt, deny." },
  deny: { title: "That is how you deny", sentence: "Nobody is signed in then. Deny whatever you did not start yourself." },
};

const selfTest = {
  button: "Send a test notification",
  sent: "Sent. It should ring within a few seconds.",
  accepted: "The push service took it. Waiting for this phone.",
  /** @param {number} milliseconds */
  woke: (milliseconds) => `It arrived after ${(milliseconds / 1000).toFixed(1)} s. Notifications work.`,
  slow: "It has not arrived. Look at this phone’s settings for notifications and battery, and at its connection. Nod still works while it is open.",
  /** @param {string} error */
  failed: (error) => `The push service refused it: ${error}`,
};

const install = {
  /** @param {string} server */
  title: (server) => `Nod for ${server}`,
  sentence: "This phone will ask you before anybody signs in with your password.",
  haveCode: "I have a code",
  codes: "Show my codes for other sites",
  yourCode: "Keep this code for the app:",
  iosTitle: "On an iPhone, put Nod on the Home Screen first",
  iosSteps: ["Tap Share in Safari.", "Tap “Add to Home Screen”, then “Add”.", "Open Nod from the Home Screen.", "Type your code there."],
  iosWhy: "The Home Screen app keeps its own keys, and only there an iPhone lets Nod ring.",
  androidTitle: "Install Nod for a more dependable ring",
  androidSteps: ["Open the menu of the browser.", "Tap “Add to Home screen” or “Install app”."],
  button: "Install Nod",
  desktop: "This looks like a computer. It can answer sign-ins too, if it has a fingerprint reader, a camera for your face, a PIN or a security key.",
};

const home = {
  title: "Nothing is waiting",
  sentence: "When somebody signs in with your password, it shows here and rings.",
  several: "Waiting for your answer",
  /** @param {string} app @param {string} user */
  open: (app, user) => `Sign in to ${app} as ${user}`,
  live: "Connected. New sign-ins appear by themselves.",
  offline: "No connection to the server. Trying again.",
  cannotStart: "Nod cannot look for sign-ins now",
  noNotifications: "Notifications are off. Nod can only ask you while it is open.",
};

const accounts = {
  title: "Accounts on this phone",
  add: "Add an account",
  remove: "Remove this phone",
  /** @param {string} user */
  removeTitle: (user) => `Remove this phone from ${user}?`,
  removeSentence: "It can no longer approve sign-ins. To come back you need a new code.",
  removeConfirm: "Remove",
  active: "active",
  pending: "not finished",
  revoked: "removed",
  revokedSentence: "This phone was removed from the account. You can clear it from the list.",
  clear: "Clear from the list",
  resume: "Go on with set-up",
};

const history = {
  title: "Answers",
  own: "Your answers",
  empty: "You have not answered any sign-in on this phone yet.",
  /** @type {Record<string, string>} */
  decisions: { approve: "Approved", deny: "Denied", deny_fraud: "Denied and reported" },
  /** @param {string} decision @param {string} app */
  line: (decision, app) => `${history.decisions[decision] ?? decision}: ${app}`,
};

const codes = {
  title: "Codes",
  empty: "Many sites accept a six-digit code from an app. Keep them here, beside your sign-ins.",
  add: "Add a code",
  /** @param {number} count */
  hiddenTitle: (count) => (count === 1 ? "One code is hidden" : `${count} codes are hidden`),
  hiddenSentence: "They show after your fingerprint, face or PIN.",
  show: "Show codes",
  hide: "Hide codes",
  hideSoon: "Hidden again after a minute without a touch, and when you leave Nod.",
  hiddenNow: "The codes are hidden again.",
  hidden: "The codes are hidden. Show them first.",
  noPasskey: "Codes need a passkey on this phone. Set up your account here first, then add codes.",
  notVerified: "Your fingerprint, face or PIN was not asked, so the codes stay hidden. Set up a screen lock on this phone, then try again.",
  copy: "Copy",
  /** @param {string} name @param {number} seconds */
  copied: (name, seconds) => `Code for ${name} copied. It is good for ${seconds} s.`,
  notCopied: "This browser did not let Nod copy. Type the code instead.",
  /** @param {number} seconds */
  left: (seconds) => `${seconds} s left`,
  more: "More",
  /** @param {string} name */
  copyLabel: (name) => `Copy the code for ${name}`,
  /** @param {string} name */
  moreLabel: (name) => `More for ${name}`,
  remove: "Remove this code",
  removeSentence: "First turn the code off at the site itself. Without it, and without another way in, you are locked out there.",
  removeConfirm: "Remove",
  /** @param {number} count */
  damaged: (count) => `${count === 1 ? "One code" : `${count} codes`} cannot be read any more. Add them again from the site.`,
  kept: {
    title: "Where codes are kept",
    place: "On this phone only, encrypted in this browser. Your Nod server never gets them.",
    good: "Other sites and other apps cannot read them. Who picks up your unlocked phone sees none without your fingerprint, face or PIN.",
    bad: "Nod cannot protect them from somebody who controls this phone’s system or copies all of its storage, nor from somebody who controls your Nod server, because this app comes from there.",
    lost: "If you clear this browser’s data or lose the phone, they are gone. Keep each site’s recovery codes.",
  },
  form: {
    title: "Add a code",
    sentence: "Turn on codes at the site. It shows a QR code, and a key for typing.",
    scan: "Scan the QR code",
    stop: "Stop the camera",
    picture: "Use a picture",
    looking: "Hold the QR code in front of the camera. It is read by itself, on this phone.",
    secret: "Key or link",
    secretHint: "Letters and digits such as JBSW Y3DP, or a link that begins with otpauth:",
    issuer: "Site",
    account: "Your account there",
    accountHint: "So that you can tell two accounts apart.",
    settings: "Settings that few sites change",
    algorithm: "Algorithm",
    digits: "Digits",
    period: "Seconds for each code",
    save: "Keep this code",
    read: "Read. Look at it, then keep it.",
    same: "This code is here already.",
    last: "Now type the code at the site, so that it knows that this worked.",
  },
  camera: {
    none: "No camera can be used here. Type the key instead.",
    refused: "The camera was not allowed. Allow it in this browser’s settings for this page, or type the key.",
    noCode: "There is no QR code in this picture that can be read. Try a sharper one, or type the key.",
    noPicture: "This file is not a picture. Choose another one, or type the key.",
  },
  wrong: {
    secret: "The key is not complete. It has letters and the digits 2 to 7; look at it again.",
    link: "This QR code or link is not for codes. It should begin with otpauth://totp.",
    counter: "This site uses codes by count. Nod keeps codes by time only; choose another app for this one.",
    kind: "This site uses a kind of code that Nod does not know.",
    period: "The seconds must be a whole number from 1 to 600.",
    name: "Give the site a name, so that you find the code again.",
  },
};

const move = {
  save: "Save or move",
  bring: "Bring these codes in",
  saveTitle: "Save or move codes",
  saveSentence: "The codes leave this phone only encrypted, under a passphrase of yours. On the new phone choose Codes, then “Bring codes here”.",
  passphrase: "Passphrase",
  /** @param {number} least */
  passphraseHint: (least) => `At least ${least} characters; four or five words are good. Write it down: nobody can restore it.`,
  /** @param {number} least */
  tooShort: (least) => `The passphrase is too short. Give it at least ${least} characters.`,
  nothing: "There is no code here that can be read, so there is nothing to save.",
  qr: "Show as QR codes",
  file: "Save as a file",
  saved: "Saved. Keep the file where you find it again, and the passphrase somewhere else.",
  one: "Scan this with the new phone.",
  /** @param {number} count */
  several: (count) => `One QR code is too small for all of them, so there are ${count}. Scan the first, press Next, scan the next. Any order works.`,
  /** @param {number} number @param {number} total */
  part: (number, total) => `QR code ${number} of ${total}`,
  previous: "Previous",
  next: "Next",
  notAccount: "Your sign-ins do not move with the codes, because their keys cannot leave a phone: set up the new phone from your account page, then remove the old one there.",
  bringTitle: "Bring codes here",
  bringSentence: "From the old phone: choose Codes, then “Save or move”. Codes that are here already stay as they are.",
  scan: "Scan the QR codes",
  chooseFile: "Choose a file",
  looking: "Hold the camera in front of the old phone’s screen.",
  /** @param {number} read @param {number} total */
  progress: (read, total) => `${read} of ${total} read. Go on to the next one on the old phone.`,
  read: "Complete. Type the passphrase that you chose on the old phone.",
  theirPassphrase: "The one that the codes were saved under.",
  /** @param {number} added @param {number} same */
  broughtIn: (added, same) => `${added === 1 ? "One code" : `${added} codes`} brought in.${same > 0 ? ` ${same} were here already.` : ""}`,
  wrong: {
    other: "This file holds no codes of Nod. Choose the one that ends in .nodcodes.",
    damaged: "This file is damaged or not complete. Nothing was changed. Save the codes again on the old phone.",
    newer: "A newer version of Nod wrote this. Load this page again, then try once more.",
    passphrase: "The passphrase is not right. Nothing was changed. Look at capitals and spaces, then try again.",
    notPart: "This QR code is not one of those that Nod shows to move codes. To add a code of a site, go back and choose “Add a code”.",
  },
};

const notices = {
  title: "Changes to your account",
  advice: "Was one of these not you? Open your account page on your computer, and tell your administrator.",
  /** @param {{kind: string, about: string, from: string}} notice */
  sentence: ({ kind, about, from }) => {
    /** @type {Record<string, string>} */
    const sentences = {
      device_enrolled: `${about} was added to your account.`,
      device_revoked: `${about} was removed from your account.`,
      browser_bound: `${about} at ${from} may now ask your phones.`,
      browser_cloned: `A copy of your browser ${about} was seen at ${from}. Both were forgotten.`,
      recovery_made: "New recovery codes were made for your account. Older ones are void.",
      recovery_revoked: "An administrator took the recovery codes of your account away.",
      token_activated: `The token ${about} was added to your account.`,
      token_removed: `The token ${about} was removed from your account.`,
      mail_changed: "Letters about your account now go to another address.",
      password_set: "Your password was changed.",
      sign_in_reported: "You reported a past sign-in as not yours.",
      introduction_link_made: "Your administrator made a link that introduces one browser.",
      enrolment_opened: "Somebody began to add a phone to your account.",
    };
    return sentences[kind] ?? `Something changed: ${kind.replaceAll("_", " ")}.`;
  },
};

export const words = {
  request,
  outcomes,
  enrol,
  rehearsal,
  selfTest,
  install,
  home,
  accounts,
  history,
  notices,
  codes,
  move,
  /** A date and a time of day, as this phone writes them. @param {number} at Unix milliseconds */
  when: (at) => new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }),
  back: "Back",
  retry: "Try again",
  loading: "Looking for sign-ins that wait for you.",
  nav: { home: "Sign-ins", codes: "Codes", history: "Answers", accounts: "Accounts" },
  worker: {
    request: { title: "Sign-in request", body: "Tap to see it and answer." },
    test: { title: "Test notification", body: "This phone can be reached. Tap to confirm." },
    notice: { title: "Your account has changed", body: "Tap to see what." },
    deny: "Deny",
    denied: "Denied. Nobody was signed in.",
  },
};
