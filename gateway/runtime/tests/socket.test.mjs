// The emulated WebSocket: its frames, and the machine that is told what happened.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BINARY, RECONNECT, TEXT, close, decoder, joined, message, ping, pong } from "../src/socket/frames.js";
import { machine } from "../src/socket/machine.js";

const hex = (octets) => Buffer.from(octets).toString("hex");
const of = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const text = (words) => new TextEncoder().encode(words);
const RECONNECT_HEX = "013031ff";

test("frames are written as they are on the wire", () => {
  const table = [
    [message(TEXT, text("hi")), "81026869"],
    [message(BINARY, of("")), "8000"],
    [message(BINARY, new Uint8Array(127)).subarray(0, 3), "807f00"],
    [message(BINARY, new Uint8Array(128)).subarray(0, 3), "808100"],
    [message(BINARY, new Uint8Array(16384)).subarray(0, 4), "80818000"],
    [RECONNECT, RECONNECT_HEX],
    [ping, "8900"],
    [pong, "8a00"],
    [close(), "013032ff"],
    [close(1000, text("bye")), "01" + hex(text("0203e8627965")) + "ff"],
  ];
  for (const [made, wanted] of table) assert.equal(hex(made), wanted);
});

test("frames are read at any boundary", () => {
  const given = joined([
    message(TEXT, text("é")), message(BINARY, new Uint8Array(300).fill(255)), of("013030ff"), ping, pong, close(4000, text("x")), message(TEXT, text("")), RECONNECT,
  ]);
  const told = ([kind, payload]) => (kind === "nop" || kind === "reconnect" ? kind : payload ? `${kind} ${payload.length}` : kind);
  const wanted = ["text 2", "binary 300", "nop", "ping", "pong", "close 3", "text 0", "reconnect"];
  for (const size of [1, 2, 3, 7, 100, given.length]) {
    const decode = decoder();
    const found = [];
    for (let at = 0; at < given.length; at += size) for (const one of decode(given.subarray(at, at + size))) found.push(told(one));
    assert.deepEqual(found, wanted, `${size} at a time`);
  }
});

test("what is no frame is none", () => {
  for (const bad of ["02", "ff", "82016100", "0130ff", "01ff", "013039ff", "0178ff", "8901" + "61", "8a0161", "00" + "61ff", "01" + "30".repeat(400), "80" + "ff".repeat(9) + "00"]) {
    assert.throws(() => [...decoder()(of(bad))], bad);
  }
});

test("a big message is not looked at anew with each octet", () => {
  const decode = decoder();
  const size = 4 << 20;
  const whole = message(BINARY, new Uint8Array(size));
  const began = performance.now();
  let found = 0;
  for (let at = 0; at < whole.length; at += 4096) for (const [, payload] of decode(whole.subarray(at, at + 4096))) found = payload.length;
  assert.equal(found, size);
  assert.ok(performance.now() - began < 1000);
});

/** A machine, and what it did since it was asked last. */
function stage(poll) {
  let log = [];
  const timers = new Map();
  const act = {
    create: (n) => log.push(`create ${n}`),
    post: (n, body, last) => log.push(`post ${n} ${hex(body)}${last ? " last" : ""}`),
    get: (n, parameters) => log.push(`get ${n} ${parameters}`),
    stop: (leg) => log.push(`stop ${leg}`),
    timer: (name, ms) => (ms ? timers.set(name, ms) : timers.delete(name)),
    open: (protocol) => log.push(`open ${protocol}`),
    message: (data, binary) => log.push(`${binary ? "binary" : "text"} ${Buffer.from(data)}`),
    sent: (octets) => log.push(`sent ${octets}`),
    end: (code, reason, clean, error) => log.push(`end ${code} ${Buffer.from(reason)} ${clean ? "clean" : "unclean"}${error ? " error" : ""}`),
    polls: () => log.push("polls"),
  };
  const m = machine(act, poll);
  const did = () => {
    const done = log;
    log = [];
    return done;
  };
  const fire = (name) => {
    assert.ok(timers.delete(name), `${name} runs`);
    m.timeout(name);
  };
  return { m, did, timers, fire };
}
const ALL = "x-gw-close, x-gw-retry; bytes=262144; seconds=30";
const KIND = "text/plain;charset=utf-8";
const STREAM = "application/octet-stream";
/** One that is open, its probe answered. */
function opened({ extensions = ALL, poll = false } = {}) {
  const s = stage(poll);
  s.m.start();
  s.m.created(201, KIND, "", extensions, []);
  if (!poll) s.fire("flush");
  s.m.posted(1, 200);
  s.m.head(1, 200, STREAM);
  s.m.octets(1, pong);
  s.did();
  return s;
}
const up = (...frames) => hex(joined(frames)) + RECONNECT_HEX;
const HI = message(TEXT, text("hi"));

