/** A test push that the phone approves: proof that it can be rung, and that its owner can answer. It opens nothing. */

import { call } from "../shared/api.js";
import { button, errorLine, h, run } from "../shared/dom.js";
import { send } from "./send.js";
import { words } from "./words.js";

const text = words.test;
/** Pause between looks, milliseconds. */
const LOOK_MS = 1_000;
/** Looks before it counts as not arrived. */
const LOOKS_TO_RING = 20;
/** Looks before it counts as not answered. */
const LOOKS = 90;

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * @param {{id: string, name: string}} phone
 * @param {(sentence: string, state: string) => void} say
 */
async function test(phone, say) {
  const { test: id } = await send(`/portal/phones/${phone.id}/test`, {});
  say(text.sent(phone.name), "sent");
  for (let look = 0; look < LOOKS; look += 1) {
    await pause(LOOK_MS);
    const state = await call("GET", `/portal/tests/${id}`);
    if (state.answered_at) {
      say(text.answered(phone.name), "answered");
      return;
    }
    if (state.error) {
      say(text.failed, "failed");
      return;
    }
    if (state.woke_at) {
      say(text.rang(state.woke_at - state.sent_at), "rang");
    } else if (look === LOOKS_TO_RING) {
      say(text.slow, "slow");
    } else if (state.accepted_at && look < LOOKS_TO_RING) {
      say(text.accepted, "accepted");
    }
  }
  say(text.unanswered, "unanswered");
}

/**
 * The button, and the line that says how far it got.
 * @param {{id: string, name: string}} phone
 */
export function testButton(phone) {
  const errors = errorLine(`test-${phone.id}-error`);
  const line = h("p", { class: "notice", role: "status", "data-test": "", hidden: true });
  /** @param {string} sentence @param {string} state */
  const say = (sentence, state) => {
    line.hidden = false;
    line.dataset.test = state;
    if (line.textContent !== sentence) {
      line.textContent = sentence;
    }
  };
  const control = button(`test-${phone.id}`, text.button, "", () => void run(control, errors, () => test(phone, say)));
  control.setAttribute("aria-label", `${text.button}: ${phone.name}`);
  return { control, result: [line, errors.node] };
}
