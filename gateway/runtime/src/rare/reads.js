// What else reads addresses: a page that names other hosts gets them back as it knows them.

const READ = (
  "XMLSerializer.serializeToString Element.getHTML ShadowRoot.getHTML MutationRecord.oldValue StyleSheet.href CSSImportRule.href " +
  "ErrorEvent.filename LargestContentfulPaint.url PerformanceElementTiming.url DataTransfer.getData"
);

/** What the other parts have of the page. @type {any} */
export const page = {};

/**
 * @param {any} w
 * @param {typeof import("../shared/hooks.js").hookAll} hookAll the page's own, which knows what hooks are to read as
 * @param {import("../shared/urls.js").Urls} urls
 * @param {[typeof import("../shared/hooks.js").hook, typeof import("../shared/hooks.js").wrap, ReturnType<typeof import("../shared/trusted.js").trustedOf>]} more
 */
export const reads = (w, hookAll, { map, unmap }, ...more) => {
  [page.hook, page.wrap, page.trusted] = more;
  hookAll(w, READ, null, unmap);
  hookAll(w, "Performance.getEntriesByName:0", map);
};
