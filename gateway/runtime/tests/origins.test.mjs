// The codec in the browser is held to the same table as the one on the server.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { longLabel } from "../src/shared/long.js";
import { collapse, collapseUrl, expand, labelOf } from "../src/shared/origins.js";
import { sha256 } from "../src/shared/sha256.js";

const place = { suffix: ".0.gw.test", port: "8443" };
const table = JSON.parse(readFileSync(new URL("../../../tests/vectors/codec.json", import.meta.url)));

test("the digest is SHA-256", () => {
  for (const text of ["", "abc", "https://a_b.example", "x".repeat(55), "x".repeat(56), "x".repeat(64), "y".repeat(1000)]) {
    const digest = createHash("sha256").update(text).digest();
    assert.deepEqual(sha256(text), Array.from({ length: 8 }, (_, i) => digest.readInt32BE(4 * i)), text);
  }
});

test("labels agree with the server's table", () => {
  for (const { origin, label } of table.labels) {
    const url = new URL(origin);
    const made = collapse(url.protocol.slice(0, -1), url.hostname, url.port);
    assert.equal(made || longLabel(origin), label, origin);
    if (made) {
      assert.deepEqual(expand(label), { scheme: url.protocol.slice(0, -1), host: url.hostname, port: url.port });
    }
  }
});

test("labels that no origin has are refused", () => {
  for (const label of table.refused) assert.equal(expand(label), null, label);
});

test("URLs are mapped as the server maps them", () => {
  for (const { url, collapsed } of table.urls) {
    assert.equal(collapseUrl(new URL(url), place, longLabel, expand), collapsed, url);
  }
});

test("script's own arithmetic with hosts and ports", () => {
  for (const [given, wanted] of [
    ["ws://http-queue-test.0.gw.test:15674/ws", "wss://http15674-queue-test.0.gw.test:8443/ws"],
    ["wss://https-a-test.0.gw.test/ws", "wss://https-a-test.0.gw.test:8443/ws"],
    ["wss://http8080-a-test.0.gw.test/ws", "wss://http-a-test.0.gw.test:8443/ws"],
    ["ws://https8443-a-test.0.gw.test:8443/ws", "wss://https8443-a-test.0.gw.test:8443/ws"],
    ["http://https-a-test.0.gw.test/x", "https://https-a-test.0.gw.test:8443/x"],
    ["https://https-a-test.0.gw.test:8443/x", null],
    ["https://www.0.gw.test:8443/", null],
    ["https://gw.test:8443/", null],
    ["data:text/plain,x", null],
  ]) {
    assert.equal(collapseUrl(new URL(given), place, longLabel, expand), wanted, given);
  }
});

test("hosts that are no rewrite hosts have no label", () => {
  for (const host of ["gw.test", "www.0.gw.test", "a.b.0.gw.test", "x0.gw.test", "example.com"]) {
    assert.equal(labelOf(host, place), null, host);
  }
});
