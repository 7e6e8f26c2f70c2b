// The labels of origins that no short label holds: digests of them.
import { sha256 } from "./sha256.js";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** @param {string} origin serialised @returns {string} its label: base32 of the digest's first 160 bits */
export function longLabel(origin) {
  let bits = "";
  for (const word of sha256(origin)) bits += (word >>> 0).toString(2).padStart(32, "0");
  return "x-" + bits.slice(0, 160).replace(/.{5}/g, (five) => ALPHABET[parseInt(five, 2)]);
}
