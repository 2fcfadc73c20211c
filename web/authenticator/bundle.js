/** Codes as one encrypted piece, for a file or for QR codes. The format stands in docs/codes-export.md. */

import { fromBase32, toBase32 } from "../shared/base32.js";
import { sha256, utf8 } from "../shared/bytes.js";
import { madeCode } from "./otp.js";
import { words } from "./words.js";

const text = words.move.wrong;

/** @typedef {import("./otp.js").Code} Code */

const MAGIC = "NODCODES";
const VERSION = 1;
const SALT_BYTES = 16;
/** AES-GCM's own size of a nonce. */
const IV_BYTES = 12;
/** Magic, version, rounds, salt, nonce. */
const HEADER_BYTES = MAGIC.length + 1 + 4 + SALT_BYTES + IV_BYTES;
/** Of a SHA-256 over all before it: tells damage from a wrong passphrase. */
const CHECKSUM_BYTES = 8;
/** Rounds of PBKDF2-HMAC-SHA-256: WebCrypto has nothing harder to guess. About a second on a slow phone. */
const ROUNDS = 600_000;
const ROUNDS_MIN = 100_000;
/** More would only keep the phone busy. */
const ROUNDS_MAX = 10_000_000;
/** Shortest passphrase, characters. */
export const PASSPHRASE_MIN = 12;
/** Largest file that is looked at, bytes. */
export const FILE_MAX_BYTES = 1024 * 1024;
/** Bytes of a piece in one QR code: dense, and still read from a screen by a phone. */
const PART_BYTES = 300;
/** Base-32 characters that name which piece a part belongs to. */
const NAME_CHARS = 8;
const PART = /^NOD1:([A-Z2-7]{8}):(\d{1,3})\/(\d{1,3}):([A-Z2-7]+)$/;

/** @param {...Uint8Array} parts */
function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** @param {string} passphrase @param {Uint8Array<ArrayBuffer>} salt @param {number} iterations */
async function keyOf(passphrase, salt, iterations) {
  const typed = await crypto.subtle.importKey("raw", utf8(passphrase.normalize("NFC")), "PBKDF2", false, ["deriveKey"]);
  const way = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(way, typed, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
const checksum = async (bytes) => (await sha256(bytes)).slice(0, CHECKSUM_BYTES);

/**
 * @param {Code[]} codes
 * @param {string} passphrase
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function pack(codes, passphrase) {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const rounds = new DataView(new ArrayBuffer(4));
  rounds.setUint32(0, ROUNDS);
  const header = joined(utf8(MAGIC), Uint8Array.of(VERSION), new Uint8Array(rounds.buffer), salt, iv);
  const plain = utf8(JSON.stringify({ codes: codes.map(({ id: _, ...code }) => code) }));
  const key = await keyOf(passphrase, salt, ROUNDS);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: header }, key, plain);
  const all = joined(header, new Uint8Array(sealed));
  return joined(all, await checksum(all));
}

/**
 * Whether it is whole, before anybody is asked for a passphrase.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export async function examine(bytes) {
  const magic = utf8(MAGIC);
  if (!magic.every((byte, index) => byte === bytes[index])) {
    throw new Error(text.other);
  }
  const body = bytes.slice(0, -CHECKSUM_BYTES);
  const wanted = await checksum(body);
  const rounds = bytes.length > HEADER_BYTES ? new DataView(bytes.buffer).getUint32(MAGIC.length + 1) : 0;
  const isWhole = wanted.every((byte, index) => byte === bytes[body.length + index]);
  if (isWhole && bytes[MAGIC.length] !== VERSION) {
    throw new Error(text.newer);
  }
  if (!isWhole || body.length <= HEADER_BYTES || rounds < ROUNDS_MIN || rounds > ROUNDS_MAX) {
    throw new Error(text.damaged);
  }
  return { header: body.slice(0, HEADER_BYTES), sealed: body.slice(HEADER_BYTES), rounds };
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} passphrase
 * @returns {Promise<Code[]>} each with a new id
 */
export async function unpack(bytes, passphrase) {
  const { header, sealed, rounds } = await examine(bytes);
  const iv = header.slice(HEADER_BYTES - IV_BYTES);
  const key = await keyOf(passphrase, header.slice(HEADER_BYTES - IV_BYTES - SALT_BYTES, HEADER_BYTES - IV_BYTES), rounds);
  let plain;
  try {
    plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: header }, key, sealed);
  } catch {
    throw new Error(text.passphrase);
  }
  return JSON.parse(new TextDecoder().decode(plain)).codes.map(madeCode);
}

/**
 * What the QR codes say, one after the other.
 * @param {Uint8Array} bytes
 * @returns {string[]} in characters that a QR code holds densely (ISO/IEC 18004, alphanumeric mode)
 */
export function parts(bytes) {
  const name = toBase32(bytes.slice(-CHECKSUM_BYTES)).slice(0, NAME_CHARS);
  const total = Math.ceil(bytes.length / PART_BYTES);
  return Array.from({ length: total }, (_, index) => {
    const part = bytes.slice(index * PART_BYTES, (index + 1) * PART_BYTES);
    return `NOD1:${name}:${index + 1}/${total}:${toBase32(part)}`;
  });
}

/** Puts parts together, in whatever order they are read. A part of another piece begins anew. */
export function collector() {
  let current = "";
  /** @type {Map<number, Uint8Array>} */
  const read = new Map();
  return {
    /**
     * @param {string} said
     * @returns {{read: number, total: number, whole: Uint8Array<ArrayBuffer>|null}|null} null when it is no part
     */
    take(said) {
      const [, name = "", number = "", count = "", data = ""] = PART.exec(said) ?? [];
      const bytes = fromBase32(data);
      const [index, total] = [Number(number), Number(count)];
      if (!name || !bytes || index < 1 || index > total) {
        return null;
      }
      if (current !== `${name}/${total}`) {
        current = `${name}/${total}`;
        read.clear();
      }
      read.set(index, bytes);
      const isWhole = read.size === total;
      const sorted = Array.from({ length: total }, (_, at) => read.get(at + 1) ?? new Uint8Array());
      return { read: read.size, total, whole: isWhole ? joined(...sorted) : null };
    },
  };
}
