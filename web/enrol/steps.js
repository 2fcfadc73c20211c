/** One function per step of an enrolment: `node` to show, `update` for changes within it, `stop` when it goes. */

import { call } from "../shared/api.js";
import { button, errorLine, h, heading, run, sixDigits } from "../shared/dom.js";
import { countdown, grouped, mark } from "../shared/marks.js";
import { platform } from "../shared/platform.js";
import { canUsePasskeys, usePasskey } from "../shared/webauthn.js";
import { words as common } from "../shared/words.js";
import { keyed, offerKey } from "./key.js";
import { words } from "./words.js";

/**
 * @typedef {import("./enrol.js").Status} Status
 * @typedef {(status: Status) => void} Render
 * @typedef {(way: "key"|"") => void} Use
 * @typedef {typeof sender} Sender
 * @typedef {{node: Node, update?: (status: Status) => void, stop?: () => void}} Built
 */

/** @param {number} step @param {string} title */
const head = (step, title) => h("div", { class: "stack-tight" }, h("p", { class: "step-of" }, words.stepOf(step)), heading(title));

/** What was sent last; fulfilled when its answer is here. @type {Promise<void>} */
export let sent = Promise.resolve();

/**
 * A button that sends something and shows the STATUS that comes back.
 * @param {string} id
 * @param {string} label
 * @param {string} kind
 * @param {ReturnType<typeof errorLine>} errors
 * @param {Render} render
 * @param {() => Promise<Status>} send
 */
export function sender(id, label, kind, errors, render, send) {
  const control = button(id, label, kind, () => {
    sent = run(control, errors, async () => render(await send()));
  });
  return control;
}

/** @param {boolean} choose @returns {(status: Status, render: Render) => Built} */
const password = (choose) => (status, render) => {
  const text = words.password;
  const errors = errorLine();
  const input = /** @type {HTMLInputElement} */ (
    h("input", { id: "password", type: "password", maxlength: 1024, required: true, autocomplete: choose ? "new-password" : "current-password" })
  );
  const reveal = /** @type {HTMLInputElement} */ (
    h("input", {
      id: "show-password",
      type: "checkbox",
      change: () => {
        input.type = reveal.checked ? "text" : "password";
      },
    })
  );
  const submit = h("button", { id: "submit", type: "submit", class: "primary wide-button" }, text.button);
  /** @param {Event} event */
  const send = (event) => {
    event.preventDefault();
    void run(submit, errors, async () => render(await call("POST", "/enrol/password", { password: input.value })));
  };
  const node = h(
    "form",
    { class: "stack", submit: send },
    head(1, choose ? text.chooseTitle : text.title),
    h("p", {}, choose ? text.chooseSentence(status.user ?? "") : text.sentence(status.user ?? "")),
    h("input", { type: "text", hidden: true, autocomplete: "username", value: status.user }),
    h("div", { class: "field" }, h("label", { for: "password" }, text.label), input, choose && h("p", { class: "hint" }, text.advice)),
    h("label", { class: "check" }, reveal, text.show),
    errors.node,
    submit,
  );
  return { node };
};

/** @param {string} title @param {string[]} list @param {boolean} isOpen @param {...Node} more */
function howTo(title, list, isOpen, ...more) {
  const numbered = h("ol", { class: "steps" }, ...list.map((line) => h("li", {}, h("span", {}, line))));
  return h("details", { open: isOpen }, h("summary", {}, title), numbered, ...more);
}

/** Asks for a code, once, when the step has none yet. @param {Status} status @param {Render} render @param {Use} use @returns {Built} */
function makeCode(status, render, use) {
  const text = words.code;
  const errors = errorLine();
  const make = sender("new-code", text.make, "primary wide-button", errors, render, () => call("POST", "/enrol/code", {}));
  make.click();
  return { node: h("div", { class: "stack" }, head(2, text.makeTitle), errors.node, make, status.can_use_key && offerKey(use)) };
}

