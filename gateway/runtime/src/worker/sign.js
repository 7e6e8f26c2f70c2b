// A page that the site's service worker shows of its own cache (a shell that it fetched itself)
// has no runtime, and what it sends has no token.  Where the site's worker lets such a request
// pass, it is sent from here, with the worker's own token: it is the same origin's.
import { apply, hook } from "../shared/hooks.js";
import { STATELESS } from "../shared/network.js";

/**
 * @param {any} w
 * @param {import("../shared/urls.js").Signed} signed
 * @returns {() => void} to be called whenever the site has added a listener: ours is the last
 */
export function signerOf(w, signed) {
  const { fetch, FetchEvent, Request, EventTarget } = w;
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  const { arrayBuffer } = Request.prototype;
  const answered = new WeakSet();
  hook(w, "FetchEvent.respondWith:0", (given, event) => (answered.add(event), given));
  const { respondWith } = FetchEvent.prototype;
  const send = (/** @type {any} */ event) => {
    const { request } = event;
    // A navigation cannot be repeated as one.
    if (answered.has(event) || STATELESS.test(request.method) || request.mode === "navigate") return;
    if (signed(request.url) === request.url) return;
    apply(respondWith, event, [
      (async () => {
        const body = await apply(arrayBuffer, request, []);
        const { method, headers, mode, credentials, cache, redirect, referrerPolicy, integrity, keepalive, signal } = request;
        const init = { method, headers, mode, credentials, cache, redirect, referrerPolicy, integrity, keepalive, signal };
        return fetch(new Request(signed(request.url), body.byteLength ? { ...init, body } : init));
      })(),
    ]);
  };
  return () => {
    apply(removeEventListener, w, ["fetch", send]);
    apply(addEventListener, w, ["fetch", send]);
  };
}
