/** What has changed about the accounts on this phone: each phone hears of it, whoever did it. */

import { button, errorLine, h, run } from "../shared/dom.js";
import { device } from "./api.js";
import { words } from "./words.js";

const text = words.notices;

/** @typedef {{device: string, kind: string, at: number, about: string, from: string, can_cancel: boolean}} Notice */

/** "This wasn't me" about a recovery that can still be taken back. @param {Notice} notice */
function cancelling(notice) {
  const errors = errorLine("cancel-error");
  const cancel = button("cancel-recovery", text.cancel, "danger", () =>
    void run(cancel, errors, async () => {
      await device("POST", "/recovery/cancel", { device: notice.device });
      place.replaceChildren(h("p", { id: "cancelled", class: "notice", role: "status" }, text.cancelled));
    }),
  );
  const place = h("div", { class: "stack-tight whole-row" }, cancel, errors.node);
  return place;
}

/** @param {Notice} notice @param {boolean} cancels it is the newest that can be taken back, and carries the button for all */
const line = (notice, cancels) =>
  h(
    "li",
    { "data-notice": notice.kind },
    h("span", { class: "grow" }, text.sentence(notice)),
    h("time", { class: "small soft whole-row", datetime: new Date(notice.at).toISOString() }, words.when(notice.at)),
    cancels && cancelling(notice),
  );

/** A section that stays away while there is nothing to tell. */
export function noticesSection() {
  const errors = errorLine("notices-error");
  const list = h("ul", { id: "notices", class: "list" });
  const section = h("section", { class: "stack-tight", hidden: true }, h("h2", {}, text.title), list, h("p", { class: "small soft" }, text.advice), errors.node);
  device("GET", "/notices").then(
    ({ notices }) => {
      /** @type {(notice: Notice, place: number) => boolean} */
      const isFirst = (notice, place) => notice.can_cancel && notices.findIndex((/** @type {Notice} */ other) => other.can_cancel && other.device === notice.device) === place;
      list.replaceChildren(...notices.map((/** @type {Notice} */ notice, /** @type {number} */ place) => line(notice, isFirst(notice, place))));
      section.hidden = notices.length === 0;
    },
    (error) => {
      section.hidden = false;
      errors.say(error instanceof Error ? error.message : "");
    },
  );
  return section;
}
