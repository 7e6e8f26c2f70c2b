// A page of a site that is not encrypted.
add("fetch", async (to) => (await fetch(to("echo"))).json());
const parts = ({ Host, Origin, Referer, method }) => [Host, Origin, Referer, method];
add("fetch by the page's scheme", async (to, name) => parts(await (await fetch(`//h.test/echo?case=${name}`)).json()));
add("fetch of the own origin by its name", async (to, name) => parts(await (await fetch(`http://h.test/echo?case=${name}`)).json()));
add("fetch of the same host by https", async (to, name) => (await fetch(`https://h.test/echo?case=${name}`)).json());
add("WebSocket by the page's scheme and host", async (to, name) => {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const [address, , told] = await socket(`${scheme}//${location.host}/socket?case=${name}`);
  return [new URL(address).host === location.host, told];
});
add("WebSocket by its own name", async (to, name) => (await socket(`ws://h.test/socket?case=${name}`))[2]);
add("WebSocket by the own host name and a port", async (to, name) => {
  const [, , told] = await socket(`ws://${location.hostname}:8081/socket?case=${name}`);
  return told;
});
add("WebSocket elsewhere", async (to) => (await socket(to("socket").replace("https", "wss")))[2]);
add("an image by the page's scheme", (to, name) => width(make("img", { src: `//h.test/pixel.png?case=${name}` })));
add("a link by the page's scheme", () => {
  const { href, protocol, host } = make("a", { href: "//b.test/x" });
  return [href, protocol, host];
});
add("a link to the same host by https", () => {
  const { href, protocol, host, port } = make("a", { href: "https://h.test/x" });
  return [href, protocol, host, port];
});
