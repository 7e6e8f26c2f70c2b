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

test("within with a name may be that of the page's data", () => {
  for (const [text, wanted] of [
    ["with (o) { location }", "with (o) { location }"],
    ["with (o) { return [location.host, `${top.x}`, ({ top }), ({ location: parent }), window.location] } location", "with (o) { return [__gw_of(location).host, `${__gw_of(top).x}`, ({ top }), ({ location: parent }), window.__gw_location] } __gw_location"],
    ["with(a){with(b||{}){return{'text':function(){return parent.x}}}}", "with(a){with(b||{}){return{'text':function(){return __gw_of(parent).x}}}}"],
    ["with (location) { href }", "with (__gw_location) { href }"],
  ]) assert.equal(edit(text), wanted);
});
