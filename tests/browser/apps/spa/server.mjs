// A task list: a single-page application on one site, its API on another, with a session cookie.
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import express from "express";

const here = fileURLToPath(new URL(".", import.meta.url));
const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
const APP = "https://tasks.test";
const API = "https://api.backend.test";

function pages(server) {
  const app = express();
  app.use("/lib/vue", express.static(`${modules}/vue/dist`, { maxAge: "1h" }));
  app.use("/lib/vue-router", express.static(`${modules}/vue-router/dist`, { maxAge: "1h" }));
  app.use(express.static(`${here}/pages`));
  // The router owns every other address.
  app.get("/*rest", (request, response) => response.sendFile(`${here}/pages/index.html`));
  server.on("request", app);
}

function api(server) {
  const app = express();
  const sessions = new Map();
  app.disable("x-powered-by");
  app.use(express.json());
  app.use((request, response, next) => {
    const origin = request.get("Origin");
    response.vary("Origin");
    // What a page sends without an Origin, or from elsewhere, gets nothing that it could read.
    if (origin === APP) {
      response.set({
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "X-Total-Count, Link, ETag",
      });
    }
    if (request.method !== "OPTIONS") return next();
    if (origin === APP) {
      response.set({
        "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
        "Access-Control-Allow-Headers": "content-type, x-csrf-token, if-match",
        "Access-Control-Max-Age": "60",
      });
    }
    return response.status(204).end();
  });
  app.post("/login", (request, response) => {
    const { user, password } = request.body;
    if (password !== "s3cret pass") return response.status(403).json({ error: "wrong password" });
    const id = randomUUID();
    sessions.set(id, { user, csrf: randomUUID(), tasks: new Map(), next: 1 });
    response.cookie("session", id, { httpOnly: true, secure: true, sameSite: "none" });
    return response.json({ user, csrf: sessions.get(id).csrf });
  });
  app.use((request, response, next) => {
    const id = /(?:^|; )session=([^;]+)/.exec(request.get("Cookie") ?? "")?.[1];
    request.session = sessions.get(id);
    if (!request.session) return response.status(401).json({ error: "log in first" });
    if (request.method !== "GET" && request.get("X-CSRF-Token") !== request.session.csrf)
      return response.status(403).json({ error: "no token" });
    return next();
  });
  app.get("/me", ({ session }, response) => response.json({ user: session.user, csrf: session.csrf }));
  app.get("/tasks", ({ session, query }, response) => {
    const all = [...session.tasks.values()];
    const page = Number(query.page ?? 1);
    const end = page * 2;
    response.set("X-Total-Count", String(all.length));
    if (end < all.length) response.set("Link", `<${API}/tasks?page=${page + 1}>; rel="next"`);
    return response.json(all.slice(end - 2, end));
  });
  app.post("/tasks", ({ session, body }, response) => {
    const task = { id: session.next++, text: body.text, done: false, url: "" };
    task.url = `${API}/tasks/${task.id}`;
    session.tasks.set(task.id, task);
    return response.status(201).location(task.url).json(task);
  });
  app.use("/tasks/:id", (request, response, next) => {
    request.task = request.session.tasks.get(Number(request.params.id));
    return request.task ? next() : response.status(404).json({ error: "no such task" });
  });
  app.get("/tasks/:id", ({ task }, response) => response.json(task));
  app.patch("/tasks/:id", ({ task, body }, response) => response.json(Object.assign(task, body)));
  app.delete("/tasks/:id", ({ session, task }, response) => {
    session.tasks.delete(task.id);
    return response.status(204).end();
  });
  server.on("request", app);
}

export const origins = { [APP]: pages, [API]: api };
