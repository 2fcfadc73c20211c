/** The user's own page: what protects the account, ways to sign in, where it is signed in. Sections build themselves. */

import { ApiError, call } from "../shared/api.js";
import { announce, button, errorLine, h, heading, run, show } from "../shared/dom.js";
import { languageField } from "../shared/language-field.js";
import { mark } from "../shared/marks.js";
import { browsersSection, sessionsSection } from "./access.js";
import { historySection } from "./history.js";
import { addKey, keyCard } from "./keys.js";
import { section } from "./parts.js";
import { addPhone, phoneCard } from "./phones.js";
import { FEW_CODES, openRecovery, recoverySection } from "./recovery.js";
import { send } from "./send.js";
import { words } from "./words.js";

/**
 * @typedef {import("./phones.js").Phone} Phone
 * @typedef {{user: {name: string, display_name: string}, now: number, fresh_until: number, unknown_refused: boolean, phones: Phone[], keys: import("./keys.js").Key[], tokens: string[], recovery_codes: number,
 *   browsers: import("./access.js").Browser[], sessions: import("./access.js").Session[]}} State
 */

/** @type {import("./parts.js").Portal} */
const portal = {
  async refresh(said, focus) {
    await draw();
    announce(said);
    document.getElementById(`${focus}-title`)?.focus();
  },
  say(sentence) {
    const line = document.getElementById("said");
    if (line) {
      line.textContent = sentence;
      line.hidden = false;
      line.focus();
    }
  },
};

/** @param {State} state */
const activePhones = (state) => state.phones.filter((phone) => phone.state === "active" && phone.held_until === null);

/** What protects the account, in one sentence. @param {State} state */
function protection(state) {
  const phones = activePhones(state);
  const names = phones.length > 2 ? [words.protection.phones(phones.length)] : phones.map((phone) => phone.name);
  const codes = state.recovery_codes > 0 ? [words.protection.recovery(state.recovery_codes)] : [];
  const factors = [...names, ...state.keys.map((key) => key.name), ...state.tokens.map(words.protection.token)];
  const all = factors.length > 0 ? [...factors, ...codes] : [];
  return all.length === 0 ? words.protection.none : words.protection.by(all);
}

/** Leads to where a phone is added. */
const toWays = () => h("a", { class: "button", href: "#ways-title" }, words.ways.addPhone);

/**
 * The one thing worth doing next.
 * @param {State} state
 * @returns {{id: string, sentence: string, act: Node|null}}
 */
function nextStep(state) {
  const text = words.next;
  const phones = activePhones(state);
  const silent = phones.find((phone) => phone.notifications !== "granted" && phone.platform !== "terminal");
  const ways = phones.length + state.keys.length;
  if (ways === 0) {
    return { id: "no-phone", sentence: text.noPhone, act: toWays() };
  }
  // Only a phone needs browsers that Nod knows.
  if (phones.length > 0 && !state.browsers.some((browser) => browser.current)) {
    return {
      id: "introduce",
      sentence: text.introduce,
      act: h("a", { id: "bind", class: "button", href: "/sign-in?fresh=1" }, text.introduceButton),
    };
  }
  if (silent) {
    return { id: "silent", sentence: text.silent(silent.name), act: null };
  }
  if (state.recovery_codes <= FEW_CODES) {
    const sentence = state.recovery_codes === 0 ? text.recovery : text.fewCodes(state.recovery_codes);
    return { id: "recovery", sentence, act: h("a", { class: "button", href: "#recovery-title" }, text.recoveryButton) };
  }
  const second = phones.length === 1 ? text.second : text.secondKey;
  return ways === 1 ? { id: "second", sentence: second, act: toWays() } : { id: "none", sentence: text.allGood, act: null };
}

/** @param {State} state */
function firstView(state) {
  const next = nextStep(state);
  return h(
    "section",
    { class: "tile stack first-view", "aria-labelledby": "protection" },
    h("p", { id: "protection", class: "lead-text" }, protection(state)),
    h(
      "div",
      { id: "next-step", class: "stack-tight", "data-next": next.id },
      h("h2", { class: "small soft" }, words.next.title),
      h("p", {}, next.sentence),
      next.act,
    ),
  );
}

/** Since a sign-in was reported, unknown browsers are refused: what it means, and the way back. */
function frozen() {
  const text = words.frozen;
  const errors = errorLine("allow-unknown-error");
  const allow = button("allow-unknown", text.button, "", () =>
    void run(allow, errors, async () => {
      await send("/portal/allow-unknown", {});
      await portal.refresh(text.done, "ways");
    }),
  );
  return h("section", { class: "notice warning stack-tight", "aria-labelledby": "frozen" }, h("h2", { id: "frozen" }, text.title), h("p", {}, text.sentence), h("div", {}, allow), errors.node);
}

/**
 * A list of cards: phones, security keys and passkeys, and each further way to sign in with a card of its own.
 * @param {State} state
 */
function waysSection(state) {
  const active = activePhones(state);
  const { now } = state;
  const cards = state.phones.map((phone) =>
    phoneCard(phone, { now, portal, isLast: active.length === 1 && active.includes(phone) }),
  );
  const isLast = active.length === 0 && state.keys.length === 1;
  cards.push(...state.keys.map((key) => keyCard(key, { now, portal, isLast })));
  const rows = cards.length === 0 ? [h("li", { class: "tile" }, words.ways.empty)] : cards;
  return section("ways", words.ways.title, h("ul", { id: "phones", class: "stack-tight" }, ...rows), h("div", { class: "row" }, addPhone(portal), addKey()));
}

async function draw() {
  /** @type {[State, import("./history.js").Page]} */
  const [state, history] = await Promise.all([call("GET", "/portal/state"), call("GET", "/portal/history")]);
  const given = { now: state.now, portal };
  show(
    "account",
    h(
      "div",
      { class: "stack" },
      h("div", {}, heading(state.user.display_name), h("p", { class: "soft" }, state.user.name)),
      h("p", { id: "said", class: "notice", tabindex: "-1", hidden: true }),
      state.recovery_open && openRecovery(state.phones, portal),
      state.unknown_refused && frozen(),
      firstView(state),
      waysSection(state),
      recoverySection({ left: state.recovery_codes, user: state.user.name, portal }),
      sessionsSection(state.sessions, given),
      browsersSection(state.browsers, given),
      historySection(history, portal),
      languageField(),
    ),
  );
}

function fillNav() {
  const nav = document.getElementById("nav");
  const errors = errorLine("sign-out-error");
  const out = button("sign-out", words.signOut, "text", () => void run(out, errors, () => send("/portal/sign-out", {})));
  nav?.replaceChildren(out, errors.node);
  nav?.setAttribute("aria-label", words.signOut);
  nav?.removeAttribute("hidden");
}

/** @param {unknown} error */
function cannotLoad(error) {
  if (error instanceof ApiError && error.status === 401) {
    location.assign("/sign-in");
    return;
  }
  const sentence = error instanceof Error ? error.message : "";
  show(
    "failed",
    h("div", { class: "stack" }, heading(words.cannotLoad), h("p", {}, sentence), button("again", words.tryAgain, "primary", () => location.reload())),
  );
}

const phase = document.getElementById("phase");
phase?.replaceChildren(h("div", { class: "stack centred" }, mark("waiting"), h("p", {}, words.loading)));
fillNav();
draw().catch(cannotLoad);
