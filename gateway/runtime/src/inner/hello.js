// Tells the outer frame where the topmost page is and what it is called.
// The outer frame believes the browser's event.origin about the origin, and nobody else.

/** @param {string} secure the outer frame's origin */
export function installHello(secure) {
  const { top, parent } = window;
  if (!top || parent !== top || parent === window) return;
  const post = top.postMessage.bind(top);
  const tell = (/** @type {string} */ phase) => {
    const path = location.pathname + location.search + location.hash;
    post({ gw: 1, type: "hello", phase, title: document.title.slice(0, 200), path: path.slice(0, 2000) }, secure);
  };
  tell("start");
  addEventListener("DOMContentLoaded", () => tell("parsed"));
  addEventListener("load", () => tell("loaded"));
  addEventListener("hashchange", () => tell("moved"));
  addEventListener("popstate", () => tell("moved"));
  addEventListener("pageshow", () => tell("shown"));
  addEventListener("pagehide", () => tell("leaving"));
}
