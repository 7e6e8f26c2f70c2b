// What a person types into the address bar.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTyped } from "../src/outer/address.js";

test("what is typed is a web address, or none", () => {
  const table = {
    "example.com": "https://example.com/",
    " http://a.test/?x ": "http://a.test/?x",
    "example.com/?next=https://b.test/": "https://example.com/?next=https://b.test/",
    "localhost:81": "https://localhost:81/",
    "a.test:8443?b:c": "https://a.test:8443/?b:c",
    "https:a.test": "https://a.test/",
    "mailto:a@b.test": undefined,
    "tel:+45": undefined,
    "javascript:alert(1)": undefined,
    "javascript://x%0aalert(1)": undefined,
    "ftp://a.test/": undefined,
    "https://": undefined,
    "": undefined,
  };
  for (const [typed, wanted] of Object.entries(table)) assert.equal(parseTyped(typed)?.href, wanted, typed);
});
