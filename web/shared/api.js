/** Requests to Nod's own origin: JSON in, JSON out, and a sentence when it did not work. */

import { fromServer, language } from "./language.js";
import { words } from "./words.js";

/** Longest wait for an answer, milliseconds. */
const TIMEOUT_MS = 15_000;

/** The server's words stand in terminals too, where they follow "error:" and have no full stop. @param {string} text */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/** The server speaks English: what it often says is in the catalogue, the rest is told by its code. @param {string} code @param {string} message */
const inOurWords = (code, message) => fromServer.messages[message] ?? (language === "en" ? message : (fromServer.codes[code] ?? message));

/** What went wrong, in a sentence that can be shown. `status` 0 means that the server was not reached. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   * @param {string} [location] where the person can put it right
   */
  constructor(status, code, message, location = "") {
    super(sentence(message));
    this.status = status;
    this.code = code;
    this.location = location;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] sent as JSON
 * @param {RequestInit} [options]
 * @returns {Promise<any>} the answer's JSON, or null if it has none
 */
export async function call(method, path, body, options = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { "X-Nod": "1", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      ...options,
    });
  } catch {
    throw new ApiError(0, "offline", words.errors.offline);
  }
  const text = await response.text();
  const answer = response.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : null;
  if (!response.ok) {
    const message = answer ? inOurWords(answer.error, answer.message) : words.errors.failed;
    throw new ApiError(response.status, answer?.error ?? "failed", message, answer?.location);
  }
  return answer;
}
