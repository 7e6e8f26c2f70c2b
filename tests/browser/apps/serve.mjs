// Starts one of the applications of this folder over TLS: `node serve.mjs NAME CERTIFICATE KEY`.
// It prints one line of JSON, each origin with its port on the loopback, and serves until it ends.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const [name, certificate, key] = process.argv.slice(2);
const tls = { cert: readFileSync(certificate), key: readFileSync(key) };
const { origins } = await import(`./${name}/server.mjs`);
const ports = {};
for (const [origin, make] of Object.entries(origins)) {
  const server = createServer(tls);
  await make(server, origin);
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  ports[origin] = server.address().port;
}
console.log(JSON.stringify(ports));
