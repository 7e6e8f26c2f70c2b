// Elements' properties and attributes: what they load, and what script reads back.
const PROPERTIES = [
  ["a", "href"], ["area", "href"], ["link", "href"], ["base", "href"],
  ["img", "src"], ["img", "srcset"], ["script", "src"], ["iframe", "src"], ["embed", "src"], ["frame", "src"],
  ["audio", "src"], ["video", "src"], ["video", "poster"], ["source", "src"], ["source", "srcset"], ["track", "src"],
  ["input", "src"], ["input", "formAction"], ["button", "formAction"], ["form", "action"], ["object", "data"],
  ["link", "imageSrcset"], ["a", "ping"], ["area", "ping"], ["body", "background"],
  ["blockquote", "cite"], ["q", "cite"], ["ins", "cite"], ["del", "cite"],
];
const PLACES = (to) => ({
  foreign: `${B}/x`, fragment: `${B}/a/b?c=%20#d`, port: `${PORT}/x`, http: "http://h.test/x",
});
// A value of the own origin reads as the browser's own does.
const OWN = ["/x", "x?y#z", "", "#z", "?y", `${A}/x`];
const read = (element, property) => [element[property], element.getAttribute(property.toLowerCase())];
const table = (change) => {
  const out = {};
  for (const [name, property] of PROPERTIES) out[`${name}.${property}`] = change(name, property);
  return out;
};
add("properties read as they were set", (to) => table((name, property) =>
  Object.values(PLACES(to)).map((value) => {
    const element = make(name);
    element[property] = value;
    return read(element, property);
  })));
add("attributes read as they were set", (to) => table((name, property) =>
  Object.values(PLACES(to)).map((value) => {
    const element = make(name);
    element.setAttribute(property, value);
    return [...read(element, property), element.getAttributeNS(null, property.toLowerCase())];
  })));
// An attribute is normalised on its way; what a property reads is so in any case.
add("odd spellings", () => ["a", "img", "link"].map((name) =>
  [`${B}/a/../b`, B, "HTTPS://B.TEST/x", `  ${B}/x\n`, "//b.test/x", "\\\\b.test\\x", `${B}:443/x`, "https:/b.test/x", `${B}/ä?ö#ü`].map((value) => {
    const property = name === "img" ? "src" : "href";
    return make(name, { [property]: value })[property];
  })));
add("white space around candidates", () => [`  ${B}/x\n`, `\t${B}/x 1x,\n ${B}/y 2x `].map((value) => {
  const image = make("img", { srcset: value });
  return [image.srcset.trim(), image.getAttribute("srcset").trim()];
}));
add("attribute nodes read as they were set", (to) => table((name, property) => {
  const element = make(name);
  const attribute = document.createAttribute(property);
  attribute.value = `${B}/x`;
  element.setAttributeNode(attribute);
  return [...read(element, property), attribute.value, element.getAttributeNode(property).value, element.attributes[0].value];
}));
add("own values read as the browser's", () => table((name, property) =>
  OWN.map((value) => {
    const element = make(name);
    element[property] = value;
    const [given, attribute] = read(element, property);
    return [given, /^https:/.test(given) ? own(given) : "", value.includes("a.test") || attribute];
  })));
add("parts of an anchor", (to) => ["a", "area"].map((name) =>
  [...Object.values(PLACES(to)), "/own", `${A}/own`, "mailto:x@b.test", "https://", "wss://b.test/x", `//a.test/x`].map((href) => {
    const { origin, protocol, host, hostname, port, pathname, search, hash } = make(name, { href });
    return [origin, protocol, host, hostname, port === location.port ? "own" : port || "own", pathname, search, hash];
  })));
