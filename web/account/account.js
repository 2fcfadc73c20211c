/** The user's own page: the server draws the lists; this sends what is pressed and loads the page again. */

import { call } from "../shared/api.js";
import { announce, run } from "../shared/dom.js";
import { usePasskey } from "../shared/webauthn.js";

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
    void run(control, errors, async () => goOn(await call("POST", String(control.dataset.action), {})));
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form instanceof HTMLFormElement && form.dataset.rename) {
    event.preventDefault();
    const name = String(new FormData(form).get("name")).trim();
    const control = /** @type {HTMLElement} */ (form.querySelector("button"));
    void run(control, errors, async () => goOn(await call("POST", String(form.dataset.rename), { name })));
  }
});

const bind = document.getElementById("bind");
bind?.addEventListener("click", () =>
  run(bind, errors, async () => {
    const assertion = await usePasskey(await call("POST", "/account/browsers/bind/options", {}));
    goOn(await call("POST", "/account/browsers/bind", { assertion }));
  }),
);
