/** Recovery codes: how many are left, and a new set, shown once on a page that can be printed. */

import { announce, button, errorLine, h, heading, run, show } from "../shared/dom.js";
import { asked, section } from "./parts.js";
import { send } from "./send.js";
import { words } from "./words.js";

/** So many left, and it is time for a new set. */
export const FEW_CODES = 3;

const text = words.recovery;

/**
 * A recovery that can still be taken back.
 * @param {import("./phones.js").Phone[]} phones
 * @param {import("./parts.js").Portal} portal
 */
export function openRecovery(phones, portal) {
  const errors = errorLine("cancel-recovery-error");
  const held = phones.filter((phone) => phone.held_until !== null).map((phone) => phone.name);
  const cancel = button("cancel-recovery", text.cancel, "danger", () =>
    void run(cancel, errors, async () => {
      await send("/portal/recovery/cancel", {});
      await portal.refresh(text.cancelled, "ways");
      portal.say(text.cancelled);
    }),
  );
  return h(
    "section",
    { class: "notice danger stack-tight", "aria-labelledby": "recovery-open" },
    h("h2", { id: "recovery-open" }, text.openTitle),
    h("p", {}, text.openSentence),
    held.length > 0 && h("p", {}, text.openHeld(held.join(", "))),
    h("div", {}, cancel),
    errors.node,
  );
}

/** @typedef {{left: number, user: string, portal: import("./parts.js").Portal}} Given */

/** @param {Given} given */
export function recoverySection({ left, user, portal }) {
  const make = async () => sheet(await send("/portal/recovery", {}), user, portal);
  const said = [
    h("p", { id: "recovery-left", "data-left": String(left) }, text.left(left), " ", text.sentence),
    left > 0 && left <= FEW_CODES && h("p", { class: "warning-text" }, text.few),
  ];
  if (left === 0) {
    const errors = errorLine("recovery-error");
    const control = button("make-codes", text.make, "", () => void run(control, errors, make));
    return section("recovery", text.title, h("div", { class: "tile stack-tight" }, ...said, h("div", {}, control), errors.node));
  }
  const again = asked({
    id: "make-codes",
    label: text.again,
    name: text.again,
    title: text.againTitle,
    sentence: text.againSentence,
    confirm: text.again,
    act: make,
  });
  return section("recovery", text.title, h("div", { class: "tile stack-tight" }, ...said, h("div", {}, again.control), again.question));
}

/**
 * The sheet of codes takes the page's place: nothing else is printed, and a look at the portal afterwards does not show it again.
 * @param {{codes: string[], made_at: number}} made
 * @param {string} user
 * @param {import("./parts.js").Portal} portal
 */
function sheet(made, user, portal) {
  const server = document.getElementById("phase")?.dataset.server ?? "Nod";
  const title = text.paperTitle(server, user);
  const errors = errorLine("sheet-error");
  const plain = [title, text.madeOn(made.made_at), "", ...made.codes, "", `${text.howTo} ${location.origin}`, text.nobody, ""].join("\n");
  const copy = button("copy-codes", text.copy, "", () =>
    void run(copy, errors, async () => {
      await navigator.clipboard.writeText(plain);
      announce(text.copied);
      copy.textContent = text.copied;
    }),
  );
  const file = URL.createObjectURL(new Blob([plain], { type: "text/plain" }));
  const done = button("codes-done", text.done, "primary", () =>
    void run(done, errors, async () => {
      URL.revokeObjectURL(file);
      await portal.refresh(text.kept, "recovery");
    }),
  );
  show(
    "recovery",
    h(
      "div",
      { class: "stack" },
      h("div", { class: "no-print stack-tight" }, heading(text.shownTitle), h("p", {}, text.shownSentence)),
      h(
        "section",
        { class: "tile stack-tight paper", "aria-labelledby": "paper-title" },
        h("h2", { id: "paper-title" }, title),
        h("p", { class: "small soft" }, text.madeOn(made.made_at)),
        h("ol", { id: "codes", class: "recovery-codes", "aria-label": text.list }, ...made.codes.map((code) => h("li", {}, h("code", {}, code)))),
        h("p", { class: "small" }, text.howTo, " ", h("strong", {}, location.origin)),
        h("p", { class: "small" }, text.nobody),
      ),
      errors.node,
      h(
        "div",
        { class: "actions no-print" },
        button("print-codes", text.print, "", () => window.print()),
        copy,
        h("a", { id: "save-codes", class: "button", href: file, download: "recovery-codes.txt" }, text.download),
        done,
      ),
    ),
  );
}
