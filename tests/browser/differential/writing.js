// document.write and open: documents of their own in frames, looked at from here.
const shown = async (name) => {
  const frame = await framed(`/writing/${name}`);
  const { contentDocument: inner, contentWindow: w } = frame;
  await until(() => inner.documentElement.ariaDisabled === null, 500); // it may be shown
  return [own(inner.documentElement.outerHTML), inner.title, inner.readyState, inner.compatMode, path(inner.URL), w.seen ?? null];
};
for (const name of ["order", "nested", "external", "in-external", "partial", "tags", "iframe", "head", "attributes", "svg", "comment", "style", "lines", "many", "none", "entities", "textarea", "doctype", "xmp", "table", "template", "script-src", "foreign", "foreign-script", "foreign-sheet", "base", "pieces", "pieces-in-address", "defer", "module", "later", "onload", "open", "open-in-handler", "close", "trusted", "replaced"]) {
  add(`a document that writes: ${name}`, () => shown(name));
}
const blank = () => put("iframe").contentDocument;
add("writing a whole document into a frame", async (t) => {
  const inner = blank();
  inner.open();
  inner.write(`<!doctype html><html lang=en><title>written</title><body onload="parent.loaded = 1"><img src="${t.to("pixel.png")}">`);
  inner.write(`<a href="${t.to("x")}">x</a><script>seen = document.scripts.length</scr` + "ipt>");
  inner.close();
  await until(() => window.loaded && inner.images[0].complete, 1500);
  return [inner.documentElement.outerHTML, inner.links[0].href, inner.defaultView.seen, window.loaded, inner.compatMode, inner.readyState, inner.URL === document.URL, inner.images[0].naturalWidth];
});
add("writing without opening", async () => {
  const inner = blank();
  inner.write("<p>one");
  inner.writeln("<p>two");
  inner.write("<p>", "three", 4, null);
  inner.close();
  return [inner.body.innerHTML, inner.URL === document.URL];
});
add("what open leaves", async () => {
  const { contentDocument: inner, contentWindow: w } = await framed("/agents/page");
  w.mark = 1;
  let heard = 0;
  w.addEventListener("own", () => heard++);
  inner.addEventListener("own", () => heard++);
  const opened = inner.open();
  const seen = [opened === inner, inner.documentElement, w.mark, inner.readyState];
  w.dispatchEvent(new Event("own"));
  inner.dispatchEvent(new Event("own"));
  inner.write("<p>new");
  inner.close();
  return [...seen, heard, inner.body.innerHTML, path(inner.URL), w.document === inner];
});
add("open takes the place of an address", async () => {
  const { contentDocument: inner } = await framed("/agents/page?was");
  inner.open("text/html", "replace");
  inner.write("<title>x</title>");
  inner.close();
  return [path(inner.URL), inner.title];
});
add("open with three arguments is window.open", async () => {
  const frame = put("iframe", { name: "aim" });
  const loaded = once(frame, "load");
  const opened = document.open("/agents/page?three", "aim", "");
  await loaded;
  return [opened === frame.contentWindow, frame.contentDocument.title];
});
add("writing after a page has loaded", async () => {
  const frame = await framed("/agents/page");
  frame.contentDocument.write("<p>gone");
  frame.contentDocument.close();
  return [frame.contentDocument.body.innerHTML, frame.contentDocument.title];
});
add("writing into an XML document", async () => {
  const inner = new DOMParser().parseFromString("<x/>", "application/xml");
  return [await failing(() => inner.write("x")), await failing(() => inner.open())];
});
add("writing into a document without a window", async () => {
  const inner = document.implementation.createHTMLDocument("t");
  inner.write("<p>x");
  return [inner.documentElement.outerHTML, inner.title];
});
add("fetches of a written document", async (t) => {
  const inner = blank();
  const heard = new Promise((done) => (window.told = done));
  inner.write(`<script>fetch("${t.to("echo")}").then((one) => one.json()).then(({ Host, Origin }) => parent.told([Host, Origin, location.href === parent.location.href]))</scr` + "ipt>");
  inner.close();
  return heard;
});
add("own addresses of a written document", async () => {
  const inner = blank();
  inner.write("<base href=/deep/><a href=x>x</a><form action=y></form>");
  inner.close();
  return [path(inner.links[0].href), path(inner.forms[0].action), path(inner.baseURI)];
});
add("a frame in a written document", async (t) => {
  const inner = blank();
  inner.write("<iframe srcdoc='<p>deep'></iframe><iframe src=/agents/page></iframe>");
  inner.close();
  await Promise.all([...inner.querySelectorAll("iframe")].map((one) => once(one, "load")));
  return [...inner.querySelectorAll("iframe")].map((one) => [one.contentDocument.body.innerHTML.slice(0, 20), one.contentDocument.title]);
});
add("the class of write", () => [document.write.name, document.write.length, document.writeln.length, document.open.length, `${document.write}`.includes("native"), Object.hasOwn(Document.prototype, "write")]);
add("execCommand in a frame that is edited", async () => {
  const frame = await framed("/agents/page");
  const inner = frame.contentDocument;
  inner.designMode = "on";
  inner.body.innerHTML = "<p>text</p>";
  inner.defaultView.focus();
  inner.getSelection().selectAllChildren(inner.querySelector("p"));
  await until(() => inner.documentElement.ariaDisabled === null, 500);
  return [inner.execCommand("bold"), inner.execCommand("createLink", false, "https://b.test/x"), inner.body.innerHTML, inner.links[0]?.href, inner.queryCommandState("bold"), inner.execCommand("insertHTML", false, "<i>x</i>"), inner.body.innerHTML];
});
