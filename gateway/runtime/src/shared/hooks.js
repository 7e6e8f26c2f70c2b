// Replacing natives so that little shows: proxies have the target's name, length and text.
// The natives used here are captured before any script of the page runs.

export const { apply, construct, getOwnPropertyDescriptor, defineProperty } = Reflect;

/** @type {WeakMap<object, object>} */
const natives = new WeakMap();

/** A proxy that reads as what it stands for. @template {object} T @param {T} native @param {ProxyHandler<T>} handler */
export function wrap(native, handler) {
  const proxy = new Proxy(native, handler);
  natives.set(proxy, natives.get(native) ?? native);
  return proxy;
}

/**
 * Hook methods, accessors and constructors by a table: `Interface.member` or a name of the given
 * object's own, separated by spaces or bars, or what matches of its own names.  `before` may
 * change the arguments (of a setter: its value), `after` the result (of a getter: what is read),
 * `instead` is called in place of a method, a setter or a constructor, as `Reflect.apply` or
 * `Reflect.construct` would be.  With `:N` in the table `before` is given argument N, where there
 * is one, and gives what takes its place; both are told the member's name, and N.
 * A call with too few arguments is the native's to refuse.
 * @param {any} w the global object, or another that has what is named
 * @param {any} table text, or a regular expression
 * @param {((given: any, self: any, more?: any, name?: any, at?: any) => any) | null} [before]
 * @param {((result: any, self: any, args: any, name: string, at: any) => any) | null} [after]
 * @param {(target: any, self: any, args: any) => any} [instead]
 */
export function hook(w, table, before, after, instead) {
  for (const entry of table.split?.(/[ |]/) ?? Object.getOwnPropertyNames(w).filter((one) => table.test(one))) {
    const [path, at] = entry.split(":");
    const [first, member] = path.split(".");
    const owner = member ? w[first]?.prototype : w;
    const name = member ?? first;
    /** @param {any} native @param {typeof before} change @param {typeof after} [then] @param {any} [make] @returns {any} */
    const changed = (native, change, then, make) => {
      if (!native?.call || !(change || then || make)) return native;
      const begin = (/** @type {any} */ args, /** @type {any} */ self) => {
        if (!change || args.length < native.length) return;
        if (!at) change(args, self, name);
        else if (args[at] != null) args[at] = change(args[at], self, args, name, at);
      };
      /** @type {any} */
      const proxy = wrap(native, {
        apply(target, self, args) {
          begin(args, self);
          // A constructor that is called is the native's to refuse.
          const result = (target.prototype ? apply : make ?? apply)(target, self, args);
          return then ? then(result, self, args, name, at) : result;
        },
        construct(target, args, newTarget) {
          begin(args, target);
          return (make ?? construct)(target, args, newTarget === proxy ? target : newTarget);
        },
      });
      if (native.prototype?.constructor === native) native.prototype.constructor = proxy;
      return proxy;
    };
    const old = owner && getOwnPropertyDescriptor(owner, name);
    if (old) defineProperty(owner, name, "value" in old
      ? { ...old, value: changed(old.value, before, after, instead) }
      : { ...old, get: changed(old.get, null, after), set: changed(old.set, before, null, instead) });
  }
}

/** The text of a hooked function is the native's. @param {any} w */
export function installTexts(w) {
  hook(w, "Function.toString", null, null, (target, self, args) => apply(target, natives.get(self) ?? self, args));
}
