/** The codes for other sites: kept encrypted, shown only after the person was verified, hidden again by itself (E11).
 *  What this protects from and what not stands in the app's own words (`codes.kept`) and in docs/guide/phone.md. */

import { fromBase64url, toBase64url, utf8 } from "../shared/bytes.js";
import { usePasskey } from "../shared/webauthn.js";
import { inDatabase } from "./database.js";
import { allAccounts } from "./store.js";
import { words } from "./words.js";

/**
 * @typedef {import("./otp.js").Code} Code
 * @typedef {{user: string, id: string, transports: string[]}} Keeper a passkey that opens the codes
 * @typedef {{id: "vault", key: CryptoKey, keepers: Keeper[]}} Vault `key` encrypts and cannot be read
 * @typedef {{id: string, iv: Uint8Array<ArrayBuffer>, sealed: ArrayBuffer}} Sealed
 */

const VAULT = "vault";
const CODES = "codes";
// A database of its own: an older version of the app still opens the accounts.
const within = inDatabase("nod-codes", { [VAULT]: "id", [CODES]: "id" });

/** How long codes stay visible after the last touch, milliseconds. */
const OPEN_MS = 60_000;
/** AES-GCM's own size of a nonce. */
const IV_BYTES = 12;
const CHALLENGE_BYTES = 32;
/** Web Authentication, section 6.1: the flags follow the 32 bytes of the relying party's hash; bit 2 is user verification. */
const FLAGS_AT = 32;
const USER_VERIFIED = 0b100;

/** When the codes are hidden, on the page's steady clock. */
let openUntil = 0;

/** @returns {boolean} */
export const isOpen = () => performance.now() < openUntil;

/** The person is at work: the codes stay a while longer. */
export function touch() {
  if (isOpen()) {
    openUntil = performance.now() + OPEN_MS;
  }
}

export function lock() {
  openUntil = 0;
}

// Whatever the app shows: who picks up the phone later is asked anew. The steady clock may stand still while the phone sleeps.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") {
    lock();
  }
});
addEventListener("pagehide", lock);

/** @returns {Promise<number>} */
export const countCodes = () => within(CODES, "readonly", (store) => store.count());

/**
 * The passkeys that open the codes: those of the active accounts when the first code is kept. A further account's counts after
 * the codes were opened once with an older one, so that nobody with a borrowed phone adds one of their own; a new passkey of
 * the same user replaces the old one at once, because phones overwrite that.
 * @param {Vault|undefined} vault
 */
async function keepers(vault) {
  const accounts = (await allAccounts()).filter((account) => account.credential && account.state === "active");
  /** @type {Keeper[]} */
  const present = accounts.map(({ user, credential }) => ({ user: user.name, id: "", transports: [], ...credential }));
  if (!vault) {
    return { now: present, later: present };
  }
  const users = new Set(vault.keepers.map(({ user }) => user));
  const known = new Set(vault.keepers.map(({ id }) => id));
  const replacing = present.filter(({ user, id }) => users.has(user) && !known.has(id));
  const others = present.filter(({ user }) => !users.has(user));
  const now = [...vault.keepers, ...replacing];
  return { now, later: [...now, ...others] };
}

/** @returns {Promise<Vault|undefined>} */
const readVault = () => within(VAULT, "readonly", (store) => store.get(VAULT));

/**
 * Asks for fingerprint, face or PIN by this phone's passkey. Works without a connection: nobody but this page looks at the
 * assertion, and all that it looks at is whether somebody was verified.
 */
export async function unlock() {
  const vault = await readVault();
  const { now, later } = await keepers(vault);
  if (now.length === 0) {
    throw new Error(words.codes.noPasskey);
  }
  const assertion = await usePasskey({
    challenge: toBase64url(crypto.getRandomValues(new Uint8Array(CHALLENGE_BYTES))),
    rpId: location.hostname,
    allowCredentials: now.map(({ id, transports }) => ({ type: "public-key", id, transports })),
    userVerification: "required",
  });
  const flags = fromBase64url(assertion.response.authenticatorData)[FLAGS_AT] ?? 0;
  if ((flags & USER_VERIFIED) === 0) {
    throw new Error(words.codes.notVerified);
  }
  const key = vault?.key ?? (await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]));
  // In one transaction: another window may have made the vault meanwhile, and its key must stay.
  await within(VAULT, "readwrite", (store) => {
    const found = store.get(VAULT);
    found.onsuccess = () => store.put({ id: VAULT, key: found.result?.key ?? key, keepers: vault || !found.result ? later : found.result.keepers });
    return undefined;
  });
  openUntil = performance.now() + OPEN_MS;
}

/** Opens the codes unless they are open. */
export async function ensureOpen() {
  if (!isOpen()) {
    await unlock();
  }
  touch();
}

/** @returns {Promise<CryptoKey>} of codes that are open */
async function openKey() {
  const vault = isOpen() ? await readVault() : undefined;
  if (!vault) {
    throw new Error(words.codes.hidden);
  }
  return vault.key;
}

/** The record's id is bound to what it holds (INV-21). @param {string} id @param {Uint8Array<ArrayBuffer>} iv */
const gcm = (id, iv) => ({ name: "AES-GCM", iv, additionalData: utf8(id) });

/** @returns {Promise<{codes: Code[], damaged: number}>} sorted by site and account */
export async function readCodes() {
  const key = await openKey();
  /** @type {Sealed[]} */
  const records = await within(CODES, "readonly", (store) => store.getAll());
  const read = await Promise.all(
    records.map(async ({ id, iv, sealed }) => {
      try {
        const plain = await crypto.subtle.decrypt(gcm(id, iv), key, sealed);
        return /** @type {Code} */ ({ ...JSON.parse(new TextDecoder().decode(plain)), id });
      } catch {
        return null;
      }
    }),
  );
  const codes = read.filter((code) => code !== null);
  const name = (/** @type {Code} */ { issuer, account }) => `${issuer}\n${account}`;
  codes.sort((one, other) => name(one).localeCompare(name(other)));
  return { codes, damaged: read.length - codes.length };
}

/**
 * Keeps codes: all of them or none.
 * @param {Code[]} codes
 */
export async function keepCodes(codes) {
  const key = await openKey();
  /** @type {Sealed[]} */
  const records = await Promise.all(
    codes.map(async ({ id, ...rest }) => {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      return { id, iv, sealed: await crypto.subtle.encrypt(gcm(id, iv), key, utf8(JSON.stringify(rest))) };
    }),
  );
  await within(CODES, "readwrite", (store) => records.map((record) => store.put(record)).at(-1));
  // Browsers may throw away what a site keeps when room is short, unless they have promised not to.
  void navigator.storage?.persist?.().catch(() => false);
}

/** @param {string} id */
export const forgetCode = (id) => within(CODES, "readwrite", (store) => store.delete(id));
