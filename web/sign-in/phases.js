/** One function per phase of a sign-in: `node` to show, `update` for changes within it, `stop` when it goes. */

import { call } from "../shared/api.js";
import { button, errorLine, h, heading, run } from "../shared/dom.js";
import { countdown, grouped, mark } from "../shared/marks.js";
import { canUsePasskeys, usePasskey } from "../shared/webauthn.js";
import { words } from "../shared/words.js";
import { lostPhone } from "./recover.js";
import { icon } from "../shared/icons.js";

/**
 * @typedef {import("./continue.js").Status} Status
 * @typedef {{act: (verb: "resend"|"cancel"|"again") => Promise<void>, use: (other: ""|"passkey"|"code"|"recover") => void,
 *   render: (status: Status) => void, look: () => void}} Actions
 */

const STEPS = /** @type {const} */ (["sent", "reached", "opened", "answered"]);
/** The server's clock may run a little behind the page's count, milliseconds. */
const JUST_AFTER_MS = 500;
/** How long a push may take before the page says how to go on without it, milliseconds. */
const SLOW_PUSH_MS = 10_000;

/**
 * @param {string} id
 * @param {string} label
 * @param {string} kind
 * @param {{say: (sentence: string) => void}} errors
 * @param {() => Promise<void>} action
 */
function actionButton(id, label, kind, errors, action) {
  const control = button(id, label, kind, () => run(control, errors, action));
  return control;
}

/**
 * @param {Status} first
 * @param {Actions} actions
 */
export function waiting(first, actions) {
  const text = words.signIn.waiting;
  const errors = errorLine();
  const clock = countdown({ expiresAt: first.expires_at, now: first.now, done: () => setTimeout(actions.look, JUST_AFTER_MS) });
  const steps = STEPS.map((name) => h("li", { "data-step": name }, text.steps[name]));
  const now = h("p", { id: "now", class: "soft" });
  const resend = actionButton("resend", text.resend, "", errors, () => actions.act("resend"));
  let latest = first;
  let slow = false;

  /** @param {Status} status */
  const update = (status) => {
    latest = status;
    for (const [index, name] of STEPS.entries()) {
      steps[index].dataset.done = String(status[name]);
    }
    now.textContent = text.now(status, slow);
    resend.hidden = !status.can_resend;
  };
  const timer = setTimeout(() => {
    slow = true;
    update(latest);
  }, SLOW_PUSH_MS);

  const node = h(
    "div",
    { class: "stack" },
    mark("waiting"),
    h("div", { class: "stack-tight centred" }, heading(text.title), h("p", {}, text.asked(first.devices, first.app))),
    first.number && h("div", { class: "stack-tight" }, h("p", { class: "centred" }, text.typeNumber), grouped("number", first.number, 3)),
    h("ol", { class: "progress", "aria-label": text.progress }, ...steps),
    h("div", { class: "stack-tight centred" }, clock.node, now),
    errors.node,
    h(
      "div",
      { class: "actions" },
      resend,
      first.can_type_code && button("type-code", words.signIn.code.offer, "", () => actions.use("code")),
      button("other-way", text.otherWay, "", () => actions.use("passkey")),
      lostPhone(first, actions),
      actionButton("cancel", words.cancel, "text", errors, () => actions.act("cancel")),
    ),
  );
  return {
    node,
    update,
    stop: () => {
      clock.stop();
      clearTimeout(timer);
    },
  };
}

/** Whether this computer is the visitor's own: decides if the browser is kept (a kiosk keeps nothing). */
function ownComputer() {
  const text = words.signIn.introduce;
  const keep = /** @type {HTMLInputElement} */ (h("input", { id: "keep-browser", type: "radio", name: "computer", checked: true }));
  const other = h("input", { id: "not-my-computer", type: "radio", name: "computer" });
  const node = h(
    "fieldset",
    { class: "stack-tight" },
    h("legend", {}, text.whose),
    h("label", { class: "choice" }, keep, h("span", {}, h("strong", {}, text.mine), h("span", { class: "hint" }, text.mineHint))),
    h("label", { class: "choice" }, other, h("span", {}, h("strong", {}, text.notMine), h("span", { class: "hint" }, text.notMineHint))),
  );
  return { node, keep };
}

