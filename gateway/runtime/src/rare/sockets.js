// The WebSockets of a window, and what they need where upgrades are taken away.
import { socketsOf } from "../shared/sockets.js";
import { asked } from "./asked.js";
import { page } from "./page.js";

/** @type {WeakMap<object, ReturnType<typeof socketsOf>>} */
const made = new WeakMap();
const { origin } = location;

/** The part for sockets that do not get through: at once, because a page looks at its socket at once. */
function load() {
  const { responseText } = asked(origin + SOCKET);
  const script = /** @type {any} */ (document.createElementNS("http://www.w3.org/1999/xhtml", "script"));
  document.documentElement.append(script); // see how this part itself is put in
  script.text = page.script(page.first)(responseText);
  script.remove();
  return script.gwClient;
}

/**
 * @param {any} w
 * @param {import("../shared/sockets.js").Fetch} fetch the browser's own
 * @param {(text: any) => any} unmap
 */
export function sockets(w, fetch, unmap) {
  let one = made.get(w);
  if (!one) made.set(w, (one = socketsOf(w, fetch, unmap, page, load)));
  return one;
}
