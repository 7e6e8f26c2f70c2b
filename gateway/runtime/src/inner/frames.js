// Documents that no server sends (about:blank, blob:): they get the runtime before the page
// can use them, from whichever side the page comes to them.
import { hook, hookAll } from "../shared/hooks.js";

const OWNERS = "Node Element HTMLElement Document DocumentFragment CharacterData ShadowRoot Range".split(" ");
// What may put a frame in, or text into a style element.
const INSERTING = /^(ap|ins|rep|prep|bef|aft|mov|setH|ex|wr|sur|inn|out|bod|tex|nodeV|data)/;

/**
 * @param {any} w
 * @param {(w: any) => void} install
 * @param {import("./markup.js").Markup} markup
 * @param {() => void} opened what is done when document.open() has emptied the document
 */
export function installFrames(w, install, { css, script }, opened) {
  const seen = new WeakSet();
  /** @param {any} inner @returns {any} */
  const enter = (inner) => {
    try {
      // A document of the gateway's brings its own; other origins are out of reach.
      if (/^(about|blob):/.test(inner.location.href) && !seen.has(inner.document)) {
        seen.add(inner.document);
        install(inner);
      }
    } catch {
      // of another origin
    }
    return inner;
  };
  // Frames that were looked at; until one of them has loaded something else.
  let known = new WeakSet();
  const look = (/** @type {any} */ result) => {
    for (let i = 0, one; (one = w[i]); i++) {
      if (!known.has(one)) known.add(enter(one));
    }
    return result;
  };
  const frames = "HTMLIFrameElement. HTMLFrameElement. HTMLObjectElement.";
  hookAll(w, frames.replaceAll(".", ".contentWindow"), null, enter);
  hookAll(w, frames.replaceAll(".", ".contentDocument"), null, (inner) => {
    enter(inner?.defaultView);
    return inner;
  });
  for (const name of OWNERS) {
    for (const method of Object.getOwnPropertyNames(w[name].prototype)) {
      if (INSERTING.test(method)) hook(w[name].prototype, method, (args, self) => {
        args.forEach(script);
        if (self?.localName === "style" || self?.parentNode?.localName === "style") {
          args.forEach((one, at) => {
            if (one?.data) one.data = css(one.data);
            else args[at] = css(one);
          });
        }
      }, undefined, look);
    }
  }
  // What the parser puts in is there before the next script runs.
  let root = w.document.documentElement;
  new MutationObserver(() => {
    if (root !== (root = w.document.documentElement)) opened();
    look(0);
  }).observe(w.document, { childList: true, subtree: true });
  w.addEventListener("load", () => {
    known = new WeakSet();
    look(0);
  }, true);
}
