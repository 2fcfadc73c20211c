/** Every sentence of the enrolment page, in English. */

/** @type {Record<string, string>} */
const MISSING = { passkey: "the passkey", notifications: "notifications", confirmation: "the six digits" };

export const words = {
  /** @param {number} step */
  stepOf: (step) => `Step ${step} of 3`,
  opening: "Opening your link.",
  password: {
    title: "Type your password",
    /** @param {string} user */
    sentence: (user) => `This link sets up a phone for ${user}. Your password shows that it reached the right person.`,
    chooseTitle: "Choose a password",
    /** @param {string} user */
    chooseSentence: (user) => `This link is for ${user}. First choose the password that you will sign in with.`,
    label: "Password",
    advice: "15 characters or more. A few words that belong together only for you are easy to keep and hard to guess.",
    show: "Show what I type",
    button: "Go on",
  },
  code: {
    title: "Scan this with your phone",
    typeIt: "or type this code in Nod on your phone:",
    qr: "QR code that opens Nod on your phone",
    waiting: "This page goes on as soon as your phone has the code.",
    again: "New code",
    make: "Make a code",
    makeTitle: "A code for your phone",
    ended: "The code has run out. Ask for a new one.",
    here: "You are on a phone now. You can set it up right here.",
    hereButton: "Open Nod on this phone",
    iphone: "On an iPhone",
    iphoneSteps: [
      "Scan the QR code with the camera and open the page in Safari.",
      "Tap Share, then “Add to Home Screen”.",
      "Open Nod from the Home Screen and type the code there.",
    ],
    android: "On Android",
    androidSteps: ["Scan the QR code with the camera.", "Open the page. The code is filled in."],
    terminal: "Without a smartphone",
    terminalSteps: ["Open a terminal where nod is installed.", "Run this command:"],
  },
  device: {
    /** @param {string} name */
    title: (name) => `${name} has the code`,
    sentence: "Go on with the steps that it shows.",
    /** @param {string[]} missing */
    missing: (missing) => `Still missing: ${missing.map((name) => MISSING[name] ?? name).join(", ")}.`,
    waiting: "This page goes on by itself.",
  },
  confirm: {
    title: "Type the six digits from your phone",
    /** @param {string} name */
    sentence: (name) => `${name} has used the code. If your phone shows no digits, it was somebody else’s: say so.`,
    label: "Digits on your phone",
    yes: "Confirm",
    no: "Not my phone",
  },
  introduce: {
    title: "Is this your computer?",
    sentence: "If so, introduce this browser with the passkey that you have just made. From then on a sign-in here asks your phone at once.",
    button: "Introduce this browser",
    skip: "Not my computer",
  },
  done: {
    title: "Your phone is ready",
    sentence: "From now on Nod asks it when somebody signs in with your password.",
    button: "Go to your account",
  },
  ended: {
    title: "This set-up has ended",
    sentence: "Links work once and for 72 hours. Ask your administrator for a new one.",
  },
  noTokenTitle: "Open your link again",
  noToken: "This page needs the whole link that you were given. Open it once more, or ask your administrator for a new one.",
};
