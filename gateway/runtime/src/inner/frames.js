// Documents that no server sends (about:blank, blob:): they get the runtime before the page
// can use them, from whichever side the page comes to them.
import { hook, hookAll } from "../shared/hooks.js";
import { textOf } from "../shared/urls.js";
import { FOREIGN, IMPORTS } from "./markup.js";

const OWNERS = "Node Element HTMLElement HTMLIFrameElement HTMLFrameElement HTMLObjectElement Document DocumentFragment CharacterData ShadowRoot Range".split(" ");
// What may put a frame in, or text into a style element.
const INSERTING = /^(ap|ins|rep|prep|bef|aft|mov|setH|ex|wr|sur|inn|out|bod|tex|nodeV|data)/;

const seen = new WeakSet();
// What pages are given for windows: one thing for each, for good.  Which is the topmost they see
// by `top`, which cannot be hooked.
const shown = new WeakMap([[/** @type {any} */ (top), /** @type {any} */ (top)]]);

/** @typedef {(one: any, by: any) => any} Enter what a page is given for a window; it is one of a frame, of a message or a window's own */

/**
 * @param {import("./realm.js").Realm} realm
 * @param {(w: any) => void} install
 * @param {() => void} opened what is done when document.open() has emptied the document
 * @param {string} here how addresses of the own origin begin, as they are read
 * @returns {Enter}
 */
export function installFrames({ w, ask, hear }, install, opened, here) {
  /** What stands in for a window of another origin does this. @returns {ProxyHandler<any> & {frames?: any}} */
  const foreign = () => ask("foreign", {});
  /** @type {Enter} */
  const enter = (inner, by) => {
    let found = inner;
    try {
      // A document of the gateway's brings its own; other origins are out of reach.
      const { document, location: { href } } = inner;
      if (/^(about|blob):/.test(href) && !seen.has(document)) {
        seen.add(document);
        install(inner);
      }
      // What comes from elsewhere is not there yet.
      if (/^http/.test(by.nodeType && by.src?.replace(here, ""))) throw 0;
    } catch {
      // The browser's own `postMessage` and `location` of these are out of any hook's reach, so
      // something stands in for them; what it does is loaded when it is first used.
      if (inner?.window) found = new Proxy(inner, new Proxy({}, { get: (_, trap) => foreign()[/** @type {"get"} */ (trap)] }));
    }
    // The gateway's own messages are from the windows themselves.
    if (!inner || !by || by.data?.gw) return inner;
    return shown.get(inner) ?? shown.set(inner, found).set(found, found).get(inner);
  };
  // Frames that were looked at; until one of them has loaded something else.
  let known = new WeakSet();
  const look = (/** @type {any} */ result) => {
    for (let i = 0, one; (one = w[i]); i++) {
      if (!known.has(one)) known.add(enter(one, 0));
    }
    return result;
  };
  hookAll(w, "parent MessageEvent.source", null, enter);
  // By a number or a name frames are found in `frames`, if it is not the window itself.
  hook(w, "frames", null, (own) => own[0] && foreign().frames || own);
  /** @param {any[]} args @param {any} self */
  const inserting = (args, self) => {
    const styled = [self, self?.parentNode].some((one) => one?.localName === "style");
    // A script is looked at before the browser reads it.
    args.some((one) => one?.localName === "script" ? IMPORTS.test(one.type + one.text) : styled && FOREIGN.test(textOf(one?.data ?? one))) && ask("inserting", args, styled);
  };
  for (const name of OWNERS) {
    const { prototype } = w[name];
    hook(prototype, "contentWindow", null, enter);
    hook(prototype, "contentDocument", null, (inner, frame) => (frame.contentWindow, inner));
    for (const method of Object.getOwnPropertyNames(prototype)) {
      if (INSERTING.test(method)) hook(prototype, method, inserting, undefined, look);
    }
  }
  // What the parser puts in is there before the next script runs.
  let root = w.document.documentElement;
  new MutationObserver(() => {
    if (root !== (root = w.document.documentElement)) opened();
    look(0);
  }).observe(w.document, { childList: true, subtree: true });
  hear("load", () => look((known = new WeakSet())));
  return enter;
}
