// Where script names a host to the network, in pages and in workers alike.
import { hookAll } from "./hooks.js";

/**
 * @param {any} w the global object
 * @param {import("./urls.js").Urls} urls
 * @param {unknown} rtc whether WebRTC is allowed
 */
export function installNetwork(w, { map, unmap }, rtc) {
  const NativeRequest = w.Request;
  hookAll(
    w,
    "fetch:0 fetchLater:0 Request:0 WebSocket:0 WebSocketStream:0 EventSource:0 Audio:0 XMLHttpRequest.open:1 " +
    "Navigator.sendBeacon:0 ServiceWorkerContainer.register:0 ServiceWorkerContainer.getRegistration:0 Worklet.addModule:0 " +
    "History.pushState:2 History.replaceState:2",
    (given) => (given instanceof NativeRequest ? given : map(given)),
  );
  hookAll(w, "ServiceWorkerContainer.register:1", (options) => ({ ...options, scope: map(options.scope) }));
  hookAll(
    w,
    "Request.url Response.url XMLHttpRequest.responseURL WebSocket.url WebSocketStream.url EventSource.url MessageEvent.origin " +
    "SecurityPolicyViolationEvent.blockedURI Document.referrer",
    null,
    unmap,
  );
  // What cannot be carried is missing, so that applications take their other way.
  delete w.WebTransport;
  if (!rtc) {
    delete w.RTCPeerConnection;
    delete w.webkitRTCPeerConnection;
  }
}
