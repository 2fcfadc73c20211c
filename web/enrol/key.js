/** A security key, or a passkey of this computer, in place of a phone. */

import { call } from "../shared/api.js";
import { button, errorLine, h, heading } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { mark } from "../shared/marks.js";
import { canUsePasskeys, createPasskey } from "../shared/webauthn.js";
import { words as common } from "../shared/words.js";
import { words } from "./words.js";

const text = words.key;

/** Longest name, characters; the server cuts what is longer. */
const NAME_MAX = 64;

/**
 * @typedef {import("./steps.js").Render} Render
 * @typedef {import("./steps.js").Sender} Sender
 */

/** How somebody without a phone goes on: leads to the step below. @param {(way: "key"|"") => void} use */
export function offerKey(use) {
  return h(
    "div",
    { class: "notice stack-tight" },
    h("p", {}, text.offer),
    h("div", {}, button("use-key", text.offerButton, "", () => use("key"))),
  );
}

/**
 * @param {Render} render
 * @param {Sender} sender
 * @param {(way: "key"|"") => void} use
 * @returns {{node: Node}}
 */
export function addKey(render, sender, use) {
  const errors = errorLine();
  const possible = canUsePasskeys();
  const name = /** @type {HTMLInputElement} */ (
    h("input", { id: "key-name", type: "text", maxlength: NAME_MAX, autocomplete: "off", "aria-describedby": "key-name-hint" })
  );
  const add = sender("add-key", text.button, "primary wide-button", errors, render, async () => {
    const { registration } = await createPasskey(await call("POST", "/enrol/key/options", {}));
    return call("POST", "/enrol/key", { registration, name: name.value });
  });
  const node = h(
    "div",
    { class: "stack" },
    heading(text.title),
    h("p", {}, text.sentence),
    h(
      "ul",
      { class: "ways", "aria-label": text.ways },
      h("li", {}, icon("key"), h("span", {}, text.byKey)),
      h("li", {}, icon("computer"), h("span", {}, text.byComputer)),
    ),
    h("div", { class: "field" }, h("label", { for: "key-name" }, text.name), name, h("p", { id: "key-name-hint", class: "hint" }, text.nameHint)),
    errors.node,
    possible ? add : h("p", { class: "notice warning" }, common.passkey.unsupported),
    h("div", { class: "actions" }, button("use-phone", text.usePhone, "text", () => use(""))),
  );
  return { node };
}

/** @returns {{node: Node}} */
export function keyed() {
  const node = h(
    "div",
    { class: "stack" },
    mark("approve"),
    h("div", { class: "stack-tight centred" }, heading(text.doneTitle), h("p", {}, text.doneSentence)),
    h("a", { id: "next", class: "button primary wide-button", href: "/portal" }, words.done.button),
    h("p", { class: "hint" }, text.spare),
  );
  return { node };
}
