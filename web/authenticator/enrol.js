/** Setting up this phone: code and key, passkey, notifications, six digits, practice. Each step ends in the next. */

import { ApiError } from "../shared/api.js";
import { button, errorLine, h, heading, run } from "../shared/dom.js";
import { grouped, mark } from "../shared/marks.js";
import { deviceName, platform } from "../shared/platform.js";
import { canUsePasskeys, createPasskey } from "../shared/webauthn.js";
import { device, enrolDevice, openSession } from "./api.js";
import { newDeviceKey } from "./jose.js";
import { goWithoutPush, notificationsAllowed, pushPossible, syncSubscription } from "./push.js";
import { rehearsal, rehearsed } from "./rehearsal.js";
import { selfTest } from "./self-test.js";
import { forgetAccount, saveAccount } from "./store.js";
import { words } from "./words.js";

const text = words.enrol;
/** Characters of an enrolment code. */
const CODE_LENGTH = 8;
/** Pause between looks whether the computer has confirmed, milliseconds. */
const LOOK_MS = 2_000;

/**
 * @typedef {import("./store.js").Account} Account
 * @typedef {{next: (node: Node) => void, done: () => Promise<void>, isOpen: () => boolean}} Flow
 */

/** @param {{code: string, account: Account|null, done: () => Promise<void>}} given `account`: one whose set-up was interrupted */
export function enrolScreen({ code, account, done }) {
  const frame = h("div", {});
  let isOpen = true;
  /** @type {Flow} */
  const flow = {
    done,
    isOpen: () => isOpen,
    next: (node) => {
      frame.replaceChildren(node);
      frame.querySelector("h1")?.focus();
    },
  };
  if (account) {
    void resume(account, flow);
  } else {
    frame.append(codeStep(code, flow));
  }
  return {
    node: frame,
    stop: () => {
      isOpen = false;
    },
  };
}

/** Goes on where an interrupted set-up stopped. @param {Account} account @param {Flow} flow */
async function resume(account, flow) {
  try {
    const { missing } = await device("GET", `/enrol/${account.device}`);
    const step = missing.includes("passkey") ? passkeyStep : missing.includes("notifications") ? notificationStep : confirmStep;
    flow.next(step(account, flow));
  } catch {
    await forgetAccount(account.device);
    flow.next(codeStep("", flow));
  }
}

/** @param {string} typed */
const normalised = (typed) => typed.toUpperCase().replace(/[^A-Z0-9]/g, "");

/**
 * Makes the key, spends the code, and keeps the account as pending.
 * @param {string} code
 * @param {string} name
 * @returns {Promise<Account>}
 */
async function spendCode(code, name) {
  const { key, jwk, kid } = await newDeviceKey();
  const answer = await enrolDevice({ code, name, platform: platform(), key: jwk });
  /** @type {Account} */
  const account = {
    device: answer.device,
    user: answer.user,
    server: answer.server,
    kid,
    key,
    state: "pending",
    credential: null,
    enrolment: { confirmation: answer.confirmation, passkey: answer.passkey, expires_at: answer.expires_at },
  };
  try {
    await saveAccount(account);
  } catch {
    throw new Error(text.keyRefused);
  }
  await openSession();
  return account;
}

/** @param {string} code @param {Flow} flow */
function codeStep(code, flow) {
  const errors = errorLine();
  const input = /** @type {HTMLInputElement} */ (
    h("input", { id: "code", class: "code", type: "text", value: code, autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: 12, "aria-describedby": "code-hint" })
  );
  const name = /** @type {HTMLInputElement} */ (
    h("input", { id: "device-name", type: "text", value: deviceName(), maxlength: 64, autocomplete: "off", "aria-describedby": "name-hint" })
  );
  const submit = h("button", { id: "submit", type: "submit", class: "primary wide-button" }, text.next);
  /** @param {Event} event */
  const send = (event) => {
    event.preventDefault();
    void run(submit, errors, async () => {
      const typed = normalised(input.value);
      if (typed.length !== CODE_LENGTH) {
        input.focus();
        throw new Error(text.codeMissing);
      }
      const account = await spendCode(typed, name.value.trim() || deviceName());
      flow.next(passkeyStep(account, flow));
    });
  };
  return h(
    "form",
    { class: "stack", novalidate: true, submit: send },
    heading(text.title),
    h("div", { class: "field" }, h("label", { for: "code" }, text.code), input, h("p", { id: "code-hint", class: "hint" }, text.codeHint)),
    h("div", { class: "field" }, h("label", { for: "device-name" }, text.name), name, h("p", { id: "name-hint", class: "hint" }, text.nameHint)),
    errors.node,
    submit,
  );
}

