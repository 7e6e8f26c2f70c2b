// The client for applications that are no proxied pages: a WebSocket whose upgrade may be
// taken away on the way to a service of the gateway's.  One ES module, nothing is replaced.
import { hook, wrap } from "../shared/hooks.js";
import { socketsOf } from "../shared/sockets.js";
import { load } from "../socket/load.js";

const w = /** @type {any} */ (globalThis);

// Its members are its own, so that the browser's stay as they are.
const { WebSocket: Own } = {
  WebSocket: class extends WebSocket {
    get url() {
      return super.url;
    }
    get readyState() {
      return super.readyState;
    }
    get bufferedAmount() {
      return super.bufferedAmount;
    }
    get protocol() {
      return super.protocol;
    }
    get extensions() {
      return super.extensions;
    }
    get binaryType() {
      return super.binaryType;
    }
    set binaryType(type) {
      super.binaryType = type;
    }
    /** @param {[any]} args */
    send(...args) {
      super.send(...args);
    }
    /** @param {[number?, string?]} args */
    close(...args) {
      super.close(...args);
    }
  },
};
const make = socketsOf(
  w,
  w.fetch.bind(w),
  (url) => url.replace(/[?&]__gwn=\w+$/, ""),
  { hook, wrap },
  () => load,
  (given, nonce) => {
    const { search, href } = new URL(given, w.location?.href);
    return `${href}${search ? "&" : "?"}__gwn=${nonce}`;
  },
);
/** @type {any} */
const Made = wrap(Own, {
  construct(target, args, by) {
    if (args.length) args[0] = `${args[0]}`;
    return make(target, args, by === Made ? target : by);
  },
});
Own.prototype.constructor = Made;

export { Made as WebSocket, Made as default };
