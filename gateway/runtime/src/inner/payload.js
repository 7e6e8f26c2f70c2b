// What the server put into the page for the runtime; read once, then taken out.

/**
 * @typedef {object} Payload
 * @property {number} v
 * @property {string} origin the page's own origin, expanded
 * @property {string} cookie what document.cookie reads
 * @property {string} suffix
 * @property {number} port
 * @property {string} secure the outer frame's origin
 */

/** @returns {Payload | null} */
export function takePayload() {
  const element = document.getElementById("__gw");
  if (!element) return null;
  element.remove();
  document.currentScript?.remove();
  try {
    return JSON.parse(element.textContent ?? "");
  } catch {
    return null;
  }
}
