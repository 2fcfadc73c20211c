/** What the sections of the portal are built from. */

import { button, errorLine, h, run } from "../shared/dom.js";
import { words } from "./words.js";

/** Counts, so that every question has an id of its own. */
let questions = 0;

/**
 * @typedef {{refresh: (said: string, focus: string) => Promise<void>, say: (sentence: string) => void}} Portal
 *   `refresh` looks again, reads out what was done, and moves the focus to the heading of the section with this id; `say` leaves
 *   a sentence at the top that stays.
 */

/**
 * A section with a heading that can take the focus.
 * @param {string} id
 * @param {string} title
 * @param {...import("../shared/dom.js").Child} children
 */
export function section(id, title, ...children) {
  const heading = h("h2", { id: `${id}-title`, tabindex: "-1" }, title);
  return h("section", { id, class: "stack-tight", "aria-labelledby": `${id}-title` }, heading, ...children);
}

/**
 * A button that asks once more, in place, and says what follows.
 * @param {{id: string, label: string, name: string, title: string, sentence: string, confirm: string, act: () => Promise<void>}} given
 *   `name` is what the button is called by people who do not see where it stands
 * @returns {{control: HTMLElement, question: HTMLElement}}
 */
export function asked({ id, label, name, title, sentence, confirm, act }) {
  const errors = errorLine(`${id}-error`);
  questions += 1;
  const place = `question-${questions}`;
  const sure = button(`${id}-sure`, confirm, "danger", () => void run(sure, errors, act));
  const close = () => {
    question.hidden = true;
    control.setAttribute("aria-expanded", "false");
    control.focus();
  };
  const heading = h("h3", { tabindex: "-1" }, title);
  const question = h(
    "div",
    { id: place, class: "notice danger stack-tight whole-row", hidden: true, keydown: (event) => event.key === "Escape" && close() },
    heading,
    h("p", {}, sentence),
    errors.node,
    h("div", { class: "actions" }, sure, button(`${id}-cancel`, words.cancel, "", close)),
  );
  const control = h(
    "button",
    {
      id,
      type: "button",
      class: "text danger",
      "aria-label": name,
      "aria-expanded": "false",
      "aria-controls": place,
      click: () => {
        question.hidden = false;
        control.setAttribute("aria-expanded", "true");
        heading.focus();
      },
    },
    label,
  );
  return { control, question };
}
