/** base32 of RFC 4648, section 6: what secrets of codes are written in. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/**
 * @param {Uint8Array} bytes
 * @returns {string} without padding
 */
export function toBase32(bytes) {
  let text = "";
  let [held, bits] = [0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}

/**
 * @param {string} text spaces, hyphens, padding and small letters are fine
 * @returns {Uint8Array<ArrayBuffer>|null} null when a character is wrong or missing
 */
export function fromBase32(text) {
  const clean = text.toUpperCase().replace(/[\s-]/g, "").replace(/=+$/, "");
  if (/[^A-Z2-7]/.test(clean) || [1, 3, 6].includes(clean.length % 8)) {
    return null;
  }
  const bytes = [];
  let [held, bits] = [0, 0];
  for (const letter of clean) {
    held = (held << 5) | ALPHABET.indexOf(letter);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push(held >> bits);
      held &= (1 << bits) - 1;
    }
  }
  return Uint8Array.from(bytes);
}
