// Whom messages are addressed to: a window's origin, by its real name.
import { read } from "../shared/urls.js";

const { URL } = globalThis;

/**
 * What is done to the arguments of `postMessage`, in both its forms; what is no origin is the native's to refuse.
 * @param {import("../shared/urls.js").Urls} urls
 * @returns {(args: any[]) => void}
 */
export function addressing(urls) {
  const target = (/** @type {any} */ given) => {
    given = read(given);
    try {
      new URL(given);
    } catch {
      return given;
    }
    return urls.map(given);
  };
  return (args) => {
    const to = args[1];
    const isOptions = args.length < 3 && to && /^[of]/.test(typeof to);
    if (isOptions) args[1] = Object.create(to, { targetOrigin: { get: () => target(to.targetOrigin) } });
    else if (args.length > 1) args[1] = target(to);
  };
}
