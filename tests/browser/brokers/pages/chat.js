// One chat for five protocols; what differs is in the library that speaks each.
const asked = new URLSearchParams(location.search);
const name = asked.get("name");
const password = asked.get("password");
const url = asked.get("url");
const byId = (id) => document.getElementById(id);

const load = (src) => new Promise((done, failed) => {
  const script = document.createElement("script");
  Object.assign(script, { src, onload: done, onerror: () => failed(new Error(src)) });
  document.head.append(script);
});

// An application outside a proxied page takes the gateway's own client for the browser's.
if (asked.has("client")) globalThis.WebSocket = (await import(asked.get("client"))).WebSocket;
const sockets = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    sockets.push(this);
  }
};

let times = 0;
const online = (what) => {
  byId("state").textContent = `online ${what}`;
  byId("times").textContent = ++times;
};
const offline = (why) => { byId("state").textContent = `offline ${why ?? ""}`; };
const heard = (text) => byId("log").append(Object.assign(document.createElement("li"), { textContent: text }));
globalThis.onerror = (text) => heard(`error ${text}`);
globalThis.onunhandledrejection = ({ reason }) => heard(`error ${reason}`);

const protocols = {
  async stomp() {
    await load("/lib/@stomp/stompjs/bundles/stomp.umd.min.js");
    const client = new StompJs.Client({
      brokerURL: url,
      connectHeaders: { login: asked.get("login"), passcode: password, host: "/" },
      reconnectDelay: 200,
      onConnect: () => {
        client.subscribe("/topic/room", (message) => heard(message.body), { receipt: "subscribed" });
        client.watchForReceipt("subscribed", () => online(client.connectedVersion));
      },
      onWebSocketClose: ({ code }) => offline(code),
      onStompError: (frame) => heard(`error ${frame.headers.message}`),
    });
    client.activate();
    return { say: (body) => client.publish({ destination: "/topic/room", body }), leave: () => client.deactivate() };
  },

  async mqtt() {
    await load("/lib/mqtt/dist/mqtt.min.js");
    const protocolVersion = Number(asked.get("version") ?? 4);
    const protocolId = protocolVersion === 3 ? "MQIsdp" : "MQTT";
    const client = mqtt.connect(url, { reconnectPeriod: 200, protocolId, protocolVersion });
    client.on("connect", () => client.subscribe("room/#", (error) => (error ? heard(`error ${error}`) : online(client.options.protocolVersion))));
    client.on("close", () => offline());
    client.on("error", (error) => heard(`error ${error}`));
    client.on("message", (topic, payload) => heard(payload.toString()));
    return { say: (text) => client.publish("room/main", text, { qos: 1 }), leave: () => client.end() };
  },

  async xmpp() {
    await load("/lib/@xmpp/client/dist/xmpp.min.js");
      const { client, xml } = XMPP;
    const domain = asked.get("domain");
    const made = client({ service: url, domain, username: asked.get("login"), password, resource: "page" });
    made.reconnect.delay = 200;
    made.timeout = 15_000; // two seconds are few for a slow link
    made.on("online", async (address) => {
      await made.send(xml("presence"));
      online(address.bare());
    });
    made.on("disconnect", () => offline());
    made.on("offline", () => offline("for good"));
    made.on("error", (error) => heard(`error ${error}`));
    made.on("stanza", (stanza) => {
      const body = stanza.is("message") && stanza.getChildText("body");
      if (body) heard(body);
    });
    await made.start();
    const people = asked.get("people").split(",");
    return {
      say: (text) => people.forEach((one) => made.send(xml("message", { type: "chat", to: `${one}@${domain}` }, xml("body", {}, text)))),
      leave: () => made.stop(),
    };
  },

  async wamp() {
    await load("/lib/autobahn-browser/autobahn.min.js");
    const connection = new autobahn.Connection({ url, realm: asked.get("realm"), initial_retry_delay: 0.2, max_retry_delay: 0.2 });
    let session = null;
    connection.onopen = async (opened) => {
      session = opened;
      await session.subscribe("room", ([text]) => heard(text));
      online(connection.transport.info.protocol);
    };
    connection.onclose = (reason) => { offline(reason); };
    connection.open();
    return { say: (text) => session.publish("room", [text], {}, { exclude_me: false }), leave: () => connection.close() };
  },

  async socketio() {
    await load("/lib/socket.io-client/dist/socket.io.min.js");
    const given = asked.get("transports");
    const socket = io(url, { ...(given && { transports: given.split(",") }), reconnectionDelay: 200, reconnectionDelayMax: 200 });
    const sum = (octets) => new Uint8Array(octets).reduce((total, one) => total + one, 0);
    socket.on("connect", async () => {
      await socket.emitWithAck("subscribe", "main");
      const { engine } = socket.io;
      // Without a word on transports it begins by polling, and goes over to a WebSocket.
      if (engine.transport.name !== "websocket") await new Promise((done) => engine.once("upgrade", done));
      online(engine.transport.name);
    });
    socket.on("disconnect", (why) => offline(why));
    socket.on("connect_error", (error) => heard(`error ${error}`));
    socket.on("said", (said) => heard(typeof said === "string" ? said : `${said.byteLength} octets, sum ${sum(said)}`));
    return {
      say: (text) => socket.emitWithAck("publish", "main", text),
      leave: () => socket.disconnect(),
      publish: (room, said) => socket.emitWithAck("publish", room, said),
      subscribe: (room) => socket.emitWithAck("subscribe", room),
      unsubscribe: (room) => socket.emitWithAck("unsubscribe", room),
      sendAway: () => void socket.emit("send me away"),
      comeBack: () => void socket.connect(),
    };
  },
};

const chat = (globalThis.chat = await protocols[asked.get("by")]());
byId("say").onclick = () => chat.say(`${name}: ${byId("text").value}`);
byId("drop").onclick = () => sockets.at(-1).close();
byId("leave").onclick = () => chat.leave();
