// A Socket.IO server of the npm registry, on the port and for the pages that are asked for: rooms
// that clients join and leave, and what is published in one goes to all who are in it.
"use strict";
const { createServer } = require("node:http");
const { Server } = require("../apps/node_modules/socket.io");

const [port, origin] = process.argv.slice(2);
const server = createServer();
// Heart-beats pass within each test; on a busy machine an answer may take its time.
const io = new Server(server, { cors: { origin }, pingInterval: 500, pingTimeout: 10_000 });
io.on("connection", (socket) => {
  socket.on("subscribe", (room, done) => done(socket.join(room)));
  socket.on("unsubscribe", (room, done) => done(socket.leave(room)));
  socket.on("publish", (room, said, done) => {
    io.to(room).emit("said", said);
    done(said.length);
  });
  socket.on("send me away", () => socket.disconnect(true));
});
server.listen(Number(port), "127.0.0.1");
