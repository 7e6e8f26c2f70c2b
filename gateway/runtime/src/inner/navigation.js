// Leaving the page: foreign addresses are collapsed before the browser goes there; what leads
// to another frame or window is the business of the part that few pages need.
import { nativesOf } from "../identity/natives.js";
import { apply, wrap } from "../shared/hooks.js";

const HERE = /^(_self)?$/i;
// What a frame may show; the sandbox stops the rest (tel:, mailto:), which the outer frame asks about.
const SHOWN = /^(http|blob|data|about)/;

/** @typedef {import("../rare/windows.js").Windows} Windows */

/**
 * @param {any} w
 * @param {import("../shared/urls.js").Urls} urls
 * @param {() => Windows | null} windows
 * @param {(form: any) => void} sign
 * @param {import("./cookie.js").Jar} jar
 */
export function installNavigation(w, { map }, windows, sign, jar) {
  const { document, location } = w;
  const later = w.setTimeout.bind(w);

  w.navigation?.addEventListener("navigate", (/** @type {any} */ event) => {
    const { destination, navigationType } = event;
    const url = IDENTITY ? apply(nativesOf(w).to, destination, []) : destination.url;
    const to = map(url);
    jar.leave?.(to);
    // data: is for frames in a page, and for what is saved.
    const leaves = !SHOWN.test(url) || (parent === top && url[0] === "d" && event.downloadRequest == null);
    // The window's next document has its own, but one that a service worker made up has none.
    if ((to === url && !leaves) || !event.cancelable || (IDENTITY && w.document !== document)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    later(() => leaves ? windows()?.leave(url) : location[navigationType === "replace" ? "replace" : "assign"](to));
  });
  /** @param {any} element @param {string} name */
  const targetOf = (element, name) => element?.getAttribute(name) || document.querySelector("base[target]")?.target || "";
  w.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const link = /** @type {any} */ (event.composedPath().find((one) => /^(a|area)$/.test(/** @type {any} */ (one).localName)));
    if (!link?.href || w.document !== document) return;
    const given = link.getAttribute("href", ""); // as it is: what the page is told reads by the last name
    if (given && map(given) !== given) link.setAttribute("href", given); // collapsed, if it was not yet
    const target = targetOf(link, "target");
    if (!HERE.test(target)) windows()?.click(link, target, event);
  }, true);
  const send = (/** @type {any} */ form, /** @type {any} */ submitter = null, /** @type {any} */ event = null) => {
    const target = submitter?.getAttribute("formtarget") || targetOf(form, "target");
    if (!HERE.test(target)) return windows()?.send(form, submitter, target, event);
  };
  w.addEventListener("submit", (/** @type {any} */ event) => {
    if (w.document === document) send(event.target, event.submitter, event);
  }, true);
  const { prototype } = w.HTMLFormElement;
  // Assigned: what kind of property each is stays.
  prototype.submit = wrap(prototype.submit, {
    apply(target, self, args) {
      if (send(self)) return;
      sign(self);
      return apply(target, self, args);
    },
  });
  w.open = wrap(w.open, {
    apply(target, self, [url = "", name, ...rest]) {
      name = `${name ?? ""}` || "_blank";
      const native = (/** @type {string} */ name) => apply(target, self, [map(url), name, ...rest]);
      return HERE.test(name) ? native(name) : windows()?.open(url, name, rest[0], native) ?? null;
    },
  });
}
