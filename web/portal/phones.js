/** The phones of an account, each as a card among the ways to sign in. */

import { call } from "../shared/api.js";
import { button, errorLine, h, run } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { asked } from "./parts.js";
import { testButton } from "./test.js";
import { send } from "./send.js";
import { words } from "./words.js";

const text = words.phone;

/**
 * @typedef {{about: string, sent_at: number, outcome: string, at: number}} Delivery
 * @typedef {{id: string, name: string, platform: string, state: string, notifications: string|null, added_at: number,
 *   seen_at: number, held_until: number|null, delivery: Delivery|null}} Phone
 */

/**
 * @param {Phone} phone
 * @param {{now: number, isLast: boolean, portal: import("./parts.js").Portal}} given
 */
export function phoneCard(phone, { now, isLast, portal }) {
  const path = `/portal/phones/${phone.id}`;
  const isActive = phone.state === "active";
  const heldUntil = phone.held_until;
  const removal = asked({
    id: `remove-${phone.id}`,
    label: text.remove,
    name: text.removeButton(phone.name),
    title: text.removeTitle(phone.name),
    sentence: isLast ? text.lastSentence : text.removeSentence,
    confirm: isLast ? text.removeLastButton : text.removeButton(phone.name),
    act: async () => {
      await send(`${path}/revoke`, { even_last: isLast });
      await portal.refresh(text.removed(phone.name), "ways");
    },
  });
  const test = isActive && phone.notifications === "granted" ? testButton(phone) : null;
  return h(
    "li",
    { class: "tile card", "data-phone": phone.id, "data-state": phone.state },
    h(
      "div",
      { class: "way" },
      icon("phone"),
      h(
        "div",
        { class: "grow" },
        h("h3", { class: "name" }, phone.name, !isActive && " ", !isActive && h("span", { class: "tag warning" }, text.unfinished), heldUntil !== null && " ", heldUntil !== null && h("span", { class: "tag warning" }, text.held(heldUntil))),
        h("p", { class: "small soft" }, text.platform[phone.platform] ?? phone.platform),
        h("p", { class: "small soft" }, `${text.added(words.ago(phone.added_at, now))}, ${text.seen(words.ago(phone.seen_at, now))}.`),
        heldUntil !== null && h("p", { class: "small" }, text.heldSentence),
        isActive && ring(phone, now),
      ),
    ),
    h("div", { class: "row" }, test?.control, renaming(phone, path, portal), removal.control),
    ...(test?.result ?? []),
    removal.question,
  );
}

/** @param {Phone} phone @param {number} now */
function ring(phone, now) {
  if (phone.notifications !== "granted") {
    return h("p", { class: "small warning-text", "data-delivery": "none" }, text.silent);
  }
  const { delivery } = phone;
  const sentence = delivery ? text.delivery(delivery, now) : text.noDelivery;
  return h("p", { class: "small soft", "data-delivery": delivery?.outcome ?? "unknown" }, `${text.lastRing}: `, sentence);
}

/** @param {{id: string, name: string}} phone @param {string} path @param {import("./parts.js").Portal} portal */
export function renaming(phone, path, portal) {
  const errors = errorLine(`rename-${phone.id}-error`);
  const field = `name-${phone.id}`;
  const input = /** @type {HTMLInputElement} */ (h("input", { id: field, type: "text", value: phone.name, maxlength: 64, required: true }));
  const save = h("button", { type: "submit" }, text.save);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const name = input.value.trim();
    void run(save, errors, async () => {
      await call("POST", `${path}/rename`, { name });
      await portal.refresh(text.renamed(name), "ways");
    });
  };
  return h(
    "details",
    { class: "rename" },
    h("summary", { "aria-label": `${text.rename} ${phone.name}` }, text.rename),
    h("form", { class: "stack-tight", submit }, h("label", { for: field }, text.newName), h("div", { class: "row" }, input, save), errors.node),
  );
}

/** @param {import("./parts.js").Portal} _ */
export function addPhone(_) {
  const errors = errorLine("add-phone-error");
  const control = button("add-phone", words.ways.addPhone, "", () => void run(control, errors, () => send("/portal/enrol", {})));
  return h("div", { class: "stack-tight" }, control, errors.node);
}
