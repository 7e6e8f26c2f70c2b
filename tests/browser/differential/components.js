// Custom elements and shadow trees: what frameworks define, and what they read back.
let serial = 0;
const named = () => `x-${++serial}`;
const defined = (more = {}, observed = []) => {
  const log = [];
  const tag = named();
  class One extends HTMLElement {
    static observedAttributes = observed;
    constructor() { super(); log.push("made"); }
    connectedCallback() { log.push(`connected ${this.isConnected}`); more.connected?.(this); }
    disconnectedCallback() { log.push("disconnected"); }
    adoptedCallback() { log.push("adopted"); }
    attributeChangedCallback(...args) { log.push(args); }
  }
  customElements.define(tag, One);
  return { tag, log, One };
};
add("callbacks of an element that script makes", () => {
  const { tag, log } = defined({}, ["a"]);
  const one = make(tag);
  one.setAttribute("a", "1");
  document.body.append(one);
  one.setAttribute("a", "2");
  one.removeAttribute("a");
  one.setAttribute("b", "3");
  document.body.prepend(one);
  one.remove();
  return log;
});
add("callbacks of an element in markup", () => {
  const { tag, log } = defined({}, ["a", "b"]);
  put("div").innerHTML = `<${tag} b=2 a="1"><p>x</${tag}><${tag}>`;
  return log;
});
add("elements that are defined later", async () => {
  const tag = named();
  const div = put("div");
  div.innerHTML = `<${tag} a=1></${tag}>`;
  const before = [div.firstChild.constructor.name, div.firstChild.matches(":defined")];
  const waiting = customElements.whenDefined(tag);
  const log = [];
  customElements.define(tag, class extends HTMLElement { connectedCallback() { log.push("connected"); } attributeChangedCallback(...args) { log.push(args); } static observedAttributes = ["a"]; });
  return [...before, (await waiting) === customElements.get(tag), div.firstChild.matches(":defined"), log];
});
const toldOf = (t, name) => {
  const { tag, log } = defined({}, [name]);
  const one = make(tag);
  one.setAttribute(name, t.to("pixel.png"));
  document.body.append(one);
  one.toggleAttribute(name);
  put("div").innerHTML = `<${tag} ${name}="${t.to("pixel.png")}"></${tag}>`;
  return [log.filter(Array.isArray), one.outerHTML];
};
add("what an element is told of attributes that are addresses", (t) => ["href", "src", "action", "srcset", "poster"].map((name) => toldOf(t, name)));
for (const name of ["style", "data-src", "title", "url"]) add(`what an element is told of its ${name}`, (t) => toldOf(t, name));
add("what elements in markup are told of addresses", (t) => {
  const { tag, log } = defined({}, ["href", "src", "srcset"]);
  put("div").innerHTML = `<${tag} href="${t.to("x")}" src='${t.to("y")}' srcset="${t.to("z")} 2x"><a href="${t.to("w")}">x</a></${tag}>`;
  return [log.filter(Array.isArray), document.querySelector(`${tag} a`).href];
});
add("the addresses of elements that the server wrote", () => [...document.querySelectorAll("x-server")].map((one) => [one.getAttribute("href"), one.getAttribute("src"), one.getAttribute("data-url"), one.attributes.length, one.outerHTML]));
add("elements of the server that are defined later", () => {
  const log = [];
  customElements.define("x-server", class extends HTMLElement { static observedAttributes = ["href", "src", "data-url"]; attributeChangedCallback(...args) { log.push(args); } });
  return log;
});
add("a shadow tree of the server's", () => {
  const host = document.querySelector("#declared");
  return [host.shadowRoot?.innerHTML, host.innerHTML, host.shadowRoot?.querySelector("slot").assignedNodes().length, getComputedStyle(host.shadowRoot.querySelector("b")).width, host.shadowRoot.delegatesFocus, host.shadowRoot.querySelector("a").href];
});
add("a closed shadow tree of the server's", async () => {
  const host = document.querySelector("#closed");
  return [host.shadowRoot, host.offsetWidth > 0, host.innerHTML];
});
add("a declarative shadow tree by setHTMLUnsafe", (t) => {
  const div = put("div");
  div.setHTMLUnsafe(`<p id=h><template shadowrootmode=open><a href="${t.to("x")}">x</a><slot></slot></template>light</p>`);
  const { shadowRoot } = div.firstChild;
  return [shadowRoot.innerHTML, shadowRoot.firstChild.href, div.innerHTML, div.getHTML({ serializableShadowRoots: true })];
});
add("a declarative shadow tree by innerHTML is a template", () => {
  const div = put("div");
  div.innerHTML = "<p><template shadowrootmode=open>x</template></p>";
  return [div.firstChild.shadowRoot, div.innerHTML];
});
add("getHTML", () => {
  const root = put("div").attachShadow({ mode: "open", serializable: true });
  root.innerHTML = "<b>x</b>";
  return [root.host.getHTML({ serializableShadowRoots: true }), root.getHTML(), root.host.outerHTML];
});
add("addresses in a shadow tree", async (t) => {
  const root = put("div").attachShadow({ mode: "open" });
  root.innerHTML = `<img src="${t.to("pixel.png")}"><a href="${t.to("x")}">x</a><img srcset="${t.to("pixel.png")}&n=2 1x">`;
  const [one, two] = root.querySelectorAll("img");
  return [await width(one), await width(two), one.src, root.querySelector("a").href, root.innerHTML];
});
add("styles of a shadow tree", async () => {
  const root = put("div").attachShadow({ mode: "closed" });
  root.innerHTML = "<style>:host { display: block; width: 11px } ::slotted(i) { width: 12px; display: block } p { width: 13px }</style><p>x</p><slot></slot>";
  root.host.innerHTML = "<i>x</i>";
  return [getComputedStyle(root.host).width, getComputedStyle(root.host.firstChild).width, getComputedStyle(root.querySelector("p")).width];
});
add("sheets that are adopted", async (t) => {
  const sheet = new CSSStyleSheet();
  await sheet.replace(`p { width: 21px; background: url("${t.to("pixel.png")}") }`);
  const root = put("div").attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheet];
  root.innerHTML = "<p>x</p>";
  const style = getComputedStyle(root.firstChild);
  return [style.width, style.backgroundImage, sheet.cssRules[0].cssText, root.adoptedStyleSheets.length];
});
add("a sheet that a shadow tree links", async () => {
  const root = put("div").attachShadow({ mode: "open" });
  root.innerHTML = "<link rel=stylesheet href=/sheet.css><p class=sheet>x</p>";
  await once(root.firstChild, "load", "error");
  return getComputedStyle(root.lastChild).width;
});
add("slots and what they say", async () => {
  const host = put("div");
  const root = host.attachShadow({ mode: "open", slotAssignment: "named" });
  root.innerHTML = "<slot name=a></slot><slot><i>else</i></slot>";
  const heard = once(root.firstChild, "slotchange");
  host.innerHTML = "<b slot=a>1</b>text";
  await heard;
  return [root.firstChild.assignedElements().map((one) => one.localName), host.firstChild.assignedSlot.name, root.lastChild.assignedNodes().length];
});
add("events that leave a shadow tree", () => {
  const host = put("div");
  const root = host.attachShadow({ mode: "open" });
  root.innerHTML = "<a href='#x'>x</a>";
  const seen = [];
  host.addEventListener("click", (event) => {
    event.preventDefault();
    seen.push([event.target === host, event.composedPath().length, event.composedPath()[0].localName]);
  });
  root.addEventListener("own", () => seen.push("inside"));
  host.addEventListener("own", () => seen.push("outside"));
  root.firstChild.click();
  root.firstChild.dispatchEvent(new Event("own", { bubbles: true }));
  root.firstChild.dispatchEvent(new Event("own", { bubbles: true, composed: true }));
  return seen;
});
add("events that leave a closed shadow tree", () => {
  const host = put("div");
  const root = host.attachShadow({ mode: "closed" });
  root.innerHTML = "<button>x</button>";
  const seen = [];
  host.addEventListener("click", (event) => seen.push([event.target === host, event.composedPath()[0] === host]));
  root.firstChild.click();
  return [seen, host.shadowRoot];
});
add("a link in a shadow tree that is clicked", async () => {
  const root = put("div").attachShadow({ mode: "open" });
  root.innerHTML = "<a href='#in-shadow'>x</a>";
  root.firstChild.click();
  const seen = location.hash;
  history.replaceState(null, "", location.pathname);
  return seen;
});
add("an element of a form", async () => {
  const tag = named();
  class Field extends HTMLElement {
    static formAssociated = true;
    constructor() { super(); this.internals = this.attachInternals(); }
    connectedCallback() { this.internals.setFormValue("own value"); this.internals.setValidity({ customError: true }, "no", this); }
    formResetCallback() { this.reset = true; }
  }
  customElements.define(tag, Field);
  const form = put("form");
  form.innerHTML = `<${tag} name=field tabindex=0></${tag}><input name=plain value=1>`;
  form.reset();
  return [[...new FormData(form)], form.elements.length, form.checkValidity(), form.firstChild.internals.form === form, form.firstChild.reset];
});
add("a built-in element that is extended", () => {
  const tag = named();
  class Link extends HTMLAnchorElement { connectedCallback() { this.was = this.href; } }
  customElements.define(tag, Link, { extends: "a" });
  const div = put("div");
  div.innerHTML = `<a is=${tag} href="https://b.test/x">x</a>`;
  const made = document.createElement("a", { is: tag });
  made.href = "https://b.test/y";
  return [div.firstChild.was, div.firstChild instanceof Link, made.outerHTML, made.href];
});
add("elements of a template", (t) => {
  const { tag, log } = defined();
  const template = make("template", { innerHTML: `<${tag}><img src="/pixel.png?case=${t.slug}"></${tag}>` });
  const before = [...log];
  const clone = template.content.cloneNode(true);
  const imported = document.importNode(template.content, true);
  return [before, log.length, template.innerHTML, clone.firstChild.constructor.name, imported.firstElementChild.constructor === customElements.get(tag), imported.querySelector("img").getAttribute("src")];
});
add("elements that move to another document", async () => {
  const { tag, log } = defined();
  const frame = await framed(AGENT);
  const one = put(tag);
  frame.contentDocument.body.append(one);
  document.body.append(one);
  return log;
});
add("states and parts", () => {
  const tag = named();
  customElements.define(tag, class extends HTMLElement { constructor() { super(); this.internals = this.attachInternals(); this.attachShadow({ mode: "open" }).innerHTML = "<p part=inner>x</p>"; } });
  const sheet = put("style", { textContent: `${tag}::part(inner) { width: 31px } ${tag}:state(on) { display: block; height: 32px }` });
  const one = put(tag);
  one.internals.states.add("on");
  return [getComputedStyle(one.shadowRoot.firstChild).width, getComputedStyle(one).height, sheet.sheet.cssRules.length];
});
add("what the registry refuses", () => {
  const tried = (run) => { try { return run() ?? "done" } catch (error) { return error.name } };
  const { tag } = defined();
  return [tried(() => customElements.define(tag, class extends HTMLElement {})), tried(() => customElements.define("nodash", class extends HTMLElement {})), tried(() => customElements.define("x-no", {})), customElements.get("x-none") ?? "none", customElements.getName?.(customElements.get(tag)) === tag, tried(() => new (class extends HTMLElement {})())];
});
add("an element that throws", async () => {
  const heard = once(window, "error");
  const { tag } = defined({ connected: () => { throw new Error("within") } });
  put(tag);
  const event = await heard;
  event.preventDefault();
  return [event.message, path(event.filename).replace(/\?.*/, "")];
});
add("focus that is delegated", () => {
  const host = put("div");
  host.attachShadow({ mode: "open", delegatesFocus: true }).innerHTML = "<input>";
  host.focus();
  return [document.activeElement === host, host.shadowRoot.activeElement?.localName, host.matches(":focus-within")];
});
add("attachShadow that is refused", () => {
  const tried = (run) => { try { return run() && "done" } catch (error) { return error.name } };
  const one = put("div");
  one.attachShadow({ mode: "open" });
  return [tried(() => one.attachShadow({ mode: "open" })), tried(() => put("input").attachShadow({ mode: "open" })), tried(() => put("p").attachShadow({})), tried(() => put("p").attachShadow({ mode: "closed" }))];
});
add("a popover and a dialog in a shadow tree", () => {
  const root = put("div").attachShadow({ mode: "open" });
  root.innerHTML = "<div popover id=p>x</div><button popovertarget=p>x</button><dialog>d</dialog>";
  root.querySelector("button").click();
  root.querySelector("dialog").showModal();
  const seen = [root.querySelector("#p").matches(":popover-open"), root.querySelector("dialog").open, root.querySelector("dialog").matches(":modal")];
  root.querySelector("dialog").close("done");
  return [...seen, root.querySelector("dialog").returnValue];
});
