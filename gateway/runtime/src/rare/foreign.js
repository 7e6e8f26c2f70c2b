// What stands in for a window of another origin: everything is the window's own, but that origins
// and addresses are given by their real names.  Such a window may come home, and be gone again.
import { apply, defineProperty, getOwnPropertyDescriptor } from "../shared/hooks.js";
import { enter } from "./frames.js";
import { addressing } from "./messages.js";
import { page } from "./page.js";

const LOCATION = /^(?:__gw_)?location$/;
const VIEWS = "UIEvent:1 MouseEvent:1 KeyboardEvent:1 FocusEvent:1 InputEvent:1 PointerEvent:1 WheelEvent:1 TouchEvent:1 CompositionEvent:1 DragEvent:1";
// Edited scripts have other names for some.
const OURS = /^__gw_(?=(?:domain|top|parent)$)/;

/** @type {any} */
let traps;

/**
 * @param {import("../inner/realm.js").Realm} realm
 * @returns {ProxyHandler<any> & {frames?: any}}
 */
export const foreign = (realm) => (traps ??= trapsOf(page.first.w, (one, by) => enter(realm, one, by), realm, page.hook));

/**
 * @param {any} w
 * @param {(one: any, by: any) => any} enter what the page is given for a window
 * @param {import("../shared/urls.js").Urls} urls
 * @param {typeof import("../shared/hooks.js").hook} hook the page's own
 * @returns {ProxyHandler<any>}
 */
const trapsOf = (w, enter, urls, hook) => {
  /** What stands in, and what for. @type {WeakMap<any, any>} */
  const raws = new WeakMap();
  /** @type {WeakMap<any, any>} */
  const made = new WeakMap();
  /** Names of frames, and of elements. */
  const names = /** @type {any} */ (Reflect.getPrototypeOf(w.Window.prototype));
  const raw = (/** @type {any} */ one) => raws.get(one) ?? one;
  // What the browser itself takes is the window; whoever is asked anything is known from then on.
  const unwrapped = (/** @type {any} */ one) => (one && typeof one === "object" && one.window === one ? raw(one) : one);
  for (const [key, table] of [["source", "MessageEvent:1"], ["view", VIEWS]]) {
    hook(w, table, (more) => (typeof more === "object" && unwrapped(more[key]) !== more[key] ? Object.create(more, { [key]: { value: raw(more[key]) } }) : more));
  }
  hook(w, "UIEvent.view", null, (one) => enter(one, w));
  hook(w, "MessageEvent.initMessageEvent:6 UIEvent.initUIEvent:3 MouseEvent.initMouseEvent:3", unwrapped);
  const named = (/** @type {any} */ key) => (typeof key === "string" ? key.replace(OURS, "") : key);
  const isHome = (/** @type {any} */ one) => {
    try {
      return Boolean(one.document);
    } catch {
      return false;
    }
  };
  /** One thing for one thing. @param {any} one @param {(one: any) => any} make */
  const once = (one, make) => {
    if (!made.has(one)) {
      const proxy = make(one);
      made.set(one, proxy);
      raws.set(proxy, one);
    }
    return made.get(one);
  };

  const addressed = addressing(urls);
  /** A function of a window's, or of its location's. @param {any} native @param {(args: any[]) => void} [before] */
  const method = (native, before) =>
    once(native, () => new Proxy(native, {
      apply(to, self, args) {
        before?.(args);
        return apply(to, raw(self), args);
      },
    }));

  const place = (/** @type {any} */ location) =>
    once(location, () => new Proxy({}, {
      get(_, key) {
        const value = location[key];
        return typeof value !== "function" ? value : method(value, (args) => {
          if (args.length) args[0] = urls.map(args[0]);
        });
      },
      set(_, key, value) {
        location[key] = key === "href" ? urls.map(value) : value;
        return true;
      },
      has: (_, key) => key in location,
      ownKeys: () => Reflect.ownKeys(location),
      getPrototypeOf: () => Reflect.getPrototypeOf(location),
      getOwnPropertyDescriptor(_, key) {
        const own = getOwnPropertyDescriptor(location, key);
        return own && { ...own, configurable: true };
      },
      defineProperty: (_, key, more) => defineProperty(location, key, more),
      deleteProperty: (_, key) => Reflect.deleteProperty(location, key),
      preventExtensions: () => Reflect.preventExtensions(location),
      setPrototypeOf: (_, to) => Reflect.setPrototypeOf(location, to),
    }));

  /** What a window has under a name, as the page is to have it. @param {any} one @param {any} value @param {any} key */
  const given = (one, value, key) => {
    if (value === one) return enter(one, w);
    if (typeof value === "function") {
      // Constructors are what they are.
      return key === "postMessage" ? method(value, addressed) : getOwnPropertyDescriptor(value, "prototype") ? value : method(value);
    }
    if (!value || typeof value !== "object" || isHome(one)) return value;
    return LOCATION.test(key) ? place(value) : enter(value, w);
  };
  /** A window is used: from now on the name of its frame is one for what stands in for it. @param {any} one */
  const meet = (one) => {
    const shown = enter(one, w);
    if (raws.has(shown)) return;
    raws.set(shown, one);
    if (one.parent !== w) return;
    for (const frame of w.document.querySelectorAll("iframe[name],frame[name],object[name]")) {
      const name = frame.getAttribute("name");
      if (frame.contentWindow !== shown || getOwnPropertyDescriptor(w, name) || names[name] !== one) continue;
      defineProperty(w, name, {
        configurable: true,
        get: () => enter(names[name], w),
        set: (value) => defineProperty(w, name, { value, writable: true, enumerable: true, configurable: true }),
      });
    }
  };
  /** Whether a page of this origin is in a frame here: it may be who looks, and its messages are its own. */
  const isShared = () => {
    for (let at = 0; at < w.length; at++) if (isHome(w[at]) && !/^about:/.test(w[at].location.href)) return true;
    return false;
  };
  const frames = new Proxy(w, {
    get(_, key) {
      const value = w[key];
      if (typeof value === "function") return getOwnPropertyDescriptor(value, "prototype") ? value : method(value);
      return value && typeof value === "object" && (/^\d+$/.test(String(key)) || !getOwnPropertyDescriptor(w, key)) ? enter(value, w) : value;
    },
    set: (_, key, value) => Reflect.set(w, key, value),
  });
  raws.set(frames, w);
  /** @type {ProxyHandler<any> & {frames?: any}} */
  const handler = {
    get frames() {
      return isShared() ? w : frames;
    },
    get(one, key) {
      meet(one);
      key = LOCATION.test(String(key)) ? "location" : named(key);
      return given(one, one[key], key);
    },
    set(one, key, value) {
      if (LOCATION.test(String(key))) one.location = urls.map(value);
      else one[key] = value;
      return true;
    },
    getOwnPropertyDescriptor(one, key) {
      const own = getOwnPropertyDescriptor(one, key);
      if (!own?.configurable) return own;
      meet(one);
      if ("value" in own) own.value = given(one, own.value, key);
      if (own.get) own.get = new Proxy(own.get, { apply: () => handler.get?.(one, key, one) });
      if (own.set) own.set = new Proxy(own.set, { apply: (_, __, [value]) => handler.set?.(one, key, value, one) });
      return own;
    },
  };
  return handler;
};
