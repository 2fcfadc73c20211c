/** A one-time code in place of the phone's answer. */

import { call } from "../shared/api.js";
import { button, errorLine, h, heading, run } from "../shared/dom.js";
import { words } from "../shared/words.js";
import { lostPhone } from "./recover.js";

/** Digits that a code may have at most. */
const MOST_DIGITS = 8;

/**
 * @typedef {import("./phases.js").Actions} Actions
 */

/** A field for a code: numeric keypad, nothing but digits, filled in by the system where it knows the code. */
function codeField() {
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      id: "code",
      class: "number",
      type: "text",
      inputmode: "numeric",
      pattern: "[0-9]*",
      autocomplete: "one-time-code",
      required: true,
      "aria-describedby": "code-hint",
      input: () => {
        input.value = input.value.replace(/\D/g, "").slice(0, MOST_DIGITS);
      },
    })
  );
  return input;
}

/**
 * @param {import("./phases.js").Status} status
 * @param {Actions} actions
 * @param {boolean} canGoBack there is something else to do than to type a code
 */
export function typeCode(status, actions, canGoBack) {
  const text = words.signIn.code;
  const errors = errorLine();
  const input = codeField();
  const submit = h("button", { id: "submit", type: "submit", class: "primary wide-button" }, text.button);
  /** @param {Event} event */
  const send = (event) => {
    event.preventDefault();
    void run(submit, errors, async () => {
      const typed = input.value;
      input.value = "";
      input.focus();
      actions.render(await call("POST", "/sign-in/code", { code: typed }));
    });
  };
  const cancel = button("cancel", words.cancel, "text", () => void run(cancel, errors, () => actions.act("cancel")));
  const node = h(
    "form",
    { class: "stack", submit: send },
    heading(text.title),
    h("p", { id: "code-hint" }, text.sentence),
    h("div", { class: "field" }, h("label", { for: "code" }, text.label), input),
    errors.node,
    submit,
    h("div", { class: "actions" }, canGoBack && button("back", text.back, "text", () => actions.use("")), lostPhone(status, actions), cancel),
    h("p", { class: "hint" }, text.warning),
  );
  return { node, focus: () => input.focus() };
}
