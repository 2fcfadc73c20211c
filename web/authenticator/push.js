/** The push subscription: one for all accounts of this phone. */

import { fromBase64url, toBase64url } from "../shared/bytes.js";
import { device, serverInfo } from "./api.js";

/** Browsers without a route to their push service never settle `subscribe`; this long is enough, milliseconds. */
const SUBSCRIBE_MS = 10_000;

/** @returns {boolean} */
export const notificationsAllowed = () => "Notification" in window && Notification.permission === "granted";

/** @returns {boolean} */
export const pushPossible = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

/**
 * @param {ServiceWorkerRegistration} registration
 * @param {string} vapidKey
 * @returns {Promise<PushSubscription|null>} null if the push service does not answer
 */
async function subscribe(registration, vapidKey) {
  const existing = await registration.pushManager.getSubscription();
  const usedKey = existing?.options.applicationServerKey;
  if (existing && usedKey && toBase64url(usedKey) === vapidKey) {
    return existing;
  }
  await existing?.unsubscribe();
  const subscribing = registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: fromBase64url(vapidKey) });
  const patience = new Promise((resolve) => setTimeout(resolve, SUBSCRIBE_MS, null));
  return Promise.race([subscribing, patience]).catch(() => null);
}

/** A worker that is installed, or null if there is none in good time. */
async function worker() {
  const patience = new Promise((resolve) => setTimeout(resolve, SUBSCRIBE_MS, null));
  return Promise.race([navigator.serviceWorker.ready, patience]);
}

/**
 * Tells the server where this phone can be rung: at each start, since a subscription may have changed unseen.
 * @returns {Promise<boolean>} whether pushes can reach this phone
 */
export async function syncSubscription() {
  let subscription = null;
  if (pushPossible() && notificationsAllowed()) {
    const registration = await worker();
    const { vapid_public_key: vapidKey } = await serverInfo();
    subscription = registration && (await subscribe(registration, vapidKey));
  }
  await tell(subscription);
  return subscription !== null;
}

/** Tells the server that this phone cannot be rung: it is asked only while Nod is open on it. */
export const goWithoutPush = () => tell(null);

/** @param {PushSubscription|null} subscription */
function tell(subscription) {
  return device("PUT", "/subscription", {
    subscription: subscription ? subscription.toJSON() : null,
    notifications: subscription ? "granted" : "unavailable",
  });
}
