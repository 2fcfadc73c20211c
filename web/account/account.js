/** The user's own page: the server draws the lists; this sends what is pressed and loads the page again. */

import { ApiError, call } from "../shared/api.js";
import { announce, run } from "../shared/dom.js";

const line = /** @type {HTMLElement} */ (document.getElementById("error"));
const errors = {
  /** @param {string} sentence */
  say(sentence) {
    line.hidden = sentence === "";
    line.textContent = sentence;
  },
};

/** @param {{location?: string}|null} answer */
function goOn(answer) {
  if (answer?.location) {
    location.assign(answer.location);
  } else {
    location.reload();
  }
}

/**
 * Sends what was pressed. A refusal may name the page where the person can put it right: a new sign-in.
 * @param {string|undefined} path
 * @param {unknown} body
 */
async function send(path, body) {
  try {
    goOn(await call("POST", String(path), body));
  } catch (error) {
    if (!(error instanceof ApiError && error.location)) {
      throw error;
    }
    location.assign(error.location);
  }
}

/**
 * What cannot be undone takes two presses: the first one says on the button what the second will do.
 * @param {HTMLElement} control
 * @returns {boolean} whether this was the second
 */
function isSure(control) {
  const { sure } = control.dataset;
  if (!sure || control.textContent === sure) {
    return true;
  }
  const label = control.textContent;
  control.textContent = sure;
  announce(sure);
  control.addEventListener("blur", () => control.replaceChildren(label ?? ""), { once: true });
  return false;
}

document.addEventListener("click", (event) => {
  const control = event.target instanceof Element ? event.target.closest("[data-action]") : null;
  if (control instanceof HTMLElement && isSure(control)) {
    void run(control, errors, () => send(control.dataset.action, {}));
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form instanceof HTMLFormElement && form.dataset.rename) {
    event.preventDefault();
    const name = String(new FormData(form).get("name")).trim();
    const control = /** @type {HTMLElement} */ (form.querySelector("button"));
    void run(control, errors, () => send(form.dataset.rename, { name }));
  }
});
