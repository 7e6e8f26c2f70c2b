// Leaving the page: what leads to a foreign address, to another frame or window, or changes
// state there, is the business of the part that few pages need.
import { nativesOf } from "../identity/natives.js";
import { apply, hook, wrap } from "../shared/hooks.js";

export const HERE = /^(_self)?$/i;
// What a frame may show; the sandbox stops the rest (tel:, mailto:), which the outer frame asks about.
export const SHOWN = /^(http|blob|about)/;

/** @typedef {import("../rare/windows.js").Windows} Windows */

/** @param {import("./realm.js").Realm} realm */
export function installNavigation({ w, document, payload, map, ask, hear }) {
  w.navigation?.addEventListener("navigate", (/** @type {any} */ event) => {
    const { destination } = event;
    const url = IDENTITY ? apply(nativesOf(w).to, destination, []) : destination.url;
    const to = map(url);
    if (to !== url || payload.leave || !SHOWN.test(url)) ask("navigate", event, url, to);
  });
  /**
   * Where a link or a form leads: elsewhere, or with a token, it is for the other part.
   * @param {any} element @param {any} by its button @param {any} event @param {boolean} more whether it is for it anyway
   */
  const lead = (element, by, event, more) => {
    const target = by?.formTarget || element.getAttribute("target") || document.querySelector("base[target]")?.target || "";
    return (more || !HERE.test(target)) && ask("lead", false, element, by, target, event);
  };
  hear("click", (event) => {
    const path = event.composedPath();
    // A shadow root that the parser made: whoever submits there clicks, or the browser does.
    listen(path[0].getRootNode?.() ?? w);
    const link = path.find((/** @type {any} */ one) => /^(a|area)$/.test(one.localName));
    if (!link?.href || w.document !== document) return;
    const given = link.getAttribute("href", ""); // as it is: what the page is told reads by the last name
    lead(link, null, event, map(given) !== given);
  });
  // The token of what changes state (protocols, section 8): on forms, just while they are sent.
  const send = (/** @type {any} */ form, /** @type {any} */ by = null, /** @type {any} */ event = null) =>
    form.method && lead(form, by, event, /^post$/i.test(by?.formMethod || form.getAttribute("method")));
  const submitting = (/** @type {any} */ event) => send(event.target, event.submitter, event);
  const listen = (/** @type {any} */ root) => {
    root.addEventListener("submit", submitting, true);
    return root;
  };
  hear("submit", submitting);
  hook(w.Element.prototype, "attachShadow", null, listen);
  const { prototype } = w.HTMLFormElement;
  // Assigned: what kind of property each is stays.
  prototype.submit = wrap(prototype.submit, {
    apply: (target, self, args) => send(self) ? undefined : apply(target, self, args),
  });
  w.open = wrap(w.open, { apply: (...call) => ask("open", () => null)(...call) });
}
