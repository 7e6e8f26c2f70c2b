// Leaving the page: a form that is sent, and what leads to a foreign address or to another frame
// or window, is the business of the part that few pages need.
import { nativesOf } from "../identity/natives.js";
import { apply, hook } from "../shared/hooks.js";

export const HERE = /^(_self)?$/i;
// What a frame may show; the sandbox stops the rest (tel:, mailto:), which the outer frame asks about.
export const SHOWN = /^(blob|about|http)/;

/** @typedef {import("../rare/windows.js").Windows} Windows */

/** @param {import("./realm.js").Realm} realm */
export function installNavigation({ payload, document, w, hear, ask, map }) {
  w.navigation?.addEventListener("navigate", (/** @type {any} */ event) => {
    const { destination } = event;
    const url = IDENTITY ? apply(nativesOf(w).to, destination, []) : destination.url;
    const to = map(url);
    if (to !== url || payload.leave || !SHOWN.test(url)) ask("navigate", event, url, to);
  });
  hear("click", (event) => {
    const path = event.composedPath();
    // A shadow root that the parser made: whoever submits there clicks, or the browser does.
    listen(path[0].getRootNode?.() ?? w);
    const link = path.find((/** @type {any} */ one) => /^(a|area)$/.test(one.localName));
    if (!link?.href || w.document !== document) return;
    const given = link.getAttribute("href", ""); // as it is: what the page is told reads by the last name
    if (map(given) !== given || link.getAttribute("target") || document.querySelector("base[target]")) ask("lead", false, link, null, event);
  });
  // Where a form leads, and whether it needs a token (protocols, section 8), is for the other part.
  const submitting = (/** @type {any} */ event) => ask("lead", false, event.target, event.submitter, event);
  const listen = (/** @type {any} */ root) => {
    root.addEventListener("submit", submitting, true);
    return root;
  };
  hear("submit", submitting);
  hook(w, "Element.attachShadow", null, listen);
  hook(w, "HTMLFormElement.submit", null, null, (target, self, args) => { ask("lead", false, self) || apply(target, self, args); });
  hook(w, "open", null, null, (...call) => ask("open", () => null)(...call));
}
