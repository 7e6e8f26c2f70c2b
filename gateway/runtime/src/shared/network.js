// Where script names a host to the network, in pages and in workers alike.
import { hook } from "./hooks.js";
import { textOf } from "./urls.js";

export const STATELESS = /^(HEAD|GET|OPTIONS)$/i;

/**
 * @param {any} w the global object
 * @param {import("./urls.js").Urls} urls
 * @param {unknown} rtc whether WebRTC is allowed
 * @param {(target: any, args: any[], by: any) => any} sockets what makes a WebSocket
 * @param {(given: Request, method: any) => Request} resent a Request that changes something, by the method that it is given now or its own
 * @param {string} [more] what else is told or read addresses
 * @returns {(given: any, self: any, args: any[]) => any} what is done to what `fetch` is given
 */
export function installNetwork(w, { map, unmap, signed }, rtc, sockets, resent, more = "") {
  const { Request, origin } = w;
  /** @param {any} given @param {any} [method] */
  const sent = (given, method) =>
    // Of a document with an opaque origin nobody knows more than its token says.
    STATELESS.test(textOf(method ?? given.method ?? "GET")) && origin !== "null" ? map(given)
    : given instanceof Request ? resent(given, method)
    : signed(map(given));
  const fetched = (/** @type {any} */ given, /** @type {any} */ _, /** @type {any[]} */ [, init]) => sent(given, init?.method);
  const posted = (/** @type {any} */ given) => sent(given, "POST");
  hook(
    w,
    // Where script reads an address, or (with a number) the browser is told one; a Request's text is no foreign one, and it stays.
    "MessageEvent.origin PerformanceEntry.name Request.url Response.url ServiceWorkerContainer.register:0 " +
    "ServiceWorkerContainer.getRegistration:0 ServiceWorkerContainer.register:1 XMLHttpRequest.responseURL" + more,
    // Of a worker's options only the scope is one.
    (given, _self, _args, _name, at) => at != 1 ? map(given) : given.scope ? { __proto__: given, scope: map(given.scope) } : given,
    unmap,
  );
  hook(w, "WebSocket:0 WebSocketStream:0", posted, null, sockets);
  hook(w, "Navigator.sendBeacon:0", posted);
  hook(w, "Request:0 fetch:0 fetchLater:0", fetched);
  hook(w, "XMLHttpRequest.open:1", (given, _, [method]) => sent(given, method));
  hook(w, "EventSource:0", (given) => sent(given));
  // What cannot be carried is missing, so that applications take their other way.
  delete w.WebTransport;
  if (!rtc) {
    delete w.RTCPeerConnection;
    delete w.webkitRTCPeerConnection;
  }
  return fetched;
}
