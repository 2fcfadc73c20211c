/** A test notification: proof that this phone can be rung. */

import { button, errorLine, h, run } from "../shared/dom.js";
import { device } from "./api.js";
import { words } from "./words.js";

const text = words.selfTest;
/** Pause between looks, milliseconds. */
const LOOK_MS = 1_000;
/** Looks before it counts as not arrived. */
const LOOKS = 20;

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * @param {string} deviceId
 * @param {(sentence: string) => void} say
 * @returns {Promise<string>} the test's id, once it has arrived
 */
async function test(deviceId, say) {
  const { test: id } = await device("POST", "/self-test", { device: deviceId });
  say(text.sent);
  for (let look = 0; look < LOOKS; look += 1) {
    await pause(LOOK_MS);
    const result = await device("GET", `/self-test/${id}`);
    if (result.error) {
      throw new Error(text.failed(result.error));
    }
    if (result.woke_at) {
      say(text.woke(result.woke_at - result.sent_at));
      return id;
    }
    say(result.accepted_at ? text.accepted : text.sent);
  }
  throw new Error(text.slow);
}

/**
 * A button with its result below.
 * @param {string} deviceId
 * @param {(id: string) => void} [arrived]
 */
export function selfTest(deviceId, arrived = () => {}) {
  const errors = errorLine("self-test-error");
  const result = h("p", { class: "soft", role: "status", "data-self-test": deviceId });
  const control = button("self-test", text.button, "", () => {
    result.textContent = "";
    void run(control, errors, async () => {
      const id = await test(deviceId, (sentence) => {
        result.textContent = sentence;
      });
      arrived(id);
    });
  });
  return h("div", { class: "stack-tight" }, control, result, errors.node);
}
