/** The device key and what it signs: JWS compact, ES256, members in the contract's order (docs/device-api.md). */

import { fromBase64url, sha256, toBase64url, utf8 } from "../shared/bytes.js";

const P256 = { name: "ECDSA", namedCurve: "P-256" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };

/**
 * RFC 7638 thumbprint of a P-256 public key.
 * @param {{crv?: string, kty?: string, x?: string, y?: string}} jwk
 * @returns {Promise<string>}
 */
export async function thumbprint({ crv, kty, x, y }) {
  return toBase64url(await sha256(utf8(JSON.stringify({ crv, kty, x, y }))));
}

/**
 * A new device key. The private half cannot be exported.
 * @returns {Promise<{key: CryptoKey, jwk: {kty: string, crv: string, x: string, y: string}, kid: string}>}
 */
export async function newDeviceKey() {
  const pair = await crypto.subtle.generateKey(P256, false, ["sign"]);
  const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const jwk = { kty: "EC", crv: "P-256", x, y };
  return { key: pair.privateKey, jwk, kid: await thumbprint(jwk) };
}

/**
 * @param {{key: CryptoKey, kid: string}} signer
 * @param {"nod-answer+jwt"|"nod-device+jwt"} typ
 * @param {Uint8Array<ArrayBuffer>} payload
 * @returns {Promise<string>} JWS compact
 */
export async function sign({ key, kid }, typ, payload) {
  const header = JSON.stringify({ alg: "ES256", typ, kid });
  const input = `${toBase64url(utf8(header))}.${toBase64url(payload)}`;
  const signature = await crypto.subtle.sign(ES256, key, utf8(input));
  return `${input}.${toBase64url(signature)}`;
}

/**
 * The bytes of an answer: everything that a decision must cover (INV-03).
 * @param {{device: string, kid: string, server: {origin: string}}} account
 * @param {{id: string, version: number, nonce: string, context: string, expires_at: number}} request
 * @param {"approve"|"deny"|"deny_fraud"} decision
 * @param {string|null} number typed, in number mode
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function answerPayload(account, request, decision, number) {
  const payload = {
    challenge: request.id,
    version: request.version,
    nonce: request.nonce,
    decision,
    context_sha256: toBase64url(await sha256(fromBase64url(request.context))),
    ...(number === null ? {} : { number }),
    device: account.device,
    kid: account.kid,
    origin: account.server.origin,
    exp: Math.floor(request.expires_at / 1000),
  };
  return utf8(JSON.stringify(payload));
}

/**
 * The bytes of a device sign-in.
 * @param {string} nonce from the server
 * @param {{device: string, server: {origin: string}}} account
 */
export function devicePayload(nonce, account) {
  return utf8(JSON.stringify({ nonce, device: account.device, origin: account.server.origin }));
}
