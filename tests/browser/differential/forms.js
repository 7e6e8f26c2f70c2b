// Forms of every kind, sent into a frame, as their origin sees them.
const FIELDS = `<input name=text value="ä b&c=d+é%20"><input name=empty><input name="na me[]" value=1><input name="na me[]" value=2>
<input type=hidden name=hidden value=h><input type=checkbox name=c1 checked><input type=checkbox name=c2>
<input type=radio name=r value=1><input type=radio name=r value=2 checked><textarea name=area>line 1
line 2</textarea><select name=s><option>one<option selected value=two>2</select>
<select name=m multiple><option selected>a<option selected>b<option>c</select><input disabled name=off value=x>
<input type=number name=n value=5><input type=date name=d value=2026-01-02><input type=color name=col value=#ff0000>
<input type=range name=range value=3><input name=""><button name=b value=pressed>go</button>`;
// A form that leads into a frame of its own, and what came of it.
const form = async (t, { inside = FIELDS, to, act, ...more }) => {
  const frame = put("iframe", { name: "into" + t.slug });
  const made = put("form", { target: frame.name, action: to ?? t.own("landed"), innerHTML: inside, ...more });
  await t.loads(frame, () => (act ? act(made) : made.submit()));
  return t.landed(frame);
};
const METHODS = {
  GET: { to: "/landed", inside: FIELDS + "<input name=case value=forms-get>" },
  POST: { method: "post" },
  multipart: { method: "post", enctype: "multipart/form-data" },
  "text/plain": { method: "post", enctype: "text/plain" },
  "an unknown enctype": { method: "post", enctype: "application/json" },
  "an unknown method": { method: "put", to: "/landed" },
  "GET over a query": { to: "/landed?old=1#frag", inside: "<input name=q value=1>" },
  "POST over a query": { method: "post", to: "/landed?old=1#frag" },
  "GET, no fields": { inside: "", to: "/landed?old=1" },
  "POST, no fields": { method: "post", inside: "" },
  "multipart, no fields": { method: "post", enctype: "multipart/form-data", inside: "" },
};
each(METHODS, "form", (t, more) => form(t, { ...more }));
const ACTS = {
  requestSubmit: (made) => made.requestSubmit(),
  "requestSubmit of a button": (made) => made.requestSubmit(made.elements.b),
  "a button": (made) => made.elements.b.click(),
  "a button with a method of its own": (made) => { Object.assign(made.elements.b, { formMethod: "get", formAction: "/landed?x" }).click(); },
  "a button with an enctype of its own": (made) => Object.assign(made.elements.b, { formEnctype: "multipart/form-data" }).click(),
  "an image": async (made) => {
    made.insertAdjacentHTML("beforeend", "<input type=image name=im src=/pixel.png>");
    const image = made.querySelector("[type=image]");
    await once(image, "load", "error");
    image.click();
  },
  "a button outside": (made) => { made.id = "outer"; put("button", { name: "out", value: "1" }).setAttribute("form", "outer"); made.elements.out.click(); },
  "an event": (made) => { made.onsubmit = (event) => { event.submitter.value = "changed"; }; made.elements.b.click(); },
  "formdata events": (made) => { made.onformdata = ({ formData }) => { formData.append("more", "ü"); formData.delete("hidden"); }; made.requestSubmit(); },
  "formdata events of files": (made) => { made.enctype = "multipart/form-data"; made.onformdata = ({ formData }) => formData.append("f", new File(["x"], "ä.txt", { type: "text/x" })); made.requestSubmit(); },
  "fields named as members": (made) => { made.innerHTML = "<input name=action value=a><input name=submit value=b><input name=method value=c>"; HTMLFormElement.prototype.submit.call(made); },
};
each(ACTS, "sent by", (t, act) => form(t, { method: "post", act }));
each(METHODS, "to another origin", async (t, { to, inside = FIELDS, ...more }) => {
  const frame = put("iframe", { name: "into" });
  const path = (to ?? "/landed").replace(/case=[^&]*/, "");
  const made = put("form", { target: "into", innerHTML: inside, action: `${B}${path}${path.includes("?") ? "&" : "?"}case=${t.slug}`, ...more });
  if (made.method === "get") made.insertAdjacentHTML("beforeend", `<input name=case value=${t.slug}>`);
  await t.loads(frame, () => made.submit());
});
add("_charset_ and dirname", (t) => form(t, { method: "post", inside: "<input type=hidden name=_charset_><input name=d dirname=d.dir value=x dir=rtl>" }));
add("accept-charset", (t) => form(t, { method: "post", acceptCharset: "windows-1252", inside: "<input name=x value='é€日'><input type=hidden name=_charset_>" }));
add("accept-charset of a GET", (t) => form(t, { to: "/landed", acceptCharset: "shift_jis", inside: `<input name=x value='日本é'><input name=case value=${t.slug}>` }));
add("new lines in values and names", (t) => form(t, { method: "post", enctype: "multipart/form-data", act: (made) => {
  made.innerHTML = "<input type=hidden name=n><textarea name=t></textarea>";
  made.elements.n.value = "a\rb\nc\r\nd\"e";
  made.elements.n.name = "na\r\nme\"";
  made.elements.t.value = "a\rb\nc";
  made.submit();
} }));
add("FormData of a form", () => {
  const made = put("form", { innerHTML: FIELDS });
  return [[...new FormData(made)], [...new FormData(made, made.elements.b)]].map((one) => one.map(([name, value]) => [name, String(value)]));
});
add("a submission that is prevented", (t) => {
  const made = put("form", { action: t.to("landed"), innerHTML: FIELDS });
  let seen = 0;
  made.addEventListener("submit", (event) => { seen++; event.preventDefault(); });
  made.elements.b.click();
  made.requestSubmit();
  return seen;
});
add("a form that is not valid", (t) => {
  const made = put("form", { action: t.to("landed"), innerHTML: "<input name=x required><button>go</button>" });
  let seen = [];
  made.addEventListener("invalid", ({ target }) => seen.push(target.name), true);
  made.querySelector("button").click();
  return [seen, made.checkValidity(), made.elements.x.validationMessage !== ""];
});
add("what a form reads as", (t) => {
  const made = put("form", { action: `${B}/x?y`, method: "POST", innerHTML: `<button formaction="${B}/z">go</button>` });
  const button = made.firstChild;
  const own = put("form", { innerHTML: FIELDS });
  return [made.action, made.getAttribute("action"), made.method, made.enctype, made.target, made.elements.length, [...made.attributes].map((one) => one.name),
    button.formAction, button.getAttribute("formaction"), own.getAttribute("action"), own.elements.length, own.innerHTML.length];
});
add("a form in a shadow tree", async (t) => {
  const frame = put("iframe", { name: "shadowed" });
  const root = put("div").attachShadow({ mode: "closed" });
  root.innerHTML = `<form method=post target=shadowed action="${t.own("landed")}"><input name=x value=1></form>`;
  await t.loads(frame, () => root.querySelector("form").submit());
  return t.landed(frame);
});
add("a form of a form-associated element", (t) => {
  class Own extends HTMLElement {
    static formAssociated = true;
    connectedCallback() { this.attachInternals().setFormValue("own value"); }
  }
  customElements.define("own-field", Own);
  return form(t, { method: "post", inside: "<own-field name=of></own-field><input name=x value=1>" });
});
add("a form whose action is empty", async (t) => {
  const frame = await t.frame({ src: t.own("landed", "&q=1") });
  const made = frame.contentDocument.createElement("form");
  made.innerHTML = "<input name=x value=1>";
  made.method = "post";
  frame.contentDocument.body.append(made);
  await t.loads(frame, () => made.submit());
  return t.landed(frame);
});
add("a form to a redirect that keeps the method", (t) => form(t, { method: "post", inside: "<input name=x value=ä>", to: `/redirect?case=${t.slug}&status=307&to=${encodeURIComponent(t.own("landed"))}` }));
add("a form to a redirect that does not", (t) => form(t, { method: "post", inside: "<input name=x value=ä>", to: `/redirect?case=${t.slug}&status=303&to=${encodeURIComponent(t.own("landed"))}` }));
add("a form over another origin and back", (t) => form(t, { method: "post", inside: "<input name=x value=ä>", to: `${t.to("redirect")}&status=307&to=${encodeURIComponent(A + t.own("landed"))}` }));
