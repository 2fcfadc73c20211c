/** The authenticator: which screen is shown, and why. Screens build themselves; only this file moves between them. */

import { ApiError } from "../shared/api.js";
import { button, h, heading, show } from "../shared/dom.js";
import { follow } from "../shared/live.js";
import { mark } from "../shared/marks.js";
import { accountsScreen } from "./accounts.js";
import { addCodeScreen } from "./add-code.js";
import { device, EVENTS, openSession, serverInfo } from "./api.js";
import { codesScreen } from "./codes.js";
import { enrolScreen } from "./enrol.js";
import { historyScreen } from "./history.js";
import { homeScreen } from "./home.js";
import { keepShell, mustInstallFirst, registerWorker, welcomeScreen } from "./install.js";
import { bringScreen, saveScreen } from "./move.js";
import { syncSubscription } from "./push.js";
import { rehearsal, rehearsed } from "./rehearsal.js";
import { outcomeScreen, requestScreen } from "./request.js";
import { tellWorker } from "./spoken.js";
import { allAccounts } from "./store.js";
import { countCodes } from "./vault.js";
import { words } from "./words.js";

/**
 * @typedef {import("./answer.js").Request} Request
 * @typedef {import("./store.js").Account} Account
 * @typedef {"loading"|"welcome"|"enrol"|"home"|"request"|"outcome"|"history"|"accounts"|"codes"|"add-code"|"save-codes"|"bring-codes"} Screen
 */

/** All that the app remembers while it is open. */
const state = {
  /** @type {Screen} */
  screen: "loading",
  /** @type {Account[]} */
  accounts: [],
  /** @type {Request[]} */
  requests: [],
  /** @type {Request|null} the one on the screen */
  open: null,
  /** Whether an answer to it is under way. */
  isBusy: () => false,
  /** @type {string|null} id of a request that a notification named, until it is shown */
  wanted: null,
  /** Counts the looks at what is pending: only the last one counts. */
  look: 0,
  online: true,
  /** @type {number|null} until when this phone is on hold */
  heldUntil: null,
  /** @type {unknown} why the app could not begin, until it could */
  failure: null,
  stop: () => {},
  stopLive: () => {},
};

/** Screens with a way to the others; in the middle of a decision or a set-up there is nothing else to press. */
const WITH_NAV = new Set(["home", "codes", "history", "accounts"]);
/** Screens that a sign-in may replace by itself: nobody is in the middle of something there. */
const INTERRUPTIBLE = new Set(["loading", "home"]);

/**
 * @param {Screen} screen
 * @param {{node: Node, stop?: () => void}} built
 */
function put(screen, built) {
  state.stop();
  state.screen = screen;
  state.stop = built.stop ?? (() => {});
  if (screen !== "request") {
    state.open = null;
    state.isBusy = () => false;
  }
  show(screen, built.node);
  showNav();
}

const go = {
  home: () => {
    if (state.failure) {
      cannotStart(state.failure);
    } else {
      put("home", homeScreen({ requests: state.requests, online: state.online, heldUntil: state.heldUntil, open: go.request }));
    }
  },
  /** @param {string} [notice] what to say above the codes */
  codes: (notice = "") => {
    const back = state.accounts.length === 0 ? () => void go.welcome("") : null;
    put("codes", codesScreen({ add: go.addCode, save: go.saveCodes, bring: go.bringCodes, back, notice }));
  },
  saveCodes: () => put("save-codes", saveScreen({ back: () => go.codes() })),
  bringCodes: () => put("bring-codes", bringScreen({ done: go.codes, back: () => go.codes() })),
  addCode: () => put("add-code", addCodeScreen({ done: go.codes, back: () => go.codes() })),
  /** @param {Request} request @param {boolean} [changed] */
  request: (request, changed = false) => {
    const account = state.accounts.find((one) => one.device === request.device);
    if (!account) {
      return;
    }
    /** @param {string} outcome */
    const done = (outcome) => void answered(request, outcome);
    const screen = requestScreen({ request, account, changed, done });
    put("request", screen);
    state.open = request;
    state.isBusy = screen.isBusy;
    // The server notes this look, so that the computer can say that the request is open here.
    void device("GET", `/requests/${request.id}`).catch(() => null);
  },
  history: () => put("history", historyScreen(go.home)),
  accounts: () => put("accounts", accountsScreen({ add: () => go.enrol(""), resume: go.resume, changed: start, back: go.home })),
  /** A test that was started in the portal: it is answered like a sign-in, and opens nothing. @param {Account} account @param {string} test */
  test: (account, test) =>
    put("request", {
      node: rehearsal({
        account,
        test,
        from: words.rehearsal.fromTest,
        answered: (outcome) => put("outcome", { node: rehearsed(outcome, refreshAndDecide) }),
      }),
    }),
  /** @param {string} code */
  enrol: (code) => put("enrol", enrolScreen({ code, account: null, done: start })),
  /** @param {Account} account */
  resume: (account) => put("enrol", enrolScreen({ code: "", account, done: start })),
  /** @param {string} code */
  welcome: async (code) => {
    const { name } = await serverInfo();
    const codes = (await countCodes()) > 0 ? () => go.codes() : null;
    put("welcome", welcomeScreen({ server: name, code, haveCode: () => go.enrol(code), codes }));
  },
};

