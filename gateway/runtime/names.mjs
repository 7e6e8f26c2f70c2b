// Names of a minified script's variables, chosen for how well the script packs.
//
// Minifiers give each variable a short name.  Which of the short ones it is matters to gzip, which
// says briefly what was said before: 3 % of what every page loads.  The search takes two or three minutes
// and goes by what packs best on this machine, so what it found is kept (names.json) for as long as
// the script is the same; a build elsewhere takes it from there.
// The order in tables, and of what an expression tells apart, was found in the same way, where none matters: it is in the sources.
import { gzipSync } from "node:zlib";
import { parse } from "acorn";

const LETTERS = [..."etroanlsicupdmghyfwbSvkELMTRPHxAWNOCDUIFVJ"];
const TRIES = 480000;
/** Octets that a change may cost at first. */
const SLACK = 2;

/** @typedef {{parent: Scope | null, own: boolean, names: Map<string, Binding>, within: Set<Binding>}} Scope a function's or a block's; what is used in it and comes from outside */
/** @typedef {{name: string, scope: Scope, below: Set<Scope>}} Binding a variable; the scopes below its own that it is used in, or that lie between */
/** @typedef {{start: number, end: number, key: string, of: Binding | undefined, name: string}} Use where a variable is named; as a property, too, if `key` says so */

/**
 * Who is who in a script.
 * @param {string} code
 */
export function scopesOf(code) {
  /** @type {(Use & {scope: Scope})[]} */
  const uses = [];
  /** @param {Scope | null} parent @param {boolean} own whether it is a function's, to which `var` belongs @returns {Scope} */
  const below = (parent, own) => ({ parent, own, names: new Map(), within: new Set() });
  /** @param {Scope} scope @param {string} name */
  const declare = (scope, name) => {
    if (!scope.names.has(name)) scope.names.set(name, { name, scope, below: new Set() });
  };
  /** The names in a pattern. @param {any} one @returns {string[]} */
  const bound = (one) =>
    !one ? []
    : one.type === "Identifier" ? [one.name]
    : one.type === "ObjectPattern" ? one.properties.flatMap((/** @type {any} */ part) => bound(part.argument ?? part.value))
    : one.type === "ArrayPattern" ? one.elements.flatMap(bound)
    : bound(one.left ?? one.argument);
  /** @param {any} one a declaration @param {Scope} scope */
  const declareAll = (one, scope) => {
    let at = scope;
    if (one.kind === "var") while (!at.own && at.parent) at = at.parent;
    for (const { id } of one.declarations) for (const name of bound(id)) declare(at, name);
  };
  /** What a body declares is known from its beginning. @param {any[]} body @param {Scope} scope */
  const hoist = (body, scope) => {
    for (const one of body) {
      if (one.type === "VariableDeclaration") declareAll(one, scope);
      if (one.type === "FunctionDeclaration") declare(scope, one.id.name);
    }
  };
  /** @param {any} node @param {Scope} scope */
  const walk = (node, scope) => {
    if (Array.isArray(node)) {
      for (const one of node) walk(one, scope);
      return;
    }
    if (typeof node?.type !== "string") return;
    const { type } = node;
    if (/Function/.test(type)) {
      const inner = below(scope, true);
      if (node.id) walk(node.id, scope);
      for (const one of node.params) for (const name of bound(one)) declare(inner, name);
      if (node.body.type === "BlockStatement") hoist(node.body.body, inner);
      walk(node.params, inner);
      walk(node.body.type === "BlockStatement" ? node.body.body : node.body, inner);
    } else if (type === "BlockStatement") {
      const inner = below(scope, false);
      hoist(node.body, inner);
      walk(node.body, inner);
    } else if (/^For/.test(type)) {
      const inner = below(scope, false);
      const first = node.init ?? node.left;
      if (first?.type === "VariableDeclaration") declareAll(first, inner);
      for (const part of ["init", "left", "right", "test", "update", "body"]) walk(node[part], inner);
    } else if (type === "CatchClause") {
      const inner = below(scope, false);
      for (const name of bound(node.param)) declare(inner, name);
      walk(node.param, inner);
      walk(node.body, inner);
    } else if (type === "MemberExpression") {
      walk(node.object, scope);
      if (node.computed) walk(node.property, scope);
    } else if (type === "Property") {
      if (node.computed) walk(node.key, scope);
      if (!node.shorthand) walk(node.value, scope);
      else {
        const { start, end, name } = node.key;
        uses.push({ start, end, key: `${name}:`, name, scope, of: undefined });
        if (node.value.type === "AssignmentPattern") walk(node.value.right, scope);
      }
    } else if (type === "Identifier") uses.push({ start: node.start, end: node.end, key: "", name: node.name, scope, of: undefined });
    else if (/^(Class|With|Labeled|Import|Export|Switch)/.test(type)) throw new Error(`no names are found for ${type}`);
    else for (const part of Object.values(node)) walk(part, scope);
  };
  const root = below(null, true);
  const program = /** @type {any} */ (parse(code, { ecmaVersion: 2022 }));
  hoist(program.body, root);
  walk(program.body, root);
  uses.sort((one, other) => one.start - other.start);
  for (const use of uses) {
    /** @type {Scope[]} */
    const passed = [];
    /** @type {Scope | null} */
    let at = use.scope;
    for (; at && !at.names.has(use.name); at = at.parent) passed.push(at);
    use.of = at?.names.get(use.name);
    for (const one of passed) {
      use.of?.below.add(one);
      if (use.of) one.within.add(use.of);
    }
  }
  const named = /** @type {(Use & {of: Binding})[]} */ (uses.filter((use) => use.of));
  return { named, bindings: [...new Set(named.map((use) => use.of))], foreign: uses.filter((use) => !use.of).map((use) => use.name) };
}

