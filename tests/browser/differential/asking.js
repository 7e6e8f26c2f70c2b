// How a page of cases has other frames, windows and workers do something, and hears of it.
const AGENT = "/agents/page";
const agents = { asked: 0 };
const ask = (target, code, how = "*") => new Promise((done) => {
  const id = ++agents.asked;
  const alone = target instanceof Worker || target instanceof MessagePort;
  const from = alone ? target : self;
  const hear = ({ data }) => {
    if (data?.id !== id) return;
    from.removeEventListener("message", hear);
    done(data.result);
  };
  from.addEventListener("message", hear);
  alone ? target.postMessage({ id, code }) : target.postMessage({ id, code }, how);
});
const width = async (image) => {
  if (!image.complete) await once(image, "load", "error");
  return image.naturalWidth;
};
const framed = async (src, more = {}) => {
  const frame = make("iframe");
  for (const [name, value] of Object.entries(more)) frame.setAttribute(name, value);
  frame.src = src;
  document.body.append(frame);
  await once(frame, "load");
  return frame;
};
// In a frame at an address: what code there gives back.
const there = async (src, code, more) => ask((await framed(src, more)).contentWindow, code);

const failing = async (run) => {
  try {
    return await run();
  } catch (error) {
    return error.name;
  }
};
// Every message that comes in until there are so many.
const messages = (count) => new Promise((done) => {
  const got = [];
  const hear = ({ data, origin, source, ports }) => {
    if (data?.id) return;
    got.push({ data, origin, ports: ports.length, source });
    if (got.length < count) return;
    removeEventListener("message", hear);
    done(got);
  };
  addEventListener("message", hear);
});
// The address without its origin, if that is the page's own.
const path = (text) => `${text}`.replace(location.origin, "");
const of = (object, names) => Object.fromEntries(names.split(" ").map((name) => [name, object[name] ?? null]));
