// A cache of answers goes by the addresses that browsers load from.

/**
 * @param {any} w the global object
 * @param {typeof import("./hooks.js").hook} hook
 * @param {(given: any) => any} map a Request, whose text is no foreign address, stays
 */
export function installCaches(w, hook, map) {
  hook(
    w,
    "Cache.add:0 Cache.put:0 Cache.match:0 Cache.matchAll:0 Cache.delete:0 Cache.keys:0 CacheStorage.match:0",
    map,
  );
  hook(w, "Cache.addAll:0", (given) => Array.from(given, map));
}
