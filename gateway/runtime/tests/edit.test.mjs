// The edit of scripts that script makes of text.
import assert from "node:assert/strict";
import test from "node:test";
import { parse } from "acorn";
import { edit } from "../src/identity/edit.js";

const CASES = [
  ["location.href", "__gw_location.href"],
  ["var location = 1; location", "var __gw_location = 1; __gw_location"],
  ["a.location.x", "a.__gw_location.x"],
  ["({location: 1, b: location})", "({location: 1, b: __gw_location})"],
  ["({location})", "({location:__gw_location})"],
  ["const {location} = window", "const {location:__gw_location} = window"],
  ["const {location: l = 3} = window", "const {location: l = 3} = window"],
  ["const {location = 3, top} = window", "const {location:__gw_location = 3, top:__gw_top} = window"],
  ["({ location() {}, get location() { return location }, async *location() {} })", "({ location() {}, get location() { return __gw_location }, async *location() {} })"],
  ["class A { location = location; static location() {} foo = 1\n location = top }", "class A { location = __gw_location; static location() {} foo = 1\n location = __gw_top }"],
  ["a ? location : top", "a ? __gw_location : __gw_top"],
  ["location: for(;;) break location", "location: for(;;) break location"],
  ["switch(x){case location: top; default: parent}", "switch(x){case __gw_location: __gw_top; default: __gw_parent}"],
  ["if (x) /location/.test(y); a / location / b", "if (x) /location/.test(y); a / __gw_location / b"],
  ["`${location} location ${`${top}`}`", "`${__gw_location} location ${`${__gw_top}`}`"],
  ["'location' + \"top\" // location\n/* top */", "'location' + \"top\" // location\n/* top */"],
  ["rect.top + window.top", "rect.top + window.__gw_top"],
  ["document.domain + x.domain", "document.__gw_domain + x.domain"],
  ["import(x, y)", "import(__gw_import(x), y)"],
  ["import(f(a,b))", "import(__gw_import(f(a,b)))"],
  ["import.meta.url", "__gw_meta(import.meta).url"],
  ["eval(x)", "eval(__gw_eval(x))"],
  ["a.eval(x); function eval(x){}", "a.eval(x); function eval(x){}"],
  ["import {location as l, top} from 'x'; export {location, parent as p}", "import {location as l, top as __gw_top} from 'x'; export {__gw_location as location, __gw_parent as p}"],
  ["function f({location}, [top]) { return {top: location} }", "function f({location:__gw_location}, [__gw_top]) { return {top: __gw_location} }"],
  ["x = {a: {location: 1}, ...location}", "x = {a: {location: 1}, ...__gw_location}"],
  ["a ? {location} : {location: top}", "a ? {location:__gw_location} : {location: __gw_top}"],
  ["foo: { location }", "foo: { __gw_location }"],
  ["({a(){ location }, b: top})", "({a(){ __gw_location }, b: __gw_top})"],
  ["() => { location }", "() => { __gw_location }"],
  ["x => ({location})", "x => ({location:__gw_location})"],
  ["a?.location ?? location", "a?.__gw_location ?? __gw_location"],
  ["a?.5:location", "a?.5:__gw_location"],
  ["0xe+location", "0xe+__gw_location"],
  ["(location", "(location"],
  ["return {top:1}", "return {top:1}"],
  ["window\n.top", "window\n.__gw_top"],
  // What cannot be understood stays as it is.
  ["location }", "location }"],
  ["location + 'open", "location + 'open"],
  ["nothing + to.change", "nothing + to.change"],
];

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
