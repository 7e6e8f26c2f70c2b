// Ways by which a page is left; each section has a page of its own.

//: link-click
at("a", {href: "@URL@"}).click();

//: link-click-markup
press(at("div", {innerHTML: "<a href='ht&#9;tps:\\\\@HOST@\\w\\@NAME@'>x</a>"}).firstChild);

//: link-click-event
press(at("a", {href: "@URL@"}));

//: link-blank
at("a", {href: "@URL@", target: "_blank"}).click();

//: link-top
at("a", {href: "@URL@", target: "_top"}).click();

//: link-download
at("a", {href: "@URL@", download: "x"}).click();

//: link-host-set
const link = at("a", {href: "/w/@NAME@"});
link.host = "@HOST@";
link.click();

//: link-javascript
at("a", {href: "javascript:location='@URL@'"}).click();

//: link-svg
const link = svg("a");
link.setAttribute("href", "@URL@");
press(link);

//: link-area
add("<map name=m><area href='@URL@'></map>");
document.querySelector("area").click();

//: link-shadow
const root = at("div", {}).attachShadow({mode: "closed"});
root.innerHTML = "<a href='@URL@'>x</a>";
root.firstChild.click();

//: link-detached
make("a", {href: "@URL@"}).click();

//: link-base
document.head.append(make("base", {href: "https://@HOST@/w/"}));
at("a", {href: "@NAME@"}).click();

//: form-get
at("form", {action: "@URL@"}).submit();

//: form-post
at("form", {action: "@URL@", method: "post"}).submit();

//: form-request-submit
const button = make("button", {formAction: "@URL@"});
const form = at("form", {});
form.append(button);
form.requestSubmit(button);

//: form-button-click
add("<form method=post><button formaction='@URL@'>x</button></form>");
document.querySelector("button").click();

//: form-attribute
at("form", {id: "f"});
const button = at("button", {});
button.setAttribute("form", "f");
button.setAttribute("formaction", "@URL@");
button.click();

//: form-blank
at("form", {action: "@URL@", target: "_blank"}).submit();

//: location
location = "@URL@";

//: location-document
document.location = "@URL@";

//: location-href
location.href = "@URL@";

//: location-assign
location.assign("@URL@");

//: location-replace
location.replace("//@HOST@/w/@NAME@");

//: location-host
history.replaceState(null, "", "/w/@NAME@");
location.host = "@HOST@:443";

//: location-hostname
history.replaceState(null, "", "/w/@NAME@");
location.hostname = "@HOST@";

//: location-top
top.location = "@URL@";

//: location-top-href
top.location.href = "@URL@";

//: location-parent
parent.location = "@URL@";

//: location-inner
blank().eval("parent.location = '@URL@'");

//: location-javascript
location = "javascript:'<img src=@URL@>'";

//: location-blob
location = blob("<img src='@URL@'>", "text/html");

//: navigation
navigation.navigate("@URL@");

//: refresh-added
document.head.append(make("meta", {httpEquiv: "refresh", content: "0;url=@URL@"}));

//: open
window.open("@URL@");

//: open-self
window.open("@URL@", "_self");

//: open-top
window.open("@URL@", "_top");

//: open-document
document.open("@URL@", "x", "");

//: open-blank-location
window.open("about:blank").location = "@URL@";

//: open-blank-write
window.open("").document.write("<img src='@URL@'>");

//: open-blank-fetch
window.open("").fetch("@URL@");

//: open-noopener
window.open("@URL@", "", "noopener");

//: document-replaced
document.open();
document.write("<img src='@URL@'>");
document.close();

//: hide-beacon
addEventListener("pagehide", () => navigator.sendBeacon("@URL@"));
location = "/blank";

//: hide-fetch
addEventListener("pagehide", () => fetch("@URL@", {keepalive: true, mode: "no-cors"}));
location = "/blank";

//: hide-navigate
addEventListener("pagehide", () => { new Image().src = "@URL@" });
location = "/blank";
