// What else reads addresses: a page that names other hosts gets them back as it knows them.  And
// what names them in lists and objects, which is looked at from the first foreign name on.
import { mapCss } from "../shared/css.js";
import { keyframes } from "./keyframes.js";

import { told } from "./told.js";
import { installCaches } from "../shared/caches.js";

const READ = (
  "XMLSerializer.serializeToString Element.getHTML ShadowRoot.getHTML MutationRecord.oldValue StyleSheet.href CSSImportRule.href " +
  "ErrorEvent.filename LargestContentfulPaint.url PerformanceElementTiming.url DataTransfer.getData"
);

/** What the other parts have of the page. @type {any} */
export const page = {};

/** @type {(w: any) => void} */
let install;
/** Windows whose caches were seen to. */
const cached = new WeakSet();

/**
 * Caches of a page and of the blank windows in it.
 * @param {any} store
 * @param {any} w
 */
export function caches(store, w) {
  if (!cached.has(w)) install(w);
  cached.add(w);
  return store;
}

/**
 * @param {any} w
 * @param {typeof import("../shared/hooks.js").hookAll} hookAll the page's own, which knows what hooks are to read as
 * @param {import("../shared/urls.js").Urls} urls
 * @param {[typeof import("../shared/hooks.js").hook, typeof import("../shared/hooks.js").wrap, ReturnType<typeof import("../shared/trusted.js").trustedOf>]} more
 */
export const reads = (w, hookAll, { map, unmap }, ...more) => {
  [page.hook, page.wrap, page.trusted] = more;
  install = (inner) => installCaches(inner, hookAll, map);
  hookAll(w, READ, null, unmap);
  hookAll(w, "Performance.getEntriesByName:0", map);
  told(w, hookAll, unmap);
  // The gateway refuses what is mixed content; why, a browser says on the console.
  const { console, location, document, URL } = w;
  hookAll(w, "fetch:0", (given) => {
    if (typeof given !== "string" || !/^http:/i.test(given.trim()) || !/^https[\d-]/.test(location.hostname)) return given;
    try {
      const { href, hostname } = new URL(given, document.baseURI);
      if (/^(?:(?:.*\.)?localhost|127\..*|\[::1])$/.test(hostname) || map(given) === given) return given;
      console.error(`Mixed Content: The page at '${location.href}' was loaded over HTTPS, but requested an insecure resource '${href}'. This request has been blocked; the content must be served over HTTPS.`);
      return "https://"; // no address: what asks for it fails as it would
    } catch {
      return given;
    }
  });
  hookAll(w, "KeyframeEffect:1 KeyframeEffect.setKeyframes:0 Element.animate:0", (given) => keyframes(given, (text) => mapCss(text, map)));
};
