// The edit of scripts that script makes of text.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { parse } from "acorn";
import { edit } from "../src/identity/edit.js";

const CASES = JSON.parse(readFileSync(new URL("../../../tests/vectors/script-edits.json", import.meta.url), "utf8"));

test("names are changed where they stand as names", () => {
  for (const [text, wanted] of CASES) assert.equal(edit(text), wanted, text);
});

test("what was edited is edited no more", () => {
  for (const [, wanted] of CASES) {
    if (!/__gw_(?:meta|import|eval)/.test(wanted)) assert.equal(edit(wanted), wanted);
  }
});

test("what comes out parses where what went in does", () => {
  const parses = (text, sourceType) => {
    try {
      return Boolean(parse(text, { ecmaVersion: "latest", sourceType, allowReturnOutsideFunction: true }));
    } catch {
      return false;
    }
  };
  for (const [text] of CASES) {
    for (const type of ["script", "module"]) {
      if (parses(text, type)) assert.ok(parses(edit(text), type), text);
    }
  }
});
