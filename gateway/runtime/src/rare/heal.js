// An element that the containment stopped, because what names its address slipped past the
// hooks: it is led to the collapsed address, once.  What the site's own policy forbids the
// browser stops there again, and tells the page of it under its own name.
import { apply, getOwnPropertyDescriptor } from "../shared/hooks.js";
import { attributeOf } from "./texts.js";

const PLACES = "img[src],img[srcset],source,link[href],script[src],iframe[src],frame[src],video,audio,track,embed,object,input[src],image,feImage,use";
const NAMES = ["src", "srcset", "href", "xlink:href", "data", "poster", "imagesrcset"];
// A page that makes more of them does so without end.
const MOST = 500;
// What the containment policy ends in, here and in documents of service workers; no policy of a site's does.
const OURS = /report-uri \/\.gateway\/report$/;
const { get: policyOf } = /** @type {any} */ (getOwnPropertyDescriptor(SecurityPolicyViolationEvent.prototype, "originalPolicy"));
const { get: blockedOf } = /** @type {any} */ (getOwnPropertyDescriptor(SecurityPolicyViolationEvent.prototype, "blockedURI"));
const { querySelectorAll } = Document.prototype;
const { addEventListener } = EventTarget.prototype;
const URLOf = URL;

/** Addresses that were healed, by element: nothing is twice. @type {WeakMap<any, Set<string>>} */
const healed = new WeakMap();
/** Addresses that are about to be healed, by document. @type {WeakMap<Document, Set<string>>} */
const pending = new WeakMap();
let left = MOST;
// All policies tell of one stopped request before this is over, and none of the next.
const SOON = 20;
const later = setTimeout;

/**
 * The error that a stopped element tells of is none: another answer comes.
 * @param {any} element
 */
const hush = (element) => {
  if (!element) return;
  const window = element.ownerDocument.defaultView;
  const stop = (/** @type {Event} */ event) => {
    if (event.target !== element) return;
    event.stopImmediatePropagation();
    window.removeEventListener("error", stop, true);
  };
  apply(addEventListener, window, ["error", stop, true]);
};

/** A script runs once: another does in its place, and the first one tells. @param {any} script @param {string} url */
const again = (script, url) => {
  const other = script.ownerDocument.createElement("script");
  for (const { name, value } of script.attributes) if (!/^on/.test(name)) other.setAttribute(name, value);
  other.nonce = script.nonce;
  other.async = script.async;
  other.src = url;
  for (const type of ["load", "error"]) {
    other.addEventListener(type, () => {
      other.remove();
      script.dispatchEvent(new Event(type));
    });
  }
  script.after(other);
};

/** @param {any} element @param {string} name @param {string} value */
const point = (element, name, value) => {
  // Meanwhile the page may have chosen another.
  if (rawOf(element, name) !== value) return;
  if (element.localName === "script") return again(element, value);
  element.setAttribute(name, value);
  const parent = element.parentNode;
  if (element.localName === "source" && /^(video|audio)$/.test(parent?.localName)) parent.load();
};

/** An attribute as it is: what the page is told reads by the name that comes last. @param {any} element @param {string} name */
const rawOf = (element, name) => element.getAttribute(name, "");

/**
 * Find what leads to a foreign address.
 * @param {any} document
 * @param {(name: string, value: string) => string} attribute
 * @param {string} [blocked] the address that was not asked; all foreign ones if nobody said
 * @returns {[any, string, string][]} elements, attributes, their texts
 */
const sweep = (document, attribute, blocked) => {
  const leadsThere = (/** @type {string} */ text) => {
    try {
      const url = new URLOf(text, document.baseURI);
      url.hash = "";
      // Of frames the browser tells the origin alone.
      return url.href === blocked || url.origin + "/" === blocked;
    } catch {
      return false;
    }
  };
  /** @type {[any, string, string][]} */
  const found = [];
  for (const element of apply(querySelectorAll, document, [PLACES])) {
    for (const name of NAMES) {
      const value = rawOf(element, name);
      if (!value || (blocked && !(name.endsWith("set") ? value.split(/[\s,]+/).some(leadsThere) : leadsThere(value)))) continue;
      const before = healed.get(element) ?? new Set();
      if (attribute(name, value) === value || before.has(value) || left-- < 1) continue;
      healed.set(element, before.add(value));
      found.push([element, name, value]);
    }
  }
  return found;
};

/**
 * @param {import("../inner/realm.js").Realm} realm
 * @param {any} what a violation, or a document that came without the runtime
 */
export function heal(realm, what) {
  const { map } = realm;
  const attribute = attributeOf(realm);
  const go = (/** @type {ReturnType<typeof sweep>} */ found) => found.forEach((one) => point(...one));
  if (!("blockedURI" in what)) return go(sweep(what, attribute));
  let mine = OURS.test(apply(policyOf, what, []));
  const blocked = apply(blockedOf, what, []);
  // A keyword: no host was kept from anybody.
  if (/^(http|ws)s?:/.test(blocked) && map(blocked) !== blocked) {
    const { target } = what;
    const document = target.ownerDocument ?? target;
    const soon = pending.get(document) ?? new Set();
    pending.set(document, soon);
    const { href } = new URLOf(blocked);
    const found = soon.has(href) ? [] : sweep(document, attribute, href);
    if (found.length) {
      soon.add(href);
      for (const [element] of found) {
        if (!/^i?frame$/.test(element.localName)) hush(element.localName === "source" ? element.parentNode?.querySelector("img") : element);
      }
      later(() => {
        soon.delete(href);
        go(found);
      }, SOON);
    }
    // A site that allows the host sees no violation directly, and none here.
    mine ||= soon.has(href);
  }
  if (mine) what.stopImmediatePropagation();
}
