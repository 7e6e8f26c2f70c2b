// Server-sent events, and media by ranges.
const listen = (address, { events = ["message"], count = 1, options } = {}) => new Promise((done) => {
  const source = new EventSource(address, options);
  const got = [[source.readyState, source.url, source.withCredentials]];
  const take = ({ type, data, lastEventId, origin }) => {
    got.push([type, data, lastEventId, origin]);
    if (got.length > count) finish();
  };
  const finish = () => {
    source.close();
    done(got.map((one) => JSON.parse(own(JSON.stringify(one)))));
  };
  for (const one of events) source.addEventListener(one, take);
  source.onerror = () => { got.push(["error", source.readyState]); if (source.readyState === 2) finish(); };
});
add("events of the own origin", (t) => listen(t.own("streams/events"), { count: 3 }));
add("events of another origin", (t) => listen(t.to("streams/events"), { count: 3 }));
add("events with credentials", (t) => listen(t.to("streams/events"), { count: 3, options: { withCredentials: true } }));
add("events with names and ids", (t) => listen(t.own("streams/named"), { events: ["message", "own", "ä"], count: 5 }));
add("events of several lines", (t) => listen(t.own("streams/lines"), { count: 4 }));
add("events over a redirect", (t) => listen(`/redirect?case=${t.slug}&to=${encodeURIComponent(t.to("streams/events"))}`, { count: 3 }));
add("events that begin again", (t) => listen(t.own("streams/again"), { count: 3 }));
add("events of the wrong type", (t) => listen(t.own("text")));
add("events that are 204", (t) => listen(t.own("streams/ended")));
add("events that are not allowed", (t) => listen(t.to("streams/closed")));
add("events that are 404", (t) => listen(t.own("streams/none")));
add("events one at a time", async (t) => {
  const source = new EventSource(t.own("streams/slowly"));
  const got = [];
  source.onmessage = ({ data }) => got.push(data);
  for (let at = 0; at < 3; at++) {
    await until(() => got.length > at);
    await fetch(`/open?gate=${t.slug}${at}`);
  }
  source.close();
  return got;
});
const media = async (kind, src, more = {}) => {
  const element = put(kind, { preload: "auto", muted: true, ...more });
  const seen = [];
  for (const one of ["loadedmetadata", "error", "seeked"]) element.addEventListener(one, () => seen.push(one));
  if (src) element.src = src;
  await once(element, "canplaythrough", "error");
  return [element, seen];
};
const state = (element, seen) => [seen, element.readyState >= 3, Math.round(element.duration * 100) || 0, element.error?.code ?? 0, own(element.currentSrc), own(element.src)];
const SOURCES = { "the own origin": (t, path) => t.own(path), "another origin": (t, path) => t.to(path) };
each(SOURCES, "audio of", async (t, at) => state(...(await media("audio", at(t, "streams/sound.wav")))));
each(SOURCES, "audio by ranges of", async (t, at) => {
  const [element, seen] = await media("audio", at(t, "streams/sound.wav", "") + "&ranges=1");
  element.currentTime = 1.5;
  await once(element, "seeked", "error");
  return [...state(element, seen), element.currentTime, element.seekable.length, Math.round(element.seekable.end(0) * 100)];
});
each(SOURCES, "audio with CORS of", async (t, at) => state(...(await media("audio", at(t, "streams/sound.wav") + "&allow=1", { crossOrigin: "anonymous" }))));
add("audio with CORS that is not allowed", async (t) => state(...(await media("audio", t.to("streams/sound.wav"), { crossOrigin: "anonymous" }))));
add("audio over a redirect", async (t) => state(...(await media("audio", `/redirect?case=${t.slug}&to=${encodeURIComponent(t.to("streams/sound.wav"))}`))));
add("audio that is not there", async (t) => state(...(await media("audio", t.own("streams/none.wav")))));
add("audio of sources", async (t) => {
  const element = make("audio", { preload: "auto" });
  element.append(make("source", { src: t.to("streams/none.ogg"), type: "audio/ogg" }), make("source", { src: t.to("streams/sound.wav"), type: "audio/wav" }));
  document.body.append(element);
  await once(element, "canplaythrough", "error");
  return [element.currentSrc, element.duration > 1, element.innerHTML];
});
add("a track of captions", async (t) => {
  const element = make("video", { crossOrigin: "anonymous", muted: true });
  const track = make("track", { kind: "captions", src: t.to("streams/captions.vtt"), default: true, srclang: "de", label: "x" });
  element.append(track);
  document.body.append(element);
  track.track.mode = "showing";
  await once(track, "load", "error");
  return [[...track.track.cues].map((one) => one.text), track.readyState, track.src];
});
add("a poster", async (t) => {
  const element = put("video", { poster: t.to("pixel.png") });
  await tick(150);
  return [element.poster, element.getAttribute("poster")];
});
add("Media Source", async () => {
  const source = new MediaSource();
  const element = put("video", { muted: true });
  element.src = URL.createObjectURL(source);
  await once(source, "sourceopen");
  return [source.readyState, own(element.src).startsWith(`blob:${A}/`), own(element.currentSrc).startsWith(`blob:${A}/`)];
});
const RANGES = { "first": "bytes=0-9", "middle": "bytes=5-6", "open": "bytes=90-", "suffix": "bytes=-5", "several": "bytes=0-1,5-6", "beyond": "bytes=500-", "wrong": "octets=1-2" };
each(RANGES, "a range:", async (t, Range) => {
  const response = await fetch(t.own("streams/octets"), { headers: { Range } });
  return [response.status, response.headers.get("content-range"), response.headers.get("accept-ranges"), response.headers.get("content-type"), (await response.text())];
});
each(RANGES, "a range of a document:", async (t, Range) => {
  const response = await fetch(t.own("streams/octets", "&kind=text/html"), { headers: { Range } });
  return [response.status, response.headers.get("content-range"), (await response.text())];
});
add("a range with If-Range", async (t) => Promise.all(['"tag"', '"other"'].map(async (tag) => {
  const response = await fetch(t.own("streams/octets"), { headers: { Range: "bytes=1-2", "If-Range": tag } });
  return [response.status, await response.text()];
})));
add("a range of what is coded", async (t) => {
  const response = await fetch(t.own("streams/octets", "&coded=1"), { headers: { Range: "bytes=1-2" } });
  return [response.status, response.headers.get("content-encoding")];
});
