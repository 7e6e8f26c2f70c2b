// new WebSocket(url, protocols): what is taken, what is refused and how, and what is then read.
const REFUSED = {
  "no arguments": () => new WebSocket(),
  "without new": () => WebSocket("wss://a.test/ws"),
  "an invalid host": () => new WebSocket("wss://a b/"),
  "an unclosed address": () => new WebSocket("wss://[::1/"),
  "no host": () => new WebSocket("wss://"),
  "an invalid port": () => new WebSocket("wss://a.test:99999/"),
  "a port of letters": () => new WebSocket("wss://a.test:port/"),
  "an invalid percent host": () => new WebSocket("wss://%zz/"),
  "the scheme mailto": () => new WebSocket("mailto:a@a.test"),
  "the scheme ftp": () => new WebSocket("ftp://a.test/"),
  "the scheme about": () => new WebSocket("about:blank"),
  "the scheme javascript": () => new WebSocket("javascript:1"),
  "the scheme data": () => new WebSocket("data:text/plain,x"),
  "the scheme blob": () => new WebSocket("blob:x"),
  "an unknown scheme": () => new WebSocket("wssx://a.test/"),
  "a fragment": () => new WebSocket("wss://a.test/ws#part"),
  "an empty fragment": () => new WebSocket("wss://a.test/ws#"),
  "a fragment on http": () => new WebSocket("https://a.test/ws#part"),
  "a symbol": () => new WebSocket(Symbol("x")),
  "an object that throws": () => new WebSocket({ toString() { throw new RangeError("mine"); } }),
  "an empty protocol": () => new WebSocket("wss://a.test/ws", ""),
  "an empty protocol in a list": () => new WebSocket("wss://a.test/ws", [""]),
  "a protocol with a space": () => new WebSocket("wss://a.test/ws", "a b"),
  "a protocol with a comma": () => new WebSocket("wss://a.test/ws", "a,b"),
  "a protocol with a tab": () => new WebSocket("wss://a.test/ws", "a\tb"),
  "a protocol with a NUL": () => new WebSocket("wss://a.test/ws", "a\0"),
  "a protocol with DEL": () => new WebSocket("wss://a.test/ws", "a\x7f"),
  "a protocol that is not ASCII": () => new WebSocket("wss://a.test/ws", "é"),
  "a protocol beyond the BMP": () => new WebSocket("wss://a.test/ws", "\u{1f600}"),
  "a protocol null character name": () => new WebSocket("wss://a.test/ws", ["ok", "\u0000"]),
  "the same protocol twice": () => new WebSocket("wss://a.test/ws", ["a", "a"]),
  "the same protocol twice, apart": () => new WebSocket("wss://a.test/ws", ["a", "b", "a"]),
  "a symbol as protocol": () => new WebSocket("wss://a.test/ws", Symbol("x")),
  "protocols that throw": () => new WebSocket("wss://a.test/ws", { [Symbol.iterator]() { throw new RangeError("mine"); } }),
};
for (const one of '()<>@;:\\"/[]?={}') REFUSED[`a protocol with ${one}`] = () => new WebSocket("wss://a.test/ws", `a${one}b`);
each(REFUSED, "refused", (_, act) => thrown(act));

