// Other frames and windows: sandboxed frames cannot navigate those around them, and open no
// windows; the target's runtime or the outer frame does it for them.
import { apply, defineProperty, getOwnPropertyDescriptor, wrap } from "../shared/hooks.js";

const OPENER = "gw-opener:";

/** @typedef {ReturnType<typeof windowsOf>} Windows */

/**
 * @param {any} w
 * @param {import("../shared/urls.js").Urls} urls
 * @param {import("../shared/network.js").Signed} signed
 * @param {import("../inner/attest.js").Post} post
 * @param {import("../inner/attest.js").Heard} handlers
 */
export function windowsOf(w, { map, unmap }, signed, post, handlers) {
  const { document, location, top, parent, MessageEvent } = w;
  const later = w.setTimeout.bind(w);
  const absolute = (/** @type {string} */ url) => new URL(map(url), document.baseURI).href;

  // --- frames -----------------------------------------------------------------------

  /** The topmost page's window. */
  const topmost = () => {
    let one = w;
    while (one.parent !== top && one.parent !== one) one = one.parent;
    return one;
  };
  /** The frame with a name among a window's descendants. @param {any} from @param {string} name @returns {any} */
  const named = (from, name) => {
    try {
      if (from === w ? w.name === name : from.name === name) return from;
    } catch {
      // of another origin
    }
    for (let i = 0; i < from.length; i++) {
      // Names of another origin's frames can be asked for, not read.
      try {
        if (from[name] === from[i]) return from[i];
      } catch {
        // not its name
      }
      const found = named(from[i], name);
      if (found) return found;
    }
  };
  /** Where a target leads: a window of the page's tree, or undefined: a new one. @param {string} target */
  const find = (target) => {
    const word = target.toLowerCase();
    if (word === "_blank") return;
    if (word === "_top") return topmost();
    if (word === "_parent") return parent === top ? w : parent;
    return named(topmost(), target);
  };
  /** Whether a frame may be navigated from here without anybody's help. @param {any} to */
  const within = (to) => {
    for (; to !== top && to.parent !== to; to = to.parent) if (to === w) return true;
    return false;
  };
  /** @param {any} to @param {object} what */
  const ask = (to, what) => to.postMessage({ gw: 1, type: "go", ...what }, "*");

  // --- popups -----------------------------------------------------------------------

  /** @type {Map<number, any>} */
  const opened = new Map();
  let count = 0;
  /** @param {any} data @param {any} target @param {any} more @param {string} type @param {object} whom */
  const tell = (data, target, more, type, whom) => {
    const options = target && typeof target === "object" && !Array.isArray(target) ? target : { targetOrigin: target, transfer: more };
    const to = options.targetOrigin ?? "/";
    post(type, { ...whom, data, target: to === "/" ? location.origin : `${to}` }, options.transfer ?? []);
  };
  /** What stands for another window. @param {object} members */
  const shim = (members) => new Proxy(members, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name);
      if (typeof name === "symbol" || name === "then") return;
      throw new DOMException(`Blocked a frame with origin "${location.origin}" from accessing a cross-origin frame.`, "SecurityError");
    },
  });
  /** @param {number} id */
  const popup = (id) => {
    const go = (/** @type {any} */ url) => post("popup-go", { id, url: unmap(absolute(`${url}`)) });
    const place = {
      assign: go,
      replace: go,
      /** @param {any} url */
      set href(url) {
        go(url);
      },
    };
    /** @type {any} */
    const members = {
      closed: false,
      length: 0,
      opener: null,
      postMessage: (/** @type {any[]} */ ...[data, target, more]) => tell(data, target, more, "to-popup", { id }),
      close: () => post("popup-close", { id }),
      focus: () => post("popup-focus", { id }),
      blur() {},
      get location() {
        return place;
      },
      set location(url) {
        go(url);
      },
    };
    members.window = members.self = members.frames = members.top = members.parent = shim(members);
    opened.set(id, members);
    return members.window;
  };
  /** @param {any} url @param {string} name @param {boolean} alone without an opener */
  const openWindow = (url, name, alone, more = {}) => {
    const id = ++count;
    post("open", { id, url: url ? unmap(absolute(`${url}`)) : "", name: /^_blank$/i.test(name) ? "" : name, alone, ...more });
    return alone ? null : popup(id);
  };
  /** A message of another window, as the page would have got it. @param {any} said @param {any} event @param {any} source */
  const arrive = ({ data, origin }, { ports }, source) => {
    const message = new MessageEvent("message", { data, origin, ports: [...ports] });
    defineProperty(message, "source", { value: source });
    w.dispatchEvent(message);
  };
  handlers["from-popup"] = (said, event) => {
    const one = opened.get(said.id);
    if (one) arrive(said, event, one.window);
  };
  handlers["popup-closed"] = ({ id }) => {
    const one = opened.get(id);
    if (one) one.closed = true;
  };

  // --- forms for other windows --------------------------------------------------------

  /** @param {any} form @param {any} submitter */
  const packed = (form, submitter) => {
    const read = (/** @type {string} */ name) => submitter?.getAttribute("form" + name) || form.getAttribute(name) || "";
    const entries = [...new FormData(form, submitter)];
    const url = new URL(map(read("action") || document.URL), document.baseURI);
    if (/^post$/i.test(read("method"))) return { url: url.href, entries, coding: read("enctype") };
    url.search = `${new URLSearchParams(entries.map(([name, value]) => [name, typeof value === "string" ? value : value.name]))}`;
    return { url: url.href };
  };

  return {
    /** @param {any} link @param {string} target @param {Event} event */
    click(link, target, event) {
      const to = find(target);
      if (to && to !== w && within(to)) return;
      // The page's own handlers come first: they may take the click.
      later(() => {
        if (event.defaultPrevented) return;
        const rel = link.relList ?? [];
        if (!to) openWindow(link.href, target, !rel.contains?.("opener") && (/^_blank$/i.test(target) || rel.contains?.("noopener") || rel.contains?.("noreferrer")));
        else if (to === w) location.assign(map(link.href));
        else ask(to, { url: map(link.href) });
      });
      // Sandboxed, the browser itself would do nothing about it but complain.
    },
    /** @param {any} form @param {any} submitter @param {string} target @returns {boolean} whether it is done here */
    send(form, submitter, target) {
      const to = find(target);
      if (to === w) {
        const [element, name] = submitter?.hasAttribute("formtarget") ? [submitter, "formtarget"] : [form, "target"];
        const given = element.getAttribute(name);
        element.setAttribute(name, "_self");
        later(() => (given === null ? element.removeAttribute(name) : element.setAttribute(name, given)));
        return false;
      }
      if (to && within(to)) return false;
      if (to) ask(to, packed(form, submitter));
      else {
        const what = packed(form, submitter);
        const token = what.entries && /__gw=([^&#]*)/.exec(signed(what.url))?.[1];
        openWindow("", target, /^_blank$/i.test(target) && !/\bopener\b/.test(form.rel), { form: { ...what, url: unmap(what.url), token } });
      }
      return true;
    },
    /** @param {any} url @param {string} name @param {string | undefined} features @param {(name: string) => any} native */
    open(url, name, features, native) {
      const to = find(name);
      if (to === w) return native("_self");
      if (to && within(to)) return native(name);
      if (to) {
        ask(to, { url: absolute(`${url}`) });
        return to;
      }
      return openWindow(url, name, /\bno(?:opener|referrer)\b/.test(features ?? ""), { features: `${features ?? ""}` });
    },
    /**
     * Another frame of this origin asks to be led somewhere. Not one of another: what this page
     * sends has its token, and a stranger's frame leads nobody away without a person's click.
     * @param {any} said @param {MessageEvent} _event @param {string} origin
     */
    go({ url, entries, coding }, _event, origin) {
      if (origin !== location.origin) return;
      const to = map(`${url}`);
      if (!/^https:/.test(to)) return;
      if (!entries) return location.assign(to);
      const form = document.createElement("form");
      form.method = "post";
      form.action = to;
      form.enctype = coding;
      for (const [name, value] of entries) {
        const input = document.createElement("input");
        input.name = name;
        if (typeof value === "string") {
          input.type = "hidden";
          input.value = value;
        } else {
          const files = new DataTransfer();
          files.items.add(value);
          input.type = "file";
          input.files = files.files;
        }
        form.append(input);
      }
      form.hidden = true;
      document.documentElement.append(form);
      form.submit();
      form.remove();
    },
    /** A page in a window that another page opened: its opener, and the name that the page gave. */
    installOpener() {
      const name = /** @type {any} */ (getOwnPropertyDescriptor(w, "name"));
      const members = /** @type {any} */ ({
        closed: false,
        length: 0,
        postMessage: (/** @type {any[]} */ ...[data, target, more]) => tell(data, target, more, "to-opener", {}),
        close() {},
        focus() {},
        blur() {},
      });
      members.window = members.self = members.frames = members.top = members.parent = shim(members);
      let shown = members.window;
      handlers["from-opener"] = (said, event) => arrive(said, event, members.window);
      handlers["opener-closed"] = () => (members.closed = true);
      defineProperty(w, "opener", {
        configurable: true,
        enumerable: true,
        get: () => shown,
        set: (value) => (shown = value),
      });
      defineProperty(w, "name", {
        ...name,
        get: wrap(name.get, { apply: (target, self, args) => apply(target, self, args).replace(OPENER, "") }),
        set: wrap(name.set, { apply: (target, self, [value]) => apply(target, self, [OPENER + value]) }),
      });
    },
  };
}
