// Tells the outer frame where the topmost page is and what it is called.
// The outer frame believes the browser's event.origin about the origin, and nobody else.

/** @param {(type: string, more: object) => void} post */
export function installHello(post) {
  if (parent !== top || top === window) return;
  const tell = (/** @type {string} */ phase) => {
    const { pathname, search, hash } = location;
    post("hello", { phase, title: document.title, path: pathname + search + hash });
  };
  tell("start");
  for (const type of "DOMContentLoaded load hashchange popstate pageshow pagehide".split(" ")) {
    addEventListener(type, () => tell(type));
  }
}
