// What a page sees of an emulated WebSocket: a socket of its browser's own, whose carrier is
// another one.  What the browser does for any such object (listeners, handlers, `binaryType`,
// what it is an instance of, how arguments are refused) it goes on doing.
import { carriers } from "./carrier.js";

const { apply, getOwnPropertyDescriptor } = Reflect;

/**
 * @typedef {{ state: number, amount: number, protocol: string, close: (code?: number, reason?: Uint8Array) => void,
 *   send: (data: any) => void }} Face
 */

/**
 * @param {any} w the global object
 * @param {any} Native the browser's own WebSocket
 * @param {import("../shared/sockets.js").Fetch} fetch the browser's own
 */
export function facesOf(w, Native, fetch) {
  const { ArrayBuffer, Blob, CloseEvent, DOMException, Event, MessageEvent, Promise, TextDecoder, TextEncoder, URL, Uint8Array } = w;
  const getter = (/** @type {any} */ of, /** @type {string} */ name) => /** @type {any} */ (getOwnPropertyDescriptor(of.prototype, name)).get;
  const sizeOf = getter(Blob, "size");
  const lengthOf = getter(ArrayBuffer, "byteLength");
  const typeOf = getter(Native, "binaryType");
  const { arrayBuffer } = Blob.prototype;
  const { dispatchEvent } = w.EventTarget.prototype;
  const { carry, later } = carriers(w, fetch);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const of = (/** @type {any} */ get, /** @type {any} */ value) => {
    try {
      return apply(get, value, []);
    } catch {
      return undefined; // it is none
    }
  };

  /**
   * A socket goes on as an emulated one.
   * @param {any} socket
   * @param {string} url as the browser would ask for it
   * @param {string[]} protocols
   * @param {boolean} poll
   * @param {(poll: boolean) => void} works is told when it does
   * @returns {Face}
   */
  return (socket, url, protocols, poll, works) => {
    const { origin } = new URL(url);
    const dispatch = (/** @type {any} */ event) => apply(dispatchEvent, socket, [event]);
    /** What waits for a Blob to be read. @type {Promise<void> | undefined} */
    let chain;
    let flushing = false;
    const put = (/** @type {Uint8Array} */ octets, /** @type {boolean} */ binary) => {
      made.send(octets, binary);
      if (flushing) return;
      flushing = true;
      Promise.resolve().then(() => {
        flushing = false;
        made.flush();
      });
    };
    const after = (/** @type {() => any} */ act) => {
      if (!chain) return act();
      const mine = (chain = chain.then(act).then(() => {
        if (chain === mine) chain = undefined;
      }));
    };
    /** @type {Face} */
    const face = {
      state: 0,
      amount: 0,
      protocol: "",
      send(data) {
        if (!face.state) {
          throw new DOMException("Failed to execute 'send' on 'WebSocket': Still in CONNECTING state.", "InvalidStateError");
        }
        /** @type {any} */
        let octets;
        let size = of(sizeOf, data);
        const blob = size !== undefined;
        const binary = blob || ArrayBuffer.isView(data) || of(lengthOf, data) !== undefined;
        if (!blob) {
          octets = !binary ? encoder.encode(`${data}`)
            : (data.buffer ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)).slice();
          size = octets.length;
        }
        face.amount += size;
        if (face.state > 1) return;
        if (blob) {
          chain ??= Promise.resolve();
          const read = apply(arrayBuffer, data, []);
          after(() => read.then((/** @type {ArrayBuffer} */ found) => put(new Uint8Array(found), true), () => made.failed()));
        } else after(() => put(octets, binary));
      },
      close(code, reason) {
        if (face.state > 1) return;
        face.state = 2;
        after(() => made.close(code, reason));
      },
    };
    const made = carry(url, protocols, poll, {
      open(protocol, polling) {
        works(polling);
        later(() => {
          if (face.state) return;
          face.state = 1;
          face.protocol = protocol;
          dispatch(new Event("open"));
        });
      },
      polls: () => works(true),
      sent: (octets) => (face.amount -= octets),
      message(octets, binary) {
        const own = octets.slice();
        later(() => {
          if (face.state !== 1) return;
          let data;
          try {
            data = !binary ? decoder.decode(own) : apply(typeOf, socket, []) === "blob" ? new Blob([own]) : own.buffer;
          } catch {
            return made.close(1007);
          }
          dispatch(new MessageEvent("message", { data, origin }));
        });
      },
      end(code, reason, clean, error) {
        if (!code) return void (face.state = 3); // there is nobody left to tell
        later(() => {
          face.state = 3;
          if (error) dispatch(new Event("error"));
          dispatch(new CloseEvent("close", { code, reason: new TextDecoder().decode(reason), wasClean: clean }));
        });
      },
    });
    return face;
  };
}

/** Code and reason as the browser takes them, which has not refused them. @param {any[]} args */
export const closing = ([code, reason]) =>
  /** @type {[number | undefined, Uint8Array]} */ ([
    code === undefined ? undefined : Math.trunc(Number(code)),
    new TextEncoder().encode(reason === undefined ? "" : `${reason}`),
  ]);
