// SHA-256 of ASCII text, synchronous: a WebSocket's constructor cannot wait for SubtleCrypto.

/** @param {number} root of a prime @returns {number} the first 32 bits of its fraction */
const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;

/** @param {number} x @param {number} n */
const rotate = (x, n) => (x >>> n) | (x << (32 - n));

/**
 * @param {string} text ASCII
 * @returns {number[]} the digest's eight words of 32 bits
 */
export function sha256(text) {
  const k = [];
  let h = [];
  for (let n = 2; k.length < 64; n++) {
    let divisor = 2;
    while (n % divisor) divisor++;
    if (divisor === n) {
      h.push(fraction(n ** 0.5));
      k.push(fraction(n ** (1 / 3)));
    }
  }
  h = h.slice(0, 8);
  const size = text.length;
  /** @type {number[]} */
  const words = Array((((size + 8) >> 6) + 1) * 16).fill(0);
  for (let i = 0; i <= size; i++) words[i >> 2] |= (i < size ? text.charCodeAt(i) : 128) << (24 - (i % 4) * 8);
  words[words.length - 1] = size * 8;
  for (let at = 0; at < words.length; at += 16) {
    const w = words.slice(at, at + 16);
    /** @type {number[]} */
    let v = h;
    for (let i = 0; i < 64; i++) {
      if (i > 15) {
        const x = w[i - 15];
        const y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)) + (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10)) | 0;
      }
      const [a, b, c, d, e, f, g, z] = v;
      /** @type {number} */
      const t = z + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
      v = [t + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c)) | 0, a, b, c, d + t | 0, e, f, g];
    }
    h = h.map((word, i) => (word + v[i]) | 0);
  }
  return h;
}
