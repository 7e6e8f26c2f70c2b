// What a site's service worker makes up is contained, whatever the site's script does about it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { installContainment } from "../src/worker/contain.js";

const OWN = "https://https-a-test.0.gw.test";
const POLICY = "content-security-policy";

/** A worker's globals with the containment, and what its `respondWith` gets. */
function worker() {
  class FakeResponse extends Response {
    get type() {
      if (typeof this !== "object") throw new TypeError("Illegal invocation");
      return this.made?.type ?? "default";
    }
    get url() { return this.made?.url ?? ""; }
  }
  for (const name of ["headers", "body", "status", "statusText"]) {
    Object.defineProperty(FakeResponse.prototype, name, Object.getOwnPropertyDescriptor(Response.prototype, name));
  }
  class FakeHeaders {}
  FakeHeaders.prototype.forEach = Headers.prototype.forEach;
  class Request {
    constructor(destination) { this.given = destination; }
    get destination() { return this.given; }
  }
  class FetchEvent {
    constructor(destination) { this.asked = new Request(destination); }
    get request() { return this.asked; }
    respondWith(given) { this.got = given; }
  }
  const w = { Response: FakeResponse, Headers: FakeHeaders, Request, FetchEvent, origin: OWN };
  installContainment(w, { suffix: ".0.gw.test", port: "" });
  const answer = (given, destination = "document") => {
    const event = new FetchEvent(destination);
    event.respondWith(given);
    return event.got;
  };
  const made = (headers = {}, from = undefined) => Object.assign(new FakeResponse("<p>", { headers, status: 201 }), { made: from });
  return { w, answer, made };
}

const isContained = (response) => /default-src https:\/\/\*\.0\.gw\.test .*connect-src .*frame-ancestors /.test(response.headers.get(POLICY));

test("no text of a site's makes its policy pass for the gateway's", async () => {
  const { answer, made } = worker();
  for (const given of ["report-uri /.gateway/report", "img-src https://x/.gateway/report", "default-src *; report-uri /.gateway/report; x", undefined]) {
    const response = await answer(made(given ? { [POLICY]: given } : {}));
    assert.ok(isContained(response), given);
    assert.equal(response.status, 201);
    assert.equal(await response.text(), "<p>");
    assert.equal(response.headers.get(POLICY).match(/report-uri/g).length, 1);
  }
});

test("nobody is told but the gateway", async () => {
  const { answer, made } = worker();
  const told = "img-src 'none' ;\tReport-URI https://e.test/ ; script-src 'self' https://b.test/report-uri, report-to x";
  const response = await answer(made({ [POLICY]: told, [POLICY + "-report-only"]: told, link: "<https://e.test>; rel=preload", refresh: "0;url=https://e.test", nel: "{}" }));
  const kept = "img-src 'none' ;; script-src 'self' https://b.test/report-uri,";
  assert.ok(response.headers.get(POLICY).startsWith(kept + ", default-src"), response.headers.get(POLICY));
  assert.equal(response.headers.get(POLICY + "-report-only"), kept);
  for (const name of ["link", "refresh", "nel"]) assert.equal(response.headers.get(name), null);
});

test("what came through the gateway keeps what it said there", async () => {
  const { answer, made } = worker();
  const headers = { [POLICY]: `img-src 'none'; report-uri ${OWN}/.gateway/report?r=x`, link: "</a>; rel=preload" };
  const fetched = await answer(Promise.resolve(made(headers, { type: "basic", url: `${OWN}/p` })));
  assert.ok(fetched.headers.get(POLICY).startsWith(headers[POLICY]));
  assert.ok(isContained(fetched));
  assert.equal(fetched.headers.get(POLICY).match(/report-uri/g).length, 1);
  assert.equal(fetched.headers.get("link"), headers.link);
  for (const from of [{ type: "basic", url: "data:text/html,x" }, { type: "basic", url: `blob:${OWN}/x` }, { type: "cors", url: `${OWN}/p` }, { type: "basic", url: `${OWN}.evil.test/` }]) {
    assert.equal((await answer(made(headers, from))).headers.get("link"), null, from.url);
  }
});

test("a site that replaces what is built in changes nothing", async () => {
  const { w, answer, made } = worker();
  const response = made({ [POLICY]: "report-uri https://e.test/" });
  const replaced = [];
  const put = (owner, name, descriptor) => {
    replaced.push([owner, name, Object.getOwnPropertyDescriptor(owner, name)]);
    Object.defineProperty(owner, name, { configurable: true, ...descriptor });
  };
  const nothing = { value: () => "", writable: true };
  try {
    put(w.Response, Symbol.hasInstance, { value: () => false });
    put(w.Response.prototype, "type", { get: () => "error" });
    put(w.Response.prototype, "url", { get: () => `${OWN}/` });
    put(w.Response.prototype, "headers", { get: () => new Headers() });
    put(w.Request.prototype, "destination", { get: () => "" });
    put(w.FetchEvent.prototype, "request", { get: () => ({ destination: "" }) });
    put(w.Headers.prototype, "forEach", nothing);
    put(RegExp.prototype, "test", { value: () => true, writable: true });
    for (const name of ["replace", "toLowerCase", "trimStart", "startsWith", "includes"]) put(String.prototype, name, nothing);
    put(Promise.prototype, "then", { value() { return this; }, writable: true });
    put(Promise, "resolve", { value: () => response, writable: true });
    var got = answer(response);
  } finally {
    for (const [owner, name, old] of replaced.reverse().filter(([owner]) => ![w.Response.prototype, w.Response].includes(owner))) {
      if (old) Object.defineProperty(owner, name, old);
    }
  }
  const { headers } = Object.getOwnPropertyDescriptors(Response.prototype);
  const found = headers.get.call(await got);
  assert.match(found.get(POLICY), /^default-src https:\/\/\*\.0\.gw\.test /);
});

test("what runs nothing is left as it is, and so is what the browser refuses", async () => {
  const { answer, made } = worker();
  for (const destination of ["", "image", "script", "style", "font"]) {
    const response = made();
    assert.equal(answer(response, destination), response, destination);
  }
  for (const destination of ["iframe", "worker", "sharedworker", "object", "embed", "xslt", "toString"]) {
    assert.ok(isContained(await answer(made(), destination)), destination);
  }
  assert.equal(await answer(7), 7);
  const opaque = made({}, { type: "opaque", url: "" });
  assert.equal(await answer(opaque), opaque);
});
