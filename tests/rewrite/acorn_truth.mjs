// What a real parser says of scripts: where `gateway.rewrite.jslexer` must edit, and as what.
// Reads names of files from standard input, writes a line of JSON for each: edits in octets of
// UTF-8, or null where the file is neither a script nor a module.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { parse } = await import(pathToFileURL(process.argv[2]).href);
const NAMES = { location: 1, top: 3, parent: 4 };
const WINDOWS = new Set(["window", "self", "globalThis", "frames", "top", "parent"]);
const own = (name) => Object.hasOwn(NAMES, name) ? NAMES[name] : 0;

function truth(text, sourceType) {
  const tokens = [];
  const tree = parse(text, {
    ecmaVersion: "latest", sourceType, allowReturnOutsideFunction: true, allowHashBang: true,
    onToken: tokens,
  });
  const out = [];
  const add = (node, role) => out.push([node.start, node.end, role]);
  const at = (place) => {
    let low = 0, high = tokens.length;
    while (low < high) { const mid = (low + high) >> 1; if (tokens[mid].start < place) low = mid + 1; else high = mid; }
    return low;
  };
  const wrap = (place, role) => {
    let i = at(place);
    while (tokens[i].type.label !== "(") i++;
    out.push([tokens[i].end, tokens[i].end, role]);
    for (let depth = 0, j = i + 1; ; j++) {
      const label = tokens[j].type.label;
      if (depth === 0 && (label === "," || label === ")")) { out.push([tokens[j].start, tokens[j].start, 43]); return; }
      if (["(", "[", "{", "${"].includes(label)) depth++;
      if ([")", "]", "}"].includes(label)) depth--;
    }
  };
  const isDeleted = (node, parents) => {
    let i = parents.length - 1;
    if (parents[i]?.type === "ChainExpression") i--;
    return parents[i]?.type === "UnaryExpression" && parents[i].operator === "delete";
  };
  const names = (pattern, found) => {
    if (!pattern) return;
    if (pattern.type === "Identifier") { if (own(pattern.name)) found.add(own(pattern.name)); }
    else if (pattern.type === "ObjectPattern") pattern.properties.forEach((one) => names(one.value ?? one.argument, found));
    else if (pattern.type === "ArrayPattern") pattern.elements.forEach((one) => names(one, found));
    else names(pattern.left ?? pattern.argument, found);
  };
  const declared = new Set();
  const stack = [[tree, []]];
  while (stack.length) {
    const [node, parents] = stack.pop();
    const below = parents.length > 3 ? [...parents.slice(-3), node] : [...parents, node];
    const go = (child) => { if (child) stack.push([child, below]); };
    switch (node.type) {
      case "Identifier": if (own(node.name)) add(node, own(node.name)); continue;
      case "MemberExpression": {
        go(node.object);
        if (node.computed) { go(node.property); continue; }
        const name = node.property.name, object = node.object;
        if (node.property.type === "PrivateIdentifier") continue;
        if (name === "location" && object.type !== "Super" && !isDeleted(node, parents)) add(node.property, 1);
        const paren = text[object.end - 1] === ")";
        if (name === "domain" && !paren && (object.name === "document" || (object.type === "MemberExpression" && !object.computed && object.property.name === "document"))) add(node.property, 2);
        const glued = (one) => !text.slice(one.object.end, one.property.start).includes(")");
        const isWindow = (one) => one.type === "Identifier" ? WINDOWS.has(one.name)
          : one.type === "MemberExpression" && !one.computed && glued(one) && ["top", "parent"].includes(one.property.name) && isWindow(one.object);
        if ((name === "top" || name === "parent") && glued(node) && isWindow(object)) add(node.property, own(name));
        continue;
      }
      case "Property":
        if (node.shorthand) {
          if (own(node.key.name)) out.push([node.key.start, node.key.end, own(node.key.name) + 8]);
          if (node.value.type === "AssignmentPattern") go(node.value.right);
          continue;
        }
        if (node.computed) go(node.key);
        go(node.value);
        continue;
      case "MethodDefinition": case "PropertyDefinition":
        if (node.computed) go(node.key);
        go(node.value);
        continue;
      case "LabeledStatement": go(node.body); continue;
      case "BreakStatement": case "ContinueStatement": continue;
      case "ImportDeclaration":
        out.push([node.source.start + 1, node.source.end - 1, 40]);
        for (const one of node.specifiers) {
          const role = own(one.local.name);
          if (role) add(one.local, one.imported && one.imported.start === one.local.start ? role + 16 : role);
        }
        continue;
      case "ExportNamedDeclaration":
        if (node.source) { out.push([node.source.start + 1, node.source.end - 1, 40]); continue; }
        for (const one of node.specifiers) {
          const role = own(one.local.name);
          if (role) add(one.local, one.exported.start === one.local.start ? role + 24 : role);
        }
        if (node.declaration?.id) names(node.declaration.id, declared);
        for (const one of node.declaration?.declarations ?? []) names(one.id, declared);
        go(node.declaration);
        continue;
      case "ExportAllDeclaration": out.push([node.source.start + 1, node.source.end - 1, 40]); continue;
      case "MetaProperty": if (node.meta.name === "import") add(node, tokens[at(node.start) - 1]?.type.label === "new" ? 45 : 44); continue;
      case "ImportExpression": wrap(node.start, 41); break;
      case "CallExpression": if (node.callee.type === "Identifier" && node.callee.name === "eval" && !node.optional && text[node.callee.end] !== ")") wrap(node.callee.end, 42); break;
    }
    for (const key in node) {
      const value = node[key];
      if (Array.isArray(value)) for (const one of value) { if (one && typeof one.type === "string") go(one); }
      else if (value && typeof value.type === "string") go(value);
    }
  }
  for (const role of declared) out.push([text.length, text.length, role + 32]);
  return out;
}

for await (const line of createInterface({ input: process.stdin })) {
  const text = readFileSync(line, "utf8");
  let found = null;
  for (const type of ["script", "module"]) {
    try { found = truth(text, type); break; } catch { /* the other one, perhaps */ }
  }
  if (found !== null && Buffer.byteLength(text) !== text.length) {
    const places = new Uint32Array(text.length + 1);
    let size = 0;
    for (let i = 0; i < text.length; i++) {
      places[i] = size;
      const unit = text.charCodeAt(i);
      if (unit < 0x80) size += 1;
      else if (unit < 0x800) size += 2;
      else if (unit >= 0xd800 && unit < 0xdc00) { size += 4; places[i + 1] = size; i++; }
      else size += 3;
    }
    places[text.length] = size;
    found = found.map(([start, end, role]) => [places[start], places[end], role]);
  }
  console.log(JSON.stringify(found && found.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])));
}
