// An emulated WebSocket as a machine: what happened goes in, what is to be done comes out.
// It owns no network, no clock and no object of the page's.
import { BINARY, RECONNECT, TEXT, close, decoder, joined, message, ping, pong } from "./frames.js";

/**
 * What is to be done.
 * - create: ask for a connection.  post, get: one request of a leg, by its number.
 * - stop: a request's answer is not wanted any more.
 * - timer: call `timeout(name)` after so many milliseconds; 0: not any more.
 * - open, message, sent, end: what the page's object is to show; `sent` octets are with the gateway;
 *   an end without a code is nobody's to hear.
 * @typedef {{
 *   create: (number: number) => void,
 *   post: (number: number, body: Uint8Array, last?: boolean) => void,
 *   get: (number: number, parameters: string) => void,
 *   stop: (leg: "create" | "post" | "get") => void,
 *   timer: (name: string, milliseconds: number) => void,
 *   open: (protocol: string, poll: boolean) => void,
 *   message: (data: Uint8Array, binary: boolean) => void,
 *   sent: (octets: number) => void,
 *   end: (code: number, reason: Uint8Array, clean: boolean, error: boolean) => void,
 *   polls: () => void,
 * }} Acts
 */

const HEAD = 3000;
const HEARTBEAT = 25;
/** Twice the heart-beat: whoever is silent for longer is gone. */
const SILENCE = 2 * HEARTBEAT * 1000 + 5000;
const CLOSING = 10_000;
/** How long the other leg may take to tell of an end that this one has seen. */
const ENDING = 2000;
const PROBE = 200;
const RETRY = 30_000;
const FIRST_RETRY = 250;
const BATCH = 1 << 18;
const KEEPALIVE = 60_000;
const NOTHING = new Uint8Array();