/** The ways to the other screens, with the one that is shown marked and what waits counted. */
function showNav() {
  const nav = document.getElementById("nav");
  if (!nav) {
    return;
  }
  nav.hidden = !WITH_NAV.has(state.screen) || state.accounts.length === 0;
  /** @type {[Screen, string, () => void][]} */
  const ways = [
    ["home", words.nav.home, lookHome],
    ["codes", words.nav.codes, () => go.codes()],
    ["history", words.nav.history, go.history],
    ["accounts", words.nav.accounts, go.accounts],
  ];
  for (const [screen, label, lead] of ways) {
    const known = document.getElementById(`nav-${screen}`);
    const way = known ?? button(`nav-${screen}`, label, "text", lead);
    if (!known) {
      nav.append(way);
    }
    if (screen === state.screen) {
      way.setAttribute("aria-current", "page");
    } else {
      way.removeAttribute("aria-current");
    }
  }
  const waiting = state.screen === "home" ? 0 : state.requests.length;
  const home = document.getElementById("nav-home");
  home?.replaceChildren(words.nav.home, ...(waiting > 0 ? [" ", h("span", { class: "count" }, waiting)] : []));
}

/**
 * After an answer: a version that moved on is shown again, all else ends in a sentence.
 * @param {Request} request
 * @param {string} outcome
 */
async function answered(request, outcome) {
  if (outcome === "conflict") {
    const newer = await device("GET", `/requests/${request.id}`).catch(() => null);
    if (newer?.state === "pending") {
      go.request(newer, true);
      return;
    }
  }
  put("outcome", outcomeScreen(await explained(request, outcome), refreshAndDecide));
}

/**
 * A request that ended without this phone's answer may have ended because the phone was removed from the account.
 * @param {Request} request
 * @param {string} outcome
 */
async function explained(request, outcome) {
  if (outcome !== "conflict" && outcome !== "gone") {
    return outcome;
  }
  await openSession().catch(() => {});
  state.accounts = await allAccounts();
  const account = state.accounts.find((one) => one.device === request.device);
  return account?.state === "revoked" ? "revoked" : outcome;
}

/** Whether no account is left that this phone could answer for. */
const allRemoved = () => state.accounts.every((account) => account.state === "revoked");

function refreshAndDecide() {
  if (allRemoved()) {
    go.accounts();
    return;
  }
  state.screen = "home";
  void refresh();
}

/** What was known last, at once; then what the server knows. */
function lookHome() {
  go.home();
  void refresh();
}

/**
 * Asks what is pending, then decides whether the screen should change.
 * @param {string} [address] where a notification points; by default this page's own
 */
async function refresh(address = location.hash) {
  state.wanted = new URLSearchParams(address.split("#")[1] ?? "").get("request") ?? state.wanted;
  if (location.hash.includes("request=")) {
    history.replaceState(null, "", location.pathname);
  }
  await openTest(address);
  openNotices(address);
  state.look += 1;
  const look = state.look;
  try {
    const { now, requests, held_until: heldUntil } = await device("GET", "/pending");
    state.heldUntil = heldUntil ?? null;
    if (look !== state.look) {
      return;
    }
    state.requests = requests.map((/** @type {Request} */ request) => ({ ...request, now }));
    state.online = true;
    state.failure = null;
  } catch (error) {
    state.online = !(error instanceof ApiError && error.status === 0);
    state.accounts = await allAccounts();
    if (state.online && INTERRUPTIBLE.has(state.screen) && allRemoved()) {
      go.accounts();
      return;
    }
  }
  navigator.setAppBadge?.(state.requests.length).catch(() => {});
  showNav();
  decide();
}

