/** Where the person is signed in, and which browsers may ask their phone. */

import { button, errorLine, h, run } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { asked, section } from "./parts.js";
import { send } from "./send.js";
import { words } from "./words.js";

/**
 * @typedef {{id: string, browser: string, address: string, how: string, started_at: number, used_at: number, current: boolean}} Session
 * @typedef {{id: string, name: string, how: string, added_at: number, used_at: number, current: boolean}} Browser
 * @typedef {{now: number, portal: import("./parts.js").Portal}} Given
 */

const tag = () => h("span", { class: "tag" }, words.thisOne);

/** @param {Session[]} sessions @param {Given} given */
export function sessionsSection(sessions, { now, portal }) {
  const text = words.sessions;
  /** @param {Session} session */
  const row = (session) => {
    const errors = errorLine(`end-${session.id}-error`);
    const end = async () => {
      if (session.current) {
        await send("/portal/sign-out", {});
        return;
      }
      await send(`/portal/sessions/${session.id}/end`, {});
      await portal.refresh(text.ended(session.browser), "sessions");
    };
    const control = button(`end-${session.id}`, text.end, "text danger", () => void run(control, errors, end));
    control.setAttribute("aria-label", text.endLabel(session.browser, session.address));
    return h(
      "li",
      { "data-session": session.id },
      icon("computer"),
      h(
        "div",
        { class: "grow" },
        h("h3", { class: "name" }, session.browser, session.current && " ", session.current && tag()),
        h("p", { class: "small soft" }, `${text.started(words.ago(session.started_at, now), text.how[session.how] ?? session.how)}.`),
        h("p", { class: "small soft" }, `${text.used(session.address, words.ago(session.used_at, now))}.`),
      ),
      control,
      errors.node,
    );
  };
  return section("sessions", text.title, h("ul", { class: "list tile" }, ...sessions.map(row)));
}

/** @param {Browser[]} browsers @param {Given} given */
export function browsersSection(browsers, { now, portal }) {
  const text = words.browsers;
  /** @param {Browser} browser */
  const row = (browser) => {
    const forget = asked({
      id: `forget-${browser.id}`,
      label: text.forget,
      name: `${text.forget}: ${browser.name}`,
      title: text.forgetTitle(browser.name),
      sentence: text.forgetSentence,
      confirm: text.forgetButton(browser.name),
      act: async () => {
        await send(`/portal/browsers/${browser.id}/forget`, {});
        await portal.refresh(text.forgotten(browser.name), "browsers");
      },
    });
    const how = text.added(words.ago(browser.added_at, now), text.how[browser.how] ?? browser.how);
    return h(
      "li",
      { "data-browser": browser.id },
      icon("computer"),
      h(
        "div",
        { class: "grow" },
        h("h3", { class: "name" }, browser.name, browser.current && " ", browser.current && tag()),
        h("p", { class: "small soft" }, `${how}, ${text.used(words.ago(browser.used_at, now))}.`),
      ),
      forget.control,
      forget.question,
    );
  };
  const rows = browsers.length === 0 ? [h("li", {}, text.empty)] : browsers.map(row);
  return section("browsers", text.title, h("ul", { class: "list tile" }, ...rows));
}
