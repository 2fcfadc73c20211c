/** One-time codes by time (RFC 6238 over RFC 4226), made by WebCrypto, and the links that sites give for them. */

import { fromBase32, toBase32 } from "../shared/base32.js";
import { words } from "./words.js";

const text = words.codes.wrong;

/**
 * @typedef {"SHA-1"|"SHA-256"|"SHA-512"} Algorithm
 * @typedef {{id: string, issuer: string, account: string, secret: string, algorithm: Algorithm, digits: number, period: number}} Code
 *   `secret` in base32, `period` in seconds
 */

/** @type {Algorithm[]} */
export const ALGORITHMS = ["SHA-1", "SHA-256", "SHA-512"];
export const DIGITS = [6, 7, 8];
/** What a link that names nothing else means. */
export const USUAL = { algorithm: ALGORITHMS[0], digits: 6, period: 30 };
/** Shortest secret, bytes: below it somebody has left out most of what the site showed. */
const SECRET_MIN_BYTES = 5;
const SECRET_MAX_BYTES = 256;
/** Longest time that a code may last, seconds. */
const PERIOD_MAX = 600;
/** Longest name of a site or account, characters. */
export const NAME_MAX = 80;
/** Bytes of a code's id. */
const ID_BYTES = 16;

/** Names come from outside: no control or direction characters, limited length (INV-30). @param {string} name */
const tidy = (name) => name.replace(/[\p{Cc}\p{Cf}]/gu, "").trim().slice(0, NAME_MAX);

/**
 * What was typed or read, as a code that can be kept.
 * @param {{issuer: string, account: string, secret: string, algorithm?: string, digits?: number, period?: number}} given
 * @returns {Code}
 */
export function madeCode(given) {
  const { algorithm, digits, period } = { ...USUAL, ...given };
  const secret = fromBase32(given.secret);
  if (!secret || secret.length < SECRET_MIN_BYTES || secret.length > SECRET_MAX_BYTES) {
    throw new Error(text.secret);
  }
  if (!ALGORITHMS.includes(/** @type {Algorithm} */ (algorithm)) || !DIGITS.includes(digits)) {
    throw new Error(text.kind);
  }
  if (!Number.isInteger(period) || period < 1 || period > PERIOD_MAX) {
    throw new Error(text.period);
  }
  const issuer = tidy(given.issuer);
  const account = tidy(given.account);
  if (!issuer && !account) {
    throw new Error(text.name);
  }
  const id = toBase32(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
  return { id, issuer, account, secret: toBase32(secret), algorithm: /** @type {Algorithm} */ (algorithm), digits, period };
}

/** What makes two codes the same, whatever their ids. @param {Code} code */
export const sameness = ({ issuer, account, secret, algorithm, digits, period }) =>
  JSON.stringify([issuer, account, secret, algorithm, digits, period]);

/** @param {string} typed @returns {boolean} whether it is a link rather than a bare secret */
export const isLink = (typed) => /^\s*otpauth/i.test(typed);

/**
 * Reads `otpauth://totp/Site:account?secret=…&issuer=…&algorithm=…&digits=…&period=…`.
 * @param {string} link
 * @returns {Code}
 */
export function readLink(link) {
  const [, kind = "", label = "", query = ""] = /^\s*otpauth:\/\/(\w+)\/([^?#]*)\?([^#]*)/i.exec(link) ?? [];
  if (/^hotp$/i.test(kind)) {
    throw new Error(text.counter);
  }
  if (!/^totp$/i.test(kind)) {
    throw new Error(text.link);
  }
  const given = new URLSearchParams(query);
  const [before, ...after] = decoded(label).split(":");
  const named = after.length > 0;
  const algorithm = given.get("algorithm")?.toUpperCase().replace(/^SHA-?/, "SHA-") ?? USUAL.algorithm;
  return madeCode({
    issuer: given.get("issuer") || (named ? before : ""),
    account: named ? after.join(":") : before,
    secret: given.get("secret") ?? "",
    algorithm,
    digits: Number(given.get("digits") ?? USUAL.digits),
    period: Number(given.get("period") ?? USUAL.period),
  });
}

/** @param {string} label */
function decoded(label) {
  try {
    return decodeURIComponent(label);
  } catch {
    return label;
  }
}

/**
 * The key of a code. It signs and cannot be read again.
 * @param {Code} code
 */
export function codeKey({ secret, algorithm }) {
  const bytes = fromBase32(secret) ?? new Uint8Array();
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: algorithm }, false, ["sign"]);
}

/**
 * The digits at a time.
 * @param {CryptoKey} key
 * @param {{digits: number, period: number}} code
 * @param {number} at Unix milliseconds
 * @returns {Promise<string>}
 */
export async function digitsAt(key, { digits, period }, at) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(Math.floor(at / 1000 / period)));
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, counter));
  const offset = mac[mac.length - 1] & 15;
  const value = new DataView(mac.buffer).getUint32(offset) & 0x7fffffff;
  return String(value % 10 ** digits).padStart(digits, "0");
}
