/** The request screen: one decision. Who, from where, when; then Deny or Approve. */

import { ApiError } from "../shared/api.js";
import { fromBase64url } from "../shared/bytes.js";
import { SIX_DIGITS, button, errorLine, h, heading, sixDigits } from "../shared/dom.js";
import { countdown, mark } from "../shared/marks.js";
import { usePasskey } from "../shared/webauthn.js";
import { approve, deny, report } from "./answer.js";
import { words } from "./words.js";

/**
 * @typedef {import("./answer.js").Request} Request
 * @typedef {import("./store.js").Account} Account
 * @typedef {{app: string, user: string, display_name: string, browser: string, address: string, place: string, new: string[],
 *   at: number}} Context
 */

const text = words.request;

/**
 * What the request says, read from the very bytes that the answer signs.
 * @param {Request} request
 * @returns {Context}
 */
export const contextOf = (request) => JSON.parse(new TextDecoder().decode(fromBase64url(request.context)));

/** @param {string} term @param {...import("../shared/dom.js").Child} details */
export const fact = (term, ...details) => h("div", {}, h("dt", {}, term), h("dd", {}, ...details));

/** @param {Context} context */
function origin(context) {
  const place = context.place && context.place !== "unknown" ? context.place : "";
  return [
    h("span", { class: "lead" }, context.browser, place && ", ", place && h("span", { class: "whole" }, place)),
    h("br"),
    h("span", { class: "small" }, place ? context.address : `${context.address}, ${text.unknownPlace}`),
    ...(context.new ?? []).map((name) => h("span", { class: "new-mark" }, text.newMark(name))),
  ];
}

function numberField() {
  const input = sixDigits("number", "number-hint");
  const node = h(
    "div",
    { class: "field" },
    h("label", { for: "number" }, text.number),
    input,
    h("p", { id: "number-hint", class: "small" }, text.numberHint),
  );
  return { input, node };
}

/**
 * @param {{request: Request, account: Account, changed: boolean, done: (outcome: string) => void}} given
 *   `changed`: the person was reading an older version of this request.
 */
export function requestScreen({ request, account, changed, done }) {
  const context = contextOf(request);
  const errors = errorLine();
  const field = request.number_required ? numberField() : null;
  /** While an answer is under way, neither the clock nor the live channel changes the screen. */
  let isBusy = false;
  const clock = countdown({
    expiresAt: request.expires_at,
    now: request.now,
    startedAt: request.created_at,
    done: () => {
      if (!isBusy) {
        done("gone");
      }
    },
  });

  /** @param {() => Promise<unknown>} send @param {string} decision */
  const decide = async (send, decision) => {
    isBusy = true;
    errors.say("");
    buttons.forEach((one) => one.setAttribute("disabled", ""));
    try {
      await send();
      done(decision);
    } catch (error) {
      const code = error instanceof ApiError ? error.code : "";
      if (code === "not_found" || code in words.outcomes) {
        done(code === "not_found" ? "gone" : code);
      } else {
        errors.say(error instanceof ApiError ? error.message : text.uvRefused);
      }
    } finally {
      isBusy = false;
      buttons.forEach((one) => one.removeAttribute("disabled"));
    }
  };

  const approveThis = () => {
    const number = field?.input.value ?? null;
    if (field && field.input.value.length !== SIX_DIGITS) {
      errors.say(text.numberMissing);
      field.input.focus();
      return;
    }
    void decide(() => approve(account, request, number, usePasskey), "approve");
  };
  const buttons = [
    button("deny", text.deny, "danger", () => void decide(() => deny(account, request), "deny")),
    button("approve", text.approve, "primary", approveThis),
    button("fraud", text.fraud, "text danger", () => void decide(() => report(account, request, usePasskey), "deny_fraud")),
  ];

  const node = h(
    "div",
    { class: "stack request", "data-request": request.id },
    heading(text.title[0], h("strong", {}, context.app), text.title[1]),
    changed && h("p", { class: "notice warning", role: "alert" }, text.changed),
    request.others > 0 && h("p", { id: "others", class: "notice warning" }, text.others(request.others)),
    h(
      "dl",
      { class: "facts" },
      fact(text.who, h("span", { class: "lead" }, context.display_name || context.user), h("br"), h("span", { class: "small" }, context.user)),
      fact(text.from, ...origin(context)),
      fact(text.when, h("div", { class: "row" }, h("span", { class: "lead" }, text.ago(context.at, request.now)), clock.node)),
    ),
    field?.node,
    errors.node,
    h("div", { class: "decision" }, ...buttons),
  );
  return { node, stop: clock.stop, isBusy: () => isBusy };
}

/**
 * @param {string} outcome
 * @param {() => void} leave
 */
export function outcomeScreen(outcome, leave) {
  const { title, sentence } = words.outcomes[outcome] ?? words.outcomes.gone;
  const motion = outcome === "approve" ? "approve" : outcome.startsWith("deny") ? "deny" : "still";
  const node = h(
    "div",
    { class: "stack centred", "data-outcome": outcome },
    mark(motion),
    heading(title),
    h("p", {}, sentence),
    button("done", words.enrol.done, "wide-button", leave),
  );
  return { node };
}
