// A notebook that works without a network: Workbox precaches its shell and keeps what the API said.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import express from "express";

const here = fileURLToPath(new URL(".", import.meta.url));
const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
const PACKAGES = ["core", "sw", "window", "precaching", "routing", "strategies", "cacheable-response"];
const SHELL = ["/index.html", "/app.js", "/style.css", "/about.html"];

// What a build step would write into the worker: each file of the shell with its revision.
function manifest() {
  return SHELL.map((url) => {
    const revision = createHash("md5").update(readFileSync(`${here}/pages${url}`)).digest("hex");
    return { url, revision };
  });
}

function site(server) {
  const app = express();
  const notes = ["first note"];
  app.use(express.json());
  for (const name of PACKAGES) app.use("/workbox", express.static(`${modules}/workbox-${name}/build`));
  app.get("/sw.js", (request, response) => {
    const text = readFileSync(`${here}/pages/sw.js`, "utf-8");
    response.set("Cache-Control", "no-cache").type("text/javascript");
    response.send(text.replace("self.__WB_MANIFEST", JSON.stringify(manifest())));
  });
  app.get("/api/notes", (request, response) => response.json({ notes, at: Date.now() }));
  app.post("/api/notes", ({ body }, response) => {
    notes.push(body.text);
    response.status(201).json({ notes });
  });
  app.use(express.static(`${here}/pages`));
  server.on("request", app);
}

export const origins = { "https://notes.test": site };
