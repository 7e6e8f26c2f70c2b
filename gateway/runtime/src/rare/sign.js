// The token on the address of a form, for as long as it is being sent.
import { page } from "./page.js";
import { changing } from "./told.js";

const later = setTimeout;
const watched = new WeakSet();
/** Forms that are being sent, or their buttons. */
const sending = new Set();

/**
 * A handler of the page may yet choose another address.
 * @param {any} w
 * @param {(url: any) => any} signed
 */
function watch(w, signed) {
  const { hook } = page;
  if (watched.has(w.document)) return;
  watched.add(w.document);
  const again = (/** @type {any[]} */ args, /** @type {any} */ self) => sending.has(self) && /^(form)?action$/i.test(args.at(-2) ?? "action") && args.push(signed(args.pop()));
  hook(w.HTMLFormElement.prototype, "action", again);
  for (const name of ["HTMLButtonElement", "HTMLInputElement"]) hook(w[name].prototype, "formAction", again);
  hook(w.Element.prototype, "setAttribute", again);
}

/**
 * @param {import("../inner/realm.js").Realm} realm
 * @param {any} form
 * @param {any} by its button
 */
export function sign({ w, map, signed: token }, form, by) {
  const signed = (/** @type {any} */ url) => token(map(url));
  const [element, name] = by?.hasAttribute("formaction") ? [by, "formaction"] : [form, "action"];
  if (sending.has(element)) return;
  watch(w, signed);
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