test("a connection opens, and its way is probed", () => {
  const { m, did, timers, fire } = stage();
  m.start();
  assert.deepEqual(did(), ["create 0"]);
  m.created(201, KIND, "v12.stomp", ALL, ["v11.stomp", "v12.stomp"]);
  assert.deepEqual(did(), ["open v12.stomp", "get 1 .kkt=25"]);
  fire("flush");
  assert.deepEqual(did(), [`post 1 ${up(ping)}`]);
  m.posted(1, 200);
  m.head(1, 200, STREAM);
  assert.ok(timers.has("head"));
  m.octets(1, pong);
  assert.ok(!timers.has("head"));
  assert.deepEqual(did(), []);
});

test("what goes up at first takes the probe along", () => {
  const { m, did } = stage();
  m.start();
  m.created(201, KIND, "", ALL, []);
  m.send(text("hi"), false);
  m.flush();
  assert.deepEqual(did().slice(3), [`post 1 ${up(ping, HI)}`]);
});

test("a connection is refused", () => {
  const table = [
    [403, KIND, "", []], [201, "text/html", "", []], [0, "", "", []], [302, KIND, "", []],
  ];
  for (const [status, kind, protocol, offered] of table) {
    const { m, did } = stage();
    m.start();
    m.created(status, kind, protocol, "", offered);
    assert.deepEqual(did().slice(1).filter((one) => !one.startsWith("stop")), ["end 1006  unclean error"]);
  }
  const { m, did } = stage();
  m.start();
  m.failed();
  assert.equal(did().at(-1), "end 1006  unclean error");
});

test("a choice that nobody offered, or none, ends it on both sides", () => {
  for (const [protocol, offered] of [["c", ["a", "b"]], ["c", []], ["", ["a"]]]) {
    const { m, did } = stage();
    m.start();
    m.created(201, KIND, protocol, ALL, offered);
    assert.deepEqual(did().slice(1).filter((one) => !one.startsWith("stop")), [`post 1 ${up(close())}`, "end 1006  unclean error"]);
  }
});

test("one request at a time goes up, with all that waits", () => {
  const { m, did } = opened();
  m.send(text("hi"), false);
  m.flush();
  assert.deepEqual(did(), [`post 2 ${up(HI)}`]);
  m.send(of("ff"), true);
  m.flush();
  m.send(text("hi"), false);
  m.flush();
  assert.deepEqual(did(), []);
  m.posted(2, 200);
  assert.deepEqual(did(), ["sent 2", `post 3 ${up(of("8001ff"), HI)}`]);
  m.posted(3, 200);
  assert.deepEqual(did(), ["sent 3"]);
});

test("a request that is large is cut between messages", () => {
  const { m, did } = opened();
  const big = new Uint8Array(200_000);
  for (let at = 0; at < 3; at++) m.send(big, true);
  m.flush();
  for (const number of [2, 3, 4]) {
    assert.match(did().at(-1), new RegExp(`^post ${number} `));
    m.posted(number, 200);
  }
  assert.deepEqual(did(), ["sent 200000"]);
});