/** The script with the names that its variables have now. @param {string} code @param {ReturnType<typeof scopesOf>["named"]} named */
const written = (code, named) => {
  let out = "";
  let at = 0;
  for (const { start, end, key, of, name } of named) {
    out += code.slice(at, start) + (key && of.name !== name ? key : "") + of.name;
    at = end;
  }
  return out + code.slice(at);
};

/**
 * The script with other names, one for each variable in the order in which they come up.
 * @param {string} code
 * @param {string[]} names
 */
export function renamed(code, names) {
  const { named, bindings, foreign } = scopesOf(code);
  if (names.length !== bindings.length) throw new Error("these are names for another script");
  bindings.forEach((one, at) => (one.name = names[at]));
  const out = written(code, named);
  // Every name stands for what it stood for, or the script is not the same.
  const again = scopesOf(out);
  const order = (/** @type {typeof named} */ uses, /** @type {Binding[]} */ of) => uses.map((use) => of.indexOf(use.of)).join();
  if (order(named, bindings) !== order(again.named, again.bindings) || foreign.join() !== again.foreign.join()) {
    throw new Error("two variables have become one");
  }
  return out;
}

/**
 * Names that let the script pack well: one after the other is changed, and stays if that is no loss, or almost none.
 * @param {string} code
 * @param {number} [times] how often one is tried
 * @returns {string[]}
 */
export function search(code, times = TRIES) {
  const { named, bindings, foreign } = scopesOf(code);
  const taken = new Set(foreign);
  const packed = () => gzipSync(written(code, named), { level: 9 }).length;
  /** Whether a variable with its name hides no other, and is hidden by none. @param {Binding} one */
  const isFree = (one) =>
    !taken.has(one.name)
    && [...one.scope.names.values(), ...one.scope.within].every((other) => other === one || other.name !== one.name)
    && [...one.below].every((scope) => [...scope.names.values()].every((other) => other.name !== one.name));
  let state = 1;
  const random = (/** @type {number} */ below) => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return (state / 2 ** 32) * below;
  };
  let now = packed();
  let best = now;
  /** @type {string[]} */
  let found = bindings.map((one) => one.name);
  for (let tries = 0; tries < times; tries++) {
    const one = bindings[Math.floor(random(bindings.length))];
    const old = one.name;
    const name = LETTERS[Math.floor(random(1) * random(LETTERS.length))];
    if (name === old) continue;
    const other = [...one.scope.names.values()].find((it) => it.name === name);
    one.name = name;
    if (other) other.name = old;
    const then = isFree(one) && (!other || isFree(other)) ? packed() : Infinity;
    // At first a little may be lost, so that it does not end where nothing near is better.
    if (then <= now + Math.floor(random(1) * SLACK * (1 - tries / times))) {
      now = then;
      if (now < best) {
        best = now;
        found = bindings.map((it) => it.name);
      }
    } else {
      one.name = old;
      if (other) other.name = name;
    }
  }
  return found;
}
