// The token of what changes state (protocols, section 8): on forms, just while they are sent.
import { hook } from "../shared/hooks.js";

/**
 * @param {any} w
 * @param {import("../shared/network.js").Signed} signed
 * @returns {(form: any, submitter?: any) => void} signs the URL that a form is about to be sent to
 */
export function installForms(w, signed) {
  const later = w.setTimeout.bind(w);
  /** Those that are being sent, or their buttons. */
  const sending = new Set();
  const sign = (/** @type {any} */ form, /** @type {any} */ by) => {
    const [element, name] = by?.hasAttribute("formaction") ? [by, "formaction"] : [form, "action"];
    if (sending.has(element) || !/^post$/i.test(by?.getAttribute("formmethod") || form.getAttribute("method"))) return;
    const given = element.getAttribute(name);
    element.setAttribute(name, signed(given || w.document.URL));
    sending.add(element);
    const seen = element.getAttribute(name);
    later(() => {
      sending.delete(element);
      // As the page reads it now: a handler may have chosen another.
      const last = element.getAttribute(name);
      if (given === null && last === seen) element.removeAttribute(name);
      else element.setAttribute(name, last);
    });
  };
  // A handler of the page may yet choose another address.
  const again = (/** @type {any[]} */ args, /** @type {any} */ self) => sending.has(self) && /^(?:form)?action$/i.test(args.at(-2) ?? "action") && args.push(signed(args.pop()));
  hook(w.HTMLFormElement.prototype, "action", again);
  for (const name of ["HTMLButtonElement", "HTMLInputElement"]) hook(w[name].prototype, "formAction", again);
  hook(w.Element.prototype, "setAttribute", again);
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