/**
 * A notification may point to a test. It waits for nobody: whoever is in the middle of something, or has answered it, sees nothing.
 * @param {string} address
 */
async function openTest(address) {
  const test = new URLSearchParams(address.split("#")[1] ?? "").get("test");
  if (location.hash.includes("test=")) {
    history.replaceState(null, "", location.pathname);
  }
  if (!test || !INTERRUPTIBLE.has(state.screen)) {
    return;
  }
  const found = await device("GET", `/self-test/${encodeURIComponent(test)}`).catch(() => null);
  const account = state.accounts.find((one) => one.device === found?.device);
  if (account && !found.answered_at && INTERRUPTIBLE.has(state.screen)) {
    go.test(account, test);
  }
}

/** A notification may point to what has changed. @param {string} address */
function openNotices(address) {
  if (address.split("#")[1] !== "notices") {
    return;
  }
  history.replaceState(null, "", location.pathname);
  if (INTERRUPTIBLE.has(state.screen)) {
    go.history();
  }
}

/** Which screen comes next, now that it is known what is pending. */
function decide() {
  const named = state.requests.find((one) => one.id === state.wanted);
  if (named && state.screen !== "enrol" && !state.isBusy()) {
    state.wanted = null;
    if (state.open?.id !== named.id) {
      go.request(named);
      return;
    }
  }
  if (state.screen === "request" && state.open) {
    followOpen(state.open);
  } else if (INTERRUPTIBLE.has(state.screen)) {
    const [only, ...rest] = state.requests;
    if (only && rest.length === 0) {
      go.request(only);
    } else {
      go.home();
    }
  }
}

/** The request on the screen may have moved on meanwhile. @param {Request} shown */
function followOpen(shown) {
  if (state.isBusy()) {
    return;
  }
  const current = state.requests.find((one) => one.id === shown.id);
  if (!current && state.online) {
    state.isBusy = () => true;
    void answered(shown, "conflict");
  } else if (current && current.version !== shown.version) {
    go.request(current, true);
  }
}

function goLive() {
  state.stopLive();
  state.stopLive = follow({
    path: EVENTS,
    event: "pending",
    poll: async () => null,
    changed: () => void refresh(),
  }).stop;
}

/** From the beginning: accounts, session, what is pending, live channel, push subscription. */
async function start() {
  state.accounts = await allAccounts();
  const hash = new URLSearchParams(location.hash.slice(1));
  const code = hash.get("enrol");
  if (code !== null) {
    history.replaceState(null, "", location.pathname);
  }
  if (state.accounts.length === 0 && (code === null || mustInstallFirst())) {
    await go.welcome(code ?? "");
    return;
  }
  if (code !== null) {
    go.enrol(code);
    return;
  }
  await openSession();
  state.accounts = await allAccounts();
  const unfinished = state.accounts.find((account) => account.state === "pending" && account.enrolment);
  if (unfinished && state.screen === "loading") {
    go.resume(unfinished);
    return;
  }
  if (allRemoved()) {
    go.accounts();
    return;
  }
  if (state.screen !== "loading") {
    state.screen = "home";
  }
  await refresh();
  goLive();
  void syncSubscription();
}

/** @param {unknown} error */
function cannotStart(error) {
  state.failure = error;
  const node = h(
    "div",
    { class: "stack" },
    heading(words.home.cannotStart),
    h("p", {}, error instanceof Error ? error.message : ""),
    button("again", words.retry, "primary", () => location.reload()),
  );
  put("home", { node });
}

// Somebody who reads codes meanwhile is not disturbed.
window.addEventListener("online", () => {
  if (state.failure && state.screen === "home") {
    location.reload();
  }
});

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && state.accounts.length > 0) {
    void refresh();
    goLive();
  }
});
window.addEventListener("hashchange", () => void (location.hash.includes("enrol=") ? start() : refresh()));
navigator.serviceWorker?.addEventListener("message", ({ data }) => void refresh(data?.address));

const phase = document.getElementById("phase");
phase?.replaceChildren(h("div", { class: "stack centred" }, mark("waiting"), h("p", {}, words.loading)));
void registerWorker();
// Where nothing may be kept, notifications follow the browser's language.
tellWorker().catch(() => {});
start().then(keepShell, cannotStart);
