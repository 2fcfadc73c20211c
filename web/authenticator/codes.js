/** Codes for other sites: hidden until the person is verified, then each with its time left; hidden again by themselves. */

import { announce, button, errorLine, h, heading, run } from "../shared/dom.js";
import { grouped, mark, ring } from "../shared/marks.js";
import { codeKey, digitsAt } from "./otp.js";
import { countCodes, forgetCode, isOpen, lock, readCodes, touch, unlock } from "./vault.js";
import { words } from "./words.js";

const text = words.codes;
/** Digits in a group: six and eight read best by halves. */
const groupSize = (/** @type {number} */ digits) => (digits === 8 ? 4 : 3);
/** Looks at the clock, milliseconds. */
const TICK_MS = 250;
/** Seconds below which the ring changes colour. */
const SHORT_SECONDS = 5;

/**
 * @typedef {import("./otp.js").Code} Code
 * @typedef {{add: () => void, save: () => void, bring: () => void, back: (() => void)|null, notice: string}} Actions
 * @typedef {{node: HTMLElement, tick: () => void}} Row
 */

/** @param {Code} code */
const nameOf = ({ issuer, account }) => issuer || account;

/** @param {Actions} actions */
export function codesScreen(actions) {
  const frame = h("div", { class: "stack" });
  /** @type {Row[]} */
  let rows = [];
  let shown = false;
  let current = true;

  /** @param {string} [sentence] read out */
  const hide = async (sentence = "") => {
    shown = false;
    rows = [];
    lock();
    // At once: the list of apps shows a picture of this page.
    frame.replaceChildren(heading(text.title));
    announce(sentence);
    const count = await countCodes();
    if (current && !shown) {
      frame.replaceChildren(...(count === 0 ? nothing(actions) : hidden(count, open, actions)));
    }
  };
  const open = async () => {
    const { codes, damaged } = await readCodes();
    const made = await Promise.all(codes.map((code) => row(code, open)));
    if (!current || !isOpen()) {
      return;
    }
    if (codes.length + damaged === 0) {
      await hide();
      return;
    }
    shown = true;
    rows = made;
    frame.replaceChildren(...list(rows, damaged, () => void hide(), actions));
    frame.querySelector("h1")?.focus();
  };
  const tick = () => {
    if (shown && !isOpen()) {
      void hide(text.hiddenNow);
    }
    rows.forEach((one) => one.tick());
  };
  const leave = () => {
    if (document.visibilityState === "hidden" && shown) {
      void hide();
    }
  };
  document.addEventListener("visibilitychange", leave);
  addEventListener("pagehide", leave);
  frame.addEventListener("pointerdown", touch);
  frame.addEventListener("keydown", touch);
  const timer = setInterval(tick, TICK_MS);
  void (isOpen() ? open() : hide());
  return {
    node: frame,
    stop: () => {
      current = false;
      rows = [];
      clearInterval(timer);
      document.removeEventListener("visibilitychange", leave);
      removeEventListener("pagehide", leave);
    },
  };
}

/** What is held where, in plain words. */
const kept = () =>
  h(
    "details",
    {},
    h("summary", {}, text.kept.title),
    h("div", { class: "stack-tight" }, ...[text.kept.place, text.kept.good, text.kept.bad, text.kept.lost].map((line) => h("p", {}, line))),
  );

/** @param {Actions} actions */
const backButton = ({ back }) => back && button("back", words.back, "text", back);

/** @param {Actions} actions */
const nothing = (actions) => [
  mark("still"),
  h("div", { class: "stack-tight centred" }, heading(text.title), h("p", {}, text.empty)),
  h(
    "div",
    { class: "stack-tight" },
    button("add-code", text.add, "primary wide-button", actions.add),
    button("bring-codes", words.move.bringTitle, "wide-button", actions.bring),
  ),
  kept(),
  backButton(actions) ?? "",
];

