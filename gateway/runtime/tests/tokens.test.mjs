// Which addresses get the page's token, and where in them it stands.
import assert from "node:assert/strict";
import { test } from "node:test";
import { urlsOf } from "../src/shared/urls.js";

const HERE = "https://https-a-test.0.gw.test:8443";
const THERE = "https://https-b-test.0.gw.test:8443";
const place = { suffix: ".0.gw.test", port: "8443" };
let token = "T";
/** @param {() => string} base */
const signer = (base) => urlsOf(place, "https://a.test", base, HERE, () => token, () => assert.fail(), () => assert.fail()).signed;
const sign = signer(() => `${HERE}/dir/page?x#y`);

test("the token stands at the query's end, before the fragment", () => {
  const table = {
    [`${THERE}/p`]: `${THERE}/p?__gw=T`,
    [THERE]: `${THERE}?__gw=T`,
    [`${THERE}/p?a=1`]: `${THERE}/p?a=1&__gw=T`,
    [`${THERE}/p?a=1#f?g`]: `${THERE}/p?a=1&__gw=T#f?g`,
    [`${THERE}/p#f`]: `${THERE}/p?__gw=T#f`,
    [`${THERE}/p?`]: `${THERE}/p?&__gw=T`,
    [THERE.replace("https", "wss") + "/ws"]: THERE.replace("https", "wss") + "/ws?__gw=T",
    "": "?__gw=T",
    "p": "p?__gw=T",
    "/p?a#f": "/p?a&__gw=T#f",
    "?a": "?a&__gw=T",
    "#f": "?__gw=T#f",
    "//https-b-test.0.gw.test:8443/": "//https-b-test.0.gw.test:8443/?__gw=T",
  };
  for (const [given, signed] of Object.entries(table)) assert.equal(sign(given), signed, given);
});

test("nobody else gets it, and none gets two", () => {
  const others = [
    "https://evil.test/", "https://0.gw.test/", "https://0.gw.test.evil.test/", "https://evil.test/.0.gw.test",
    "https://https-b-test.0.gw.test@evil.test/", "https://evil.test/?.0.gw.test", "http://https-b-test.0.gw.test/",
    "ws://https-b-test.0.gw.test/", "data:text/plain,x", "blob:https://https-b-test.0.gw.test/x", "javascript:1",
    "mailto:a@https-b-test.0.gw.test", "https://[", `${THERE}/p?__gw=other`, `${THERE}/p?a=1&__gw=`,
  ];
  for (const given of others) assert.equal(sign(given), given);
  assert.equal(sign(`${THERE}/p?x__gw=1`), `${THERE}/p?x__gw=1&__gw=T`);
});

test("it is the token and the base of the moment", () => {
  token = "$&$1";
  assert.equal(sign("p"), "p?__gw=$&$1");
  token = "T";
  let base = "https://evil.test/";
  const by = signer(() => base);
  assert.equal(by("p"), "p");
  base = HERE;
  assert.equal(by("p"), "p?__gw=T");
  base = "";
  assert.equal(by("p"), "p");
});

test("what is no text is read once as one", () => {
  assert.equal(sign(new URL(`${THERE}/p`)), `${THERE}/p?__gw=T`);
  assert.equal(sign(null), "null?__gw=T");
});
