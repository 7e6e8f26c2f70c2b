// The inner runtime: first script of every proxied document.
import { installCookie } from "./cookie.js";
import { installHello } from "./hello.js";
import { takePayload } from "./payload.js";
import { installSinks } from "./sinks.js";

const payload = takePayload();
if (payload && payload.v === 1) {
  const place = { suffix: payload.suffix, port: payload.port === 443 ? "" : String(payload.port) };
  installSinks(place, payload.origin);
  installCookie(payload.cookie);
  installHello(payload.secure);
}