test("messages come down, and the next request is asked when one ends", () => {
  const { m, did } = opened();
  m.octets(1, joined([HI, message(BINARY, text("bin"))]));
  m.octets(1, joined([HI, RECONNECT]));
  assert.deepEqual(did(), ["text hi", "binary bin", "text hi", "get 2 .kkt=25"]);
  m.ended(1);
  m.head(2, 200, STREAM);
  m.octets(2, HI);
  assert.deepEqual(did(), ["text hi"]);
});

test("a heart-beat is no message; a ping is answered", () => {
  const { m, did } = opened();
  m.octets(1, of("013030ff"));
  m.octets(1, ping);
  assert.deepEqual(did(), [`post 2 ${up(pong)}`]);
});

test("a close of ours waits for theirs", () => {
  const { m, did, timers } = opened();
  m.send(text("hi"), false);
  m.close(3001, text("why"));
  m.send(text("late"), false);
  assert.deepEqual(did(), [`post 2 ${up(HI, close(3001, text("why")))}`]);
  m.posted(2, 200);
  assert.ok(timers.has("closing"));
  m.octets(1, joined([message(TEXT, text("still")), close(3001, text("why")), RECONNECT]));
  assert.deepEqual(did(), ["sent 2", "text still", "stop get", "end 3001 why clean"]);
  assert.equal(timers.size, 0);
});

test("a close of theirs is answered", () => {
  const { m, did } = opened();
  m.octets(1, joined([HI, close(4000, text("bye")), RECONNECT]));
  assert.deepEqual(did(), ["text hi", "stop get", "end 4000 bye clean", `post 2 ${up(close(4000, text("bye")))}`]);
  m.posted(2, 404);
  assert.deepEqual(did(), []);
});

test("without codes on the wire a close says 1005", () => {
  const one = opened({ extensions: "" });
  one.m.close(3001, text("why"));
  assert.deepEqual(one.did(), [`post 2 ${up(close())}`]);
  one.m.octets(1, joined([close(), RECONNECT]));
  assert.deepEqual(one.did(), ["stop get", "end 1005  clean"]);
});

test("a close that nobody answers is a lost connection", () => {
  const { m, did, fire } = opened();
  m.close(1000);
  did();
  fire("closing");
  assert.deepEqual(did(), ["stop post", "stop get", "end 1006  unclean"]);
});

test("a close before it is open fails it", () => {
  const { m, did } = stage();
  m.start();
  m.close(1000);
  assert.deepEqual(did(), ["create 0", "stop create", "stop post", "stop get", "end 1006  unclean error"]);
  m.created(201, KIND, "", ALL, []);
  assert.deepEqual(did(), []);
});

test("without retry a lost request or response is a lost connection", () => {
  for (const lose of [(m) => m.posted(2, 0), (m) => m.ended(1), (m) => m.posted(2, 404), (m) => m.head(1, 404, "")]) {
    const { m, did } = opened({ extensions: "x-gw-close" });
    m.send(text("hi"), false);
    m.flush();
    did();
    lose(m);
    assert.deepEqual(did(), ["stop post", "stop get", "end 1006  unclean"]);
  }
});

test("with retry a lost request is sent again, the same", () => {
  const { m, did, fire, timers } = opened();
  m.send(text("hi"), false);
  m.flush();
  m.send(text("ho"), false);
  m.flush();
  const [first] = did();
  for (const wait of [1, 250, 500, 1000]) {
    m.posted(2, 0);
    assert.equal(timers.get("post"), wait);
    assert.equal(timers.get("postLost"), 30_000);
    fire("post");
    assert.deepEqual(did(), ["stop post", first]);
  }
  m.posted(2, 200);
  assert.deepEqual(did(), ["sent 2", `post 3 ${up(message(TEXT, text("ho")))}`]);
  assert.ok(!timers.has("postLost"));
});

