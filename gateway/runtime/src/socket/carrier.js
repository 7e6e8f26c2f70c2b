// What carries a machine: fetch, streams and timers, as they were before the page could change them.
import { machine } from "./machine.js";

/**
 * @param {any} w
 * @param {import("../shared/sockets.js").Fetch} fetch the browser's own
 */
export function carriers(w, fetch) {
  const { AbortController, MessageChannel, setTimeout, clearTimeout, URL } = w;
  /** @type {any[]} */
  const tasks = [];
  const channel = new MessageChannel();
  channel.port1.onmessage = () => tasks.shift()();
  /** In a task of its own, also in a page that nobody sees. @param {() => void} run */
  const later = (run) => {
    tasks.push(run);
    channel.port2.postMessage(0);
  };
  /** Those that are open: they are told when the page goes, and when the network comes. @type {Set<ReturnType<typeof machine>>} */
  const live = new Set();
  w.addEventListener?.("online", () => live.forEach((one) => one.wake()));
  w.addEventListener?.("pagehide", (/** @type {PageTransitionEvent} */ { persisted }) => {
    const go = () => live.forEach((one) => one.leave(persisted));
    // What listeners of the page's send yet goes along.
    if (persisted) go();
    else w.addEventListener("unload", go, { once: true });
  });

  /**
   * @param {string} address the WebSocket's, with the gateway's own parameters
   * @param {string[]} protocols
   * @param {boolean} poll
   * @param {Omit<import("./machine.js").Acts, "create" | "post" | "get" | "stop" | "timer">} face
   */
  const carry = (address, protocols, poll, face) => {
    const own = new URL(address);
    own.protocol = own.protocol.replace("ws", "http");
    own.hash = own.username = own.password = "";
    own.pathname += "/;e/cbm";
    let upward = "";
    let downward = "";
    /** @type {Map<string, any>} */
    const timers = new Map();
    /** @type {Map<string, AbortController>} */
    const asked = new Map();
    const timer = (/** @type {string} */ name, /** @type {number} */ milliseconds) => {
      clearTimeout(timers.get(name));
      timers.set(name, milliseconds && setTimeout(() => made.timeout(name), milliseconds));
    };
    /** @param {string} leg @param {string} url @param {any} init @param {boolean} [last] */
    const ask = (leg, url, init, last) => {
      const stop = new AbortController();
      asked.set(leg, stop);
      return /** @type {const} */ ([
        fetch(url, { credentials: "include", cache: "no-store", redirect: "error", ...init, ...(last ? { keepalive: true } : { signal: stop.signal }) }),
        () => stop.signal.aborted,
      ]);
    };
    const made = machine({
      ...face,
      timer,
      stop: (leg) => asked.get(leg)?.abort(),
      async create(number) {
        /** @type {Record<string, string>} */
        const headers = {
          "X-WebSocket-Version": "wseb-1.0",
          "X-Sequence-No": `${number}`,
          "X-WebSocket-Extensions": "x-gw-close, x-gw-retry, x-gw-verdict",
          "X-Accept-Commands": "ping",
        };
        if (protocols.length) headers["X-WebSocket-Protocol"] = protocols.join(", ");
        const [asking, stopped] = ask("create", own.href, { method: "POST", headers });
        try {
          const answer = await asking;
          const given = (/** @type {string} */ name) => answer.headers.get(name) ?? "";
          [upward, downward] = (await answer.text()).split("\n");
          // A URL that leads elsewhere is none of the gateway's.
          const sound = answer.status === 201 && [upward, downward].every((one) => new URL(one).origin === own.origin);
          if (!stopped()) made.created(sound ? 201 : 0, given("Content-Type"), given("X-WebSocket-Protocol"), given("X-WebSocket-Extensions"), protocols);
        } catch {
          if (!stopped()) made.failed();
        }
      },
      async post(number, body, last) {
        const headers = { "X-Sequence-No": `${number}`, "Content-Type": "application/octet-stream" };
        const [asking, stopped] = ask("post", upward, { method: "POST", headers, body }, last);
        try {
          const answer = await asking;
          await answer.arrayBuffer();
          if (!stopped()) made.posted(number, answer.status, +answer.headers.get("Retry-After"));
        } catch {
          if (!stopped()) made.posted(number, 0);
        }
      },
      async get(number, parameters) {
        const [asking, stopped] = ask("get", `${downward}?${parameters}`, { headers: { "X-Sequence-No": `${number}` } });
        try {
          const answer = await asking;
          if (stopped()) return;
          made.head(number, answer.status, answer.headers.get("Content-Type"), +answer.headers.get("Retry-After"));
          const reader = answer.body.getReader();
          for (let part; !(part = await reader.read()).done; ) {
            if (stopped()) return;
            made.octets(number, part.value);
          }
        } catch {
          // It ended, as others do.
        }
        if (!stopped()) made.ended(number);
      },
      end(...how) {
        face.end(...how);
        // Until its page has been told.
        later(() => live.delete(made));
      },
    }, poll);
    live.add(made);
    made.start();
    return made;
  };
  return { carry, later };
}
