// Where script names a host to the network, in pages and in workers alike.
import { nativesOf } from "../identity/natives.js";
import { getOwnPropertyDescriptor, hook, hookAll } from "./hooks.js";

/** @typedef {(url: any) => any} Signed a URL with the page's token, if it leads to a rewrite host */

const STATELESS = /^(GET|HEAD|OPTIONS)$/i;

/**
 * @param {any} w the global object
 * @param {import("./urls.js").Urls} urls
 * @param {unknown} rtc whether WebRTC is allowed
 * @param {Signed} signed
 * @param {(fetch: any) => (target: any, args: any[], by: any) => any} sockets what makes a WebSocket
 * @returns {(args: any[], method?: string) => void} what is done to the arguments of `fetch`
 */
export function installNetwork(w, { map, unmap }, rtc, signed, sockets) {
  const NativeRequest = w.Request;
  hookAll(
    w,
    // Where the browser is told an address; a Request's text is no foreign one, and it stays.
    "EventSource:0 Audio:0 ServiceWorkerContainer.register:0 ServiceWorkerContainer.getRegistration:0 Worklet.addModule:0 " +
    "History.pushState:2 History.replaceState:2 SVGAnimatedString.baseVal:0 " +
    // Where script reads one.
    "Request.url Response.url XMLHttpRequest.responseURL MessageEvent.origin " +
    "Document.referrer PerformanceEntry.name Node.baseURI",
    map,
    unmap,
  );
  hookAll(w, "ServiceWorkerContainer.register:1", (options) => ({ ...options, scope: map(options.scope) }));
  /** @param {any} args @param {string | undefined} [method] @param {number} [at] */
  const send = (args, method, at = 0) => {
    const given = args[at];
    const old = given instanceof NativeRequest;
    if (given == null) return;
    const to = old ? urlOf.call(given) : map(given);
    const url = STATELESS.test(`${method ?? (old ? given.method : "GET")}`) ? to : signed(to);
    if (!old) args[at] = url;
    else if (url !== to) args[at] = new NativeRequest(url, given);
  };
  const urlOf = IDENTITY ? nativesOf(w).url : /** @type {any} */ (getOwnPropertyDescriptor(NativeRequest.prototype, "url")).get;
  // Before `fetch` is hooked.
  hook(w, "WebSocket WebSocketStream", (args) => send(args, "POST"), null, sockets(w.fetch));
  hook(w, "fetch fetchLater Request", (args) => send(args, args[1]?.method));
  hook(w.Navigator?.prototype, "sendBeacon", (args) => send(args, "POST"));
  hook(w.XMLHttpRequest?.prototype, "open", (args) => send(args, args[0], 1));
  // What cannot be carried is missing, so that applications take their other way.
  delete w.WebTransport;
  if (!rtc) {
    delete w.RTCPeerConnection;
    delete w.webkitRTCPeerConnection;
  }
  return send;
}
