// What else reads addresses: a page that names other hosts gets them back as it knows them.  And
// what names them in lists and objects, which is looked at from the first foreign name on.
import { installCaches } from "../shared/caches.js";
import { mapCss } from "../shared/css.js";
import { fields } from "./fields.js";
import { keyframes } from "./keyframes.js";
import { page, prepare } from "./page.js";
import { refused } from "./refused.js";
import { told } from "./told.js";

const READ = (
  "XMLSerializer.serializeToString Element.getHTML ShadowRoot.getHTML MutationRecord.oldValue StyleSheet.href CSSImportRule.href " +
  "SecurityPolicyViolationEvent.blockedURI EventSource.url ErrorEvent.filename LargestContentfulPaint.url PerformanceElementTiming.url DataTransfer.getData"
);

/** Windows whose caches were seen to. */
const cached = new WeakSet();

/**
 * Caches of a page and of the blank windows in it.
 * @param {any} store
 * @param {any} w
 */
export function caches(store, w) {
  if (!cached.has(w)) installCaches(w, page.hook, page.first.map);
  cached.add(w);
  return store;
}

/**
 * What is done once the part is there.
 * @param {import("../inner/realm.js").Realm} realm that of the page's own window
 * @param {import("../shared/trusted.js").Policy} policy its own
 * @param {[typeof import("../shared/hooks.js").hook, typeof import("../shared/hooks.js").wrap]} tools the page's own, which know what hooks are to read as
 */
export function begin(realm, policy, ...tools) {
  const { w, map, unmap } = realm;
  const [hook] = tools;
  prepare(realm, policy, ...tools);
  Object.assign(realm.payload, { w, fetch: realm.fetch });
  hook(w, READ, null, unmap);
  hook(w, "Performance.getEntriesByName:0", map);
  told(w, hook, unmap);
  fields(w, hook);
  refused(w, hook, map);
  hook(w, "KeyframeEffect:1 KeyframeEffect.setKeyframes:0 Element.animate:0", (given) => keyframes(given, (text) => mapCss(text, map)));
  hook(w, "KeyframeEffect.getKeyframes", null, (list) => JSON.parse(unmap(JSON.stringify(list))));
}
