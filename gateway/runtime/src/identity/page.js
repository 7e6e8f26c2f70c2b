// The identity of a page under its own name, whole: `location`, and whatever agrees with it.
import { apply, defineProperty, getOwnPropertyDescriptor, hook, wrap } from "../shared/hooks.js";
import { installBundle, installDomain } from "./bundle.js";
import { locationOf } from "./location.js";
import { installNames, moduleNames } from "./names.js";
import { installTexts } from "./texts.js";

/**
 * @param {any} w
 * @param {import("../inner/realm.js").Realm} urls
 * @param {string} origin the page's own
 * @param {import("../inner/rare.js").Ask} part
 * @param {(text: string) => any} trusted
 */
export function installIdentity(w, urls, origin, part, trusted) {
  const { top, parent, location: native } = w;
  const edit = installTexts(w, urls, part, trusted); // from then on the map knows scripts, too
  const { map } = urls;
  const facade = locationOf(w, urls);
  /** The topmost page's window, as a page below it sees it. */
  const topmost = () => {
    let one = w;
    while (one.parent !== top && one.parent !== one) one = one.parent;
    return one;
  };
  const isTop = parent === top;
  const replaceable = (/** @type {string} */ name, /** @type {() => any} */ get) => ({
    enumerable: false,
    configurable: true,
    get,
    set(/** @type {any} */ value) {
      defineProperty(w, name, { value, configurable: true, enumerable: true, writable: true });
    },
  });
  installNames(w, {
    // Neither can be made anew by a script's `var`, as natively.
    location: {
      get: () => facade,
      set: (/** @type {any} */ to) => {
        facade.href = to;
      },
    },
    top: { get: topmost },
    parent: replaceable("__gw_parent", () => (isTop ? w : parent)),
    eval: { value: edit },
    // What a name within `with` turned out to be.
    of: { value: (/** @type {any} */ one) => (one === native ? facade : one === top ? topmost() : one) },
    ...moduleNames(urls),
  });
  if (isTop) hook(w, "parent", null, () => w);
  // Of a document that is shown; others have none, as natively.
  defineProperty(w.Document.prototype, "__gw_location", {
    configurable: true,
    get() {
      return this === w.document ? facade : this.defaultView?.__gw_location ?? null;
    },
    set(to) {
      if (this.defaultView) this.defaultView.__gw_location = to;
    },
  });
  // In a handler's text names are looked up in its element first.
  defineProperty(w.Element.prototype, "__gw_location", {
    configurable: true,
    get() {
      return "location" in this ? this.location : facade;
    },
    set(to) {
      if ("location" in this) this.location = to;
      else facade.href = to;
    },
  });
  // Documents without a runtime (images, texts) are seen through their frames.
  hook(w, "HTMLIFrameElement.contentWindow HTMLFrameElement.contentWindow HTMLObjectElement.contentWindow", null, (inner) => {
    try {
      if (inner && !getOwnPropertyDescriptor(inner, "__gw_location")) {
        const own = locationOf(inner, urls);
        defineProperty(inner, "__gw_location", { configurable: true, get: () => own, set: (to) => (own.href = to) });
      }
    } catch {
      // of another origin
    }
    return inner;
  });
  installBundle(w, urls);
  installDomain(w, new URL(origin).hostname);
  installMessages(w, map);
}

/**
 * A message to the page's own origin is to arrive.  A message's `source` is who called, which here
 * would be this window: so the native is given out where a frame of the same origin may call.
 * @param {any} w @param {(url: any) => any} map
 */
function installMessages(w, map) {
  const native = w.postMessage;
  const target = (/** @type {any} */ given) => (/^https?:/i.test(given) ? map(given) : given);
  const own = wrap(native, {
    apply(to, self, args) {
      const [, given] = args;
      if (typeof given === "string") args[1] = target(given);
      else if (typeof given?.targetOrigin === "string") args[1] = { ...given, targetOrigin: target(given.targetOrigin) };
      return apply(to, self ?? w, args);
    },
  });
  const isAlone = () => {
    for (let at = 0; at < w.length; at++) {
      try {
        if (!/^about:blank/.test(w[at].document.location.href)) return false;
      } catch {
        // of another origin: its browser's own method is called
      }
    }
    return true;
  };
  defineProperty(w, "postMessage", {
    enumerable: true,
    configurable: true,
    get: () => (isAlone() ? own : native),
    set(value) {
      defineProperty(w, "postMessage", { value, writable: true, enumerable: true, configurable: true });
    },
  });
}
