// Makes the browser's own sockets emulated ones, once they are given to it.
import { closing, facesOf } from "./face.js";

const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;

/**
 * @param {any} w the global object
 * @param {any} Native the browser's own WebSocket
 * @param {import("../shared/sockets.js").Fetch} fetch the browser's own
 * @param {typeof import("../shared/hooks.js").wrap} wrap
 */
export function load(w, Native, fetch, wrap) {
  const { prototype } = Native;
  const make = facesOf(w, Native, fetch);
  /** @type {WeakMap<object, import("./face.js").Face>} */
  const faces = new WeakMap();
  /** @param {string} name @param {(face: import("./face.js").Face, args: any[], native: any, self: any) => any} act */
  const put = (name, act) => {
    const old = /** @type {any} */ (getOwnPropertyDescriptor(prototype, name));
    const key = old.get ? "get" : "value";
    old[key] = wrap(old[key], {
      apply(native, self, args) {
        const face = faces.get(self);
        return face ? act(face, args, native, self) : apply(native, self, args);
      },
    });
    defineProperty(prototype, name, old);
  };
  put("readyState", (face) => face.state);
  put("bufferedAmount", (face) => face.amount);
  put("protocol", (face) => face.protocol);
  put("extensions", () => "");
  put("send", (face, args, native, self) => (args.length && typeof args[0] !== "symbol" ? face.send(args[0]) : apply(native, self, args)));
  put("close", (face, args, native, self) => {
    apply(native, self, args); // it refuses what cannot be
    face.close(...closing(args));
  });
  /** @param {any} socket @param {string} url @param {string[]} protocols @param {boolean} poll @param {(poll: boolean) => void} works */
  return (socket, url, protocols, poll, works) => void faces.set(socket, make(socket, url, protocols, poll, works));
}
