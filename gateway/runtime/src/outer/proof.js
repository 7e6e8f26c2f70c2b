// What tells the gateway that a person typed an address: cookies that are SameSite=Strict go then.

/**
 * A one-time proof for a typed address; empty where none can be had, and the page is shown without.
 * @param {URL} url
 * @returns {Promise<string>}
 */
export async function proofOf(url) {
  try {
    const answer = await fetch("/.gateway/proof", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ url: url.href, chosen: true }),
    });
    return `${(await answer.json()).proof ?? ""}`;
  } catch {
    return "";
  }
}

/**
 * The address with its proof; byte for byte the same otherwise.
 * @param {string} address
 * @param {string} proof
 */
export function withProof(address, proof) {
  const at = address.indexOf("#");
  const before = at < 0 ? address : address.slice(0, at);
  return `${before}${before.includes("?") ? "&" : "?"}__gwp=${proof}${at < 0 ? "" : address.slice(at)}`;
}
