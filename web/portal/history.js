/** What happened to the account, in sentences, and "this wasn't me". */

import { call } from "../shared/api.js";
import { button, errorLine, h, run } from "../shared/dom.js";
import { asked, section } from "./parts.js";
import { send } from "./send.js";
import { words } from "./words.js";

const text = words.history;

/**
 * @typedef {{place: number, kind: string, at: number, app: string|null, phone: string|null, address: string|null,
 *   detail: string, reportable: boolean}} Event
 * @typedef {{events: Event[], next: number|null, now: number}} Page
 */

/**
 * @param {Event} event
 * @param {number} now
 * @param {import("./parts.js").Portal} portal
 */
function row(event, now, portal) {
  const sentence = text.sentence(event);
  const report = event.reportable
    ? asked({
        id: `not-me-${event.place}`,
        label: text.notMe,
        name: `${text.notMe}: ${sentence}`,
        title: text.notMeTitle,
        sentence: text.notMeSentence,
        confirm: text.notMe,
        act: async () => {
          const done = await send(`/portal/history/${event.place}/not-me`, {});
          await portal.refresh(text.reported(done), "history");
          portal.say(text.reported(done));
        },
      })
    : null;
  const time = h("time", { class: "small soft", datetime: new Date(event.at).toISOString() }, words.ago(event.at, now));
  return h(
    "li",
    { "data-kind": event.kind },
    h("div", { class: "grow" }, h("p", {}, sentence), time),
    report?.control,
    report?.question,
  );
}

/**
 * @param {Page} first
 * @param {import("./parts.js").Portal} portal
 */
export function historySection(first, portal) {
  const errors = errorLine("history-error");
  const rows = (/** @type {Page} */ page) => page.events.map((event) => row(event, page.now, portal));
  const list = h("ul", { id: "events", class: "list tile" }, ...rows(first));
  if (first.events.length === 0) {
    list.append(h("li", {}, text.empty));
  }
  let { next } = first;
  const more = button("more-history", text.more, "", () =>
    void run(more, errors, async () => {
      const page = await call("GET", `/portal/history?before=${next}`);
      const added = rows(page);
      list.append(...added);
      next = page.next;
      more.hidden = next === null;
      const [top] = added;
      top?.setAttribute("tabindex", "-1");
      top?.focus();
    }),
  );
  more.hidden = next === null;
  return section("history", text.title, list, more, errors.node);
}
