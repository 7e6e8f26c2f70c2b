// Files: in forms, by script, dropped; in every size and with every name.
const NAMES = ["plain.txt", "ä ö.txt", "日本.pdf", "quo\"te.txt", "back\\slash.txt", "semi;colon.txt", "percent%41.txt", "new\nline.txt", "", "no extension", "../up.txt", "😀.png"];
const files = (...list) => {
  const held = new DataTransfer();
  for (const one of list) held.items.add(one);
  return held.files;
};
const octets = (size) => Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8)) & 255);
const send = async (t, list, more = {}) => {
  const frame = put("iframe", { name: "into" });
  const made = put("form", { target: "into", method: "post", enctype: "multipart/form-data", action: t.own("uploads/size"), innerHTML: "<input name=before value=1><input type=file name=f multiple><input name=after value=2>", ...more });
  made.elements.f.files = files(...list);
  await t.loads(frame, () => made.submit());
  return JSON.parse(frame.contentDocument.body.textContent);
};
add("one file", (t) => send(t, [new File(["text"], "a.txt", { type: "text/plain" })]));
add("no file", (t) => send(t, []));
add("an empty file", (t) => send(t, [new File([], "e.bin")]));
add("several files", (t) => send(t, [new File(["1"], "1"), new File(["2"], "2", { type: "image/png" }), new File(["3"], "3", { type: "text/plain; charset=x" })]));
add("every name", (t) => send(t, NAMES.map((name) => new File([name], name))));
add("octets of every kind", (t) => send(t, [new File([octets(256)], "o.bin")]));
add("what looks like a boundary", (t) => send(t, [new File(["\r\n------WebKitFormBoundary\r\n--\r\n"], "b.txt")]));
add("a large file", (t) => send(t, [new File([octets(3_000_000)], "large.bin")]));
add("file names in a form that is not multipart", (t) => send(t, [new File(["x"], "ä&=.txt")], { enctype: "application/x-www-form-urlencoded" }));
add("file names in text/plain", (t) => send(t, [new File(["x"], "ä.txt")], { enctype: "text/plain" }));
const BODIES = {
  "a file": () => new File(["text"], "a.txt", { type: "text/x-own" }),
  "a blob without a type": () => new Blob([octets(300)]),
  "a large blob": () => new Blob([octets(1_500_000)], { type: "application/octet-stream" }),
  "a buffer": () => octets(300).buffer,
  "a view": () => new DataView(octets(300).buffer, 10, 20),
  "a form": () => {
    const made = new FormData();
    made.append("a", "ä");
    made.append("f", new File([octets(20)], "ö.bin"), "renamed.bin");
    return made;
  },
  parameters: () => new URLSearchParams({ a: "ä b", "c&": "+" }),
  text: () => "täxt",
  nothing: () => null,
};
each(BODIES, "fetch of", async (t, body) => (await fetch(t.own("uploads/size"), { method: "POST", body: body() })).json());
each(BODIES, "fetch to another origin of", async (t, body) => (await fetch(t.to("uploads/size"), { method: "PUT", body: body() })).json());
each(BODIES, "XMLHttpRequest of", (t, body) => new Promise((done) => {
  const request = new XMLHttpRequest();
  const seen = new Set();
  for (const kind of ["loadstart", "progress", "load", "loadend", "error", "abort"]) request.upload.addEventListener(kind, ({ lengthComputable, total }) => seen.add(`${kind} ${lengthComputable} ${total}`));
  request.onloadend = () => done([request.status, JSON.parse(request.responseText), [...seen]]);
  request.open("POST", t.to("uploads/size"));
  request.send(body());
}));
add("a stream over HTTP/1.1 or 2", async (t) => {
  const body = new Blob(["streamed"]).stream();
  const request = new Request(t.own("uploads/size"), { method: "POST", body, duplex: "half" });
  return [request.headers.has("content-type"), await new Response(new Blob(["x"]).stream()).text()];
});
add("a dropped file", async () => {
  const zone = put("div");
  const held = new DataTransfer();
  held.items.add(new File(["dropped"], "d.txt", { type: "text/plain" }));
  held.setData("text/uri-list", `${B}/link`);
  let seen;
  zone.ondrop = (event) => {
    event.preventDefault();
    seen = [[...event.dataTransfer.files].map((one) => [one.name, one.size, one.type]), event.dataTransfer.getData("text/uri-list"), [...event.dataTransfer.types]];
  };
  zone.dispatchEvent(new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true }));
  return seen;
});
add("a file is read", async () => {
  const file = new File(["täxt"], "a.txt", { type: "text/plain", lastModified: 5 });
  const reader = new FileReader();
  reader.readAsDataURL(file);
  await once(reader, "load");
  const url = URL.createObjectURL(file);
  const response = await fetch(url);
  return [reader.result, file.lastModified, await response.text(), response.headers.get("content-type"), own(url).startsWith(`blob:${A}/`)];
});
