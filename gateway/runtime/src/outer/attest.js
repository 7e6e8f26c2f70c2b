// Whether a document is what it claims to be: made by the gateway for this browser's session,
// and its cookies still those of that session (protocols, section 7).

const text = new TextEncoder();
const KEPT = 4;

/** @param {ArrayBuffer | Uint8Array} octets base64url without padding */
export const encode = (octets) =>
  btoa(String.fromCharCode(...new Uint8Array(octets))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");

/** @param {string} ickt @param {string[]} words @returns {Promise<string>} */
export async function proof(ickt, ...words) {
  const key = await crypto.subtle.importKey("raw", text.encode(ickt), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return encode(await crypto.subtle.sign("HMAC", key, text.encode(["1", ...words].join(" "))));
}

/**
 * Judges documents one by one.  A page from the browser's cache shows its nonce again: that
 * the cookies are the session's now, only the answer to the challenge tells.
 * @param {() => string} ickt
 * @param {(origin: string) => boolean} isRewriteOrigin
 */
export function judgeOf(ickt, isRewriteOrigin) {
  /** The challenges of each window, the latest first: what was meant for a document may reach the next.
   * @type {WeakMap<object, {nonce: string, challenges: string[], page: string}>} */
  const asked = new WeakMap();
  return {
    /**
     * A document's first word: is its proof that of this session?
     * @param {any} said @param {string} origin @param {object} source
     * @returns {Promise<{verdict: "lied" | "sandboxed" | "challenge", challenge?: string}>}
     */
    async hello(said, origin, source) {
      const page = origin === "null" ? `${said.own}` : origin;
      const nonce = `${said.nonce}`;
      const kept = ickt();
      if (!kept || !isRewriteOrigin(page) || said.proof !== (await proof(kept, "page", nonce, page))) {
        return { verdict: "lied" };
      }
      // A sandboxed frame's requests carry no cookies: there is nothing to ask for.
      if (origin === "null") return { verdict: "sandboxed" };
      const challenge = encode(crypto.getRandomValues(new Uint8Array(16)));
      const before = asked.get(source)?.challenges ?? [];
      asked.set(source, { nonce, challenges: [challenge, ...before].slice(0, KEPT), page });
      return { verdict: "challenge", challenge };
    },
    /**
     * A document's answer to the challenge.
     * @param {any} said @param {string} origin @param {object} source
     * @returns {Promise<"lied" | "sound" | "unasked">}
     */
    async answer(said, origin, source) {
      const one = asked.get(source);
      if (!one || one.nonce !== said.nonce || one.page !== origin) return "unasked";
      let at = 0;
      while (at < one.challenges.length && said.answer !== (await proof(ickt(), "answer", one.challenges[at], one.nonce, origin))) at++;
      // Answered meanwhile, or the next document's turn.
      if (asked.get(source) !== one || (at && at < one.challenges.length)) return "unasked";
      asked.delete(source);
      return at ? "lied" : "sound";
    },
  };
}
