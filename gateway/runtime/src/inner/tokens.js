// The token of what changes state (protocols, section 8): on forms, just while they are sent.
import { hook } from "../shared/hooks.js";

/**
 * @param {any} w
 * @param {import("../shared/network.js").Signed} signed
 * @param {import("./rare.js").Rare} rare
 * @returns {(form: any, submitter?: any) => void} signs the URL that a form is about to be sent to
 */
export function installForms(w, signed, rare) {
  /** Those that are being sent, or their buttons. */
  const sending = new Set();
  const sign = (/** @type {any} */ form, /** @type {any} */ by) => {
    if (/^post$/i.test(by?.getAttribute("formmethod") || form.getAttribute("method"))) rare("sign", 0, w, form, by, sending, signed, hook);
  };
  const submitting = (/** @type {any} */ event) => sign(event.target, event.submitter);
  const listen = (/** @type {any} */ root) => {
    root.addEventListener("submit", submitting, true);
    return root;
  };
  listen(w);
  // A shadow root that the parser made: whoever submits there clicks, or the browser does.
  w.addEventListener("click", (/** @type {any} */ event) => listen(event.composedPath()[0].getRootNode()), true);
  hook(w.Element.prototype, "attachShadow", null, listen);
  return sign;
}
