/** Answering a request: what is signed, and by whom. */

import { sha256, toBase64url } from "../shared/bytes.js";
import { device } from "./api.js";
import { answerPayload, sign } from "./jose.js";

/**
 * @typedef {import("./store.js").Account} Account
 * @typedef {{id: string, device: string, user: {name: string, display_name: string}, version: number, nonce: string,
 *   context: string, number_required: boolean, others: number, created_at: number, expires_at: number, now: number,
 *   state: string}} Request
 */

/**
 * Denies. The device key is enough: quick, and safe from the notification too.
 * @param {Account} account
 * @param {Request} request
 */
export async function deny(account, request) {
  const answer = await sign(account, "nod-answer+jwt", await answerPayload(account, request, "deny", null));
  return device("POST", `/requests/${request.id}/answer`, { answer, assertion: null });
}

/**
 * Approves. Only the page can do that (INV-09).
 * @param {Account} account
 * @param {Request} request
 * @param {string|null} number
 * @param {(options: any) => Promise<unknown>} usePasskey
 */
export const approve = (account, request, number, usePasskey) => verified(account, request, "approve", number, usePasskey);

/**
 * "This wasn't me": ends the browser that asked, so the phone's owner must be behind it.
 * @param {Account} account
 * @param {Request} request
 * @param {(options: any) => Promise<unknown>} usePasskey
 */
export const report = (account, request, usePasskey) => verified(account, request, "deny_fraud", null, usePasskey);

/**
 * The passkey signs the hash of the very bytes that the device key signs, with user verification.
 * @param {Account} account
 * @param {Request} request
 * @param {"approve"|"deny_fraud"} decision
 * @param {string|null} number
 * @param {(options: any) => Promise<unknown>} usePasskey
 */
async function verified(account, request, decision, number, usePasskey) {
  const payload = await answerPayload(account, request, decision, number);
  const assertion = await usePasskey({
    challenge: toBase64url(await sha256(payload)),
    rpId: new URL(account.server.origin).hostname,
    allowCredentials: account.credential ? [{ type: "public-key", ...account.credential }] : [],
    userVerification: "required",
    timeout: Math.max(1, request.expires_at - request.now),
  });
  const answer = await sign(account, "nod-answer+jwt", payload);
  return device("POST", `/requests/${request.id}/answer`, { answer, assertion });
}
