// Odd spellings of addresses, bases, ports, names that are not ASCII: what arrives, what is read.
const SPELLINGS = {
  plain: "https://b.test/echo",
  "upper case": "HTTPS://B.TEST/echo",
  "the page's scheme": "//b.test/echo",
  "three slashes": "https:///b.test/echo",
  backslashes: "https:\\\\b.test\\echo",
  "backslashes alone": "\\\\b.test/echo",
  "mixed slashes": "/\\b.test/echo",
  "white space around": " \n https://b.test/echo \t",
  "white space within": "ht\ntps://b.\ttest/e\ncho",
  "control characters around": "\u0001\u001fhttps://b.test/echo\u0000",
  "the default port": "https://b.test:443/echo",
  "a port with zeros": "https://b.test:008443/echo",
  "an empty port": "https://b.test:/echo",
  "another port": "https://b.test:8443/echo",
  "a plain one": "http://h.test/echo",
  "a dot at the end of the host": "https://b.test./echo",
  "dots in the path": "https://b.test/a/../b/./../echo",
  "encoded dots in the path": "https://b.test/a/%2e%2E/echo",
  "double slashes in the path": "https://b.test//echo//x/../../../echo",
  "semicolons in the path": "https://b.test/echo;v=1;w",
  "a path with everything": "https://b.test/urls/any/ä ö%20%2f%5C|^`{}\"<>[]'!$&()*+,;=:@",
  "a query with everything": "https://b.test/urls/any?ä ö%20%2f\\|^`{}\"<>[]'!$&()*+,;=:@/?",
  "an empty query": "https://b.test/urls/any?",
  "two question marks": "https://b.test/urls/any??a?b",
  "a percent sign alone": "https://b.test/urls/any%?%&100%zz",
  "a null in the path": "https://b.test/urls/any\u0000x",
  "a broken pair": "https://b.test/urls/any?\ud800",
  "a fragment": "https://b.test/echo#x?y=ä",
  "an encoded host": "https://%62.test/echo",
  "a full-width host": "https://ｂ．ｔｅｓｔ/echo",
  "an ideographic dot": "https://b。test/echo",
  "a soft hyphen in the host": "https://b\u00ad.test/echo",
  "a name that is not ASCII": "https://bücher.test/echo",
  "a name that is not ASCII, in upper case": "https://BÜCHER.test/echo",
  "a name in Punycode": "https://xn--bcher-kva.test/echo",
  "a subdomain": "https://sub.a.test/echo",
  "the own origin": "https://a.test/echo",
  "the own origin on another port": "https://a.test:8443/echo",
  "a path alone": "/echo",
  "a relative path": "../echo",
  "a query alone": "?x=ä",
  "an at sign in the path": "https://b.test/@user/echo",
  "an address in the path": "https://b.test/urls/any/https://c.test/x",
  "an address in the query": "https://b.test/urls/any?u=https://c.test/x&v=//d.test",
  "an encoded address in the query": "https://b.test/urls/any?u=https%3A%2F%2Fc.test%2Fx",
  "a long address": `https://b.test/urls/any/${"x".repeat(3000)}?${"y".repeat(3000)}`,
  "a wrong port": "https://b.test:99999/echo",
  "a wrong host": "https://b<>.test/echo",
  "an empty host": "https://",
  "wrong brackets": "https://[::1/echo",
};
// fetch refuses user names and passwords, elements take them.
const outcome = async (response) => [response.status, own(response.url), response.redirected, response.type, await response.text().then(shown)];
const shown = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text.length;
  }
};
// Nobody is at a host with a dot at its end; what the console says of that is the browser's own.
const { "a dot at the end of the host": _dot, ...REACHED } = SPELLINGS;
each(REACHED, "fetch", async (t, value) => {
  try {
    return await outcome(await fetch(value));
  } catch (error) {
    return error.name;
  }
});

