// Replacing natives so that little shows: proxies have the target's name and length; their text
// is that of a native function without a name.
// The natives used here are captured before any script of the page runs.

export const { apply, construct, defineProperty, getOwnPropertyDescriptor } = Reflect;

/**
 * Hook a method, an accessor or a constructor: `before` may change the arguments (of a
 * setter: its value), `after` the result (of a getter: what is read).
 * @param {any} owner
 * @param {string} name
 * @param {((args: any[], self: any) => void) | null} [before]
 * @param {((result: any, self: any, args: any[]) => any) | null} [after]
 */
export function hook(owner, name, before, after) {
  const old = owner && getOwnPropertyDescriptor(owner, name);
  if (!old) return;
  /** @param {any} native @param {typeof before} first @param {typeof after} [then] @returns {any} */
  const wrap = (native, first, then) => {
    if (typeof native !== "function" || !(first || then)) return native;
    /** @type {any} */
    const proxy = new Proxy(native, {
      apply(target, self, args) {
        first?.(args, self);
        const result = apply(target, self, args);
        return then ? then(result, self, args) : result;
      },
      construct(target, args, newTarget) {
        first?.(args, target);
        return construct(target, args, newTarget === proxy ? target : newTarget);
      },
    });
    if (native.prototype?.constructor === native) native.prototype.constructor = proxy;
    return proxy;
  };
  defineProperty(owner, name, "value" in old
    ? { ...old, value: wrap(old.value, before, after) }
    : { ...old, get: wrap(old.get, null, after), set: wrap(old.set, before) });
}

/**
 * Hook by a table: `Interface.member:N` or `function:N`, separated by spaces, has its
 * argument N changed where it is given; without `:N` only what is read changes.
 * @param {any} w the global object
 * @param {string} table
 * @param {((given: any, self: any) => any) | null} change
 * @param {(result: any, self: any, args: any[]) => any} [after]
 */
export function hookAll(w, table, change, after) {
  for (const entry of table.split(" ")) {
    const [path, at] = entry.split(":");
    const [name, member] = path.split(".");
    hook(member ? w[name]?.prototype : w, member ?? name, !change || !at ? null : ((args, self) => {
      if (args[+at] != null) args[+at] = change(args[+at], self);
    }), after);
  }
}
