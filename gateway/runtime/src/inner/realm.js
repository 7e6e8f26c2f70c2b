// What the runtime's parts know of one window: of the page's own, and of each blank one in it.

/**
 * @typedef {object} Known
 * @property {any} w the window
 * @property {any} document the one that it shows; its next one brings its own runtime
 * @property {import("./payload.js").Payload} payload
 * @property {typeof fetch} fetch the browser's own
 * @property {import("../shared/trusted.js").Policy} [policy]
 * @property {(type: string, listener: (event: any) => void, capture?: boolean) => void} hear listens for good: document.open() takes other listeners away
 * @property {any} write the browser's own `document.write`
 * @property {import("./rare.js").Ask} ask
 * @property {(w: any) => Realm} install what makes a window one of the page's
 * @property {import("../shared/trusted.js").Typed} [typed] of sites whose scripts read their own address
 * @typedef {Known & import("../shared/urls.js").Urls} Realm
 */

export {};
