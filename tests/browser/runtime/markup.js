// Every way to make elements of text.
const image = (to) => `<p>before</p><img alt="x > y" src="${to("pixel.png")}" title='&lt;kept&gt; "'><b title=${B}/title>after</b>`;
const body = () => put("div");
// What was made: how wide its images are, and what else there is.
const shown = async (root) => [await widths(root), root.querySelector("b").outerHTML, root.querySelector("img").title, root.textContent];
add("innerHTML", (to) => {
  const div = body();
  div.innerHTML = image(to);
  return shown(div);
});
add("innerHTML of odd values", () => [null, undefined, 0, {}, [B]].map((value) => {
  const div = make("div");
  div.innerHTML = value;
  return div.innerHTML;
}));
add("innerHTML with odd spellings", async (to) => {
  const div = body();
  const address = to("pixel.png");
  div.innerHTML = [
    `<IMG SRC=${address}&n=1>`, `<img src = '${address}&amp;n=2'>`, `<img/src="${address}&n=3"/>`, `<img src="\n${address}&n=4 ">`,
    `<img src=${address.replace("https:", "")}&n=5>`, `<img src="${address.replace("://", "&#58;//")}&n=6">`,
    `<img data-src="${address}" src="${address}&n=7">`, `<img srcset="/none 9x,${address}&n=8 1x">`,
    `<!-- <img src="${address}&n=no"> --><textarea><img src="${address}&n=no"></textarea>`,
    `<img src="${address}&n=9" onerror="x > '${B}'">`, `<svg><image href="${address}&n=10" /></svg>`,
    `<img alt='"' src="${address}&n=11"><img alt="it's" src="${address}&n=12">`, `<img src="${address.replace("//", "/\\")}&n=13">`,
  ].join("");
  return [await widths(div), div.querySelector("textarea").value, div.childNodes.length];
});
add("innerHTML keeps what is no URL", () => {
  const div = make("div");
  const text = `<p title="${B}">${B} &amp; 1 &lt; 2 <script>"<img src='${B}/x'>"</scr` + `ipt><code>a="b" href="c"</code><i data-x='{"a":"&quot;"}'></i>`;
  div.innerHTML = text;
  return div.innerHTML;
});
add("innerHTML with a style element", (to) => {
  body().innerHTML = `<style>#one { background: url(${to("pixel.png")}) }</style><i id=one>x</i>`;
});
add("innerHTML with a style attribute", (to) => {
  body().innerHTML = `<i style="background: url('${to("pixel.png")}')">x</i>`;
});
add("innerHTML of a style element", (to) => {
  const style = put("style");
  style.innerHTML = `#two { background: url(${to("pixel.png")}) } #two > i { color: red }`;
  put("i", { id: "two", textContent: "x" });
  return style.sheet.cssRules.length;
});
add("innerHTML with frames", async (to) => {
  const div = body();
  div.innerHTML = `<iframe src="${to("frame")}"></iframe>`;
  await once(div.firstChild, "load");
  return div.firstChild.src;
});
add("innerHTML of a template", async (to) => {
  const template = make("template");
  template.innerHTML = image(to);
  const div = body();
  div.append(document.importNode(template.content, true));
  return shown(div);
});
add("innerHTML of an SVG element", async (to) => {
  const svg = document.body.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
  svg.innerHTML = `<image href="${to("pixel.png")}"/>`;
  return (await once(svg.firstChild, "load", "error")).type;
});
add("innerHTML in another document", async (to) => {
  const other = document.implementation.createHTMLDocument("");
  other.body.innerHTML = image(to);
  const div = body();
  div.append(...other.body.childNodes);
  return shown(div);
});
add("outerHTML", async (to) => {
  const div = body();
  div.append(make("p"));
  div.firstChild.outerHTML = image(to);
  return shown(div);
});
for (const where of ["beforebegin", "afterbegin", "beforeend", "afterend"]) {
  add(`insertAdjacentHTML ${where}`, (to) => {
    const div = body();
    const inner = div.appendChild(make("p"));
    inner.insertAdjacentHTML(where, image(to));
    return shown(div);
  });
}
add("createContextualFragment", (to) => {
  const div = body();
  div.append(document.createRange().createContextualFragment(image(to)));
  return shown(div);
});
add("DOMParser", async (to) => {
  const parsed = new DOMParser().parseFromString(image(to), "text/html");
  const div = body();
  div.append(...parsed.body.childNodes);
  return shown(div);
});
add("DOMParser of XML", async (to) => {
  const parsed = new DOMParser().parseFromString(`<a b="c"><d e='f'>${B}</d><g/></a>`, "application/xml");
  return new XMLSerializer().serializeToString(parsed);
});
add("DOMParser of SVG", async (to) => {
  const text = `<svg xmlns="http://www.w3.org/2000/svg"><image href="${to("pixel.png")}"/></svg>`;
  const { documentElement } = new DOMParser().parseFromString(text, "image/svg+xml");
  document.body.append(documentElement);
  const image = documentElement.firstChild;
  return [documentElement.namespaceURI, (await once(image, "load", "error")).type];
});
for (const [name, set] of Object.entries({
  "shadowRoot.innerHTML": (root, text) => (root.innerHTML = text),
  "shadowRoot.setHTMLUnsafe": (root, text) => root.setHTMLUnsafe(text),
  "shadowRoot.setHTML": (root, text) => root.setHTML(text, { sanitizer: {} }),
})) {
  add(name, (to) => {
    const root = body().attachShadow({ mode: "open" });
    set(root, image(to));
    return shown(root);
  });
}
add("setHTMLUnsafe", (to) => {
  const div = body();
  div.setHTMLUnsafe(image(to));
  return shown(div);
});
add("setHTMLUnsafe with a shadow root", async (to) => {
  const div = body();
  div.setHTMLUnsafe(`<p><template shadowrootmode=open>${image(to)}</template></p>`);
  return shown(div.firstChild.shadowRoot);
});
add("setHTML", (to) => {
  const div = body();
  div.setHTML(image(to), { sanitizer: {} });
  return shown(div);
});
for (const name of ["parseHTMLUnsafe", "parseHTML"]) {
  add(`Document.${name}`, (to) => {
    const div = body();
    div.append(...Document[name](image(to), { sanitizer: {} }).body.childNodes);
    return shown(div);
  });
}
const written = async (write) => {
  const frame = put("iframe");
  const inner = frame.contentDocument;
  inner.open();
  write(inner);
  inner.close();
  return [...await shown(inner.body), inner.body.childNodes.length];
};
add("document.write", (to) => written((inner) => inner.write(image(to))));
add("document.writeln", (to) => written((inner) => inner.writeln(image(to))));
add("document.write in pieces", (to) => written((inner) => inner.write(..."123456789abcdef", ...image(to).split(/(?<=<img)/))));
add("document.write over calls", (to) => written((inner) => {
  for (const piece of image(to).split(/(?=\ssrc)/)) inner.write(piece);
}));
add("document.write of nothing", () => {
  const inner = put("iframe").contentDocument;
  inner.open();
  inner.write();
  inner.writeln();
  inner.write(null, undefined, 1);
  inner.close();
  return inner.body.textContent;
});
add("the page's own document.write", async () => [await widths(document.querySelector("#written")), document.querySelector("#written b").outerHTML]);
add("javascript: in a frame", async (to) => {
  const frame = put("iframe");
  frame.src = `javascript:'<img src="${to("pixel.png")}"><b>x</b>'`;
  await once(frame, "load");
  return shown(frame.contentDocument.body);
});
add("cloned elements", (to) => {
  const div = body();
  div.innerHTML = image(to);
  const other = body();
  other.append(...div.cloneNode(true).childNodes);
  return shown(other);
});
add("execCommand insertHTML", async (to) => {
  const div = put("div", { contentEditable: true });
  div.focus();
  document.execCommand("insertHTML", false, `<img src="${to("pixel.png")}">`);
  return widths(div);
});
