// Character sets of documents, forms, queries, scripts and sheets.
const DOCUMENTS = ["utf8", "utf8-header", "bom", "latin1-header", "latin1-meta", "latin1-none", "windows-1251", "sjis-meta", "sjis-header", "eucjp", "gbk", "big5", "euckr", "iso2022jp",
  "utf16le-bom", "header-beats-meta", "bom-beats-header", "meta-late", "meta-equiv", "unknown-label", "xhtml-declaration", "text-plain", "broken-utf8", "koi8", "utf7", "replacement"];
for (const kind of DOCUMENTS) add(`a document: ${kind}`, async (t) => {
  const frame = await t.frame({ src: t.own(`encodings/page/${kind}`) });
  const inner = frame.contentDocument;
  const link = inner.querySelector("a");
  return [inner.characterSet.replace(/^UTF-16.E/, "UTF-16"), inner.contentType, inner.title, (inner.body ?? inner.documentElement).textContent.trim(), link && own(link.href), inner.compatMode];
});
for (const kind of ["latin1-meta", "sjis-meta", "gbk", "utf8", "koi8"]) {
  add(`a query of a page in ${kind}`, async (t) => {
    const frame = await t.frame({ src: t.own(`encodings/page/${kind}`) });
    const link = frame.contentDocument.createElement("a");
    link.href = t.to("landed") + "&x=é日ж€";
    frame.contentDocument.body.append(link);
    await t.loads(frame, () => link.click());
  });
  add(`an image's query of a page in ${kind}`, async (t) => {
    const frame = await t.frame({ src: t.own(`encodings/page/${kind}`) });
    const image = frame.contentDocument.createElement("img");
    image.src = t.to("pixel.png") + "&x=é日ж€";
    await once(image, "load", "error");
    return image.naturalWidth;
  });
  add(`a form of a page in ${kind}`, async (t) => {
    const frame = await t.frame({ src: t.own(`encodings/page/${kind}`) });
    const form = frame.contentDocument.createElement("form");
    form.method = "post";
    form.action = t.own("landed");
    form.innerHTML = "<input name=x value='é日ж€&'><input type=hidden name=_charset_>";
    frame.contentDocument.body.append(form);
    await t.loads(frame, () => form.submit());
    return t.landed(frame);
  });
  add(`a fetch of a page in ${kind}`, async (t) => {
    const frame = await t.frame({ src: t.own(`encodings/page/${kind}`) });
    return (await frame.contentWindow.fetch(t.to("echo") + "&x=é日")).json();
  });
}
const SCRIPTS = { "in the page's": "", "by its header": "latin1", "by an attribute": "attribute", "with a BOM": "bom", "by a wrong header": "unknown" };
each(SCRIPTS, "a script", async (t, kind) => {
  const script = make("script", { src: t.own("encodings/script.js", `&kind=${kind}`), ...(kind === "attribute" && { charset: "iso-8859-1" }) });
  document.head.append(script);
  await once(script, "load", "error");
  return globalThis.said_;
});
const SHEETS = { "in the page's": "", "by @charset": "charset", "by its header": "header", "with a BOM": "bom", "by @charset, edited": "charset&edited=1", "by its header, edited": "header&edited=1" };
each(SHEETS, "a sheet", async (t, kind) => {
  const link = put("link", { rel: "stylesheet", href: t.own("encodings/sheet.css", `&kind=${kind}`) });
  await once(link, "load", "error");
  const box = put("div", { className: "coded" });
  return [getComputedStyle(box, "::before").content, [...link.sheet.cssRules].map((one) => one.selectorText)];
});
for (const coding of ["gzip", "br", "deflate", "zstd", "gzip, br", "identity", "x-gzip", "unknown"]) {
  add(`a fetch coded as ${coding}`, async (t) => failed(fetch(t.own("encodings/coded", `&coding=${encodeURIComponent(coding)}&kind=text/plain`)).then(async (one) => [one.status, one.headers.get("content-encoding"), one.headers.get("content-length") !== null, (await one.text()).length])));
  add(`a document coded as ${coding}`, async (t) => {
    const frame = await t.frame({ src: t.own("encodings/coded", `&coding=${encodeURIComponent(coding)}&kind=text/html`) });
    return frame.contentDocument?.querySelector("p")?.textContent.length ?? "none";
  });
}
add("XMLHttpRequest of a type of its own", (t) => new Promise((done) => {
  const request = new XMLHttpRequest();
  request.open("GET", t.own("encodings/script.js", "&kind=latin1"));
  request.overrideMimeType("text/plain; charset=windows-1251");
  request.onload = () => done([request.responseText, request.getResponseHeader("content-type")]);
  request.send();
}));
add("XMLHttpRequest of a document", (t) => new Promise((done) => {
  const request = new XMLHttpRequest();
  request.open("GET", t.own("encodings/page/sjis-meta"));
  request.responseType = "document";
  request.onload = () => done([request.responseXML.characterSet, request.responseXML.title, request.responseXML.scripts.length]);
  request.send();
}));