const parts = (one) => ["href", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash", "origin"].map((key) => one[key] && own(String(one[key])));
const LINKS = {
  ...Object.fromEntries(Object.entries(SPELLINGS).filter(([name, value]) => !/own origin|alone|relative|long/.test(name) || name.startsWith("a query w"))),
  "user and password": "https://user:word@b.test:8443/x",
  "a user": "https://user@b.test/",
  "one slash": "http:/h.test/echo",
  "a plain one's port": "http://h.test:8081/echo",
  "the default port of the other scheme": "http://h.test:443/x",
  "a numeric host": "http://2130706433/x",
  "a hexadecimal host": "http://0x7f.1/",
  "IPv6": "https://[2001:DB8::1]:8443/x",
  mailto: "mailto:a@b.test?subject=x",
  tel: "tel:+49-1",
  "a blob": "blob:https://b.test/x",
  javascript: "javascript:void 0",
  "an unknown scheme": "own+scheme://b.test/x",
};
each(LINKS, "a link reads", (t, value) => {
  const link = make("a", { href: value });
  return [parts(link), String(link) === link.href, link.matches(":any-link")];
});
const foreign = (value) => /^\s*(?:https?:)?[\\/]{2}/i.test(value);
each(Object.fromEntries(Object.entries(LINKS).filter(([, value]) => foreign(value)).slice(0, 12)), "a form's action reads", (t, value) => make("form", { action: value }).action);
each({ src: "img", srcset: "img", data: "object", href: "link", poster: "video", cite: "blockquote" }, "an attribute in markup:", (t, name, attribute) => {
  const value = `${B}/x?${t.slug}&amp;y=1`;
  const holder = make("template");
  holder.innerHTML = `<${name} ${attribute}="${value}${attribute === "srcset" ? " 2x" : ""}"></${name}>`;
  const made = holder.content.firstChild;
  return [made.getAttribute(attribute), made[attribute], holder.innerHTML];
});
const BASES = { "a directory": "dir/", "a path": "/base/dir/x", "another origin": `${B}/base/`, "another origin's file": `${B}/base/x.html?q#f`, "the scheme's own": "//b.test/base/", "data": "data:text/html,x", "a scheme alone": "https://", "nothing": "" };
each(BASES, "a base in markup:", async (t, href) => {
  const frame = await t.frame({ src: t.own("urls/base", `&href=${encodeURIComponent(href)}`) });
  const inner = frame.contentDocument;
  return [own(inner.querySelector("a").href).replace(/&.*/, ""), inner.querySelector("img").naturalWidth, inner.querySelector("base").href && own(inner.querySelector("base").href)];
});
each(BASES, "a base by script:", async (t, href) => {
  const frame = await t.frame({ src: t.own("blank") });
  const inner = frame.contentDocument;
  const base = inner.createElement("base");
  base.href = href;
  inner.head.append(base);
  const link = inner.createElement("a");
  link.setAttribute("href", "x?y");
  const image = inner.createElement("img");
  image.src = `pixel.png?case=${t.slug}`;
  await once(image, "load", "error");
  return [own(link.href).replace(/case=.*/, ""), image.naturalWidth];
});
add("two bases", async (t) => {
  const frame = await t.frame({ srcdoc: `<base href="${B}/one/"><base href="${C}/two/"><a href=x>x</a>` });
  return frame.contentDocument.querySelector("a").href;
});
add("URL objects", () => [B, `${B}/a?b#c`, "https://user@b.test:8443"].map((one) => parts(new URL(one))));
add("an image by a user and a password", async (t) => {
  const image = make("img", { src: t.to("pixel.png").replace("//", "//user:word@") });
  await once(image, "load", "error");
  return image.naturalWidth;
});
const IMAGES = Object.fromEntries(Object.entries(REACHED).filter(([, value]) => /^\s*(?:https?:)?[\\/]/i.test(value) && value.includes("/echo") && !value.startsWith("http://")));
each(IMAGES, "an image at", async (t, value) => {
  const image = make("img", { src: value.replace("/echo", "/pixel.png") });
  await once(image, "load", "error");
  return [image.naturalWidth, own(image.src), own(image.currentSrc)];
});
each(IMAGES, "an image in markup at", async (t, value) => {
  const frame = await t.frame({ src: t.own("urls/markup", `&src=${encodeURIComponent(value.replace("/echo", "/pixel.png"))}`) });
  const [image, link] = frame.contentDocument.querySelectorAll("img, a");
  return [image.naturalWidth, own(image.src), own(link.href)];
});
