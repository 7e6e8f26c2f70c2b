// Ways by which a worker names a foreign host; its script is the section's file.

//: worker-fetch
new Worker("/s/@NAME@.js");
//> file
fetch("@URL@", {mode: "no-cors"}).catch(() => 0);

//: worker-xhr
new Worker("/s/@NAME@.js");
//> file
const x = new XMLHttpRequest();
x.open("GET", "@URL@");
x.send();

//: worker-socket
new Worker("/s/@NAME@.js");
//> file
new WebSocket("wss://@HOST@/w/@NAME@");

//: worker-events
new Worker("/s/@NAME@.js");
//> file
new EventSource("@URL@");

//: worker-import-scripts
new Worker("/s/@NAME@.js");
//> file
importScripts("@URL@");

//: worker-import
new Worker("/s/@NAME@.js");
//> file
import("@URL@").catch(() => 0);

//: worker-font
new Worker("/s/@NAME@.js");
//> file
const f = new FontFace("x", "url(@URL@)");
f.load().catch(() => 0);

//: worker-cache
new Worker("/s/@NAME@.js");
//> file
caches.open("x").then((c) => c.add("@URL@")).catch(() => 0);

//: worker-module
new Worker("/s/@NAME@.js", {type: "module"});
//> file
import "@URL@";

//: worker-module-fetch
new Worker("/s/@NAME@.js", {type: "module"});
//> file
fetch("@URL@", {mode: "no-cors"}).catch(() => 0);

//: worker-nested
new Worker("/s/@NAME@.js");
//> file
new Worker(URL.createObjectURL(new Blob(["fetch('@URL@', {mode: 'no-cors'}).catch(() => 0)"])));

//: worker-blob
new Worker(blob("fetch('@URL@', {mode: 'no-cors'}).catch(() => 0)"));

//: worker-blob-import
new Worker(blob("importScripts('@URL@')"));

//: worker-blob-module
new Worker(blob("import '@URL@'"), {type: "module"});

//: worker-blob-socket
new Worker(blob("new WebSocket('wss://@HOST@/w/@NAME@')"));

//: worker-blob-fresh
new (blank().Worker)(blob("fetch('@URL@', {mode: 'no-cors'}).catch(() => 0)"));

//: worker-data
new Worker("data:text/javascript,fetch('@URL@', {mode: 'no-cors'}).catch(() => 0)");

//: worker-data-import
new Worker("data:text/javascript,importScripts('@URL@')");

//: shared-fetch
new SharedWorker("/s/@NAME@.js");
//> file
fetch("@URL@", {mode: "no-cors"}).catch(() => 0);

//: shared-import
new SharedWorker("/s/@NAME@.js");
//> file
importScripts("@URL@");

//: shared-module
new SharedWorker("/s/@NAME@.js", {type: "module"});
//> file
import "@URL@";

//: shared-blob
new SharedWorker(blob("fetch('@URL@', {mode: 'no-cors'}).catch(() => 0)"));

//: shared-data
new SharedWorker("data:text/javascript,fetch('@URL@', {mode: 'no-cors'}).catch(() => 0)");

//: worker-foreign none
new Worker("@URL@");

//: shared-foreign none
new SharedWorker("@URL@");
