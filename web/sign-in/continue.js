/** The rest of a sign-in on the computer: follows STATUS and shows the phase it names. */

import { call } from "../shared/api.js";
import { announce, show } from "../shared/dom.js";
import { follow } from "../shared/live.js";
import { words } from "../shared/words.js";
import { typeCode } from "./code.js";
import { recover } from "./recover.js";
import { ended, finishing, introduce, locked, waiting } from "./phases.js";

/**
 * @typedef {{phase: "waiting"|"introduce"|"code"|"ended"|"ready"|"locked", outcome: string|null, devices: string[],
 *   number: string|null, sent: boolean, reached: boolean, opened: boolean, answered: boolean, expires_at: number,
 *   now: number, can_resend: boolean, can_type_code: boolean, can_recover: boolean, held_until: number|null, app: string, location: string|null}} Status
 */

/** @type {Status|null} */
let status = null;
/** What is on the screen: rebuilt only if this changes, so that a press or the focus is never lost. */
let shown = "";
/** @type {{node?: Node, update?: (status: Status) => void, stop?: () => void, focus?: () => void}} */
let screen = {};
/** What the person asked for in place of what the phase offers first. @type {""|"passkey"|"code"|"recover"} */
let way = "";
let isFinishing = false;

const actions = {
  /** @param {"resend"|"cancel"|"again"} verb */
  act: async (verb) => {
    way = "";
    render(await call("POST", `/sign-in/${verb}`, {}));
  },
  /** @param {""|"passkey"|"code"|"recover"} other */
  use: (other) => {
    way = other;
    if (status) {
      render(status);
    }
  },
  render,
  /** Asks once more, when the time is up: nothing changes on the server then that would be told. */
  look: () => void look().then(render, () => {}),
};

/** A code can be typed while the phone is asked, when it was not answered in time, and where there is no phone. @param {Status} next */
const typesCode = (next) => next.phase === "code" || (way === "code" && next.can_type_code);

/** A recovery code, as long as the sign-in is open. @param {Status} next */
const recovers = (next) => way === "recover" && next.can_recover;

/** @param {Status} next */
function build(next) {
  if (recovers(next)) {
    return recover(actions);
  }
  if (typesCode(next)) {
    return typeCode(next, actions, next.phase !== "code");
  }
  switch (next.phase) {
    case "waiting":
      return way === "passkey" ? introduce(next, actions, true) : waiting(next, actions);
    case "introduce":
      return introduce(next, actions, false);
    case "ready":
      return finishing();
    case "locked":
      return locked(next, actions);
    default:
      return ended(next, actions);
  }
}

/** @param {Status} next */
function render(next) {
  status = next;
  // What was typed of a code stays, whatever the phone does meanwhile.
  const state = [next.phase, next.outcome, next.number, next.devices, next.expires_at, next.can_type_code, next.can_recover, way];
  const typed = recovers(next) ? "recover" : typesCode(next) && "code";
  const key = JSON.stringify(typed ? [typed] : state);
  if (key !== shown) {
    shown = key;
    screen.stop?.();
    const built = build(next);
    screen = built;
    show(typed || next.phase, built.node);
    screen.focus?.();
  }
  screen.update?.(next);
  announce(words.signIn.announce(next));
  if (next.phase === "ready" && !isFinishing) {
    isFinishing = true;
    void finish();
  }
}

/** @returns {Promise<Status>} */
const look = () => call("GET", "/sign-in/status");

async function finish() {
  try {
    const { location: target } = await call("POST", "/sign-in/finish", {});
    location.assign(target);
  } catch (error) {
    isFinishing = false;
    const sentence = error instanceof Error ? error.message : words.errors.failed;
    const built = ended({ outcome: "failed", location: null }, actions, sentence);
    screen = built;
    shown = "failed";
    show("ended", built.node);
  }
}

follow({ path: "/sign-in/events", event: "state", poll: look, changed: render });
