// Digests that script demands of sheets: a sheet that the gateway edits has another one.  Where
// the browser refuses a sheet, the gateway is asked for it again, and verifies the digest itself.

const LOADS = /^(?:stylesheet|preload)$/i;
/** Links that were asked for again, once each. @type {WeakSet<Element>} */
const again = new WeakSet();
/** @type {((given: any) => any) | undefined} */
let mapped;

/** The address of a sheet that the gateway verifies. @param {string} url @param {string} digest */
function verified(url, digest) {
  const [, address, fragment] = /** @type {RegExpExecArray} */ (/^([^#]*)(.*)$/s.exec(url));
  const value = encodeURIComponent(digest).replace(/%(2F|3D|2B)/g, decodeURIComponent);
  return `${address}${address.includes("?") ? "&" : "?"}__gwi=${value}${fragment}`;
}

/** @param {Event} event */
function refused(event) {
  const link = /** @type {any} */ (event.target);
  const digest = link.integrity;
  if (link.localName !== "link" || !digest || again.has(link)) return;
  const kinds = [...link.relList].filter((one) => LOADS.test(one)).join();
  if (!kinds || (kinds === "preload" && link.as !== "style")) return;
  again.add(link);
  event.stopImmediatePropagation();
  // Without the attribute while the browser begins to load; then it reads as it was set.
  link.removeAttribute("integrity");
  link.setAttribute("href", verified(mapped?.(link.getAttribute("href") ?? ""), digest));
  link.setAttribute("integrity", digest);
}

/**
 * @param {string} value
 * @param {(given: any) => any} map
 * @returns {string} what is set: the digest as it is
 */
export function demanded(value, map) {
  if (!mapped) addEventListener("error", refused, true);
  mapped = map;
  return value;
}
