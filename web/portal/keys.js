/** Security keys and passkeys that belong to no phone, each as a card among the ways to sign in. */

import { button, errorLine, h, run } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { asked } from "./parts.js";
import { renaming } from "./phones.js";
import { send } from "./send.js";
import { words } from "./words.js";

const text = words.key;

/**
 * @typedef {{id: string, name: string, synced: boolean, added_at: number, used_at: number|null}} Key
 */

/**
 * @param {Key} key
 * @param {{now: number, isLast: boolean, portal: import("./parts.js").Portal}} given
 */
export function keyCard(key, { now, isLast, portal }) {
  const path = `/portal/keys/${key.id}`;
  const removal = asked({
    id: `remove-${key.id}`,
    label: words.phone.remove,
    name: words.phone.removeButton(key.name),
    title: words.phone.removeTitle(key.name),
    sentence: isLast ? text.lastSentence : text.removeSentence,
    confirm: isLast ? text.removeLastButton : words.phone.removeButton(key.name),
    act: async () => {
      await send(`${path}/remove`, { even_last: isLast });
      await portal.refresh(words.phone.removed(key.name), "ways");
    },
  });
  const used = key.used_at === null ? text.neverUsed : text.used(words.ago(key.used_at, now));
  return h(
    "li",
    { class: "tile card", "data-key": key.id },
    h(
      "div",
      { class: "way" },
      icon("key"),
      h(
        "div",
        { class: "grow" },
        h("h3", { class: "name" }, key.name),
        h("p", { class: "small soft" }, key.synced ? text.synced : text.oneDevice),
        h("p", { class: "small soft" }, `${words.phone.added(words.ago(key.added_at, now))}, ${used}.`),
      ),
    ),
    h("div", { class: "row" }, renaming(key, path, portal), removal.control),
    removal.question,
  );
}

/** Leads to where a key is added. */
export function addKey() {
  const errors = errorLine("add-key-error");
  const control = button("add-key", text.add, "", () => void run(control, errors, () => send("/portal/keys/add", {})));
  return h("div", { class: "stack-tight" }, control, errors.node);
}
