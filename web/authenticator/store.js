/** What this phone keeps of its accounts, in IndexedDB: one record each, with a device key that script can use but not read. */

import { inDatabase } from "./database.js";

/**
 * @typedef {{device: string, user: {name: string, display_name: string}, server: {name: string, origin: string}, kid: string,
 *   key: CryptoKey, state: "pending"|"active"|"revoked", credential: {id: string, transports: string[]}|null,
 *   enrolment: {confirmation: string, passkey: any, expires_at: number}|null}} Account
 *   `key` is the private device key; `enrolment` is what an unfinished set-up still needs.
 */

const ACCOUNTS = "accounts";
const within = inDatabase("nod", { [ACCOUNTS]: "device" });

/** @returns {Promise<Account[]>} */
export const allAccounts = () => within(ACCOUNTS, "readonly", (store) => store.getAll());

/** @param {Account} account */
export const saveAccount = (account) => within(ACCOUNTS, "readwrite", (store) => store.put(account));

/** @param {string} device */
export const forgetAccount = (device) => within(ACCOUNTS, "readwrite", (store) => store.delete(device));