test("with retry a lost response goes on where it was", () => {
  const { m, did, fire, timers } = opened();
  const part = message(TEXT, text("whole"));
  m.octets(1, part.subarray(0, 4));
  m.ended(1);
  assert.ok(timers.has("getLost"));
  assert.deepEqual(did(), ["stop get"]);
  fire("get");
  assert.deepEqual(did(), ["get 1 .kkt=25&.gwr=6"]);
  m.head(1, 200, STREAM);
  m.octets(1, part.subarray(4));
  assert.deepEqual(did(), ["text whole"]);
  assert.ok(!timers.has("getLost"));
});

test("what stays lost is lost", () => {
  for (const leg of ["get", "post"]) {
    const { m, did, fire } = opened();
    m.send(text("hi"), false);
    m.flush();
    if (leg === "get") m.ended(1);
    else m.posted(2, 0);
    did();
    fire(`${leg}Lost`);
    assert.deepEqual(did(), ["stop post", "stop get", "end 1006  unclean"]);
  }
});

test("who is silent for too long is asked again, both ways", () => {
  const { m, did, fire, timers } = opened();
  m.send(text("hi"), false);
  m.flush();
  did();
  assert.equal(timers.get("silence"), 55_000);
  fire("silence");
  assert.deepEqual(did(), ["stop post", "stop get"]);
  m.wake();
  fire("get");
  fire("post");
  assert.deepEqual(did().filter((one) => !one.startsWith("stop")), ["get 1 .kkt=25&.gwr=2", `post 2 ${up(HI)}`]);
});

test("a network that is there again is used at once", () => {
  const { m, did, timers } = opened();
  m.ended(1);
  m.ended(1);
  assert.equal(timers.get("get"), 250);
  did();
  m.wake();
  assert.equal(timers.get("get"), 1);
  // One that is under way is not read any more: the next begins where this one was read to.
  assert.deepEqual(did(), ["stop get"]);
});

test("too many requests: later", () => {
  const { m, did, fire, timers } = opened();
  m.send(text("hi"), false);
  m.flush();
  did();
  m.posted(2, 429, 3);
  assert.equal(timers.get("post"), 3000);
  fire("post");
  assert.deepEqual(did(), [`post 2 ${up(HI)}`]);
  m.octets(1, RECONNECT);
  did();
  m.head(2, 429, "", 2);
  assert.deepEqual(did(), ["stop get"]);
  assert.equal(timers.get("get"), 2000);
});

test("heads that do not come: whole answers are asked for, with the same number", () => {
  const { m, did, fire } = stage();
  m.start();
  m.created(201, KIND, "", ALL, []);
  fire("flush");
  did();
  fire("head");
  assert.deepEqual(did(), ["polls", "stop get", "get 1 .kkt=25&.ki=p"]);
  m.head(1, 200, STREAM);
  m.octets(1, joined([pong, HI, RECONNECT]));
  assert.deepEqual(did(), ["text hi", "get 2 .kkt=25&.ki=p"]);
});

test("a probe's answer that does not come: the same", () => {
  const { m, did, fire, timers } = stage();
  m.start();
  m.created(201, KIND, "", ALL, []);
  m.head(1, 200, STREAM);
  fire("head"); // the probe has not even left
  fire("flush");
  did();
  m.posted(1, 200);
  fire("head");
  assert.deepEqual(did(), ["polls", "stop get", "get 1 .kkt=25&.ki=p"]);
  assert.ok(!timers.has("head"));
});

test("a response that is quiet later is only quiet", () => {
  const { m, did, fire } = opened();
  m.octets(1, RECONNECT);
  m.head(2, 200, STREAM);
  did();
  fire("head");
  assert.deepEqual(did(), []);
});