/** @param {Status} status @param {Render} render @param {Use} use @returns {Built} */
function code(status, render, use) {
  if (!status.code) {
    return makeCode(status, render, use);
  }
  const text = words.code;
  const errors = errorLine();
  const held = platform();
  const ended = h("p", { id: "code-ended", class: "notice warning", role: "alert", hidden: true }, text.ended);
  const clock = countdown({
    expiresAt: status.expires_at ?? status.now,
    now: status.now,
    done: () => {
      ended.hidden = false;
    },
  });
  const image = h("img", { id: "qr", class: "qr", alt: text.qr, src: `data:image/svg+xml;base64,${btoa(status.qr ?? "")}` });
  const command = h("p", {}, h("code", {}, `nod phone enrol ${status.code} --server ${location.origin}`));
  const node = h(
    "div",
    { class: "stack" },
    head(2, text.title),
    held !== "desktop" &&
      h(
        "div",
        { class: "notice stack-tight" },
        h("p", {}, text.here),
        h("a", { id: "open-here", class: "button primary", href: status.link, target: "_blank", rel: "noopener" }, text.hereButton),
      ),
    status.on_hold && h("p", { id: "will-be-held", class: "notice warning" }, words.hold.before),
    image,
    h("div", { class: "stack-tight centred" }, h("p", {}, text.typeIt), grouped("code", status.code, 4, "code"), clock.node),
    ended,
    h(
      "div",
      { class: "how-to" },
      howTo(text.iphone, text.iphoneSteps, held === "ios"),
      howTo(text.android, text.androidSteps, held === "android"),
      howTo(text.terminal, text.terminalSteps, false, command),
    ),
    status.can_use_key && offerKey(use),
    errors.node,
    h("p", { class: "soft" }, text.waiting),
    sender("new-code", text.again, "text", errors, render, () => call("POST", "/enrol/code", {})),
  );
  return { node, stop: clock.stop };
}

/** @param {Status} status @returns {Built} */
function device(status) {
  const text = words.device;
  const missing = h("p", { id: "missing" });
  const node = h(
    "div",
    { class: "stack" },
    head(2, text.title(status.device?.name ?? "")),
    mark("waiting"),
    h("p", {}, text.sentence),
    missing,
    h("p", { class: "soft" }, text.waiting),
  );
  return {
    node,
    update: (next) => {
      missing.textContent = next.device?.missing.length ? text.missing(next.device.missing) : "";
    },
  };
}

/** @param {Status} status @param {Render} render @returns {Built} */
function confirm(status, render) {
  const text = words.confirm;
  const errors = errorLine();
  const input = sixDigits("confirmation");
  const node = h(
    "div",
    { class: "stack" },
    head(3, text.title),
    h("p", {}, text.sentence(status.device?.name ?? "")),
    h("div", { class: "field" }, h("label", { for: "confirmation" }, text.label), input),
    errors.node,
    h(
      "div",
      { class: "decision" },
      sender("confirm-no", text.no, "danger", errors, render, () => call("POST", "/enrol/refuse", {})),
      sender("confirm-yes", text.yes, "primary", errors, render, () =>
        call("POST", "/enrol/confirm", { confirmation: input.value }),
      ),
    ),
  );
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      node.querySelector("#confirm-yes")?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    }
  });
  return { node };
}

/** @param {Status} _status @param {Render} render @returns {Built} */
function introduce(_status, render) {
  const text = words.introduce;
  const errors = errorLine();
  const bind = sender("passkey", text.button, "primary wide-button", errors, render, async () => {
    const assertion = await usePasskey(await call("POST", "/enrol/passkey/options", {}));
    return call("POST", "/enrol/passkey", { assertion });
  });
  const skip = sender("not-my-computer", text.skip, "wide-button", errors, render, () =>
    call("POST", "/enrol/passkey", { assertion: null }),
  );
  const possible = canUsePasskeys();
  const node = h(
    "div",
    { class: "stack" },
    heading(text.title),
    h("p", {}, text.sentence),
    errors.node,
    possible ? bind : h("p", { class: "notice warning" }, common.passkey.unsupported),
    skip,
  );
  return { node };
}

/** A phone that came by a recovery code typed in an unknown browser. @param {number} until @returns {Built} */
function held(until) {
  const text = words.hold;
  const node = h(
    "div",
    { class: "stack" },
    mark("waiting"),
    h("div", { class: "stack-tight centred" }, heading(text.title), h("p", { id: "held", "data-until": String(until) }, text.sentence(until)), h("p", {}, text.sooner)),
  );
  return { node };
}

/** @param {Status} status @returns {Built} */
function done(status) {
  if (status.held_until) {
    return held(status.held_until);
  }
  const text = words.done;
  const node = h(
    "div",
    { class: "stack" },
    mark("approve"),
    h("div", { class: "stack-tight centred" }, heading(text.title), h("p", {}, text.sentence)),
    h("a", { id: "next", class: "button primary wide-button", href: "/portal" }, text.button),
  );
  return { node };
}

/** @returns {Built} */
function ended() {
  return { node: h("div", { class: "stack" }, heading(words.ended.title), h("p", {}, words.ended.sentence)) };
}

/** @type {Record<string, (status: Status, render: Render, use: Use) => Built>} */
export const steps = {
  password: password(false),
  choose_password: password(true),
  code,
  device,
  confirm,
  introduce,
  done,
  keyed,
  ended,
};