/** @param {Account} account @param {Flow} flow */
function passkeyStep(account, flow) {
  const errors = errorLine();
  const possible = canUsePasskeys();
  const make = button("passkey", text.passkeyButton, "primary wide-button", () =>
    void run(make, errors, async () => {
      const { registration, transports } = await createPasskey(account.enrolment?.passkey);
      await device("POST", "/enrol/passkey", { device: account.device, credential: registration });
      const next = { ...account, credential: { id: registration.id, transports } };
      await saveAccount(next);
      flow.next(notificationStep(next, flow));
    }),
  );
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "stack-tight" }, h("p", { class: "step-of" }, text.stepOf(1)), heading(text.passkeyTitle)),
    h("p", {}, text.passkeySentence(account.user.display_name, account.server.name)),
    errors.node,
    possible ? make : h("p", { class: "notice warning" }, text.noPasskey),
  );
}

/** @param {Account} account @param {Flow} flow */
function notificationStep(account, flow) {
  const errors = errorLine();
  const busy = h("p", { class: "soft", role: "status" });
  const goOn = async () => {
    await goWithoutPush();
    flow.next(confirmStep(account, flow));
  };
  const allow = button("notifications", text.notificationsButton, "primary wide-button", () =>
    void run(allow, errors, async () => {
      if (!pushPossible()) {
        throw new Error(text.pushUnreachable);
      }
      await Notification.requestPermission();
      if (!notificationsAllowed()) {
        throw new Error(text.notificationsDenied);
      }
      busy.textContent = text.subscribing;
      const reachable = await syncSubscription().finally(() => busy.replaceChildren());
      if (!reachable) {
        throw new Error(text.pushUnreachable);
      }
      flow.next(confirmStep(account, flow));
    }),
  );
  const skip = button("skip-notifications", text.notificationsSkip, "text", () => void run(skip, errors, goOn));
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "stack-tight" }, h("p", { class: "step-of" }, text.stepOf(2)), heading(text.notificationsTitle)),
    h("p", {}, text.notificationsSentence),
    busy,
    errors.node,
    allow,
    skip,
  );
}

/** @param {Account} account @param {Flow} flow */
function confirmStep(account, flow) {
  const errors = errorLine();
  void waitForComputer(account, flow, errors);
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "stack-tight" }, h("p", { class: "step-of" }, text.stepOf(3)), heading(text.confirmTitle)),
    grouped("confirmation", account.enrolment?.confirmation ?? "", 3),
    h("p", {}, text.confirmSentence),
    h("p", { class: "soft" }, text.confirmWaiting),
    errors.node,
  );
}

/**
 * @param {Account} account
 * @param {Flow} flow
 * @param {ReturnType<typeof errorLine>} errors
 */
async function waitForComputer(account, flow, errors) {
  while (flow.isOpen()) {
    let state = "pending";
    try {
      ({ state } = await device("GET", `/enrol/${account.device}`));
      errors.say("");
    } catch (error) {
      state = error instanceof ApiError && [404, 410].includes(error.status) ? "revoked" : "pending";
      errors.say(error instanceof Error && state === "pending" ? error.message : "");
    }
    if (state === "active") {
      await saveAccount({ ...account, state: "active", enrolment: null });
      flow.next(doneStep(account, flow));
      return;
    }
    if (state === "revoked") {
      await forgetAccount(account.device);
      errors.say(text.revoked);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/**
 * The set-up is over, but for a practice run that may be left out.
 * @param {Account} account
 * @param {Flow} flow
 */
function doneStep(account, flow) {
  /** @param {string|null} test */
  const practise = (test) => {
    if (flow.isOpen()) {
      flow.next(rehearsal({ account, test, answered: (outcome) => flow.next(rehearsed(outcome, () => void flow.done())) }));
    }
  };
  return h(
    "div",
    { class: "stack" },
    mark("approve"),
    h("div", { class: "stack-tight centred" }, heading(text.doneTitle), h("p", {}, text.doneSentence(account.user.display_name))),
    notificationsAllowed() ? selfTest(account.device, practise) : button("practise", text.practise, "primary wide-button", () => practise(null)),
    button("done", text.done, "text", () => void flow.done()),
  );
}
