/** WebAuthn ceremonies from and to the JSON forms of the device API. Done by hand: older browsers lack the helpers, and the
 *  server refuses members that it does not know. */

import { fromBase64url, toBase64url } from "./bytes.js";
import { words } from "./words.js";

/**
 * @typedef {{id: string, rawId: string, type: "public-key", response: Record<string, string>}} CredentialJson
 */

/** @param {any[]} [list] */
const descriptors = (list) => list?.map((one) => ({ ...one, id: fromBase64url(one.id) }));

/** @returns {boolean} whether this browser can use passkeys */
export function canUsePasskeys() {
  return typeof window.PublicKeyCredential === "function";
}

/**
 * Why a ceremony did not give a credential, as a sentence.
 * @param {unknown} error
 */
function explain(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "InvalidStateError") {
    return new Error(words.passkey.alreadyThere);
  }
  if (name === "NotAllowedError" || name === "AbortError") {
    return new Error(words.passkey.refused);
  }
  return new Error(words.passkey.failed);
}

/** @param {Credential|null} credential */
function identity(credential) {
  const made = /** @type {PublicKeyCredential|null} */ (credential);
  if (!made) {
    throw new Error(words.passkey.failed);
  }
  return made;
}

/**
 * Makes a passkey.
 * @param {any} options CREATION_OPTIONS
 * @returns {Promise<{registration: CredentialJson, transports: string[]}>}
 */
export async function createPasskey(options) {
  const publicKey = {
    ...options,
    challenge: fromBase64url(options.challenge),
    user: { ...options.user, id: fromBase64url(options.user.id) },
    excludeCredentials: descriptors(options.excludeCredentials),
  };
  const credential = identity(
    await navigator.credentials.create({ publicKey }).catch((error) => {
      throw explain(error);
    }),
  );
  const response = /** @type {AuthenticatorAttestationResponse} */ (credential.response);
  return {
    registration: {
      id: credential.id,
      rawId: toBase64url(credential.rawId),
      type: "public-key",
      response: {
        clientDataJSON: toBase64url(response.clientDataJSON),
        attestationObject: toBase64url(response.attestationObject),
      },
    },
    transports: response.getTransports?.() ?? [],
  };
}

/**
 * Signs a challenge with a passkey.
 * @param {any} options request options in JSON form
 * @returns {Promise<CredentialJson>} ASSERTION
 */
export async function usePasskey(options) {
  const publicKey = {
    ...options,
    challenge: fromBase64url(options.challenge),
    allowCredentials: descriptors(options.allowCredentials),
  };
  const credential = identity(
    await navigator.credentials.get({ publicKey }).catch((error) => {
      throw explain(error);
    }),
  );
  const response = /** @type {AuthenticatorAssertionResponse} */ (credential.response);
  const { userHandle } = response;
  return {
    id: credential.id,
    rawId: toBase64url(credential.rawId),
    type: "public-key",
    response: {
      clientDataJSON: toBase64url(response.clientDataJSON),
      authenticatorData: toBase64url(response.authenticatorData),
      signature: toBase64url(response.signature),
      ...(userHandle ? { userHandle: toBase64url(userHandle) } : {}),
    },
  };
}
