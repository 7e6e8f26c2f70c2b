// What performance interfaces tell of addresses and steps, as far as it is no matter of speed.
const entry = async (address, type = "resource") => until(() => performance.getEntriesByType(type).find(({ name }) => name.includes(address)));
const told = (one) => one && { name: path(one.name), kind: one.initiatorType, type: one.entryType, status: one.responseStatus, sized: one.encodedBodySize, decoded: one.decodedBodySize, redirected: one.redirectStart > 0, timed: one.requestStart > 0, ordered: one.responseEnd >= one.startTime };
add("the entry of a document", () => {
  const [one] = performance.getEntriesByType("navigation");
  return [path(one.name), one.type, one.initiatorType, one.entryType, one.redirectCount, one.responseStatus, one.domInteractive > 0, one.responseStart > 0, performance.getEntriesByType("navigation").length];
});
add("the entry of an own answer", async () => {
  await (await fetch("/text?timed")).text();
  return told(await entry("/text?timed"));
});
add("the entry of a foreign answer", async (t) => {
  await (await fetch(t.to("text"))).text();
  const one = await entry(t.slug);
  return [one.name, one.requestStart > 0, one.encodedBodySize, one.initiatorType];
});
add("the entry of a foreign answer that tells", async (t) => {
  await (await fetch(t.to("timing/open"))).text();
  const one = await entry(t.slug);
  return [one.name, one.requestStart > 0, one.encodedBodySize, one.responseStatus];
});
add("the entry of a foreign answer that tells another site", async (t) => {
  await (await fetch(t.to("timing/other"))).text();
  const one = await entry(t.slug);
  return [one.requestStart > 0, one.encodedBodySize];
});
add("entries by a foreign name", async (t) => {
  const address = t.to("text");
  await (await fetch(address)).text();
  return until(() => performance.getEntriesByName(address).length, 500);
});
add("entries by an own name", async () => {
  await (await fetch("/text?by-name")).text();
  return until(() => performance.getEntriesByName(`${location.origin}/text?by-name`).length, 500);
});
add("what entries' kinds are", async (t) => {
  const heads = [make("link", { rel: "stylesheet", href: "/sheet.css?kind" }), make("script", { src: "/script.js?kind" })];
  document.head.append(...heads);
  put("img", { src: "/pixel.png?kind" });
  put("iframe", { src: "/blank?kind" });
  navigator.sendBeacon("/text?kind");
  await until(() => performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("?kind")).length > 4);
  return performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("?kind")).map(({ name, initiatorType }) => [path(name), initiatorType]).sort();
});
add("entries that a page did not cause", () => performance.getEntriesByType("resource").map(({ name }) => path(name)).filter((one) => !/^\/(mark|run|text|sheet|script|pixel|blank|runner|agents|timing)|b\.test|timing-cases/.test(one)));
add("the server's own timing", async () => {
  await (await fetch("/timing/server")).text();
  return (await entry("/timing/server")).serverTiming.map(({ name, duration, description }) => [name, duration, description]);
});
add("an observer of resources", async () => {
  const heard = new Promise((done) => new PerformanceObserver((list, observer) => {
    const one = list.getEntries().find(({ name }) => name.includes("observed"));
    if (one) observer.disconnect(), done([path(one.name), one.entryType]);
  }).observe({ entryTypes: ["resource"] }));
  await fetch("/text?observed");
  return heard;
});
add("marks and measures", async () => {
  performance.mark("a", { detail: { x: 1 } });
  performance.mark("b");
  const one = performance.measure("m", "a", "b");
  const seen = [one.name, one.detail, one.duration >= 0, performance.getEntriesByName("a")[0].detail, performance.getEntriesByType("mark").map(({ name }) => name)];
  performance.clearMarks();
  return [...seen, performance.getEntriesByType("mark").length, await failing(() => performance.measure("n", "none"))];
});
add("entries that are full and cleared", async () => {
  const full = once(performance, "resourcetimingbufferfull");
  performance.clearResourceTimings();
  const empty = performance.getEntriesByType("resource").length;
  performance.setResourceTimingBufferSize(2);
  for (const at of [1, 2, 3]) await (await fetch(`/text?full${at}`)).text();
  await full;
  const seen = performance.getEntriesByType("resource").length;
  performance.setResourceTimingBufferSize(1000);
  return [empty, seen >= 2];
});
add("the time of origin", () => [Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000, performance.timing.navigationStart > 0, performance.timing.loadEventEnd >= 0, performance.navigation.type, performance.navigation.redirectCount]);
add("what is painted first", async () => {
  put("p", { textContent: "painted" });
  await until(() => performance.getEntriesByType("paint").length > 1);
  return (await observed_("paint")).map(({ name }) => name).sort();
});
const observed_ = (type) => Promise.race([new Promise((done) => new PerformanceObserver((list, observer) => (observer.disconnect(), done(list.getEntries()))).observe({ type, buffered: true })), tick(1500).then(() => [])]);
add("the largest that is painted", async (t) => {
  put("img", { src: t.to("pixel.png"), width: 500, height: 400 });
  const found = await until(async () => (await observed_("largest-contentful-paint")).map(({ url }) => url).find((one) => one.includes(t.slug)), 2500);
  return found ?? null;
});
add("an element that is timed", async (t) => {
  const image = make("img", { width: 50, height: 50 });
  image.setAttribute("elementtiming", "own");
  image.src = t.to("pixel.png");
  document.body.append(image);
  const [one] = await observed_("element");
  return one ? [one.identifier, one.url, one.naturalWidth] : null;
});
add("shifts of the layout", async () => {
  const seen = await observed_("layout-shift");
  return seen.every(({ value }) => value >= 0);
});
add("the types that are observed", () => PerformanceObserver.supportedEntryTypes);
add("the time in a frame and in a foreign one", async () => [
  await there(AGENT, "const [one] = performance.getEntriesByType('navigation'); return [one.name, one.type, performance.now() > 0]"),
  await there(B + AGENT, "const [one] = performance.getEntriesByType('navigation'); return [one.name, one.type]"),
]);
add("the entry of a frame", async (t) => {
  await framed(t.to("frame"));
  const one = await entry(t.slug);
  return one && [one.name, one.initiatorType];
});
add("a redirect and its entry", async (t) => {
  await (await fetch(`/redirect?to=${encodeURIComponent("/text?landed-" + t.slug)}`)).text();
  const one = await entry("to=");
  return [path(one.name), one.redirectStart > 0];
});
add("what memory and scheduling tell", async () => [typeof performance.memory?.usedJSHeapSize, typeof scheduler?.postTask, await scheduler.postTask(() => 1), typeof queueMicrotask, crossOriginIsolated, typeof SharedArrayBuffer]);
add("errors and their addresses", async () => {
  const heard = once(window, "error");
  put("script", { textContent: "\n  throw new Error('inline')" });
  const event = await heard;
  event.preventDefault();
  return [event.message, path(event.filename), event.lineno, event.colno, event.error.stack.includes(location.origin)];
});
add("errors of a foreign script", async (t) => {
  const heard = once(window, "error");
  put("script", { src: `${B}/agents/throwing.js` });
  const event = await heard;
  event.preventDefault();
  return [event.message, path(event.filename), event.lineno];
});
add("errors of a foreign script that may be told", async (t) => {
  const heard = once(window, "error");
  put("script", { crossOrigin: "anonymous", src: `${B}/agents/throwing.js` });
  const event = await heard;
  event.preventDefault();
  return [event.message, event.filename, event.lineno, event.error?.name];
});
add("stacks of an own script", async () => {
  put("script", { src: "/agents/stack.js" });
  return own(await until(() => window.stack)).split("\n").slice(1, 2).map((one) => one.trim());
});
add("document.currentScript", async (t) => {
  put("script", { src: t.to("timing/current.js") });
  return until(() => window.current);
});