/**
 * The passkey: to introduce this browser, or (`instead`) in place of the phone, where the browser is known already.
 * @param {Status} first
 * @param {Actions} actions
 * @param {boolean} instead
 */
export function introduce(first, actions, instead) {
  const text = words.signIn.introduce;
  const errors = errorLine();
  // A browser that is known already needs no introduction; there is just no phone to ask.
  const known = instead || first.known_browser;
  const whose = ownComputer();
  const [title, why] = instead ? [text.titleInstead, text.whyInstead] : known ? [text.titleKey, text.whyKey(first.app)] : [text.title, text.why(first.app)];
  const possible = canUsePasskeys();
  const pass = actionButton("passkey", text.button, "primary wide-button", errors, async () => {
    const options = await call("POST", "/sign-in/passkey/options", {});
    const assertion = await usePasskey(options);
    actions.render(await call("POST", "/sign-in/passkey", { assertion, keep_browser: !known && whose.keep.checked }));
  });
  pass.toggleAttribute("disabled", !possible);

  const node = h(
    "div",
    { class: "stack" },
    heading(title),
    h("p", {}, why),
    h(
      "ul",
      { class: "ways", "aria-label": text.ways },
      h("li", {}, icon("computer"), h("span", {}, text.byComputer)),
      h("li", {}, icon("phone"), h("span", {}, text.byPhone)),
      h("li", {}, icon("key"), h("span", {}, text.byKey)),
    ),
    !known && whose.node,
    !possible && h("p", { class: "notice warning" }, words.passkey.unsupported),
    errors.node,
    pass,
    h(
      "div",
      { class: "actions" },
      instead && button("back", text.back, "text", () => actions.use("")),
      !instead && first.can_type_code && button("type-code", words.signIn.code.offer, "", () => actions.use("code")),
      lostPhone(first, actions),
      actionButton("cancel", words.cancel, "text", errors, () => actions.act("cancel")),
    ),
    !known && h("p", { class: "hint" }, text.without),
  );
  return { node };
}

/**
 * @param {Pick<Status, "outcome"|"location"> & Partial<Status>} status
 * @param {Actions} actions
 * @param {string} [sentence] in place of the outcome's own
 */
export function ended(status, actions, sentence) {
  const errors = errorLine();
  const outcome = words.signIn.outcomes[status.outcome ?? "finished"] ?? words.signIn.outcomes.failed;
  const isRefusal = status.outcome === "denied" || status.outcome === "fraud";
  const node = h(
    "div",
    { class: "stack" },
    mark(isRefusal ? "deny" : "still"),
    h("div", { class: "stack-tight centred" }, heading(outcome.title), h("p", {}, sentence ?? outcome.sentence)),
    errors.node,
    status.outcome && status.outcome !== "fraud" && actionButton("again", words.tryAgain, "primary wide-button", errors, () => actions.act("again")),
    status.can_type_code && button("type-code", words.signIn.code.offer, "wide-button", () => actions.use("code")),
    status.can_recover && lostPhone(/** @type {Status} */ (status), actions),
    h("a", { id: "leave", class: "button text", href: status.location ?? "/sign-in" }, words.signIn.startOver),
  );
  return { node };
}

/** That a new phone has to wait. @param {Status} status */
const onHold = (status) => status.held_until && h("p", { id: "held", class: "notice" }, words.signIn.recover.held(status.held_until));

/** The account has no phone that may be asked and no passkey for this browser. @param {Status} status @param {Actions} actions */
export function locked(status, actions) {
  const errors = errorLine();
  const text = words.signIn.locked;
  const node = h(
    "div",
    { class: "stack" },
    heading(status.held_until ? text.heldTitle : text.title),
    onHold(status) || h("p", {}, text.sentence),
    h("p", {}, status.held_until ? text.heldNext : text.next),
    errors.node,
    h("div", { class: "actions" }, actionButton("cancel", words.cancel, "", errors, () => actions.act("cancel")), lostPhone(status, actions)),
  );
  return { node };
}

/** Approved: the page goes on by itself. */
export function finishing() {
  const text = words.signIn.ready;
  const node = h("div", { class: "stack centred" }, mark("approve"), heading(text.title), h("p", {}, text.sentence));
  return { node };
}
