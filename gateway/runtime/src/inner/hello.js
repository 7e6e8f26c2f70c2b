// Tells the outer frame where the topmost page is and what it is called.
// The outer frame believes the browser's event.origin about the origin, and nobody else.

import { hook } from "../shared/hooks.js";

/** @param {import("./realm.js").Realm} realm the topmost page's */
export function installHello({ payload: { origin, post, handlers }, hear }) {
  // A margin counts for a root that is named: in a frame of another site browsers ignore it else.
  hook(
    window,
    "IntersectionObserver:1 IntersectionObserver.root",
    (given) => (given.rootMargin ? { __proto__: given, root: given.root ?? document } : given),
    (root) => (root === document ? null : root),
  );
  // The topmost page has what it would be given; here the browser would ask of the gateway's site.
  hook(window, "Document.requestStorageAccess", null, null, async () => {});
  const tell = (/** @type {{type: string}} */ { type: phase }) => {
    post("state", { phase, title: document.title, href: location.href, icon: /** @type {HTMLLinkElement | null} */ (document.querySelector("link[rel~=icon]"))?.href, site: origin }); // which a digest's label hides
  };
  tell({ type: "start" });
  // Applications change title and address without a word: they are told with each answer.
  handlers.ping = tell;
  for (const type of "DOMContentLoaded pagehide pageshow popstate".split(" ")) hear(type, tell);
}
