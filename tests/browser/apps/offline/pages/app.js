import { Workbox } from "/workbox/workbox-window.prod.mjs";

const show = async () => {
  const answer = await fetch("/api/notes");
  const { notes } = await answer.json();
  document.querySelector("#notes").replaceChildren(
    ...notes.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
  document.querySelector("#source").textContent = answer.headers.get("X-From") ?? "network";
};

document.querySelector("#add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = document.querySelector("#text").value;
  const headers = { "Content-Type": "application/json" };
  try {
    await fetch("/api/notes", { method: "POST", headers, body: JSON.stringify({ text }) });
    await show();
  } catch {
    document.querySelector("#source").textContent = "not sent";
  }
});

const workbox = new Workbox("/sw.js");
const worker = document.querySelector("#worker");
workbox.addEventListener("controlling", () => (worker.textContent = "controlling"));
await workbox.register();
if (navigator.serviceWorker.controller) worker.textContent = "controlling";
await show();