add("an anchor with a name and a password", () => {
  const link = make("a", { href: "https://user:pass@b.test/x" });
  return [link.href, link.host, link.username, link.password];
});
add("an anchor without href", () => {
  const { href, origin, protocol, host, hostname, port } = make("a");
  return [href, origin, protocol, host, hostname, port];
});
add("an anchor as text", (to) => {
  const link = make("a", { href: to("x") });
  return [`${link}`, link.toString(), new URL(link).href, `${make("area", { href: to("x") })}`];
});
add("anchors made by the server", () => {
  const link = document.querySelector("#link");
  return [link.href, link.getAttribute("href"), link.host, link.origin, link.protocol, link.attributes.href.value];
});
add("toString is asked as often as by the browser", (to) => {
  let count = 0;
  const address = { toString: () => (count++, to("pixel.png")) };
  const image = make("img");
  image.src = address;
  image.setAttribute("src", address);
  return [count, image.src];
});
add("odd values", () => {
  const image = make("img");
  const out = [];
  for (const value of [null, undefined, 0, true, "data:image/png,", "blob:x", "javascript:1", "about:blank", "https://[", "//"]) {
    image.src = value;
    out.push(image.getAttribute("src"));
    image.setAttribute("src", value);
    out.push(image.getAttribute("src"));
    image.setAttribute("title", value);
    out.push(image.title);
  }
  return out;
});

