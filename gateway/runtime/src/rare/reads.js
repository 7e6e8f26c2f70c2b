// What else reads addresses: a page that names other hosts gets them back as it knows them.  And
// what names them in lists and objects, which is looked at from the first foreign name on.
import { installCaches } from "../shared/caches.js";
import { mapCss } from "../shared/css.js";
import { fields } from "./fields.js";
import { keyframes } from "./keyframes.js";
import { refused } from "./refused.js";
import { told } from "./told.js";

const READ = (
  "XMLSerializer.serializeToString Element.getHTML ShadowRoot.getHTML MutationRecord.oldValue StyleSheet.href CSSImportRule.href " +
  "SecurityPolicyViolationEvent.blockedURI EventSource.url ErrorEvent.filename LargestContentfulPaint.url PerformanceElementTiming.url DataTransfer.getData"
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
  fields(w, hookAll);
  refused(w, hookAll, map);
  hookAll(w, "KeyframeEffect:1 KeyframeEffect.setKeyframes:0 Element.animate:0", (given) => keyframes(given, (text) => mapCss(text, map)));
};
