// Other frames and windows.  Sandboxed frames navigate none but those below them, and open no
// windows: a page of the same origin that may does it for them, or the outer frame.
import { apply, defineProperty, getOwnPropertyDescriptor, wrap } from "../shared/hooks.js";
import { HERE, SHOWN } from "../inner/navigation.js";
import { formOf } from "../shared/form.js";
import { isOdd, read } from "../shared/urls.js";
import { enter } from "./frames.js";
import { shim } from "./shim.js";
import { sign } from "./sign.js";

// What the outer frame puts before the name of a page's frame: `gw-<id>.<path>:` where it was
// opened by a page, as that page's window number `id`, from the frame at that path; else `gw-:`.
const MARK = /^gw-([\d.]*):/;

/** @typedef {ReturnType<typeof windowsOf>} Windows */
/** @typedef {import("../inner/realm.js").Realm} Realm */

const nothing = () => {};
/** What every stand-in for a window has. */
const BARE = { closed: false, length: 0, opener: null, close: nothing, focus: nothing, blur: nothing };

/** @type {WeakMap<Realm, Windows>} */
const known = new WeakMap();
/** Submits that were seen to: of a form within a shadow root two may tell. */
const sent = new WeakSet();

/** @param {Realm} realm @returns {Windows} */
export const windowsIn = (realm) => {
  const one = known.get(realm) ?? windowsOf(realm);
  known.set(realm, one);
  return one;
};

