// What pages are not told of themselves: a style sheet's text as they set it, and no record of
// what the runtime does to a form while it is sent.
import { apply } from "../shared/hooks.js";

const MOST = 64;
const LONGEST = 16384;

/** Sheets' texts as they were given, by how they would read. @type {Map<string, string>} */
const given = new Map();
/** @type {(text: any) => any} */
let read = (text) => text;
/** Forms and buttons that are being changed. @type {WeakSet<object>} */
export const changing = new WeakSet();

/** Remember what a sheet was given. @param {any} text @param {any} mapped */
export function sheet(text, mapped) {
  if (mapped === text || text.length > LONGEST) return;
  if (given.size >= MOST) given.clear();
  given.set(read(mapped), text);
}

/**
 * @param {any} w
 * @param {typeof import("../shared/hooks.js").hook} hook
 * @param {(text: any) => any} unmap
 */
export function told(w, hook, unmap) {
  read = unmap;
  hook(w, "Element.innerHTML Node.textContent", null, (text, self) => (self.localName === "style" ? given.get((text = unmap(text))) ?? text : text));
  /** @param {any[]} records */
  const shown = (records) =>
    records.filter(({ type, attributeName, target }) => !(type === "attributes" && /^(form)?action$/.test(attributeName) && changing.has(target)));
  hook(w, "MutationObserver:0", (heard) =>
    typeof heard !== "function" ? heard
    : function (/** @type {any} */ records, /** @type {any} */ observer) {
      const left = shown(records);
      // @ts-ignore: the observer is what the page's function is called on
      if (left.length) apply(heard, this, [left, observer]);
    });
  // Its older name is the same thing's.
  if (w.WebKitMutationObserver) w.WebKitMutationObserver = w.MutationObserver;
  hook(w, "MutationObserver.takeRecords", null, shown);
}
