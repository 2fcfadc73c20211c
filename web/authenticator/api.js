/** The device API, with a device session that renews itself. Used by the page and by the worker. */

import { ApiError, call } from "../shared/api.js";
import { devicePayload, sign } from "./jose.js";
import { allAccounts, saveAccount } from "./store.js";

const BASE = "/api/device/v1";
/** Most devices that one session may hold (docs/device-api.md). */
const MAX_DEVICES = 8;

/**
 * Signs in all accounts of this phone; remembers which of them the server no longer knows.
 * @returns {Promise<void>}
 */
export async function openSession() {
  const accounts = (await allAccounts()).filter((account) => account.state !== "revoked").slice(0, MAX_DEVICES);
  if (accounts.length === 0) {
    return;
  }
  const { nonce } = await call("POST", `${BASE}/nonce`, {});
  const devices = await Promise.all(accounts.map((account) => sign(account, "nod-device+jwt", devicePayload(nonce, account))));
  const session = await call("POST", `${BASE}/session`, { devices });
  for (const { device, state, accepted } of session.devices) {
    const account = accounts.find((one) => one.device === device);
    const known = accepted ? state : "revoked";
    if (account && account.state !== known) {
      await saveAccount({ ...account, state: known });
    }
  }
}

/**
 * A call within the device session: if that has ended, a new one is opened and the call made once more.
 * @param {string} method
 * @param {string} path below the API's base
 * @param {unknown} [body]
 */
export async function device(method, path, body) {
  try {
    return await call(method, BASE + path, body);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "not_signed_in") {
      throw error;
    }
  }
  await openSession();
  return call(method, BASE + path, body);
}

/** @returns {Promise<{name: string, origin: string, rp_id: string, vapid_public_key: string}>} */
export const serverInfo = () => call("GET", `${BASE}/server`);

/** @param {unknown} body */
export const enrolDevice = (body) => call("POST", `${BASE}/enrol`, body);

/**
 * Tells the server how far a push came. Never fails: it is a measurement.
 * @param {string} request
 * @param {"worker_woke"|"notification_shown"} stage
 */
export const reportStage = (request, stage) =>
  call("POST", `${BASE}/stages`, { request, stage }, { keepalive: true }).catch(() => null);

/** Where the live channel is. */
export const EVENTS = `${BASE}/events`;
