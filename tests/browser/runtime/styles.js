// Style sheets that script makes; what they load is seen where it arrives.
const target = (name) => put("i", { id: `s${[...cases.keys()].indexOf(name)}`, textContent: "x" });
const rule = (to, name) => `#${target(name).id} { background-image: url(${to("pixel.png")}) }`;
const sheet = (text) => {
  const style = put("style");
  style.textContent = text;
  return style;
};
add("style.textContent", (to, name) => sheet(rule(to, name)).sheet.cssRules.length);
add("style.innerText", (to, name) => {
  const style = put("style");
  style.innerText = rule(to, name);
  return style.sheet.cssRules.length;
});
add("style by a text node", (to, name) => put("style").appendChild(new Text(rule(to, name))).data.length > 0);
for (const method of ["append", "prepend", "replaceChildren"]) {
  add(`style.${method} of text`, (to, name) => {
    const style = put("style");
    style[method](rule(to, name), "i { color: red }");
    return style.sheet.cssRules.length;
  });
}
add("style.insertBefore", (to, name) => {
  const style = put("style");
  style.insertBefore(document.createTextNode(rule(to, name)), null);
  return style.sheet.cssRules.length;
});
add("style.replaceChild", (to, name) => {
  const style = sheet("i { color: red }");
  style.replaceChild(document.createTextNode(rule(to, name)), style.firstChild);
  return style.sheet.cssRules.length;
});
add("style.insertAdjacentText", (to, name) => put("style").insertAdjacentText("beforeend", rule(to, name)));
add("a style element's text before it is put in", (to, name) => {
  const style = make("style");
  style.appendChild(document.createTextNode(rule(to, name)));
  document.head.append(style);
});
add("text of a style element that changes", (to, name) => {
  const style = sheet("i { color: red }");
  style.firstChild.data = rule(to, name);
  return style.sheet.cssRules.length;
});
add("text of a style element by nodeValue", (to, name) => void (sheet("i {}").firstChild.nodeValue = rule(to, name)));
add("text of a style element by appendData", (to, name) => sheet("").appendChild(new Text()).appendData(rule(to, name)));
add("text of a style element beside its text", (to, name) => sheet("i {}").firstChild.after(rule(to, name)));
add("style.cssText", (to, name) => {
  const { style } = target(name);
  style.cssText = `background: url("${to("pixel.png")}")`;
});
add("style as a string", (to, name) => void (target(name).style = `background: url('${to("pixel.png")}')`));
add("style attribute", (to, name) => target(name).setAttribute("style", `background: url(${to("pixel.png")})`));
add("style.setProperty", (to, name) => target(name).style.setProperty("background-image", `url(${to("pixel.png")})`));
add("style.setProperty of a custom property", (to, name) => {
  const element = target(name);
  element.style.setProperty("--image", `url(${to("pixel.png")})`);
  element.style.backgroundImage = "var(--image)";
});
add("style.backgroundImage", (to, name) => void (target(name).style.backgroundImage = `url(${to("pixel.png")})`));
add("style.background", (to, name) => void (target(name).style.background = `url(${to("pixel.png")}) no-repeat`));
add("style['border-image-source']", (to, name) => {
  const { style } = target(name);
  style.border = "3px solid";
  style["border-image-source"] = `url(${to("pixel.png")})`;
});
add("style.listStyleImage", (to) => void (put("li").style.listStyleImage = `url(${to("pixel.png")})`));
add("style.maskImage", (to, name) => void (target(name).style.maskImage = `url(${to("pixel.png")})`));
add("Object.assign of styles", (to, name) => void Object.assign(target(name).style, { backgroundImage: `url(${to("pixel.png")})` }));
add("attributeStyleMap", (to, name) => void target(name).attributeStyleMap.set("background-image", `url(${to("pixel.png")})`));
add("insertRule", (to, name) => sheet("").sheet.insertRule(rule(to, name)));
add("addRule", (to, name) => {
  const { id } = target(name);
  return sheet("").sheet.addRule(`#${id}`, `background: url(${to("pixel.png")})`);
});
add("insertRule of a group", (to, name) => sheet("@media all {}").sheet.cssRules[0].insertRule(rule(to, name)));
add("insertRule of a style rule", (to, name) =>
  sheet(`#${target(name).id} {}`).sheet.cssRules[0].insertRule(`& { background: url(${to("pixel.png")}) }`));
add("a rule's style", (to, name) => {
  const [first] = sheet(`#${target(name).id} { color: red }`).sheet.cssRules;
  first.style.backgroundImage = `url(${to("pixel.png")})`;
});
add("a rule's cssText", (to, name) => {
  const [first] = sheet(`#${target(name).id} { color: red }`).sheet.cssRules;
  first.style.cssText = `background: url(${to("pixel.png")})`;
});
add("a rule's styleMap", (to, name) => {
  const [first] = sheet(`#${target(name).id} { color: red }`).sheet.cssRules;
  first.styleMap.set("background-image", `url(${to("pixel.png")})`);
});
add("keyframes' appendRule", (to, name) => {
  const { id } = target(name);
  const made = sheet(`@keyframes k {} #${id} { animation: k 9s infinite }`);
  made.sheet.cssRules[0].appendRule(`0%, 100% { background-image: url(${to("pixel.png")}) }`);
});
add("animate", (to, name) => void target(name).animate({ backgroundImage: [`url(${to("pixel.png")})`, "none"] }, 9000));
const adopt = (made) => (document.adoptedStyleSheets = [...document.adoptedStyleSheets, made]);
add("replaceSync", (to, name) => {
  const made = new CSSStyleSheet();
  adopt(made);
  made.replaceSync(rule(to, name));
  return made.cssRules.length;
});
add("replace", async (to, name) => {
  const made = new CSSStyleSheet();
  adopt(made);
  await made.replace(rule(to, name));
  return made.cssRules.length;
});
add("@import", async (to) => {
  const style = put("style");
  const loaded = once(style, "load", "error");
  style.textContent = `@import "${to("sheet.css")}"; i { color: red }`;
  return (await loaded).type;
});
add("@import by url()", async (to) => {
  const style = put("style");
  const loaded = once(style, "load", "error");
  style.textContent = `@import url(${to("sheet.css")}) screen;`;
  return (await loaded).type;
});
add("image-set()", (to, name) => sheet(`#${target(name).id} { background: image-set("${to("pixel.png")}" 1x) }`).sheet.cssRules.length);
add("FontFace", async (to) => {
  const face = new FontFace("own", `local("none"), url(${to("font.ttf")})`);
  return face.load().then(() => "loaded", (error) => error.name);
});
add("FontFace of octets", () => new FontFace("own", new ArrayBuffer(8)).loaded.catch((error) => error.name));
add("@font-face", (to, name) => {
  target(name).style.fontFamily = "foreign";
  sheet(`@font-face { font-family: foreign; src: url("${to("font.ttf")}") }`);
});
add("text in styles that is no URL", () => {
  const made = sheet(`i::after { content: "url(${B}/x)" } /* url(${B}) */ a[href="${B}"] { color: red }`);
  return [made.textContent, made.sheet.cssRules[0].style.content, made.sheet.cssRules[1].selectorText];
});