test("streams that are cut at once: whole answers are asked for", () => {
  const { m, did, fire } = opened();
  m.ended(1);
  fire("get");
  m.head(1, 200, STREAM);
  m.ended(1);
  assert.ok(did().includes("polls"));
  fire("get");
  assert.match(did().at(-1), /\.ki=p/);
});

test("without retry the next request overlaps, and is read after the one before", () => {
  const { m, did, fire } = stage();
  m.start();
  m.created(201, KIND, "", "", []);
  did();
  fire("head");
  assert.deepEqual(did(), ["polls", "get 2 .kkt=25&.ki=p"]);
  m.head(2, 200, STREAM);
  m.octets(2, joined([message(TEXT, text("second")), RECONNECT]));
  m.ended(2);
  assert.deepEqual(did(), []);
  m.octets(1, joined([message(TEXT, text("first")), RECONNECT]));
  m.ended(1);
  assert.deepEqual(did(), ["text first", "text second", "get 3 .kkt=25&.ki=p"]);
});

test("what must not come fails it", () => {
  for (const bad of [of("82"), joined([RECONNECT, HI])]) {
    const { m, did } = opened();
    m.octets(1, bad);
    assert.equal(did().filter((one) => !one.startsWith("get")).at(-1), "end 1006  unclean error");
  }
});

test("a page that goes says so, and waits for nothing", () => {
  const { m, did, timers } = opened();
  m.send(text("hi"), false);
  m.leave();
  assert.deepEqual(did(), ["stop create", `post 2 ${up(HI, close(1001))} last`, "stop get", "end 0  unclean"]);
  assert.equal(timers.size, 0);
  m.octets(1, HI);
  m.ended(1);
  assert.deepEqual(did(), []);
});

/** A gateway of its own: what was applied, whatever gets lost on the way. */
test("whatever is lost, nothing is lost and nothing comes twice", () => {
  for (let seed = 1; seed < 200; seed++) {
    let state = seed;
    const random = (below) => (state = (state * 48271) % 2147483647) % below;
    const { m, did, timers } = opened();
    const applied = [];
    let last = 1;
    let kept = joined([pong]);
    let number = 1;
    let sent = 0;
    let down = 0;
    const got = [];
    const work = () => {
      for (const one of did()) {
        const [what, n, rest] = one.split(" ");
        if (what === "post") {
          const lostThere = random(4) === 0;
          if (!lostThere && +n === last + 1) {
            last = +n;
            for (const [kind, payload] of decoder()(of(rest))) if (kind === "text") applied.push(`${Buffer.from(payload)}`);
          }
          m.posted(+n, lostThere || random(4) === 0 ? 0 : 200);
        } else if (what === "get") {
          if (+n === number + 1) [number, kept] = [+n, new Uint8Array()];
          const from = +(/gwr=(\d+)/.exec(rest)?.[1] ?? 0);
          m.head(+n, 200, STREAM);
          const left = kept.subarray(from);
          if (left.length) m.octets(+n, left.slice(0, 1 + random(left.length)));
          if (random(3) === 0) m.ended(+n);
        } else if (what === "text") got.push(n);
      }
    };
    for (let step = 0; step < 60; step++) {
      if (random(2)) {
        m.send(text(`${sent++}`), false);
        m.flush();
      }
      if (random(2)) kept = joined([kept, message(TEXT, text(`${down++}`))]);
      work();
      // What came since the response's last octets is only there when it is asked again.
      m.ended(number);
      for (const name of ["get", "post"]) if (timers.delete(name)) m.timeout(name);
      work();
    }
    for (let step = 0; step < 80; step++) {
      for (const name of ["get", "post"]) if (timers.delete(name)) m.timeout(name);
      work();
      if (got.length < down) m.ended(number);
    }
    assert.deepEqual(applied, Array.from({ length: sent }, (_, at) => `${at}`), `up, ${seed}`);
    assert.deepEqual(got, Array.from({ length: down }, (_, at) => `${at}`), `down, ${seed}`);
  }
});
