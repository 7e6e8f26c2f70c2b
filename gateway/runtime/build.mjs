// Builds the browser files and their manifest; with --check only compares what is committed.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";
import { renamed, search } from "./names.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "built");
// Sizes in bytes: what every page loads has a budget (minified, gzip).
const entries = [
  // The others know its name.
  { name: "socket", file: "src/socket/main.js", minified: 10240, gzip: 5120 },
  // For applications: an ES module.
  { name: "websocket", file: "src/client/main.js", minified: 13312, gzip: 6144, module: true },
  { name: "inner", file: "src/inner/main.js", minified: 9728, gzip: 4608, packed: true },
  // As a function with a name: it puts itself before the workers that a worker makes.
  { name: "worker", file: "src/worker/main.js", minified: 19200, gzip: 8976, wrap: true },
  // Sites whose scripts read their own address (rewrite-location) have all three of their own.
  { name: "worker-location", file: "src/worker/main.js", minified: 22016, gzip: 10112, wrap: true, identity: true },
  { name: "inner-location", file: "src/inner/main.js", minified: 19712, gzip: 8576, identity: true },
  { name: "rare-location", file: "src/rare/main.js", minified: 67072, gzip: 27136, identity: true },
  { name: "rare", file: "src/rare/main.js", minified: 59904, gzip: 24128 },
  { name: "outer", file: "src/outer/main.js", minified: 19456, gzip: 8192 },
  { name: "oops", file: "src/oops/main.js", minified: 768, gzip: 480 },
  { name: "settle", file: "src/settle/main.js", minified: 1536, gzip: 768 },
  { name: "login", file: "src/login/main.js", minified: 512, gzip: 384 },
  { name: "settings", file: "src/settings/main.js", minified: 3072, gzip: 1280 },
];

// Names of the runtime's own, the same in all its parts; of no API is anything used here that is called so.
const names = {
  unmap: "um", typed: "ty", recall: "re", heard: "he", payload: "pl", signed: "si", handlers: "ha", blobs: "bl",
  hear: "hr", hide: "hi", given: "gi", native: "na", due: "du", ask: "as", begin: "be", parts: "pt",
  malformed: "ma", named: "nd", members: "me", failures: "fa", listeners: "li", waiting: "wa", writes: "ws", queue: "qu", stale: "st", syncs: "sy",
  install: "it", post: "po", leave: "le", within: "wi", ternaries: "te", blind: "bd", cased: "ca", called: "cl",
};
const SHORT = new RegExp(`^(${Object.keys(names).join("|")})$`);

// What names.mjs found for the one that every page loads, and for which text of it.
const found = join(here, "names.json");
const check = process.argv.includes("--check");
const kept = existsSync(found) ? JSON.parse(readFileSync(found)) : {};

const files = new Map();
const manifest = {};
const preambles = { plain: "", identity: "" };
let failed = false;
for (const entry of entries) {
  const result = await build({
    entryPoints: [join(here, entry.file)],
    bundle: true,
    minify: true,
    format: entry.module ? "esm" : "iife",
    target: ["chrome91", "firefox90", "safari15"],
    legalComments: "none",
    mangleProps: SHORT,
    mangleCache: { ...names },
    write: false,
    define: { PREAMBLE: JSON.stringify(preambles[entry.identity ? "identity" : "plain"]), IDENTITY: `${Boolean(entry.identity)}`, SOCKET: JSON.stringify(`/.gateway/assets/${manifest.socket?.file}`) },
  });
  // esbuild bundles; terser then saves another 3 % after gzip.
  const bundled = result.outputFiles[0].text.replace(/^"use strict";/, "");
  let { code } = await minify(entry.wrap ? `(function gwp() { ${bundled} })()` : bundled, {
    ecma: 2020, compress: { passes: 3, unsafe_regexp: true, unsafe_arrows: true, keep_fargs: false, hoist_funs: true }, format: { ascii_only: true }, toplevel: true, module: Boolean(entry.module),
  });
  if (entry.packed) {
    const of = createHash("sha256").update(code).digest("hex");
    if (kept.of !== of && !check) {
      Object.assign(kept, { of, names: search(code).join(" ") });
      writeFileSync(found, JSON.stringify(kept, null, 2) + "\n");
    }
    if (kept.of === of) code = renamed(code, kept.names.split(" "));
  }
  // A directive here would be that of the worker's script that follows, too.
  const text = Buffer.from(code.replace(/^"use strict";/, "") + "\n");
  if (entry.wrap) preambles[entry.identity ? "identity" : "plain"] = `${code};`;
  const digest = createHash("sha256").update(text).digest();
  const name = `${entry.name}-${digest.toString("hex").slice(0, 16)}.js`;
  files.set(name, text);
  manifest[entry.name] = { file: name, integrity: `sha256-${digest.toString("base64")}` };
  const packed = gzipSync(text, { level: 9 }).length;
  console.log(`${entry.name}: ${text.length} B minified, ${packed} B gzip (budget ${entry.minified}, ${entry.gzip})`);
  if (text.length > entry.minified || packed > entry.gzip) {
    console.error(`${entry.name}: over its budget`);
    failed = true;
  }
}
// What the module's users compile against.
files.set("websocket.d.ts", readFileSync(join(here, "src/client/websocket.d.ts")));
files.set("manifest.json", Buffer.from(JSON.stringify(manifest, null, 2) + "\n"));

if (check) {
  const committed = existsSync(target) ? readdirSync(target).sort() : [];
  const wanted = [...files.keys()].sort();
  const same = committed.join() === wanted.join()
    && wanted.every((name) => readFileSync(join(target, name)).equals(files.get(name)));
  if (!same) {
    console.error("the built files are not those of these sources: run `npm run build` and commit");
    failed = true;
  }
} else {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  for (const [name, text] of files) writeFileSync(join(target, name), text);
}
process.exit(failed ? 1 : 0);
