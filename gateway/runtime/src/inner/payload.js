// What the server put into the page for the runtime; read once, then taken out.

/**
 * @typedef {object} Payload
 * @property {number} v
 * @property {string} origin the page's own origin, expanded
 * @property {string} cookie what document.cookie reads
 * @property {string} suffix
 * @property {number} port
 * @property {string} secure the outer frame's origin
 * @property {string} rare the path of the part that few pages need
 * @property {number} [rtc] WebRTC is allowed
 * @property {string} [target] the page's path and query without parameters of the gateway's, if it has some
 * @property {string} [referrer] what document.referrer reads, where the browser's is not the site's business
 * @property {string} frame what brings the runtime into documents that script puts into a `srcdoc`
 */

/** @returns {Payload | null} */
export function takePayload() {
  const element = document.getElementById("__gw");
  const { currentScript } = document;
  const frame = currentScript?.outerHTML;
  const declared = element?.previousElementSibling; // the encoding, said again before us
  if (declared?.localName === "meta") declared.remove();
  element?.remove();
  currentScript?.remove();
  return element && { frame, ...JSON.parse(element.textContent ?? "") };
}
