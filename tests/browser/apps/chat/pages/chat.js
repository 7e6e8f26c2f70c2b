const asked = new URLSearchParams(location.search);
const name = asked.get("name");
const transports = asked.get("by").split(",");
const at = (id) => document.getElementById(id);
const note = (text) => at("log").append(Object.assign(document.createElement("li"), { textContent: text }));

const socket = io("https://rooms.test:8443", { auth: { name }, transports, withCredentials: true });
const told = () => (at("transport").textContent = socket.io.engine.transport.name);
let times = 0;
socket.on("connect", () => {
  times += 1;
  at("state").textContent = `online ${times}`;
  told();
  socket.io.engine.on("upgrade", told);
});
socket.on("disconnect", () => (at("state").textContent = "offline"));
socket.on("connect_error", (error) => note(`error ${error.message}`));
socket.on("joined", (who) => note(`${who} is here`));
socket.on("left", (who) => note(`${who} has gone`));
socket.on("said", ({ name: who, text, by }) => note(`${who}: ${text} (${by})`));
socket.on("picture", ({ name: who, octets }) => {
  const sum = new Uint8Array(octets).reduce((total, one) => total + one, 0);
  note(`${who}: picture of ${octets.byteLength} octets, sum ${sum}`);
});
at("say").addEventListener("submit", (event) => {
  event.preventDefault();
  socket.emit("say", at("text").value, ({ length }) => (at("ack").textContent = `${length} characters`));
});
at("picture").addEventListener("click", () => {
  const octets = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);
  socket.emit("picture", octets, (length) => (at("ack").textContent = `${length} octets`));
});
at("drop").addEventListener("click", () => socket.emit("drop"));
