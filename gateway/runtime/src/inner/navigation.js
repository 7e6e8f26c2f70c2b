// Leaving the page: foreign addresses are collapsed before the browser goes there, and what
// would leave the frame goes to the outer frame.
import { defineProperty, getOwnPropertyDescriptor, hook, wrap } from "../shared/hooks.js";

/**
 * @param {any} w
 * @param {import("../shared/urls.js").Urls} urls
 * @param {(type: string, more: object) => void} post to the outer frame
 * @param {import("./cookie.js").Jar} jar
 */
export function installNavigation(w, { map, unmap }, post, jar) {
  const { document, location, top, parent } = w;
  const go = location.assign.bind(location);
  const later = w.setTimeout.bind(w);

  /** Where a target leads: "" here or to another frame, "_self" instead, "_blank" out. @param {string} target */
  const route = (target) =>
    /^_(top|parent)$/i.test(target) ? (parent === top ? "_self" : "")
    : target && !/^_self$/i.test(target) && !(target in w.frames) ? "_blank" : "";
  /** @param {string} url */
  const open = (url) => post("open", { url: unmap(new URL(map(url), document.baseURI).href) });

  w.navigation?.addEventListener("navigate", (/** @type {any} */ event) => {
    const { destination: { url }, navigationType } = event;
    const to = map(url);
    jar.leave?.(to);
    if (to === url || !event.cancelable) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    later(() => (navigationType === "replace" ? location.replace(to) : go(to)));
  });
  w.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const link = /** @type {any} */ (event.composedPath().find((one) => /^(a|area)$/.test(/** @type {any} */ (one).localName)));
    if (!link?.href) return;
    link.setAttribute("href", link.getAttribute("href")); // collapsed, if it was not yet
    const way = route(link.target || document.querySelector("base[target]")?.target || "");
    later(() => {
      if (way && !event.defaultPrevented) (way === "_self" ? go : open)(map(link.href));
    });
  }, true);
  const stay = (/** @type {any} */ element, /** @type {string} */ name) => {
    if (route(element?.getAttribute(name) ?? "")) element.setAttribute(name, "_self");
  };
  w.addEventListener("submit", (/** @type {any} */ { target, submitter }) => {
    stay(target, "target");
    stay(submitter, "formtarget");
  }, true);
  hook(w.HTMLFormElement.prototype, "submit", (_, form) => stay(form, "target"));
  defineProperty(w, "open", {
    ...getOwnPropertyDescriptor(w, "open"),
    value: wrap(w.open, {
      apply(target, self, [url = "", name = "_blank", ...rest]) {
        const way = route(`${name}`);
        if (way === "_blank") return open(url || "about:blank"), null;
        return Reflect.apply(target, self, [map(url), way || name, ...rest]);
      },
    }),
  });
}
