// Replacing natives so that little shows: proxies have the target's name, length and text.
// The natives used here are captured before any script of the page runs.

export const { apply, construct, defineProperty, getOwnPropertyDescriptor } = Reflect;

/** @type {WeakMap<object, object>} */
const natives = new WeakMap();

/** A proxy that reads as what it stands for. @template {object} T @param {T} native @param {ProxyHandler<T>} handler */
export function wrap(native, handler) {
  const proxy = new Proxy(native, handler);
  natives.set(proxy, natives.get(native) ?? native);
  return proxy;
}

/**
 * Hook a method, an accessor or a constructor: `before` may change the arguments (of a
 * setter: its value), `after` the result (of a getter: what is read), `done` follows a method or a setter.
 * Of a constructor `done` is what constructs.
 * A call with too few arguments is the native's to refuse.
 * @param {any} owner
 * @param {string} names separated by spaces
 * @param {((args: any[], self: any, name: string) => void) | null} [before]
 * @param {((result: any, self: any, args: any[], name: string) => any) | null} [after]
 * @param {typeof after} [done]
 */
export function hook(owner, names, before, after, done) {
  for (const name of names.split(" ")) {
    /** @param {any} native @param {typeof before} first @param {typeof after} [then] @param {any} [make] @returns {any} */
    const change = (native, first, then, make) => {
      if (!native?.call || !(first || then)) return native;
      const begin = (/** @type {any[]} */ args, /** @type {any} */ self) => args.length < native.length || first?.(args, self, name);
      /** @type {any} */
      const proxy = wrap(native, {
        apply(target, self, args) {
          begin(args, self);
          const result = apply(target, self, args);
          return then ? then(result, self, args, name) : result;
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
      ? { ...old, value: change(old.value, before, after ?? done, done) }
      : { ...old, get: change(old.get, null, after), set: change(old.set, before, done) });
  }
}

/**
 * Hook by a table: `Interface.member:N` or `function:N`, separated by spaces, has its
 * argument N changed where it is given; without `:N` the arguments are changed as by `hook`.
 * @param {any} w the global object
 * @param {string} table
 * @param {((given: any, self: any, args: any) => any) | null} change
 * @param {((result: any, self: any, args: any[], name: string) => any) | null} [after]
 * @param {typeof after} [done]
 */
export function hookAll(w, table, change, after, done) {
  for (const entry of table.split(" ")) {
    const [path, at] = entry.split(":");
    const [name, member] = path.split(".");
    hook(member ? w[name]?.prototype : w, member ?? name, at ? (args, self) => {
      if (args[+at] != null) args[+at] = /** @type {any} */ (change)(args[+at], self, args);
    } : change, after, done);
  }
}

/** The text of a hooked function is the native's. @param {any} w */
export function installTexts(w) {
  const { prototype } = w.Function;
  prototype.toString = wrap(prototype.toString, {
    apply: (target, self, args) => apply(target, natives.get(self) ?? self, args),
  });
}
