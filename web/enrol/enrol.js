/** Enrolment in the asking browser: follows the enrolment's STATUS and shows the step that it names. */

import { ApiError, call } from "../shared/api.js";
import { announce, h, heading, show } from "../shared/dom.js";
import { follow } from "../shared/live.js";
import { mark } from "../shared/marks.js";
import { addKey } from "./key.js";
import { sender, sent, steps } from "./steps.js";
import { words } from "./words.js";

/**
 * @typedef {{step: "password"|"choose_password"|"code"|"device"|"confirm"|"introduce"|"done"|"keyed"|"ended", user: string|null, code: string|null,
 *   link: string|null, qr: string|null, expires_at: number|null, now: number, device: {name: string, missing: string[]}|null,
 *   on_hold: boolean, held_until: number|null, can_use_key: boolean
 *   }} Status
 */

/** The code as it was when made: later STATUS messages leave it out. @type {Pick<Status, "code"|"link"|"qr">|null} */
let held = null;
/** What is on the screen: rebuilt only if this changes, so that typing and focus are never lost. */
let shown = "";
/** @type {{node?: Node, update?: (status: Status) => void, stop?: () => void}} */
let screen = {};

/** What the person adds: a phone, or a key in its place. @type {"key"|""} */
let way = location.search === "?key" ? "key" : "";
/** @type {Status|null} */
let last = null;

/** @param {"key"|""} other */
function use(other) {
  way = other;
  if (last) {
    render(last);
  }
}

/** @param {Status} status */
function build(status) {
  if (status.step === "code" && status.can_use_key && way === "key") {
    return addKey(render, sender, use);
  }
  return (steps[status.step] ?? steps.ended)(status, render, use);
}

/** A code belongs to one try: made when its step begins, forgotten when a phone has used it. @param {Status} status */
function withCode(status) {
  if (status.step !== "code") {
    held = null;
  } else if (status.code) {
    const { code, link, qr } = status;
    held = { code, link, qr };
  }
  return { ...status, ...held };
}

/** @param {Status} latest */
function render(latest) {
  last = latest;
  const status = withCode(latest);
  const key = JSON.stringify([status.step, status.code, status.device?.name, way]);
  if (key !== shown) {
    shown = key;
    screen.stop?.();
    const built = build(status);
    screen = built;
    show(status.step, built.node);
    announce(document.querySelector("h1")?.textContent ?? "");
  }
  screen.update?.(status);
}

/**
 * A state that the live channel tells. The end may be told before the answer to what this page sent is here, which brings the
 * browser's cookie: nobody may be led on without it.
 * @param {Status} status
 */
function changed(status) {
  if (status.step === "done" || status.step === "keyed") {
    void sent.then(() => render(status));
  } else {
    render(status);
  }
}

/** @param {string} title @param {string} sentence */
function stop(title, sentence) {
  show("ended", h("div", { class: "stack" }, heading(title), h("p", { class: "notice warning" }, sentence)));
}

/** The link's secret is spent at once and leaves the address bar first (INV-24). A reload goes on with the cookie alone. */
async function open() {
  const token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
  try {
    render(token ? await call("POST", "/enrol/open", { token }) : await call("GET", "/enrol/status"));
    follow({ path: "/enrol/events", event: "state", poll: () => call("GET", "/enrol/status"), changed });
  } catch (error) {
    const answered = error instanceof ApiError && error.status >= 400 && error.status < 500;
    if (answered && !token) {
      stop(words.noTokenTitle, words.noToken);
    } else {
      stop(words.ended.title, answered || !(error instanceof Error) ? words.ended.sentence : error.message);
    }
  }
}

document.getElementById("phase")?.replaceChildren(h("div", { class: "stack centred" }, mark("waiting"), h("p", {}, words.opening)));
void open();
