// The token on the address of a form, for as long as it is being sent.
import { changing } from "./told.js";

const later = setTimeout;
const watched = new WeakSet();

/**
 * A handler of the page may yet choose another address.
 * @param {any} w
 * @param {Set<any>} sending
 * @param {import("../shared/network.js").Signed} signed
 * @param {typeof import("../shared/hooks.js").hook} hook
 */
function watch(w, sending, signed, hook) {
  if (watched.has(w.document)) return;
  watched.add(w.document);
  const again = (/** @type {any[]} */ args, /** @type {any} */ self) => sending.has(self) && /^(?:form)?action$/i.test(args.at(-2) ?? "action") && args.push(signed(args.pop()));
  hook(w.HTMLFormElement.prototype, "action", again);
  for (const name of ["HTMLButtonElement", "HTMLInputElement"]) hook(w[name].prototype, "formAction", again);
  hook(w.Element.prototype, "setAttribute", again);
}

/**
 * @param {any} w
 * @param {any} form
 * @param {any} by its button
 * @param {Set<any>} sending forms that are being sent, or their buttons
 * @param {import("../shared/network.js").Signed} signed
 * @param {typeof import("../shared/hooks.js").hook} hook
 */
export function sign(w, form, by, sending, signed, hook) {
  const [element, name] = by?.hasAttribute("formaction") ? [by, "formaction"] : [form, "action"];
  if (sending.has(element)) return;
  watch(w, sending, signed, hook);
  const given = element.getAttribute(name);
  changing.add(element);
  element.setAttribute(name, signed(given || w.document.URL));
  sending.add(element);
  const seen = element.getAttribute(name);
  later(() => {
    sending.delete(element);
    // As the page reads it now: a handler may have chosen another.
    const last = element.getAttribute(name);
    if (given === null && last === seen) element.removeAttribute(name);
    else element.setAttribute(name, last);
    // Behind those who are told of it.
    queueMicrotask(() => changing.delete(element));
  });
}
