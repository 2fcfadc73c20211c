/** Adding a code for another site: from its QR code, its link, or the key that it shows for typing. All ways fill one form. */

import { announce, button, errorLine, h, heading, run } from "../shared/dom.js";
import { ALGORITHMS, DIGITS, NAME_MAX, USUAL, isLink, madeCode, readLink, sameness } from "./otp.js";
import { camera, readPicture } from "./scan.js";
import { ensureOpen, keepCodes, readCodes } from "./vault.js";
import { words } from "./words.js";

const text = words.codes.form;

/** @typedef {import("./otp.js").Code} Code */

/**
 * @param {string} id
 * @param {string} label
 * @param {import("../shared/dom.js").Attributes} attributes
 * @param {string} [hint]
 */
function field(id, label, attributes, hint) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", { id, type: "text", autocomplete: "off", spellcheck: "false", ...(hint ? { "aria-describedby": `${id}-hint` } : {}), ...attributes })
  );
  const node = h("div", { class: "field" }, h("label", { for: id }, label), input, hint && h("p", { id: `${id}-hint`, class: "hint" }, hint));
  return { input, node };
}

/** @param {string} id @param {string} label @param {(string|number)[]} values */
function choice(id, label, values) {
  const input = /** @type {HTMLSelectElement} */ (h("select", { id }, ...values.map((value) => h("option", { value }, String(value)))));
  return { input, node: h("div", { class: "field" }, h("label", { for: id }, label), input) };
}

/** The form's fields, and what they hold. */
function fields() {
  const secret = field("secret", text.secret, { autocapitalize: "characters" }, text.secretHint);
  const issuer = field("issuer", text.issuer, { maxlength: NAME_MAX });
  const account = field("account", text.account, { maxlength: NAME_MAX, autocapitalize: "none" }, text.accountHint);
  const algorithm = choice("algorithm", text.algorithm, ALGORITHMS);
  const digits = choice("digits", text.digits, DIGITS);
  const period = field("period", text.period, { inputmode: "numeric", value: USUAL.period });
  // It stays as the person left it: opened by itself it would move the button away from under a finger.
  const settings = h("details", {}, h("summary", {}, text.settings), h("div", { class: "stack-tight" }, algorithm.node, digits.node, period.node));
  return {
    secret: secret.input,
    nodes: [secret.node, issuer.node, account.node, settings],
    /** @param {Code} code */
    fill: (code) => {
      secret.input.value = code.secret;
      issuer.input.value = code.issuer;
      account.input.value = code.account;
      algorithm.input.value = code.algorithm;
      digits.input.value = String(code.digits);
      period.input.value = String(code.period);
    },
    code: () =>
      madeCode({
        secret: secret.input.value,
        issuer: issuer.input.value,
        account: account.input.value,
        algorithm: algorithm.input.value,
        digits: Number(digits.input.value),
        period: Number(period.input.value),
      }),
  };
}

/**
 * The two ways that need no typing.
 * @param {{say: (sentence: string) => void}} errors
 * @param {(link: string) => boolean} take what was read; whether that was it
 */
function reading(errors, take) {
  const view = h("div", { class: "stack-tight", hidden: true });
  let stopCamera = () => {};
  const close = () => {
    stopCamera();
    stopCamera = () => {};
    view.replaceChildren();
    view.hidden = true;
    scan.hidden = false;
  };
  const scan = button("scan", text.scan, "primary", () =>
    void run(scan, errors, async () => {
      const { node, stop } = await camera((said) => {
        const done = take(said);
        if (done) {
          close();
        }
        return done;
      });
      stopCamera = stop;
      view.replaceChildren(node, h("p", { class: "small soft", role: "status" }, text.looking), button("stop-camera", text.stop, "", close));
      view.hidden = false;
      scan.hidden = true;
    }),
  );
  const picture = /** @type {HTMLInputElement} */ (
    h("input", {
      id: "picture",
      class: "visually-hidden",
      type: "file",
      accept: "image/*",
      change: () =>
        void run(picture, errors, async () => {
          const [file] = picture.files ?? [];
          if (file) {
            take(await readPicture(file).finally(() => (picture.value = "")));
          }
        }),
    })
  );
  const ways = h("div", { class: "actions" }, scan, h("label", { class: "button" }, picture, text.picture));
  return { nodes: [ways, view], stop: close };
}

/** @param {{done: (sentence: string) => void, back: () => void}} given */
export function addCodeScreen({ done, back }) {
  const errors = errorLine();
  const form = fields();
  /** @param {string} link */
  const take = (link) => {
    errors.say("");
    try {
      form.fill(readLink(link));
    } catch (error) {
      errors.say(error instanceof Error ? error.message : "");
      return false;
    }
    announce(text.read);
    return true;
  };
  const takeTyped = () => isLink(form.secret.value) && take(form.secret.value);
  form.secret.addEventListener("change", takeTyped);
  form.secret.addEventListener("paste", () => setTimeout(takeTyped));
  const quick = reading(errors, (link) => {
    const done = take(link);
    if (done) {
      save.focus();
    }
    return done;
  });
  const save = h("button", { id: "submit", type: "submit", class: "primary wide-button" }, text.save);
  const keep = async () => {
    const code = isLink(form.secret.value) ? readLink(form.secret.value) : form.code();
    await ensureOpen();
    const { codes } = await readCodes();
    if (codes.some((one) => sameness(one) === sameness(code))) {
      throw new Error(text.same);
    }
    await keepCodes([code]);
    done(text.last);
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    void run(save, errors, keep);
  };
  const node = h(
    "form",
    { class: "stack", novalidate: true, submit },
    h("div", { class: "stack-tight" }, heading(text.title), h("p", {}, text.sentence)),
    ...quick.nodes,
    ...form.nodes,
    errors.node,
    h("div", { class: "stack-tight" }, save, button("back", words.back, "text", back)),
  );
  return { node, stop: quick.stop };
}
