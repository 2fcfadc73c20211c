/** What the visitor holds, as far as the browser says. Used for advice only, never for a decision. */

/** @returns {"ios"|"android"|"desktop"} */
export function platform() {
  const agent = navigator.userAgent;
  const isTouchMac = /Macintosh/.test(agent) && navigator.maxTouchPoints > 1;
  if (/iPhone|iPad|iPod/.test(agent) || isTouchMac) {
    return "ios";
  }
  return /Android/.test(agent) ? "android" : "desktop";
}

/** @returns {boolean} whether the page runs as an app from the home screen */
export function isInstalled() {
  return matchMedia("(display-mode: standalone)").matches || /** @type {any} */ (navigator).standalone === true;
}

/** @returns {string} a first name for this device; the person can change it */
export function deviceName() {
  const agent = navigator.userAgent;
  const model = /Android [^;)]*; ([^;)]+?)(?: Build|[;)])/.exec(agent)?.[1];
  if (platform() === "ios") {
    return /iPhone/.test(agent) ? "iPhone" : "iPad";
  }
  if (platform() === "android") {
    return model && model.length > 2 ? model : "Android phone";
  }
  return "Computer";
}
