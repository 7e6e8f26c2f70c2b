// What the server put into the page for the runtime; read once, then taken out.

/**
 * @typedef {object} Payload
 * @property {number} v
 * @property {string} origin the page's own origin, expanded
 * @property {string} cookie what document.cookie reads, as long as nothing changes
 * @property {string | 0 | undefined} [seen] empty where it is right as long as no native cookie comes
 * @property {string} path what the document was loaded from; Chromium's cookies go by it for good
 * @property {import("../shared/cookies.js").Row[]} cookies what scripts of this host see, on any path
 * @property {Record<string, string>} [write] tokens, by the domain on which scripts may set cookies
 * @property {number} [at] the version of the jar
 * @property {string} suffix
 * @property {string} port as in `URL.port`: "" for 443
 * @property {string} secure the outer frame's origin
 * @property {string} nonce of this page
 * @property {string} proof that the page was made under the outer frame's session
 * @property {string} token of what the page sends
 * @property {number} made when that was, in the server's seconds
 * @property {number} renew seconds after which the token is to be renewed
 * @property {string} rare the URL of the part that few pages need
 * @property {number} [rtc] WebRTC is allowed
 * @property {string} [target] the page's path and query without parameters of the gateway's, if it has some
 * @property {string} [referrer] what document.referrer reads, where the browser's is not the site's business
 * @property {string} frame what brings the runtime into documents that script puts into a `srcdoc`
 *
 * And what all windows of a page share:
 * @property {any} w the page's own
 * @property {any} native the descriptor of its `document.cookie`
 * @property {typeof fetch} fetch and its `fetch`
 * @property {number} due when the token is to be renewed
 * @property {(url: string) => void} [leave] told where the page goes, once it wrote cookies
 * @property {Map<string, Blob>} blobs what blob: URLs stand for
 * @property {Map<string, string>} given attributes' texts as they were set, by what they were changed to
 * @property {import("./attest.js").Heard} handlers
 * @property {import("./attest.js").Post} post
 * @property {import("./attest.js").Heard[string]} heard
 * @property {() => void} hide
 */

/** @returns {Payload | "" | false | undefined} what documents that no server sends have in their script's element is less */
export function takePayload() {
  const currentScript = /** @type {HTMLElement} */ (/** @type {unknown} */ (document.currentScript));
  const before = currentScript.previousElementSibling;
  const element = before?.id === "__gw" ? before : null; // a site may have one of that name, too
  const frame = currentScript.outerHTML;
  // The guard, which a style of the root's own replaces, and the encoding, said again.
  for (let one; (one = element?.previousElementSibling) && /^(sty|met|nosc)/.test(one.localName); ) one.remove();
  element?.remove();
  currentScript.remove();
  const text = element?.textContent || (!frameElement && currentScript.dataset.gw);
  return text && { frame, ...JSON.parse(text) };
}
