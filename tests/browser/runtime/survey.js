// What script can see of a global object's interfaces, as text that can be compared.
const TEXT = /^(function|class) [^{]*\{\s*\[native code\]\s*\}$/;
const survey = (w) => {
  const out = {};
  const kind = (value) => (typeof value === "function" ? [value.name, value.length, TEXT.test(Function.prototype.toString.call(value))] : typeof value);
  const describe = (path, owner) => {
    const keys = Reflect.ownKeys(owner);
    out[path] = [keys.map(String).filter((key) => !/^\d+$/.test(key)), Object.prototype.toString.call(Object.getPrototypeOf(owner))];
    for (const key of keys) {
      const { value, get, set, writable, enumerable, configurable } = Reflect.getOwnPropertyDescriptor(owner, key);
      out[`${path}.${String(key)}`] = [writable, enumerable, configurable, kind(value), kind(get), kind(set)];
    }
  };
  describe("global", w);
  for (let at = Object.getPrototypeOf(w), n = 0; at; at = Object.getPrototypeOf(at)) describe(`global ${++n}`, at);
  for (const name of Object.getOwnPropertyNames(w)) {
    const value = w[name];
    if (typeof value !== "function" || !/\[native code\]/.test(Function.prototype.toString.call(value))) continue;
    describe(name, value);
    if (!value.prototype) continue;
    describe(`${name}.prototype`, value.prototype);
    out[`${name} itself`] = [value.prototype.constructor === value, Reflect.getOwnPropertyDescriptor(w, name).value === value];
  }
  for (const name of ["document", "location", "navigator", "history", "performance", "console"]) if (w[name]) describe(name, w[name]);
  return out;
};
// The text of every native function of interfaces and of the global object.
const texts = (w) => {
  const out = {};
  const describe = (path, owner) => {
    for (const key of Reflect.ownKeys(owner)) {
      const described = Reflect.getOwnPropertyDescriptor(owner, key);
      for (const part of ["value", "get", "set"]) {
        if (typeof described[part] === "function") out[`${path}.${String(key)} ${part}`] = Function.prototype.toString.call(described[part]);
      }
    }
  };
  describe("global", w);
  for (const name of Object.getOwnPropertyNames(w)) if (typeof w[name] === "function" && w[name].prototype) describe(name, w[name].prototype);
  return out;
};
