/** What is waiting: nothing, one sign-in, or several. */

import { h, heading } from "../shared/dom.js";
import { mark } from "../shared/marks.js";
import { notificationsAllowed } from "./push.js";
import { contextOf } from "./request.js";
import { words } from "./words.js";

const text = words.home;

/**
 * @typedef {import("./answer.js").Request} Request
 * @param {{requests: Request[], online: boolean, heldUntil: number|null, open: (request: Request) => void}} given
 */
export function homeScreen({ requests, online, heldUntil, open }) {
  const node = h(
    "div",
    { class: "stack" },
    requests.length === 0 ? nothing(online) : several(requests, open),
    heldUntil && h("p", { id: "held", class: "notice warning" }, text.held(words.when(heldUntil))),
    !notificationsAllowed() && h("p", { class: "notice warning" }, text.noNotifications),
  );
  return { node };
}

/** @param {boolean} online */
function nothing(online) {
  return h(
    "div",
    { class: "stack centred" },
    mark(online ? "still" : "waiting"),
    h("div", { class: "stack-tight" }, heading(text.title), h("p", {}, text.sentence)),
    h("p", { id: "connection", class: "small soft" }, online ? text.live : text.offline),
  );
}

/** @param {Request[]} requests @param {(request: Request) => void} open */
function several(requests, open) {
  const tiles = requests.map((request) => {
    const context = contextOf(request);
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "tile", "data-request": request.id, click: () => open(request) },
        h("span", {}, h("strong", {}, text.open(context.app, context.user)), h("br"), `${context.browser}, ${words.request.ago(context.at, request.now)}`),
      ),
    );
  });
  return h("div", { class: "stack" }, heading(text.several), h("ul", { id: "requests", class: "stack-tight" }, ...tiles));
}
