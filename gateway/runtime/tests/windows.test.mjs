// What the outer frame opens for a page, and what a page may say of the window's looks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { windowsOf } from "../src/outer/windows.js";

/** The module in an outer frame of its own, which opens what it likes. */
function outer(more = {}) {
  const opened = [];
  const window = {
    opener: null,
    open(...args) {
      opened.push(args);
      return { closed: false, focus() {}, postMessage() {} };
    },
  };
  const globals = {
    window,
    location: { origin: "https://www.0.gw.test", pathname: "/", search: "", hash: "" },
    history: { state: null, replaceState() {} },
    navigator: {},
    addEventListener: () => {},
    setInterval: () => 0,
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  const asked = [];
  const tools = { leave: (/** @type {string} */ url) => asked.push(url), behind: () => null, shown: () => null, show: () => assert.fail(), blocked: () => assert.fail(), ...more };
  const told = [];
  const speaker = { port: { postMessage: (said) => told.push(said) }, origin: "https://https-a-test.0.gw.test", source: { parent: window } };
  const windows = windowsOf(tools);
  const open = (more) => windows.asked(speaker, { type: "open", id: opened.length + 1, url: "https://b.test/", name: "", features: "", ...more }, []);
  return { open, opened, asked, told, speaker };
}

test("of a window's features only place and size are passed on", () => {
  const table = {
    "": "",
    "popup": "popup",
    "popup=1,width=300,height=200": "popup=1,width=300,height=200",
    "left=-5 top=10\nscreenX=1,screenY=2,innerWidth=3,innerHeight=4": "left=-5,top=10,screenX=1,screenY=2,innerWidth=3,innerHeight=4",
    "WIDTH=1": "WIDTH=1",
    "noopener": "",
    "noopener=0,noreferrer,width=1": "width=1",
    "attributionsrc": "",
    "attributionsrc=https://evil.test/,width=1": "width=1",
    "width=1;attributionsrc": "",
    "popupx,xwidth=1,width=1=2,width=%31": "",
    "menubar=yes,opener,scrollbars": "",
  };
  for (const [features, passed] of Object.entries(table)) {
    const { open, opened } = outer();
    open({ features });
    assert.equal(opened[0][2], passed, features);
  }
  const { open, opened } = outer();
  open({ features: undefined });
  open({ features: { toString: () => "attributionsrc,width=2" } });
  open({ features: "attributionsrc,width=3", alone: true });
  assert.deepEqual(opened.map((one) => one[2]), ["", "width=2", "noopener,width=3"]);
});

test("windows without a name are never one; a page's names are its own", () => {
  const { open, opened, speaker } = outer();
  for (const name of ["", "", "its", "its", "other"]) open({ name });
  assert.deepEqual(opened.map((one) => one[1]), ["_blank", "_blank", `gw ${speaker.origin} its`, `gw ${speaker.origin} other`]);
  speaker.origin = "https://https-b-test.0.gw.test";
  open({ name: "its" });
  assert.equal(opened[4][1], "gw https://https-b-test.0.gw.test its");
  speaker.origin = "null";
  open({ name: "x" });
  assert.equal(opened.length, 5, "a sandboxed page opens none");
});

test("what is no address of the web is not opened: whether it may leave is asked", () => {
  const { open, opened, asked } = outer();
  const urls = ["javascript:1", "data:text/html,x", "blob:https://b.test/x", "file:///etc", "//b.test/", "about:blank"];
  for (const url of urls) open({ url });
  assert.deepEqual(opened, []);
  assert.deepEqual(asked, urls);
});

test("in strict mode no window opens: this one shows what a person asks for", () => {
  const seen = [];
  const { open, opened, told } = outer({ strict: true, shown: () => ({}), show: (url, form, same) => seen.push([url.href, form, same]) });
  open({});
  open({ url: "", name: "x" });
  open({ alone: true });
  navigator.userActivation = { isActive: false };
  open({});
  delete navigator.userActivation;
  assert.deepEqual(opened, []);
  assert.deepEqual(seen, [["https://b.test/", undefined, true], ["https://b.test/", undefined, true]]);
  assert.deepEqual(told.map((one) => [one.type, one.closed]), Array(3).fill(["popup-closed", true]));
});
