/** An administrator's single-use link that introduces this browser: the link's secret, user name and password. */

import { call } from "../shared/api.js";
import { errorLine, h, heading, run, show } from "../shared/dom.js";
import { mark } from "../shared/marks.js";
import { words } from "../shared/words.js";

const text = words.introduceLink;
/** The secret stays in memory only: not in the address bar, not in the history (INV-24). */
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

/** @param {string} id @param {string} label @param {Record<string, string>} attributes */
function field(id, label, attributes) {
  const input = /** @type {HTMLInputElement} */ (h("input", { id, required: true, maxlength: 1024, ...attributes }));
  return { input, node: h("div", { class: "field" }, h("label", { for: id }, label), input) };
}

function form() {
  const errors = errorLine();
  const user = field("username", words.userName, { type: "text", autocomplete: "username", autocapitalize: "none", spellcheck: "false" });
  const password = field("password", words.password, { type: "password", autocomplete: "current-password" });
  const submit = h("button", { id: "submit", type: "submit", class: "primary wide-button" }, text.button);
  /** @param {Event} event */
  const send = (event) => {
    event.preventDefault();
    void run(submit, errors, async () => {
      await call("POST", "/introduce", { token, user: user.input.value, password: password.input.value });
      show("done", done());
    });
  };
  return h("form", { class: "stack", submit: send }, heading(text.title), h("p", {}, text.sentence), user.node, password.node, errors.node, submit);
}

function done() {
  return h(
    "div",
    { class: "stack" },
    mark("approve"),
    h("div", { class: "stack-tight centred" }, heading(text.doneTitle), h("p", {}, text.doneSentence)),
    h("a", { id: "next", class: "button primary wide-button", href: "/sign-in" }, words.goToSignIn),
  );
}

function noToken() {
  return h("div", { class: "stack" }, heading(text.noTokenTitle), h("p", {}, text.noToken));
}

show(token ? "form" : "ended", token ? form() : noToken());
