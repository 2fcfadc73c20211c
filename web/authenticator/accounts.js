/** The accounts of this phone: their state, a test notification, and removal. */

import { ApiError } from "../shared/api.js";
import { button, errorLine, h, heading, run } from "../shared/dom.js";
import { languageField } from "../shared/language-field.js";
import { device } from "./api.js";
import { selfTest } from "./self-test.js";
import { allAccounts, forgetAccount } from "./store.js";
import { words } from "./words.js";

const text = words.accounts;

/**
 * @typedef {import("./store.js").Account} Account
 * @typedef {{add: () => void, resume: (account: Account) => void, changed: () => Promise<void>, back: () => void}} Actions
 */

/** @param {Actions} actions */
export function accountsScreen(actions) {
  const list = h("ul", { id: "accounts", class: "stack" });
  void allAccounts().then((accounts) => list.replaceChildren(...accounts.map((account) => card(account, actions))));
  const node = h(
    "div",
    { class: "stack" },
    heading(text.title),
    list,
    languageField(),
    h("div", { class: "actions" }, button("add-account", text.add, "", actions.add), button("back", words.back, "text", actions.back)),
  );
  return { node };
}

/** @param {Account} account @param {Actions} actions */
function card(account, actions) {
  const errors = errorLine(`error-${account.device}`);
  const forget = async () => {
    await forgetAccount(account.device);
    await actions.changed();
  };
  /** @type {Record<Account["state"], () => HTMLElement>} */
  const parts = {
    active: () => h("div", { class: "stack-tight" }, selfTest(account.device), removal(account, errors, forget)),
    pending: () =>
      h(
        "div",
        { class: "stack-tight" },
        account.enrolment && button("resume", text.resume, "", () => actions.resume(account)),
        removal(account, errors, forget),
      ),
    revoked: () => h("div", { class: "stack-tight" }, h("p", {}, text.revokedSentence), button("clear", text.clear, "", () => void forget())),
  };
  return h(
    "li",
    { class: "tile card", "data-device": account.device, "data-state": account.state },
    h("div", { class: "row" }, h("h2", {}, account.user.display_name), h("span", { class: account.state === "active" ? "tag" : "tag warning" }, text[account.state])),
    h("p", { class: "soft" }, `${account.user.name}, ${account.server.name}`),
    parts[account.state](),
    errors.node,
  );
}

/**
 * Removal asks once more, in place.
 * @param {Account} account
 * @param {ReturnType<typeof errorLine>} errors
 * @param {() => Promise<void>} forget
 */
function removal(account, errors, forget) {
  const confirm = button("remove-confirm", text.removeConfirm, "danger", () =>
    void run(confirm, errors, async () => {
      await device("DELETE", `/devices/${account.device}`).catch((error) => {
        if (!(error instanceof ApiError && error.code === "not_found")) {
          throw error;
        }
      });
      await forget();
    }),
  );
  const question = h(
    "div",
    { class: "notice danger stack-tight", hidden: true },
    h("p", {}, h("strong", {}, text.removeTitle(account.user.display_name))),
    h("p", {}, text.removeSentence),
    confirm,
  );
  const ask = button("remove", text.remove, "text danger", () => {
    question.hidden = !question.hidden;
  });
  return h("div", { class: "stack-tight" }, ask, question);
}
