// Where script names a host to the network, in pages and in workers alike.
import { nativesOf } from "../identity/natives.js";
import { getOwnPropertyDescriptor, hookAll } from "./hooks.js";
import { textOf } from "./urls.js";

export const STATELESS = /^(GET|HEAD|OPTIONS)$/i;

/**
 * @param {any} w the global object
 * @param {import("./urls.js").Urls} urls
 * @param {unknown} rtc whether WebRTC is allowed
 * @param {(target: any, args: any[], by: any) => any} sockets what makes a WebSocket
 * @param {string} [more] what else is told or read addresses
 * @returns {(given: any, self: any, args: any[]) => any} what is done to what `fetch` is given
 */
export function installNetwork(w, { map, unmap, signed }, rtc, sockets, more = "") {
  const { Request } = w;
  const urlOf = IDENTITY ? nativesOf(w).url : /** @type {any} */ (getOwnPropertyDescriptor(Request.prototype, "url")).get;
  /** @param {any} given @param {string | undefined} [method] */
  const sent = (given, method) => {
    const old = given instanceof Request;
    const to = old ? urlOf.call(given) : map(given);
    const url = STATELESS.test(textOf(method ?? (old ? given.method : "GET"))) ? to : signed(to);
    return !old ? url : url === to ? given : new Request(url, given);
  };
  const fetched = (/** @type {any} */ given, /** @type {any} */ _, /** @type {any[]} */ [, init]) => sent(given, init?.method);
  const posted = (/** @type {any} */ given) => sent(given, "POST");
  hookAll(
    w,
    // Where the browser is told an address; a Request's text is no foreign one, and it stays.
    "EventSource:0 ServiceWorkerContainer.register:0 ServiceWorkerContainer.getRegistration:0 " +
    // Where script reads one.
    "Request.url Response.url XMLHttpRequest.responseURL MessageEvent.origin PerformanceEntry.name" + more,
    map,
    unmap,
  );
  hookAll(w, "ServiceWorkerContainer.register:1", (options) => options.scope ? { __proto__: options, scope: map(options.scope) } : options);
  hookAll(w, "WebSocket:0 WebSocketStream:0", posted, null, sockets);
  hookAll(w, "Navigator.sendBeacon:0", posted);
  hookAll(w, "fetch:0 fetchLater:0 Request:0", fetched);
  hookAll(w, "XMLHttpRequest.open:1", (given, _, [method]) => sent(given, method));
  // What cannot be carried is missing, so that applications take their other way.
  delete w.WebTransport;
  if (!rtc) {
    delete w.RTCPeerConnection;
    delete w.webkitRTCPeerConnection;
  }
  return fetched;
}
