/** The service worker: rings, denies, keeps the shell for offline. It can never approve (INV-09): approval needs the page. */

import { deny } from "/assets/authenticator/answer.js";
import { device, reportStage, serverInfo } from "/assets/authenticator/api.js";
import { allAccounts } from "/assets/authenticator/store.js";
import { toldLanguage } from "/assets/authenticator/spoken.js";
import { fromBase64url } from "/assets/shared/bytes.js";
import { sentences } from "/assets/shared/language.js";

const worker = /** @type {any} */ (self);
const SHELL_CACHE = "nod-shell";
const PAGE = "/authenticator";

/** The ids that we give: 22 characters of base64url. */
const ID = /^[A-Za-z0-9_-]{22}$/;

/**
 * A push is a doorbell in Declarative Web Push form. Of it only the id is used, and only to ask the server; what is shown are
 * our own words, whoever sent it (INV-04).
 * @param {any} data
 * @returns {{address: string, request: string|null, test: string|null, notice: string|null}}
 */
function doorbell(data) {
  let hash = new URLSearchParams();
  try {
    hash = new URLSearchParams(new URL(data.json().notification.navigate, location.origin).hash.slice(1));
  } catch {
    // An unreadable push still rings: the app lists what is pending.
  }
  const known = (/** @type {string} */ name) => (ID.test(hash.get(name) ?? "") ? hash.get(name) : null);
  const [request, test, notice] = [known("request"), known("test"), known("notice")];
  const fragment = request ? `#request=${request}` : test ? `#test=${test}` : notice ? "#notices" : "";
  return { address: PAGE + fragment, request, test, notice };
}

/** What notifications say, in the language of the app. */
const spoken = async () => sentences("authenticator", await toldLanguage()).worker;

/** @param {any} data */
async function ring(data) {
  const { address, request, test, notice } = doorbell(data);
  const words = await spoken();
  const { title, body } = test ? words.test : notice ? words.notice : words.request;
  const id = request ?? test ?? notice;
  const woke = id && reportStage(id, "worker_woke");
  await worker.registration.showNotification(title, {
    body,
    tag: id ?? "nod",
    renotify: true,
    requireInteraction: request !== null,
    icon: "/assets/authenticator/icon-192.png",
    badge: "/assets/authenticator/badge-96.png",
    data: { address, request },
    actions: request ? [{ action: "deny", title: words.deny }] : [],
  });
  await Promise.all([woke, id && reportStage(id, "notification_shown")]);
  const windows = await worker.clients.matchAll({ type: "window" });
  windows.forEach((/** @type {any} */ client) => client.postMessage({ request }));
}

/** @param {string} address */
async function openApp(address) {
  const windows = await worker.clients.matchAll({ type: "window" });
  const existing = windows.find((/** @type {any} */ client) => new URL(client.url).pathname === PAGE);
  if (!existing) {
    await worker.clients.openWindow(address);
    return;
  }
  await existing.focus();
  existing.postMessage({ address });
}

/** Denies with the device key, from the notification. If that does not work, the app opens at the request. @param {string} id */
async function denyHere(id) {
  const request = await device("GET", `/requests/${id}`);
  const account = (await allAccounts()).find((one) => one.device === request.device);
  if (!account) {
    throw new Error("no account for this request");
  }
  await deny(account, request);
  const { denied } = await spoken();
  await worker.registration.showNotification(denied, { tag: id, data: { address: PAGE, request: null } });
}

/** The push service gave this phone a new address: tell the server at once. */
async function subscribeAgain() {
  const { vapid_public_key: key } = await serverInfo();
  const subscription = await worker.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: fromBase64url(key) });
  await device("PUT", "/subscription", { subscription: subscription.toJSON(), notifications: "granted" });
}

/** The network first; what was kept only if there is none. @param {Request} request */
async function fromNetworkOrShell(request) {
  try {
    const response = await fetch(request);
    if (response.ok) {
      const cache = await caches.open(SHELL_CACHE);
      await cache.delete(request, { ignoreSearch: true });
      await cache.put(request, response.clone());
    }
    return response;
  } catch (error) {
    const kept = await caches.match(request, { ignoreSearch: request.mode === "navigate" });
    if (kept) {
      return kept;
    }
    throw error;
  }
}

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("push", (/** @type {any} */ event) => event.waitUntil(ring(event.data)));
worker.addEventListener("pushsubscriptionchange", (/** @type {any} */ event) => event.waitUntil(subscribeAgain()));

worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  const { address, request } = event.notification.data ?? {};
  event.notification.close();
  const isDeny = event.action === "deny" && request;
  event.waitUntil(isDeny ? denyHere(request).catch(() => openApp(address)) : openApp(address ?? PAGE));
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const url = new URL(event.request.url);
  const isShell = url.origin === location.origin && (url.pathname === PAGE || url.pathname.startsWith("/assets/"));
  if (event.request.method === "GET" && isShell) {
    event.respondWith(fromNetworkOrShell(event.request));
  }
});
