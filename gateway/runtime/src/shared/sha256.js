// SHA-256 of ASCII text, synchronous: a WebSocket's constructor cannot wait for SubtleCrypto.

/** @param {number} power of the root @param {number} count of primes @returns {number[]} */
const fractions = (power, count) => {
  const words = [];
  for (let n = 2; words.length < count; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (prime) {
      const root = n ** (1 / power);
      words.push(((root - Math.floor(root)) * 2 ** 32) | 0);
    }
  }
  return words;
};

/** @param {number} x @param {number} n */
const rotate = (x, n) => (x >>> n) | (x << (32 - n));

/**
 * @param {string} text ASCII
 * @returns {number[]} the digest's 32 octets
 */
export function sha256(text) {
  const k = fractions(3, 64);
  const h = fractions(2, 8);
  const octets = Array.from(text, (c) => c.charCodeAt(0));
  const bits = octets.length * 8;
  octets.push(0x80);
  while (octets.length % 64 !== 56) octets.push(0);
  for (let i = 7; i >= 0; i--) octets.push(Math.floor(bits / 2 ** (8 * i)) & 255);
  for (let at = 0; at < octets.length; at += 64) {
    /** @type {number[]} */
    const w = [];
    for (let i = 0; i < 64; i++) {
      if (i < 16) {
        const j = at + 4 * i;
        w[i] = (octets[j] << 24) | (octets[j + 1] << 16) | (octets[j + 2] << 8) | octets[j + 3];
      } else {
        const a = w[i - 15];
        const b = w[i - 2];
        const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
        const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
        w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
      }
    }
    const v = h.slice();
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
      const choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
      const t1 = (v[7] + s1 + choice + k[i] + w[i]) | 0;
      const s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
      const majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
      v.pop();
      v.unshift((t1 + s0 + majority) | 0);
      v[4] = (v[4] + t1) | 0;
    }
    for (let i = 0; i < 8; i++) h[i] = (h[i] + v[i]) | 0;
  }
  return h.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
}
