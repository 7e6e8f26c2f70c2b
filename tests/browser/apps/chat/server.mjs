// A chat by Socket.IO: two people in a room, with acknowledgements and binary messages.
import { fileURLToPath } from "node:url";
import express from "express";
import { Server } from "socket.io";

const here = fileURLToPath(new URL(".", import.meta.url));
const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
const PAGES = "https://talk.test";

function pages(server) {
  const app = express();
  app.use("/lib", express.static(`${modules}/socket.io-client/dist`));
  app.use(express.static(`${here}/pages`));
  server.on("request", app);
}

function rooms(server) {
  // The pages are another origin: only it may speak, and a cookie keeps a client at its server.
  const io = new Server(server, {
    cors: { origin: PAGES, credentials: true },
    cookie: { name: "io", httpOnly: true, secure: true, sameSite: "none" },
    // Who goes between two polls is missed when no answer comes to a ping.
    pingInterval: 2000,
    pingTimeout: 3000,
    // Mirrors the check that cors does for polling: browsers send no preflight for WebSocket.
    allowRequest: (request, done) => done(null, (request.headers.origin ?? PAGES) === PAGES),
  });
  io.on("connection", (socket) => {
    const { name } = socket.handshake.auth;
    socket.join("room");
    socket.to("room").emit("joined", name);
    socket.on("say", (text, done) => {
      io.to("room").emit("said", { name, text, by: socket.conn.transport.name });
      done({ length: text.length });
    });
    socket.on("picture", (octets, done) => {
      socket.to("room").emit("picture", { name, octets });
      done(octets.length);
    });
    socket.on("drop", () => socket.conn.close());
    socket.on("disconnect", () => io.to("room").emit("left", name));
  });
}

export const origins = { [PAGES]: pages, "https://rooms.test:8443": rooms };
