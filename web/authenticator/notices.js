/** What has changed about the accounts on this phone: each phone hears of it, whoever did it. */

import { errorLine, h } from "../shared/dom.js";
import { device } from "./api.js";
import { words } from "./words.js";

const text = words.notices;

/** @typedef {{device: string, kind: string, at: number, about: string, from: string}} Notice */

/** @param {Notice} notice */
const line = (notice) =>
  h(
    "li",
    { "data-notice": notice.kind },
    h("span", { class: "grow" }, text.sentence(notice)),
    h("time", { class: "small soft whole-row", datetime: new Date(notice.at).toISOString() }, words.when(notice.at)),
  );

/** A section that stays away while there is nothing to tell. */
export function noticesSection() {
  const errors = errorLine("notices-error");
  const list = h("ul", { id: "notices", class: "list" });
  const section = h("section", { class: "stack-tight", hidden: true }, h("h2", {}, text.title), list, h("p", { class: "small soft" }, text.advice), errors.node);
  device("GET", "/notices").then(
    ({ notices }) => {
      list.replaceChildren(...notices.map(line));
      section.hidden = notices.length === 0;
    },
    (error) => {
      section.hidden = false;
      errors.say(error instanceof Error ? error.message : "");
    },
  );
  return section;
}