// Addresses that lead to the own origin's server, and what `url` reads.
const base = (t) => t.to("told").slice(A.length);
const TAKEN = {
  "wss": (t) => A + base(t),
  "https becomes wss": (t) => "https://a.test" + base(t),
  "an upper-case scheme": (t) => "WSS://a.test" + base(t),
  "an upper-case host": (t) => "wss://A.TEST" + base(t),
  "the default port": (t) => "wss://a.test:443" + base(t),
  "a path": (t) => base(t),
  "a relative path": (t) => base(t).slice(1),
  "a path up and down": (t) => "x/../" + base(t).slice(1),
  "a network path": (t) => "//a.test" + base(t),
  "the own host": (t) => `wss://${location.host}${base(t)}`,
  "the own origin": (t) => location.origin + base(t),
  "a URL object": (t) => new URL(A + base(t)),
  "an object with toString": (t) => ({ toString: () => A + base(t) }),
  "white space around": (t) => ` \n${A + base(t)}\t `,
  "white space within": (t) => (A + base(t)).replace("/ws", "/w\ns"),
  "a space in the query": (t) => A + base(t) + "&a b",
  "letters that are not ASCII": (t) => A + base(t) + "&ä=ö",
  "percent signs": (t) => A + base(t) + "&%41=%zz",
  "a backslash": (t) => "wss:\\\\a.test" + base(t),
  "one slash": (t) => "wss:/a.test" + base(t),
  "a user": (t) => "wss://user:pass@a.test" + base(t),
  "another host": (t) => B + base(t),
  "another host by https": (t) => "https://b.test" + base(t),
  "another port": (t) => "wss://a.test:8443" + base(t),
};
each(TAKEN, "taken", async (t, address) => {
  const socket = t.keep(new WebSocket(address(t)));
  const first = [own(socket.url), socket.readyState];
  const [data] = await Promise.race([t.messages(socket, 1), once(socket, "close").then(() => ["{}"])]);
  const { method, target, Host, Origin } = JSON.parse(data);
  return [...first, own(socket.url), { method, target, Host, Origin }];
}, "page");
add("taken: an empty address", async (t) => {
  const socket = t.keep(new WebSocket(""));
  await once(socket, "open", "error");
  return [own(socket.url), socket.readyState];
}, "page");
add("taken: a query alone", (t) => own(t.keep(new WebSocket("?x=1")).url), "page");
add("taken: undefined", (t) => own(t.keep(new WebSocket(undefined)).url), "page");
add("taken: null", (t) => own(t.keep(new WebSocket(null)).url), "page");
add("taken: a number", (t) => own(t.keep(new WebSocket(7)).url), "page");
add("taken: a base element", (t) => {
  const base = document.head.appendChild(document.createElement("base"));
  base.href = "https://a.test/deep/er/";
  try {
    return own(t.keep(new WebSocket("x?id=base")).url);
  } finally {
    base.remove();
  }
}, "page");
add("taken: too many arguments", async (t) => {
  const socket = t.keep(new WebSocket(t.to("close:1000"), [], { headers: {} }));
  return t.story(socket);
});
each({ "a port that browsers block": "wss://a.test:6000/", "the port of SMTP": "wss://b.test:25/" }, "taken", async (t, url) => {
  const socket = t.keep(new WebSocket(url));
  return [own(socket.url), socket.readyState, await t.story(socket)];
}, "page");

// Subprotocols: what goes out, and what comes of the answer.
const OFFERS = {
  "none": [undefined, "first"],
  "undefined": [undefined, "none"],
  "an empty list": [[], "none"],
  "one": ["chat", "first"],
  "one in a list": [["chat"], "first"],
  "two, the first taken": [["chat", "superchat"], "first"],
  "two, the last taken": [["chat", "superchat"], "last"],
  "several that differ in case": [["chat", "CHAT", "Chat"], "last"],
  "with odd characters": ["v12.stomp!#$%&'*+-.^_`|~", "first"],
  "a number": [12, "first"],
  "null": [null, "first"],
  "a set": [new Set(["x", "y"]), "last"],
  "a long one": ["x".repeat(500), "first"],
  "ten": [Array.from({ length: 10 }, (_, at) => `p${at}`), "last"],
  "offered, none taken": ["chat", "none"],
  "offered, another taken": ["chat", "other"],
  "offered, another case taken": ["chat", "CHAT"],
  "none offered, one taken": [undefined, "other"],
  "two taken": [["a", "b"], "a, b"],
};
each(OFFERS, "subprotocols", async (t, [protocols, choose]) => {
  const socket = t.made("told", { choose }, protocols);
  const before = socket.protocol;
  const log = t.log(socket);
  const [data] = await Promise.race([t.messages(socket, 1), once(socket, "close").then(() => ["{}"])]);
  return [before, socket.protocol, socket.extensions === "" || socket.extensions.startsWith("permessage-deflate"),
    JSON.parse(data)["Sec-WebSocket-Protocol"] ?? null, log.filter(([type]) => type !== "message")];
});
