// Canvases that other origins taint, fonts, and WebAssembly.
const image = async (src, more = {}) => {
  const one = make("img", more);
  one.src = src;
  await once(one, "load", "error");
  return one;
};
const drawn = (source) => {
  const context = make("canvas", { width: 3, height: 2 }).getContext("2d");
  try {
    context.drawImage(source, 0, 0);
    return [...context.getImageData(0, 0, 1, 1).data];
  } catch (error) {
    return error.name;
  }
};
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"><rect width="3" height="2" fill="#102030"/></svg>`;
for (const [name, run] of Object.entries({
  "an own image": async () => drawn(await image("/pixel.png")),
  "an own image by its whole address": async () => drawn(await image(`${A}/pixel.png`)),
  "a foreign image": async (t) => drawn(await image(t.to("pixel.png"))),
  "a foreign image that may be read": async (t) => drawn(await image(t.to("pixel.png"), { crossOrigin: "anonymous" })),
  "a foreign image with credentials": async (t) => drawn(await image(t.to("pixel.png"), { crossOrigin: "use-credentials" })),
  "a foreign image that may not be read": async () => {
    const one = await image(`${B}/agents/opaque.png`, { crossOrigin: "anonymous" });
    return [one.naturalWidth, one.complete];
  },
  "an image by a redirect to another host": async (t) => drawn(await image(`/redirect?to=${encodeURIComponent(t.to("pixel.png"))}`)),
  "an image by a redirect home": async (t) => drawn(await image(`${B}/redirect?to=${encodeURIComponent(`${A}/pixel.png`)}`)),
  "an image in a data: address": async () => drawn(await image(`data:image/svg+xml,${encodeURIComponent(SVG)}`)),
  "an image in a blob": async () => drawn(await image(URL.createObjectURL(new Blob([SVG], { type: "image/svg+xml" })))),
  "an image of a fetch": async (t) => drawn(await createImageBitmap(await (await fetch(t.to("pixel.png"))).blob())),
  "a bitmap of a foreign image": async (t) => drawn(await createImageBitmap(await image(t.to("pixel.png")))),
  "another canvas that is tainted": async (t) => {
    const canvas = make("canvas");
    canvas.getContext("2d").drawImage(await image(t.to("pixel.png")), 0, 0);
    return drawn(canvas);
  },
  "an SVG with a foreign image in it": async (t) => drawn(await image(`data:image/svg+xml,${encodeURIComponent(SVG.replace("<rect", `<image href="${t.to("pixel.png")}"/><rect`))}`)),
  "an SVG with HTML in it": async () => drawn(await image(`data:image/svg+xml,${encodeURIComponent(SVG.replace("</svg>", "<foreignObject width='3' height='2'><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject></svg>"))}`)),
  "an image of an SVG element": async (t) => {
    put("div").innerHTML = `<svg><image id=of-svg href="${t.to("pixel.png")}"></svg>`;
    const one = document.getElementById("of-svg");
    await Promise.race([once(one, "load"), tick(800)]);
    return drawn(one);
  },
})) add(`a canvas of ${name}`, run);
for (const [name, run] of Object.entries({
  toDataURL: (canvas) => canvas.toDataURL().length > 0,
  toBlob: (canvas) => new Promise((done) => canvas.toBlob(done)).then((one) => one.type),
  getImageData: (canvas) => canvas.getContext("2d").getImageData(0, 0, 1, 1).width,
  captureStream: (canvas) => canvas.captureStream().getTracks().length,
})) {
  add(`a tainted canvas and ${name}`, async (t) => {
    const canvas = make("canvas");
    canvas.getContext("2d").drawImage(await image(t.to("pixel.png")), 0, 0);
    const clean = make("canvas");
    clean.getContext("2d").drawImage(await image("/pixel.png"), 0, 0);
    return [await failing(() => run(canvas)), await failing(() => run(clean))];
  });
}
add("patterns and filters", async (t) => {
  const context = make("canvas").getContext("2d");
  context.fillStyle = context.createPattern(await image(t.to("pixel.png")), "repeat");
  context.fillRect(0, 0, 5, 5);
  const other = make("canvas").getContext("2d");
  other.filter = `url(${t.to("filter.svg")}#f)`;
  return [await failing(() => context.getImageData(0, 0, 1, 1)), other.filter.includes(B)];
});
add("textures", async (t) => {
  const gl = make("canvas").getContext("webgl");
  if (!gl) return "none";
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  const put_ = async (one) => gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, one) ?? "done";
  return [await failing(async () => put_(await image(t.to("pixel.png")))), await failing(async () => put_(await image(t.to("pixel.png"), { crossOrigin: "" })))];
});
add("text on a canvas", () => {
  const context = make("canvas").getContext("2d");
  context.font = "20px monospace";
  return [context.measureText("same").width, context.font];
});
add("decoding images", async (t) => {
  const one = make("img", { src: t.to("pixel.png") });
  const none = make("img", { src: "/agents/none.png" });
  await one.decode();
  return [one.naturalWidth, await failing(() => none.decode())];
});
add("images by srcset and sizes", async (t) => {
  const one = make("img", { srcset: `${t.to("pixel.png")}&n=1 100w, ${t.to("pixel.png")}&n=2 5000w`, sizes: "50px" });
  document.body.append(one);
  await once(one, "load", "error");
  return [one.currentSrc, one.naturalWidth > 0, one.srcset];
});
add("pictures and their sources", async (t) => {
  put("div").innerHTML = `<picture><source media="(min-width: 9999px)" srcset="${t.to("none")}"><source type=image/png srcset="${t.to("pixel.png")}"><img src=/agents/none.png></picture>`;
  const one = document.querySelector("picture img");
  await once(one, "load", "error");
  return [one.currentSrc, one.naturalWidth];
});
add("images that styles name", async (t) => {
  const one = put("div", { style: `width: 5px; height: 5px; background: url("${t.to("pixel.png")}&n=background"), image-set("${t.to("pixel.png")}&n=set" 1x); mask: url(${t.to("pixel.png")}&n=mask); cursor: url(${t.to("pixel.png")}&n=cursor), auto; list-style: url(${t.to("pixel.png")}&n=list)` });
  await tick(150);
  const { backgroundImage, maskImage, cursor, listStyleImage } = getComputedStyle(one);
  return [backgroundImage, maskImage, cursor, listStyleImage, one.style.backgroundImage];
});
add("a font that cannot be read", async (t) => {
  const face = new FontFace("own", `url("${t.to("drawing/font")}")`);
  return [face.status, await failing(() => face.load()), face.status, face.family];
});
add("a font by script", async (t) => {
  const face = new FontFace("script", `url(${t.to("drawing/font.ttf")})`, { weight: "700" });
  document.fonts.add(face);
  const seen = await failing(async () => (await face.load()).status);
  return [seen, document.fonts.check("700 12px script"), document.fonts.has(face), document.fonts.size];
});
add("a font that a style names", async (t) => {
  document.fonts.clear();
  put("style", { textContent: `@font-face { font-family: styled; src: local("none such"), url("${t.to("drawing/font.ttf")}") format("truetype") }` });
  const one = put("span", { style: "font: 40px styled, monospace", textContent: "AAAA" });
  await document.fonts.load("40px styled", "A").catch(() => 0);
  await document.fonts.ready;
  return [[...document.fonts].map(({ family, status }) => [family, status]), one.offsetWidth];
});
add("a font of octets", async () => {
  const octets = await (await fetch("/drawing/font.ttf")).arrayBuffer();
  const face = new FontFace("octets", octets);
  return [face.status, await failing(async () => (await face.load()).status)];
});
add("a font that may not be read", async () => {
  const face = new FontFace("refused", `url(${B}/drawing/closed.ttf)`);
  return failing(async () => (await face.load()).status);
});
add("a style sheet that may not be read", async (t) => {
  const link = make("link", { rel: "stylesheet", href: `${B}/agents/opaque.css` });
  document.head.append(link);
  await once(link, "load", "error");
  const seen = [await failing(() => link.sheet.cssRules.length), link.sheet?.href];
  link.remove();
  return seen;
});
add("a style sheet that may be read", async (t) => {
  const link = make("link", { rel: "stylesheet", crossOrigin: "anonymous", href: t.to("sheet.css") });
  document.head.append(link);
  await once(link, "load", "error");
  const seen = [link.sheet.cssRules.length, link.sheet.href, link.sheet.cssRules[0].cssText];
  link.remove();
  return seen;
});
add("sheets of a document", (t) => {
  const style = put("style", { textContent: `@import "${A}/sheet.css?case=${t.slug}"; @namespace svg "http://www.w3.org/2000/svg"; p { background: url(https://b.test/never-asked.png) }` });
  const [first, , third] = style.sheet.cssRules;
  return [path(first.href), third.style.backgroundImage, third.cssText, style.innerHTML.length];
});
const wasm = (address) => WebAssembly.instantiateStreaming(fetch(address)).then(({ instance }) => instance.exports.add(40, 2));
add("streamed code", () => wasm("/agents/add.wasm"));
add("streamed code of another host", () => wasm(`${B}/agents/add.wasm`));
add("streamed code of a wrong type", () => failing(() => wasm("/agents/wrong.wasm")));
add("streamed code that is none", () => failing(() => wasm("/text")));
add("streamed code that may not be read", () => failing(async () => WebAssembly.compileStreaming(await fetch(`${B}/agents/opaque.png`, { mode: "no-cors" }))));
add("compiled code that is sent to a worker", async () => {
  const module = await WebAssembly.compileStreaming(fetch("/agents/add.wasm"));
  const worker = new Worker("/agents/agent.js");
  await ask(worker, "self.got = new Promise((done) => addEventListener('message', ({ data }) => data.module && done(data.module)))");
  worker.postMessage({ module });
  return [WebAssembly.Module.exports(module), await ask(worker, "return (await WebAssembly.instantiate(await got)).exports.add(1, 2)")];
});
add("code of octets", async () => {
  const octets = await (await fetch("/agents/add.wasm")).arrayBuffer();
  return [WebAssembly.validate(octets), (await WebAssembly.instantiate(octets)).instance.exports.add(1, 1), WebAssembly.validate(new Uint8Array([1]))];
});
add("imports of code", async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  return [memory.buffer.byteLength, memory.grow(1), memory.buffer.byteLength, await failing(() => WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 2])))];
});