/** @param {number} count @param {() => Promise<void>} open @param {Actions} actions */
function hidden(count, open, actions) {
  const errors = errorLine();
  const show = button("show-codes", text.show, "primary wide-button", () =>
    void run(show, errors, async () => {
      await unlock();
      await open();
    }),
  );
  return [
    mark("still"),
    h("div", { class: "stack-tight centred" }, heading(text.hiddenTitle(count)), h("p", {}, text.hiddenSentence)),
    errors.node,
    h("div", { class: "stack-tight" }, show, button("add-code", text.add, "wide-button", actions.add)),
    kept(),
    backButton(actions) ?? "",
  ];
}

/** @param {Row[]} rows @param {number} damaged @param {() => void} hide @param {Actions} actions */
const list = (rows, damaged, hide, actions) => [
  h("div", { class: "stack-tight" }, heading(text.title), actions.notice && h("p", { id: "notice", class: "notice", role: "status" }, actions.notice)),
  damaged > 0 && h("p", { class: "notice warning" }, text.damaged(damaged)),
  h("ul", { id: "codes", class: "stack-tight" }, ...rows.map(({ node }) => node)),
  h("p", { class: "small soft" }, text.hideSoon),
  h(
    "div",
    { class: "actions" },
    button("add-code", text.add, "", actions.add),
    button("hide-codes", text.hide, "", hide),
    button("save-codes", words.move.save, "", actions.save),
    button("bring-codes", words.move.bringTitle, "", actions.bring),
  ),
  kept(),
  backButton(actions) ?? "",
].filter((one) => one !== false);

/**
 * One code. Its digits change with the clock, its ring each second.
 * @param {Code} code
 * @param {() => Promise<void>} changed
 * @returns {Promise<Row>}
 */
async function row(code, changed) {
  const key = await codeKey(code);
  const name = nameOf(code);
  const id = `code-${code.id}`;
  const errors = errorLine(`error-${code.id}`);
  const time = ring();
  const seconds = h("span", { class: "small" });
  const holder = h("div", {});
  let step = -1;
  const left = () => code.period - Math.floor((Date.now() / 1000) % code.period);
  const copy = button(`copy-${code.id}`, text.copy, "", () =>
    void run(copy, errors, async () => {
      const digits = await digitsAt(key, code, Date.now());
      await navigator.clipboard.writeText(digits).catch(() => {
        throw new Error(text.notCopied);
      });
      announce(text.copied(name, left()));
      copy.dataset.done = "true";
    }),
  );
  copy.setAttribute("aria-label", text.copyLabel(name));
  const tick = () => {
    const now = Date.now();
    const remaining = left();
    time.set(remaining / code.period, remaining <= SHORT_SECONDS);
    seconds.textContent = text.left(remaining);
    const current = Math.floor(now / 1000 / code.period);
    if (current !== step) {
      step = current;
      delete copy.dataset.done;
      void digitsAt(key, code, now).then((digits) => holder.replaceChildren(grouped(id, digits, groupSize(code.digits), "otp")));
    }
  };
  tick();
  holder.replaceChildren(grouped(id, await digitsAt(key, code, Date.now()), groupSize(code.digits), "otp"));
  const node = h(
    "li",
    { class: "tile code-card", "data-code": name },
    h(
      "div",
      { class: "row" },
      h("div", { class: "grow" }, h("h2", {}, name), code.issuer && code.account && h("p", { class: "small soft" }, code.account)),
      removal(code, name, changed),
    ),
    holder,
    h("div", { class: "row" }, h("div", { class: "time-left" }, time.node, seconds), copy),
    errors.node,
  );
  return { node, tick };
}

/**
 * Removal stands behind "More" and says what it means.
 * @param {Code} code
 * @param {string} name
 * @param {() => Promise<void>} changed
 */
function removal(code, name, changed) {
  const errors = errorLine(`remove-error-${code.id}`);
  const confirm = button(`remove-${code.id}`, text.remove, "danger", () =>
    void run(confirm, errors, async () => {
      await forgetCode(code.id);
      await changed();
    }),
  );
  return h(
    "details",
    { class: "more" },
    h("summary", { "aria-label": text.moreLabel(name) }, text.more),
    h("div", { class: "notice danger stack-tight" }, h("p", {}, text.removeSentence), errors.node, confirm),
  );
}
