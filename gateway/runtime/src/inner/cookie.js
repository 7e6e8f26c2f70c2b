// document.cookie over the server-side jar: reads come from the page's payload.
// Writes need tokens that the gateway does not issue yet; they are refused aloud, not faked.

/** @param {string} text what the jar shows to this document's scripts */
export function installCookie(text) {
  const native = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  if (!native?.get || !native.set) return;
  let told = false;
  Object.defineProperty(Document.prototype, "cookie", {
    ...native,
    get: new Proxy(native.get, {
      apply: (target, self, args) => (self === document ? text : Reflect.apply(target, self, args)),
    }),
    set: new Proxy(native.set, {
      apply(target, self, args) {
        if (self !== document) return Reflect.apply(target, self, args);
        if (!told) console.warn("This gateway does not store cookies that scripts set yet.");
        told = true;
      },
    }),
  });
}
