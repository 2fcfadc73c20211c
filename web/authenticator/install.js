/** Welcome and installation: what to do on the device that the visitor holds; the worker and the offline shell. */

import { button, h, heading } from "../shared/dom.js";
import { grouped, mark } from "../shared/marks.js";
import { isInstalled, platform } from "../shared/platform.js";
import { words } from "./words.js";

const text = words.install;
const WORKER = "/authenticator/worker.js";
const SHELL_CACHE = "nod-shell";

/** @type {any} the browser's own offer to install, if it made one */
let offer = null;
window.addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offer = event;
  document.getElementById("install")?.removeAttribute("hidden");
});

/** The worker's address is the only one that may become a script here (Trusted Types policy `nod-worker`). */
function workerUrl() {
  const { trustedTypes } = /** @type {any} */ (window);
  const policy = trustedTypes?.createPolicy("nod-worker", { createScriptURL: () => WORKER });
  return policy ? policy.createScriptURL(WORKER) : WORKER;
}

/** Without a worker Nod still works while it is open. */
export async function registerWorker() {
  try {
    await navigator.serviceWorker?.register(workerUrl(), { type: "module", scope: "/authenticator" });
  } catch {
    // Private windows and old browsers: the live channel is all there is.
  }
}

/** Keeps what this page is made of, so that it opens without a connection and can say so; forgets what older versions were made of. */
export async function keepShell() {
  if ("caches" in window) {
    const parts = performance.getEntriesByType("resource").map((entry) => entry.name);
    const own = parts.filter((url) => url.startsWith(`${location.origin}/assets/`));
    const cache = await caches.open(SHELL_CACHE);
    await cache.addAll([location.pathname, ...new Set(own)]).catch(() => {});
    const old = (await cache.keys()).filter(({ url }) => url.startsWith(`${location.origin}/assets/`) && !own.includes(url));
    await Promise.all(old.map((request) => cache.delete(request)));
  }
}

/** @param {string[]} steps */
const numbered = (steps) => h("ol", { class: "steps" }, ...steps.map((step) => h("li", {}, h("span", {}, step))));

function advice() {
  if (isInstalled()) {
    return null;
  }
  switch (platform()) {
    case "ios":
      return h("section", { class: "stack-tight" }, h("h2", {}, text.iosTitle), numbered(text.iosSteps), h("p", { class: "hint" }, text.iosWhy));
    case "android":
      return h("section", { class: "stack-tight" }, h("h2", {}, text.androidTitle), numbered(text.androidSteps));
    default:
      return h("p", { class: "soft" }, text.desktop);
  }
}

/** Whether this page is a Safari tab on an iPhone: keys made here would not be found by the Home Screen app. */
export const mustInstallFirst = () => platform() === "ios" && !isInstalled();

/**
 * @param {{server: string, code: string, haveCode: () => void, codes: (() => void)|null}} given
 *   `code`: one that came with the address, to type later; `codes`: where codes for other sites are, if there are any
 */
export function welcomeScreen({ server, code, haveCode, codes }) {
  const install = button("install", text.button, "wide-button", () => void offer?.prompt());
  install.hidden = offer === null;
  const node = h(
    "div",
    { class: "stack" },
    mark("still"),
    h("div", { class: "stack-tight centred" }, heading(text.title(server)), h("p", {}, text.sentence)),
    advice(),
    code && h("div", { class: "stack-tight" }, h("p", {}, text.yourCode), grouped("your-code", code, 4, "code")),
    install,
    button("have-code", text.haveCode, mustInstallFirst() ? "text" : "primary wide-button", haveCode),
    codes && button("my-codes", text.codes, "text", codes),
  );
  return { node };
}