// What loads.
add("img.src", async (to) => {
  const image = make("img", { src: to("pixel.png") });
  return [await width(image), image.src];
});
add("img.srcset", async (to) => {
  const image = make("img", { srcset: `/none 9x, ${to("pixel.png")} 1x` });
  return width(image);
});
add("srcset reads as it was set", (to) => {
  const image = make("img", { srcset: `/none 9x, ${to("pixel.png")} 1x` });
  return [image.srcset, image.getAttribute("srcset")];
});
add("srcset by an attribute", (to) => {
  const image = make("img");
  image.setAttribute("srcset", `/none 9x, ${to("pixel.png")} 1x`);
  return width(image);
});
add("Image()", (to) => {
  const image = new Image();
  image.src = to("pixel.png");
  return width(image);
});
add("currentSrc", async (to) => {
  const image = make("img", { srcset: to("pixel.png") });
  await width(image);
  const audio = make("audio", { src: to("none.wav") });
  await once(audio, "error");
  return [image.currentSrc, audio.currentSrc];
});
add("setAttribute", async (to) => {
  const image = make("img");
  image.setAttribute("SRC", to("pixel.png"));
  return width(image);
});
add("setAttributeNS", (to) => {
  const image = make("img");
  image.setAttributeNS(null, "src", to("pixel.png"));
  return width(image);
});
for (const key of ["value", "nodeValue", "textContent"]) {
  add(`Attr.${key}`, async (to) => {
    const image = make("img", { src: "/none" });
    await width(image);
    image.attributes.src[key] = to("pixel.png");
    return width(image);
  });
}
add("setAttributeNode", (to) => {
  const image = make("img");
  const attribute = document.createAttribute("src");
  attribute.value = to("pixel.png");
  image.setAttributeNode(attribute);
  return width(image);
});
add("setNamedItem", (to) => {
  const image = make("img");
  const attribute = document.createAttributeNS(null, "src");
  attribute.value = to("pixel.png");
  image.attributes.setNamedItem(attribute);
  return width(image);
});
add("picture and source", async (to) => {
  const picture = make("picture");
  picture.append(make("source", { srcset: to("pixel.png"), type: "image/png" }), make("img", { src: "/none" }));
  document.body.append(picture);
  return width(picture.lastChild);
});
add("script.src", async (to) => {
  const script = put("script", { src: to("script.js") });
  await once(script, "load", "error");
  return [window.ran, script.src];
});
add("script with integrity", async (to) => {
  const script = put("script", { src: to("script.js"), crossOrigin: "", integrity: "sha256-AAAA" });
  return (await once(script, "load", "error")).type;
});
add("link.href", async (to) => {
  const link = put("link", { rel: "stylesheet", href: to("sheet.css"), crossOrigin: "" });
  await once(link, "load", "error");
  const div = put("div", { className: "sheet" });
  return getComputedStyle(div).width;
});
add("link preload with imagesrcset", async (to) => {
  const link = make("link", { rel: "preload", as: "image", imageSrcset: `${to("pixel.png")} 1x` });
  document.head.append(link);
  return (await once(link, "load", "error")).type;
});
add("modulepreload", async (to) => {
  const link = make("link", { rel: "modulepreload", href: to("module.js") });
  document.head.append(link);
  return (await once(link, "load", "error")).type;
});
add("iframe.src", async (to) => {
  const frame = put("iframe", { src: to("frame") });
  await once(frame, "load");
  return [frame.src, frame.contentDocument];
});
add("embed.src", async (to) => {
  const embed = put("embed", { src: to("pixel.png"), type: "image/png" });
  return (await once(embed, "load", "error")).type;
});
add("object.data", async (to) => {
  const object = put("object", { data: to("pixel.png"), type: "image/png" });
  return (await once(object, "load", "error")).type;
});
add("video.poster", (to) => put("video", { poster: to("pixel.png") }).poster);
add("video.src", async (to) => {
  const video = put("video", { src: to("none.mp4") });
  await once(video, "error");
  return video.src;
});
add("track.src", async (to) => {
  const video = make("video", { crossOrigin: "" });
  const track = make("track", { src: to("none.vtt"), default: true });
  video.append(track);
  document.body.append(video);
  track.track.mode = "showing";
  return (await once(track, "load", "error")).type;
});
add("input.src", async (to) => (await once(put("input", { type: "image", src: to("pixel.png") }), "load", "error")).type);
add("td.background", (to) => void put("table", { innerHTML: "<tr><td>x" }).querySelector("td").setAttribute("background", to("pixel.png")));
add("body.background", (to) => void (document.body.background = to("pixel.png")));
add("a.ping", (to) => {
  const link = put("a", { href: "#here", ping: to("echo") });
  link.click();
  return link.ping;
});
const SVG = "http://www.w3.org/2000/svg";
const XLINK = "http://www.w3.org/1999/xlink";
const drawing = (name) => {
  const svg = document.body.appendChild(document.createElementNS(SVG, "svg"));
  return svg.appendChild(document.createElementNS(SVG, name));
};
add("svg image by attribute", async (to) => {
  const image = drawing("image");
  image.setAttribute("href", to("pixel.png"));
  const { type } = await once(image, "load", "error");
  return [type, image.href.baseVal, image.getAttribute("href")];
});
add("svg image by xlink", async (to) => {
  const image = drawing("image");
  image.setAttributeNS(XLINK, "xlink:href", to("pixel.png"));
  const { type } = await once(image, "load", "error");
  return [type, image.href.baseVal, image.getAttributeNS(XLINK, "href"), image.getAttribute("xlink:href")];
});
add("svg image by xlink without a prefix", async (to) => {
  const image = drawing("image");
  image.setAttributeNS(XLINK, "href", to("pixel.png"));
  return (await once(image, "load", "error")).type;
});
add("svg image by baseVal", async (to) => {
  const image = drawing("image");
  image.href.baseVal = to("pixel.png");
  const { type } = await once(image, "load", "error");
  return [type, image.href.baseVal];
});
add("svg script", async (to) => {
  const script = document.createElementNS(SVG, "script");
  script.setAttribute("href", to("script.js"));
  document.body.append(script);
  return (await once(script, "load", "error")).type;
});
add("svg presentation attributes", (to) => {
  const shape = drawing("rect");
  shape.setAttribute("style", `mask: url(${to("mask.svg")}#m)`);
  shape.setAttribute("width", "9");
  shape.setAttribute("height", "9");
});
add("custom elements with attributes of URLs keep them", (to) => {
  const element = make("own-element");
  element.setAttribute("data-src", to("x"));
  element.setAttribute("url", to("x"));
  element.dataset.href = to("x");
  element.title = to("x");
  return [element.getAttribute("data-src"), element.getAttribute("url"), element.dataset.href, element.title, element.outerHTML];
});
