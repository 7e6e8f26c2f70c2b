// Frames of the emulation (docs/websocket-emulation.md): octets from messages, and back.

export const TEXT = 0x81;
export const BINARY = 0x80;
const PING = 0x89;
const PONG = 0x8a;

/** @param {string} digits */
const command = (digits) => Uint8Array.of(1, ...[...digits].map((one) => one.charCodeAt(0)), 255);
export const RECONNECT = command("01");
export const ping = Uint8Array.of(PING, 0);
export const pong = Uint8Array.of(PONG, 0);

/** @param {Uint8Array[]} parts */
export function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of parts) {
    whole.set(one, at);
    at += one.length;
  }
  return whole;
}

/** @param {number} kind @param {Uint8Array} payload */
export function message(kind, payload) {
  const head = [payload.length % 128];
  for (let left = payload.length; (left = Math.floor(left / 128)); ) head.unshift(left % 128 + 128);
  return joined([Uint8Array.of(kind, ...head), payload]);
}

/** @param {number | undefined} [code] @param {Uint8Array} [reason] */
export const close = (code, reason = new Uint8Array()) =>
  command("02" + (code ? [code >> 8, code & 255, ...reason].map((one) => one.toString(16).padStart(2, "0")).join("") : ""));

/**
 * @typedef {["text" | "binary", Uint8Array] | ["close", Uint8Array] | ["nop" | "reconnect" | "ping" | "pong"]} Frame
 */

/** Takes octets as they come. */
export function decoder() {
  let rest = new Uint8Array();
  /** What is known of the frame that is not whole yet: it is looked at again when so much is there. */
  let wanted = 1;
  /** @type {Uint8Array[]} */
  let parts = [];
  let size = 0;
  /** @returns {[Frame, number] | number} a frame and its end, or how much is needed to know */
  const next = (/** @type {number} */ at) => {
    const first = rest[at];
    if (first === 1) {
      const end = rest.indexOf(255, at);
      if (end < 0) {
        if (rest.length - at > 300) throw 0;
        return rest.length + 1;
      }
      const digits = String.fromCharCode(...rest.subarray(at + 1, end));
      if (!/^(?:[\da-f]{2})+$/i.test(digits)) throw 0;
      const octets = Uint8Array.from(/** @type {string[]} */ (digits.match(/../g)), (one) => parseInt(one, 16));
      const kind = ["nop", "reconnect", "close"][octets[0]];
      if (!kind) throw 0;
      return [/** @type {Frame} */ ([kind, octets.subarray(1)]), end + 1];
    }
    if (first !== TEXT && first !== BINARY && first !== PING && first !== PONG) throw 0;
    let length = 0;
    for (let octet, from = at + 1; ; ) {
      if (from === rest.length) return rest.length + 1;
      octet = rest[from++];
      length = length * 128 + octet % 128;
      if (length > Number.MAX_SAFE_INTEGER) throw 0;
      if (octet < 128) {
        const end = from + length;
        if (end > rest.length) return end;
        if (first > TEXT) {
          if (length) throw 0;
          return [first === PING ? ["ping"] : ["pong"], end];
        }
        return [[first === TEXT ? "text" : "binary", rest.subarray(from, end)], end];
      }
    }
  };
  /** @param {Uint8Array} octets @returns {Generator<Frame>} throws where they are no frames */
  return function* (octets) {
    parts.push(octets);
    size += octets.length;
    if (size < wanted) return;
    rest = joined(parts);
    let at = 0;
    for (let found; at < rest.length; at = found[1]) {
      found = next(at);
      if (typeof found === "number") {
        wanted = found - at;
        break;
      }
      wanted = 1;
      yield found[0];
    }
    parts = [rest.slice(at)];
    size = parts[0].length;
  };
}