/** @param {Acts} act @param {boolean} [poll] whether what is between buffers, as an earlier one found */
export function machine(act, poll) {
  let state = 0;
  let closing = false;
  /** @type {Map<string, string>} */
  let on = new Map();
  /** Frames that wait, each with what the page gave for it. @type {[Uint8Array, number][]} */
  const queue = [];
  /** @type {{ number: number, body: Uint8Array, cost: number } | undefined} */
  let flying;
  let up = 0;
  let down = 0;
  /** Octets of the current response. */
  let count = 0;
  let decode = decoder();
  let answered = false;
  let heard = false;
  /** A PING went up when the connection was made: what holds its PONG back holds everything back. */
  let probing = true;
  let pinged = false;
  /** The end of the current response was read: what comes now is the next one's. */
  let finished = true;
  /** Where nothing can be repeated, the next request overlaps: its octets wait. @type {Uint8Array[] | undefined} */
  let waiting;
  /** @type {{ post: number, get: number }} */
  const tries = { post: 0, get: 0 };
  /** Since when nothing gets through counts from the first failure. */
  const losing = { post: false, get: false };

  const retries = () => on.has("x-gw-retry");
  const quiet = () => {
    for (const name of ["head", "silence", "closing", "flush", "get", "post", "getLost", "postLost"]) act.timer(name, 0);
  };
  /** @param {number} code @param {Uint8Array} [reason] @param {boolean} [clean] @param {boolean} [error] */
  const end = (code, reason = NOTHING, clean = false, error = false) => {
    if (state === 3) return;
    state = 3;
    quiet();
    act.stop("get");
    act.end(code, reason, clean, error);
  };
  const lost = () => {
    act.stop("post");
    end(1006);
  };
  const fault = () => {
    act.stop("post");
    end(1006, NOTHING, false, true);
  };

  const flush = () => {
    if (flying || !queue.length || !state) return;
    const parts = [];
    let cost = 0;
    for (let size = 0; queue.length && (!size || size + queue[0][0].length <= BATCH); ) {
      const [frame, own] = /** @type {[Uint8Array, number]} */ (queue.shift());
      parts.push(frame);
      size += frame.length;
      cost += own;
    }
    flying = { number: ++up, body: joined([...parts, RECONNECT]), cost };
    act.post(up, flying.body);
  };

  /** Ask for the response, or for what is left of it. */
  const get = () => {
    answered = false;
    heard = false;
    const parameters = [`.kkt=${HEARTBEAT}`];
    if (poll) parameters.push(".ki=p");
    if (count) parameters.push(`.gwr=${count}`);
    act.get(down, parameters.join("&"));
    act.timer("head", poll ? 0 : HEAD);
    act.timer("silence", SILENCE);
  };
  const next = () => {
    down++;
    count = 0;
    decode = decoder();
    finished = false;
    get();
  };
  /** A request was lost: again, where that can do no harm. @param {"get" | "post"} leg */
  const again = (leg) => {
    if (!retries()) return lost();
    act.stop(leg);
    if (!losing[leg]) act.timer(leg + "Lost", RETRY);
    losing[leg] = true;
    act.timer(leg, tries[leg] ? Math.min(FIRST_RETRY << (tries[leg] - 1), 4000) : 1);
    tries[leg]++;
    if (leg === "get") for (const name of ["head", "silence"]) act.timer(name, 0);
  };
  const fine = (/** @type {"get" | "post"} */ leg) => {
    losing[leg] = false;
    act.timer(leg + "Lost", 0);
    act.timer(leg, 0);
  };
  const repeat = (/** @type {"get" | "post"} */ leg) => {
    if (leg === "get") get();
    else if (flying) act.post(flying.number, flying.body);
  };
  /** What is between holds answers back: it is asked for whole ones. */
  const buffered = () => {
    poll = true;
    act.polls();
    if (retries()) {
      act.stop("get");
      return get();
    }
    waiting = [];
    down++;
    act.get(down, `.kkt=${HEARTBEAT}&.ki=p`);
  };

  /** @param {import("./frames.js").Frame} frame */
  const take = ([kind, payload = NOTHING]) => {
    if (finished) return fault(); // after RECONNECT there is nothing
    if (kind === "reconnect") finished = true;
    else if (kind === "ping") {
      queue.push([pong, 0]);
      flush();
    }
    else if (kind === "close") {
      const code = payload.length > 1 ? payload[0] * 256 + payload[1] : 1005;
      if (!closing) queue.splice(0, queue.length, [close(on.has("x-gw-close") && code !== 1005 ? code : undefined, payload.slice(2)), 0]);
      closing = true;
      const reason = payload.slice(2);
      end(code, reason, true);
      flush();
    } else if (payload && (kind === "text" || kind === "binary")) act.message(payload, kind === "binary");
  };
  /** @param {Uint8Array} octets */
  const read = (octets) => {
    count += octets.length;
    try {
      for (const frame of decode(octets)) {
        if (state === 3) return;
        take(frame);
      }
    } catch {
      fault();
    }
    if (finished && state !== 3 && !waiting) next();
  };

  return {
    start() {
      act.create(up);
    },
    /** @param {number} status @param {string} type @param {string} protocol @param {string} extensions @param {string[]} offered */
    created(status, type, protocol, extensions, offered) {
      if (state || closing) return;
      on = new Map(extensions.split(",").map((one) => /** @type {[string, string]} */ ([one.split(";")[0].trim(), one])));
      if (status !== 201 || !/^text\/plain;\s*charset=utf-8$/i.test(type)) return fault();
      if (offered.length ? !offered.includes(protocol) : protocol) {
        // Browsers fail it where nothing was chosen, too.
        act.post(++up, joined([close(), RECONNECT]));
        return end(1006, NOTHING, false, true);
      }
      state = 1;
      act.open(protocol, !!poll);
      if (!poll) queue.push([ping, 0]);
      act.timer("flush", poll ? 0 : PROBE);
      next();
    },
    /** It could not be made, or something of it cannot be sent. */
    failed: fault,
    /** @param {Uint8Array} payload @param {boolean} binary */
    send(payload, binary) {
      if (state === 1 && !closing) queue.push([message(binary ? BINARY : TEXT, payload), payload.length]);
    },
    /** What was sent in one task goes together. */
    flush,
    /** @param {number} [code] @param {Uint8Array} [reason] */
    close(code, reason) {
      if (closing || state === 3) return;
      closing = true;
      if (!state) {
        act.stop("create");
        return fault();
      }
      act.timer("closing", CLOSING);
      queue.push([close(on.has("x-gw-close") ? code : undefined, reason), 0]);
      flush();
    },
    /** The page goes away: what fits is said, and nothing is waited for. @param {boolean} [kept] it may come back */
    leave(kept) {
      if (state === 3) return act.end(0, NOTHING, false, false);
      const open = state === 1;
      state = 3;
      quiet();
      act.stop("create");
      if (open && !flying) {
        const parts = queue.map(([frame]) => frame);
        const body = joined([...parts, closing ? NOTHING : close(on.has("x-gw-close") ? 1001 : undefined), RECONNECT]);
        if (body.length <= KEEPALIVE) act.post(++up, body, true);
      }
      act.stop("get");
      act.end(kept ? 1006 : 0, NOTHING, false, false);
    },
    /** @param {number} number @param {number} status 0: none came @param {number} [wait] seconds to wait */
    posted(number, status, wait) {
      if (!flying || flying.number !== number) return;
      if (status === 429 && state !== 3) return act.timer("post", 1000 * (wait || 1));
      if (!status && state !== 3) return again("post");
      const { cost } = flying;
      flying = undefined;
      if (status === 200) {
        fine("post");
        tries.post = 0;
        pinged = true;
        if (cost) act.sent(cost);
        flush();
      } else if (status === 404 && !closing) lost();
      else if (state === 1) act.timer("closing", ENDING);
    },
    /** The head of a response. @param {number} number @param {number} status @param {string} type @param {number} [wait] */
    head(number, status, type, wait) {
      if (state !== 1 || number !== down) return;
      if (status === 429) {
        act.timer("head", 0);
        act.stop("get"); // what else it says is no frame, and its end is no loss
        return act.timer("get", 1000 * (wait || 1));
      }
      if (status !== 200 || type !== "application/octet-stream") return lost();
      fine("get");
      answered = true;
      act.timer("silence", SILENCE);
    },
    /** @param {number} number @param {Uint8Array} octets */
    octets(number, octets) {
      if (state !== 1) return;
      if (waiting && number === down) waiting.push(octets);
      else if (number === down || (waiting && number === down - 1)) {
        act.timer("head", 0);
        heard = true;
        probing = false;
        tries.get = 0;
        act.timer("silence", SILENCE);
        read(octets);
      }
    },
    /** A response is over, well or not. @param {number} number */
    ended(number) {
      if (state !== 1) return;
      if (waiting && number === down - 1) {
        // The one that was held back is read; now the one that overtook it.
        if (!finished) return lost();
        const held = waiting;
        waiting = undefined;
        finished = false;
        count = 0;
        decode = decoder();
        for (const one of held) read(one);
      } else if (number === down && !waiting) {
        if (!heard && tries.get && !poll) {
          // What is between cuts streams.
          poll = true;
          act.polls();
        }
        again("get");
      }
    },
    /** @param {string} name */
    timeout(name) {
      if (name === "post" || name === "get") repeat(name);
      else if (name === "head") {
        if (!answered || (probing && pinged)) buffered();
        else if (probing) act.timer("head", HEAD);
      } else if (name === "flush") {
        flush();
      } else if (name === "silence") {
        if (flying && retries()) again("post");
        again("get");
      } else lost();
    },
    /** The network is there again. */
    wake() {
      for (const leg of /** @type {const} */ (["get", "post"])) {
        if (!tries[leg]) continue;
        act.stop(leg); // or what it says yet would be heard twice
        act.timer(leg, 1);
      }
    },
  };
}
