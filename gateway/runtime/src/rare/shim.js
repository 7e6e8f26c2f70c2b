// What stands for another window: what every page may do with it goes by the outer frame; a page
// of the same origin sees through it.
import { apply } from "../shared/hooks.js";

/**
 * @param {any} w
 * @param {any} members
 * @param {() => any} near the window itself, if it can be had
 * @param {(url: any) => void} go
 * @param {() => void} disown
 */
export function shim(w, members, near, go, disown) {
  const refuse = () => {
    throw new w.DOMException(`Blocked a frame with origin "${w.location.origin}" from accessing a cross-origin frame.`, "SecurityError");
  };
  /** @param {any} from @param {string} [part] */
  const reach = (from, part) => {
    try {
      const one = from();
      void one.document.location;
      return part ? one[part] : one;
    } catch {
      return null;
    }
  };
  /** @param {any} own @param {(name: any) => boolean} isOwn @param {() => any} behind @param {(name: any, value: any) => boolean} set */
  const stand = (own, isOwn, behind, set) => {
    /** @type {any} */
    const proxy = new Proxy(own, {
      get(_, name) {
        if (isOwn(name)) return Reflect.get(own, name);
        const one = behind();
        if (one) {
          const value = one[name];
          if (typeof value !== "function") return value;
          return new Proxy(value, { apply: (target, self, args) => apply(target, self === proxy ? one : self, args) });
        }
        if (typeof name === "symbol" || name === "then") return;
        return refuse();
      },
      set(_, name, value) {
        if (set(name, value)) return true;
        const one = behind();
        if (!one) refuse();
        one[name] = value;
        return true;
      },
      has: (_, name) => isOwn(name) || Boolean(behind() && name in behind()),
      getPrototypeOf: () => behind() && Reflect.getPrototypeOf(behind()),
    });
    return proxy;
  };
  const place = stand(
    { assign: go, replace: go },
    (name) => name === "assign" || name === "replace",
    () => reach(near, "location"),
    (name, url) => {
      if (name === "href") go(url);
      return name === "href";
    },
  );
  const shown = stand(
    members,
    (name) => name in members && typeof name === "string" && !/^(?:length|toString|valueOf|constructor)$/.test(name) || (name === "length" && !reach(near)),
    () => reach(near),
    (name, value) => {
      if (/^(?:__gw_)?location$/.test(name)) go(value);
      else if (name === "opener") {
        members.opener = value;
        if (value === null) disown();
      } else return false;
      return true;
    },
  );
  for (const name of ["window", "self", "frames", "top", "parent"]) members[name] = shown;
  members.location = place;
  return shown;
}
