/** The device API, with a device session that renews itself. Used by the page and by the worker. */

import { ApiError, call } from "../shared/api.js";
import { devicePayload, sign } from "./jose.js";
import { allAccounts, saveAccount } from "./store.js";

/** @typedef {import("./store.js").Account} Account */

const BASE = "/api/device/v1";
/** Most devices that one session may hold (docs/device-api.md). */
const MAX_DEVICES = 8;

/**
 * Signs in all accounts of this phone, and notes which of them the server does not take: they were removed there.
 * @returns {Promise<void>}
 */
export async function openSession() {
  const accounts = (await allAccounts()).slice(0, MAX_DEVICES);
  if (accounts.length === 0) {
    return;
  }
  const { nonce } = await call("POST", `${BASE}/nonce`, {});
  const statements = await Promise.all(accounts.map((account) => sign(account, "nod-device+jwt", devicePayload(nonce, account))));
  /** @type {{devices: {device: string, state: Account["state"], accepted: boolean}[]}} */
  let session = { devices: [] };
  try {
    session = await call("POST", `${BASE}/session`, { devices: statements });
  } catch (error) {
    if (!(error instanceof ApiError && error.code === "bad_signature")) {
      throw error;
    }
  }
  for (const account of accounts) {
    const taken = session.devices.find((one) => one.device === account.device && one.accepted);
    const state = taken?.state ?? "revoked";
    if (account.state !== state) {
      await saveAccount({ ...account, state, enrolment: state === "pending" ? account.enrolment : null });
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
