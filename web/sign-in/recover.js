/** "I don't have my phone": a recovery code, or the pass that the help desk reads out. It leads to where a new phone is added. */

import { call } from "../shared/api.js";
import { button, errorLine, h, heading, run } from "../shared/dom.js";
import { words } from "../shared/words.js";

/** Longest text that is taken: a code of 24 characters with a separator behind each. */
const MOST_CHARACTERS = 48;

/** Leads there from any phase. @param {import("./phases.js").Status} status @param {import("./phases.js").Actions} actions */
export const lostPhone = (status, actions) =>
  status.can_recover && button("recover", words.signIn.recover.offer, "text", () => actions.use("recover"));

/** @param {import("./phases.js").Actions} actions */
export function recover(actions) {
  const text = words.signIn.recover;
  const errors = errorLine();
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      id: "recovery-code",
      class: "code-field",
      type: "text",
      autocomplete: "off",
      autocapitalize: "characters",
      spellcheck: "false",
      maxlength: MOST_CHARACTERS,
      required: true,
      "aria-describedby": "recovery-hint",
    })
  );
  const submit = h("button", { id: "submit", type: "submit", class: "primary wide-button" }, text.button);
  /** @param {Event} event */
  const send = (event) => {
    event.preventDefault();
    void run(submit, errors, async () => {
      const { location: target } = await call("POST", "/sign-in/recover", { code: input.value });
      location.assign(target);
      // The page is being left: nothing after this may run.
      await new Promise(() => {});
    });
  };
  const node = h(
    "form",
    { class: "stack", submit: send },
    heading(text.title),
    h("p", { id: "recovery-hint" }, text.sentence),
    h("div", { class: "field" }, h("label", { for: "recovery-code" }, text.label), input),
    errors.node,
    submit,
    h("div", { class: "actions" }, button("back", text.back, "text", () => actions.use(""))),
    h("p", { class: "hint" }, text.follows),
    h("p", { class: "hint" }, text.warning),
  );
  return { node, focus: () => input.focus() };
}
