importScripts("/workbox/workbox-sw.js");
workbox.setConfig({ modulePathPrefix: "/workbox/", debug: false });

const { CacheableResponsePlugin } = workbox.cacheableResponse;
const { clientsClaim } = workbox.core;
const { createHandlerBoundToURL, precacheAndRoute } = workbox.precaching;
const { NavigationRoute, registerRoute, setCatchHandler } = workbox.routing;
const { NetworkFirst, StaleWhileRevalidate } = workbox.strategies;

self.skipWaiting();
clientsClaim();
precacheAndRoute(self.__WB_MANIFEST);
registerRoute(new NavigationRoute(createHandlerBoundToURL("/index.html"), { denylist: [/^\/(?:api|about)/] }));
// What came from the cache says so, in a header of a response that the worker makes.
const marked = {
  cachedResponseWillBeUsed: async ({ cachedResponse }) => {
    if (!cachedResponse) return cachedResponse;
    const headers = new Headers(cachedResponse.headers);
    headers.set("X-From", "cache");
    return new Response(await cachedResponse.blob(), { status: 200, headers });
  },
};
registerRoute(
  ({ url }) => url.pathname === "/api/notes",
  new NetworkFirst({
    cacheName: "api",
    networkTimeoutSeconds: 10,
    plugins: [new CacheableResponsePlugin({ statuses: [200] }), marked],
  }),
);
registerRoute(({ url }) => url.pathname.startsWith("/workbox/"), new StaleWhileRevalidate({ cacheName: "lib" }));
setCatchHandler(async ({ request }) =>
  request.destination === "document"
    ? new Response("<!doctype html><h1>Not kept</h1>", { headers: { "Content-Type": "text/html" } })
    : Response.error(),
);