/** @param {Realm} realm */
function windowsOf(realm) {
  const { w, document: shown, map, unmap, signed, payload } = realm;
  const { post, handlers } = payload;
  const stand = (/** @type {any} */ one) => enter(realm, one, w);
  const { document, location, navigator, top, structuredClone: clone, MessageEvent, FormData, URL } = w;
  const later = w.setTimeout.bind(w);
  const absolute = (/** @type {any} */ url) => map(new URL(map(`${url}`), document.baseURI).href);

  // --- frames -----------------------------------------------------------------------

  /**
   * The window that a frame is in, by numbers: windows of this origin tell what stands in for
   * theirs of other origins, which is theirs and not this one's.
   * @param {any} one @param {any} [from] @returns {any}
   */
  const around = (one, from = top) => {
    if (one === top) return top;
    for (let at = 0; at < from.length; at++) {
      const found = stand(from[at]) === stand(one) ? from : around(one, from[at]);
      if (found) return found;
    }
  };
  /** The topmost page's window. */
  const topmost = () => {
    let one = w;
    for (let out; (out = around(one)) && out !== top; one = out);
    return one;
  };
  /** Whether a window is of this origin. @param {any} one */
  const own = (one) => {
    try {
      return one.location.origin === location.origin || Boolean(one.document);
    } catch {
      return false;
    }
  };
  /** Where a window is below another: numbers of frames; null if it is not. @param {any} one @param {any} from */
  const pathTo = (one, from) => {
    const path = [];
    for (let out; stand(one) !== stand(from); one = out) {
      out = around(one);
      if (one === top || !out) return null;
      let at = 0;
      while (stand(out[at]) !== stand(one)) at++;
      path.unshift(at);
    }
    return path;
  };
  /** Who may navigate a window: the nearest window around it that is of this origin. @param {any} to */
  const helper = (to) => {
    for (let one = to; one && one !== top; one = around(one)) if (own(one)) return one;
  };
  /** A frame with a name that may be navigated from here, among a window and those below. @param {any} from @param {string} name @returns {any} */
  const named = (from, name) => {
    if (own(from) && from.name === name) return from;
    for (let i = 0; i < from.length; i++) {
      const one = from[i];
      // Names of another origin's frames can be asked for, not read.
      try {
        if (!own(one) && from[name] === one && (helper(one) || pathTo(one, w))) return one;
      } catch {
        // not its name
      }
      const found = named(one, name);
      if (found) return found;
    }
  };
  /** Where a target leads: a window of the page's tree, or undefined: a new one. @param {string} target */
  const find = (target) => {
    const word = target.toLowerCase();
    if (word === "_blank") return;
    if (word === "_self") return w;
    if (word === "_top") return topmost();
    if (word === "_parent") return w === topmost() ? w : around(w);
    return named(w, target) ?? named(topmost(), target);
  };
  /**
   * Have another frame navigated: by one of this origin, so that the request is its and not
   * the frame's; the topmost page by the outer frame.
   * @param {any} to @param {{url: string, entries?: any[], coding?: string, token?: string}} what @param {string} name
   */
  const lead = (to, what, name) => {
    if (!/^https?:/.test(what.url)) return leave(what.url);
    const by = helper(to);
    if (by) by.postMessage({ gw: 1, type: "go", ...what, path: pathTo(to, by), name }, location.origin);
    else if (to === topmost()) post("lead", { ...what, url: unmap(what.url), active: navigator.userActivation?.hasBeenActive });
  };

  /** What no frame shows is the outer frame's to ask about: a telephone number, an app. @param {string} url */
  const leave = (url) => {
    // What a browser shows in a window of its own it shows in none that a sandboxed frame opens.
    if (!/^(?:javascript|data|blob|about):/i.test(url)) post("leave", { url });
  };

  // --- popups -----------------------------------------------------------------------

  /** @typedef {{members: any, shown: any, near: any}} Opened */
  /** @type {Map<number, Opened>} */
  const opened = new Map();
  let count = 0;
  /** What `postMessage` takes: it is taken at once, and what is wrong with it is said. @param {string} type @param {object} whom */
  const words = (type, whom) => (/** @type {any[]} */ ...[data, target, more]) => {
    const options = target && typeof target === "object" && !Array.isArray(target) ? target : { targetOrigin: target, transfer: more };
    const to = `${options.targetOrigin ?? "/"}`;
    try {
      if (!/^[*/]$/.test(to)) new URL(to);
    } catch {
      throw new w.DOMException(`Invalid target origin '${to}' in a call to 'postMessage'.`, "SyntaxError");
    }
    const transfer = options.transfer ?? [];
    const taken = clone ? clone({ data, transfer }, { transfer }) : { data, transfer };
    post(type, { ...whom, data: taken.data, target: to === "/" ? location.origin : to }, taken.transfer);
  };
  /** @param {number} id */
  const popup = (id) => {
    const one = /** @type {Opened} */ ({
      members: {
        ...BARE,
        postMessage: words("to-popup", { id }),
        close() {
          one.members.closed = true;
          post("popup-close", { id });
        },
        focus: () => post("popup-focus", { id }),
      },
    });
    one.shown = shim(w, one.members, () => one.near, (url) => post("popup-go", { id, url: unmap(absolute(url)) }), () => post("popup-disown", { id }));
    one.members.opener = w;
    opened.set(id, one);
    return one;
  };
  /** @type {Map<string, number>} */
  const names = new Map();
  /** @param {any} url @param {string} name @param {boolean} alone without an opener */
  const openWindow = (url, name, alone, more = {}) => {
    const to = `${url}` && unmap(absolute(url));
    if (to && !/^(?:https?:|about:blank$)/.test(to)) {
      leave(to);
      return null;
    }
    const label = /^_blank$/i.test(name) ? "" : name;
    const known = label && !alone ? opened.get(names.get(label) ?? 0) : undefined;
    const id = known && !known.members.closed ? /** @type {number} */ (names.get(label)) : ++count;
    post("open", { id, url: to === "about:blank" ? "" : to, name: label, alone, ...more });
    if (alone) return null;
    names.set(label, id);
    const one = opened.get(id) ?? popup(id);
    // As a browser does that keeps it back until the person asks for it.
    return navigator.userActivation && !navigator.userActivation.isActive && !known ? null : one.shown;
  };
  /** A message of another window, as the page would have got it. @param {any} said @param {any} event @param {any} source */
  const arrive = ({ data, origin }, { ports }, source) => {
    const message = new MessageEvent("message", { data, origin, ports: [...ports] });
    defineProperty(message, "source", { value: source });
    w.dispatchEvent(message);
  };
  handlers["from-popup"] = (said, event) => arrive(said, event, (opened.get(said.id) ?? popup(said.id)).shown);
  handlers["popup-closed"] = ({ id, closed }) => {
    const one = opened.get(id);
    if (one) one.members.closed = closed;
  };

  /** @param {any} element a link or a form @param {string} target */
  const isAlone = (element, target) => {
    const rel = `${element.getAttribute("rel")}`;
    return /\bno(?:opener|referrer)\b/i.test(rel) || (/^_blank$/i.test(target) && !/\bopener\b/i.test(rel));
  };

  /** @param {any} link @param {string} target @param {Event} event */
  const click = (link, target, event) => {
    const to = find(target);
    if ((to && to !== w && pathTo(to, w)) || link.hasAttribute("download")) return;
    // The page's own handlers come first: they may take the click.  Sandboxed, the browser
    // itself does nothing about it but complain.
    later(() => {
      if (event.defaultPrevented) return;
      const href = link.href.baseVal ?? link.href;
      if (!to) openWindow(href, target, isAlone(link, target));
      else if (to === w) location.assign(map(href));
      else lead(to, { url: absolute(href) }, target);
    });
  };
  /**
   * @param {any} form @param {any} submitter @param {string} target @param {Event | undefined} event
   * @returns {boolean} whether it is done here
   */
  const send = (form, submitter, target, event) => {
    const to = find(target);
    if (to === w) {
      const [element, name] = submitter?.hasAttribute("formtarget") ? [submitter, "formtarget"] : [form, "target"];
      const given = element.getAttribute(name);
      element.setAttribute(name, "_self");
      later(() => (given === null ? element.removeAttribute(name) : element.setAttribute(name, given)));
      return false;
    }
    if (to && pathTo(to, w)) return false;
    const finish = () => {
      if (event?.defaultPrevented) return;
      const read = (/** @type {string} */ name) => submitter?.getAttribute("form" + name) || form.getAttribute(name) || "";
      if (/^dialog$/i.test(read("method"))) return;
      const entries = [...new FormData(form, submitter)];
      const url = new URL(absolute(read("action") || document.URL));
      /** @type {{url: string, entries?: any[], coding?: string, token?: string}} */
      let what;
      if (/^post$/i.test(read("method"))) {
        what = { url: url.href, entries, coding: read("enctype"), token: /.*[?&]__gw=([^&#]*)/.exec(signed(url.href))?.[1] };
      } else {
        url.search = `${new URLSearchParams(entries.map(([name, value]) => [name, typeof value === "string" ? value : value.name]))}`;
        what = { url: url.href };
      }
      if (to) lead(to, what, target);
      else if (!what.entries) openWindow(what.url, target, isAlone(form, target));
      else openWindow("", target, isAlone(form, target), { form: { ...what, url: unmap(what.url) } });
    };
    // As with clicks; a form that script submits has no event.
    if (event) later(finish);
    else finish();
    return true;
  };
  /** @param {any} url @param {string} name @param {any} features @param {(name: string) => any} native */
  const open = (url, name, features, native) => {
    const to = find(name);
    if (to === w) return native("_self");
    if (to && pathTo(to, w)) return stand(native(name));
    if (to) {
      if (`${url}`) lead(to, { url: absolute(url) }, name);
      return stand(to);
    }
    const alone = /(?:^|[\s,])no(?:opener|referrer)(?!\s*=\s*(?:no|0|false))/i.test(features);
    return openWindow(url, name, alone, { features: `${features}` });
  };

  return {
    /**
     * A link or a form that leads elsewhere, or with a token.
     * @param {any} element @param {any} by its button @param {any} event none where script submits
     * @returns {boolean} whether it is done here
     */
    lead(element, by, event) {
      if (!element.href && !element.method) return false; // of something else script says that it is sent
      const target = by?.formTarget || element.getAttribute("target") || shown.querySelector("base[target]")?.target || "";
      const isElsewhere = !HERE.test(target);
      if (/^(a|area)$/.test(element.localName)) {
        const given = element.getAttribute("href", "");
        if (given && map(given) !== given) element.setAttribute("href", given); // collapsed, if it was not yet
        if (isElsewhere) click(element, target, event);
        return false;
      }
      // One that script makes sends nothing.
      if (event && (sent.has(event) || !event.isTrusted)) return false;
      if (event) sent.add(event);
      if (!event && isElsewhere && send(element, by, target, event)) return true;
      if (/^post$/i.test(by?.formMethod || element.getAttribute("method"))) sign(realm, element, by);
      if (event && isElsewhere && w.document === shown) send(element, by, target, event);
      return false;
    },
    /**
     * The page is about to be left for a foreign address, or for what no frame shows.
     * @param {any} event @param {string} url @param {string} to
     */
    navigate(event, url, to) {
      payload.leave?.(to);
      // data: is for frames in a page, and for what is saved.
      const leaves = /^data/.test(url) ? w.parent === top && event.downloadRequest == null : !SHOWN.test(url);
      // The window's next document has its own, but one that a service worker made up has none.
      if ((to === url && !leaves) || !event.cancelable || (IDENTITY && w.document !== shown)) return;
      const how = event.navigationType === "replace" ? "replace" : "assign";
      event.preventDefault();
      event.stopImmediatePropagation();
      later(() => leaves ? leave(url) : location[how](to));
    },
    /** `window.open` itself. @param {any} native @param {any} self @param {any[]} args */
    opening(native, self, args) {
      const given = args.slice(0, 3).map(read);
      if (given.some(isOdd)) return apply(native, self, given);
      const [url = "", name = "", features = ""] = given;
      const label = `${name}` || "_blank";
      const plain = (/** @type {string} */ name) => apply(native, self, [map(url), name, features]);
      return HERE.test(label) ? plain(label) : open(url, label, features ?? "", plain) ?? null;
    },
    /**
     * A page of this origin asks for what its sandbox forbids it: to lead this frame, or one
     * below; or it says that it is in the window that this page opened.
     * @param {any} said @param {any} event @param {string} origin
     */
    go({ near, url, path, name, ...form }, { source, target }, origin) {
      if (origin !== location.origin) return;
      if (near) {
        const one = opened.get(near);
        if (one) one.near = source;
        return;
      }
      const to = map(`${url}`);
      if (!/^https:/.test(to) || !Array.isArray(path)) return;
      const self = target.window;
      const found = path.reduce((one, at) => one?.[at], self);
      if (!found) return;
      if (!form.entries) {
        found.location.href = to;
        return;
      }
      // A form finds its frame by a name, from here, not from where it was written.
      const element = [...self.document.querySelectorAll("iframe,frame")].find((one) => one.contentWindow === stand(found));
      const label = found === self ? "_self" : /^_/.test(name) ? element?.name : name;
      if (label) formOf(self.document, to, form, label);
    },
    /** A page in a window that another page opened: its opener, the name that the page gave, and how it closes. */
    installOpener() {
      const given = /** @type {any} */ (getOwnPropertyDescriptor(w, "name"));
      const native = given.get.call(w);
      let [mark, way] = /** @type {RegExpExecArray} */ (MARK.exec(native));
      const [id, ...path] = way.split(".").map(Number);
      const members = {
        ...BARE,
        postMessage: words("to-opener", {}),
      };
      const near = () => path.reduce((one, at) => one?.[at], top.opener?.[0]);
      const one = shim(w, members, near, (url) => post("opener-go", { url: unmap(absolute(url)) }), () => {});
      /** @type {any} */
      let shown = way ? one : null;
      const disown = () => {
        if (shown !== one) return;
        shown = null;
        const name = given.get.call(w).replace(MARK, "");
        given.set.call(w, (mark = "gw-:") + name);
      };
      handlers["from-opener"] = (said, event) => arrive(said, event, one);
      handlers["opener-closed"] = () => (members.closed = true);
      handlers.disowned = disown;
      // One of the same origin may want to look at this page itself.
      if (way && own(near())) near().postMessage({ gw: 1, type: "go", near: id }, location.origin);
      defineProperty(w, "opener", {
        configurable: true,
        enumerable: true,
        get: () => shown,
        set(value) {
          if (value === null) {
            disown();
            post("disown");
          } else shown = value;
        },
      });
      defineProperty(w, "name", {
        ...given,
        get: wrap(given.get, { apply: (target, self, args) => apply(target, self, args).replace(MARK, "") }),
        set: wrap(given.set, { apply: (target, self, [value]) => apply(target, self, [mark + value]) }),
      });
      w.close = wrap(w.close, { apply: () => post("close") });
    },
  };
}
