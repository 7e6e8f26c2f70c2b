// A WAMP router of the npm registry, on the port and with the realm that are asked for.
"use strict";
const Router = require("../apps/node_modules/fox-wamp");

const [port, realm] = process.argv.slice(2);
const router = new Router();
router.getRealm(realm, () => router.listenWAMP({ host: "127.0.0.1", port: Number(port) }));
