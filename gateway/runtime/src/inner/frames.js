// Documents that no server sends (about:blank, blob:): they get the runtime before the page
// can use them, from whichever side the page comes to them.
import { hook, hookAll } from "../shared/hooks.js";

const OWNERS = "Node Element Document DocumentFragment CharacterData Range".split(" ");
const INSERTING = (
  "appendChild insertBefore replaceChild append prepend replaceChildren before after replaceWith " +
  "insertAdjacentElement insertAdjacentHTML write writeln insertNode"
).split(" ");

/**
 * @param {any} w
 * @param {(w: any) => void} install
 * @param {(text: any) => string} css
 */
export function installFrames(w, install, css) {
  const seen = new WeakSet();
  /** @param {any} inner @returns {any} */
  const enter = (inner) => {
    try {
      // A document of the gateway's brings its own; other origins are out of reach.
      if (/^(?:about|blob):/.test(inner.location.href) && !seen.has(inner.Object)) {
        seen.add(inner.Object);
        install(inner);
      }
    } catch {
      // of another origin
    }
    return inner;
  };
  let known = 0;
  const look = (/** @type {any} */ result) => {
    if (w.length !== known) {
      known = w.length;
      for (let i = 0; i < known; i++) enter(w[i]);
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
    for (const method of INSERTING) {
      hook(w[name].prototype, method, (args, self) => {
        if (self?.localName === "style") {
          args.forEach((one, at) => {
            if (one?.data) one.data = css(one.data);
            else args[at] = css(one);
          });
        }
      }, look);
    }
  }
  // A frame in assigned markup is there when its setter has returned.
  hookAll(w, "Element.innerHTML:0 Element.outerHTML:0", (value) => {
    queueMicrotask(() => look(0));
    return value;
  });
  w.addEventListener("load", () => {
    known = -1;
    look(0);
  }, true);
}
