// A small copy of the server's edit of scripts, for text that script makes: names are changed
// wherever they stand as names, so that declarations and uses stay together and no scopes need be known.
// But within `with`, as compilers of templates write it, a name may be that of the page's data: it
// stays, and what it turns out to be is looked at where something of it is read.

const WORDS = /\b(?:location|domain|top|parent|import|eval)\b/;
// Space and comments; names; numbers; strings; a template's beginning; signs.
const TOKEN =
  /\s+|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\/|((?:[\p{ID_Start}$_#]|(?=\\u)(?:[\p{ID_Continue}$\u200c\u200d]|\\u(?:[\da-fA-F]{4}|\{[\da-fA-F]+\})))(?:[\p{ID_Continue}$\u200c\u200d]|\\u(?:[\da-fA-F]{4}|\{[\da-fA-F]+\}))*)|(\.?\d(?:[eE][+-](?=\d)|[\w.])*)|("(?:[^"\\\n\r]|\\[^])*"|'(?:[^'\\\n\r]|\\[^])*')|(`)|(=>|\.\.\.|\?\.(?!\d)|\?\?=?|\+\+|--|&&=?|\|\|=?|[^"'])/uy;
const REGEXP = /\/(?![*/])(?:[^\\/[\n\r]|\\.|\[(?:[^\]\\\n\r]|\\.)*\])+\/[\p{ID_Continue}$]*/uy;
const TEMPLATE = /(?:[^`\\$]|\\[^]|\$(?!\{))*(`|\$\{)/y;
// After these an expression begins, and a slash is a pattern's.
const BEFORE_EXPRESSION = /^(?:return|typeof|instanceof|in|of|new|delete|void|throw|case|do|else|yield|await|default|extends)$/;
const HEADS = /^(?:if|for|while|with|switch|catch)$/;
const MODIFIERS = /^(?:get|set|async|static|accessor)$/;
const WINDOWS = /^(?:window|self|globalThis|frames|top|parent)$/;
const RENAMED = /^(?:location|top|parent)$/;

/** @typedef {{open: string, kind: string, head: string, ternaries: number, key: boolean, called: string, within: string, cased: boolean, blind: boolean}} Level */

/**
 * The text with its names changed; as it was where it cannot be understood.
 * @param {string} text
 * @returns {string}
 */
export function edit(text) {
  return WORDS.test(text) ? edited(text) ?? text : text;
}

/** @param {string} text @returns {string | null} */
function edited(text) {
  let out = "";
  let done = 0;
  const put = (/** @type {number} */ from, /** @type {number} */ to, /** @type {string} */ what) => {
    out += text.slice(done, from) + what;
    done = to;
  };
  const level = (/** @type {string} */ open, /** @type {string} */ kind, head = "") => ({
    open, kind, head, ternaries: 0, key: kind === "object" || kind === "class", called: "", within: "", cased: false, blind: false,
  });
  /** @type {Level[]} */
  const levels = [];
  /** @type {Level} */
  let here = level("", "block");
  // The last token, its kind, the one before it, and whether a line ended since.
  let last = "";
  let kind = "start";
  let before = "";
  let line = false;
  let isClass = false;
  let isList = false;
  let isWindow = false; // the last name is that of one
  let isWith = false;
  const isValue = () => kind === "value" || kind === "name";
  const following = (/** @type {number} */ from) => /^(?:\s|\/\/.*|\/\*[^]*?\*\/)*(=>|[=!]==?|\?\.|[^])?/.exec(text.slice(from, from + 400))?.[1] ?? "";
  // Past a template's text, to its end or into a value within it; -1: it has no end.
  const pastText = (/** @type {number} */ from) => {
    TEMPLATE.lastIndex = from;
    const part = TEMPLATE.exec(text);
    if (!part) return -1;
    if (part[1] !== "`") {
      const { blind } = here;
      levels.push(here);
      here = level("${", "template");
      here.blind = blind;
    }
    return TEMPLATE.lastIndex;
  };

  for (let at = 0; at < text.length;) {
    if (text[at] === "/" && text[at + 1] !== "/" && text[at + 1] !== "*" && !isValue()) {
      REGEXP.lastIndex = at;
      const found = REGEXP.exec(text);
      if (!found) return null;
      at = REGEXP.lastIndex;
      [before, last, kind, line] = [last, "/", "value", false];
      continue;
    }
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) return null;
    const start = at;
    at = TOKEN.lastIndex;
    const [token, word, number, string, quote, sign] = found;
    if (word === undefined && number === undefined && string === undefined && !quote && !sign) {
      if (/[\n\r\u2028\u2029]/.test(token)) line = true;
      continue;
    }
    // A class's member ends with its line where nothing goes on.
    if (here.kind === "class" && !here.key && line && isValue() && (word !== undefined || string || token === "[" || token === "*")) here.key = true;
    let next = "value";
    if (sign !== "." && sign !== "?." && word === undefined) isWindow = false;
    if (word !== undefined) {
      const member = last === "." || last === "?.";
      const isKey = here.key && !member;
      if (!member) isWindow = !isKey && WINDOWS.test(word);
      const after = RENAMED.test(word) || isKey || word === "eval" || word === "import" || word === "domain" ? following(at) : "";
      next = member || isKey ? "name" : BEFORE_EXPRESSION.test(word) ? "word" : "name";
      if (member) {
        /** @type {boolean} */
        const owned = isWindow;
        isWindow = owned && RENAMED.test(word) && word !== "location";
        if (before === "super") {
          // An inherited accessor would ask itself.
        } else if (word === "location" || (owned && RENAMED.test(word))) put(start, at, "__gw_" + word);
        else if (word === "domain" && before === "document") put(start, at, "__gw_domain");
        else if (word === "meta" && before === "import") put(at, at, ")");
      } else if (here.kind === "list") {
        // What is exported keeps its name.
        if (here.head === "export" && RENAMED.test(word) && last !== "as") put(start, at, after === "," || after === "}" ? `__gw_${word} as ${word}` : "__gw_" + word);
        else if (here.head === "import" && RENAMED.test(word) && (last === "as" || after === "," || after === "}")) put(start, at, last === "as" ? "__gw_" + word : `${word} as __gw_${word}`);
      } else if (here.blind && RENAMED.test(word)) {
        if (here.key) here.key = false;
        else if (/^(?:\.|\[|\?\.)$/.test(after)) put(start, at, `__gw_of(${word})`);
      } else if (isKey) {
        if (MODIFIERS.test(word) && !/^[,:(=};]$/.test(after)) next = "word";
        else {
          if (here.kind === "object" && RENAMED.test(word) && /^[,}=]$/.test(after)) put(start, at, `${word}:__gw_${word}`);
          here.key = false;
        }
      } else if (RENAMED.test(word)) {
        const isLabel = after === ":" && here.kind === "block" && !here.ternaries && !here.cased
          && (kind === "start" || kind === "end" || /^[;{})]$/.test(last));
        if (!isLabel && !/^(?:break|continue)$/.test(last)) put(start, at, "__gw_" + word);
      } else if (word === "eval" && after === "(" && last !== "function") here.called = "eval";
      else if (word === "import") {
        if (after === "(") here.called = "import";
        else if (after === ".") put(start, start, "__gw_meta(");
        else isList = true;
      } else if (word === "export") isList = true;
      else if (word === "class") isClass = true;
      else if (word === "case" || word === "default") here.cased = true;
      else if (word === "from") isList = false;
      if (isList && /^(?:default|const|let|var|function|class|async)$/.test(word)) isList = false;
    } else if (quote) {
      at = pastText(at);
      if (at < 0) return null;
      if (text[at - 1] === "{") next = "sign";
    } else if (sign) {
      next = "sign";
      if (sign === "(" || sign === "[" || sign === "{") {
        const called = here.called;
        here.called = "";
        let made = "group";
        let head = last;
        if (sign === "{") {
          if (isClass) made = "class";
          else if (isList && /^(?:import|export|,)$/.test(last)) [made, head] = ["list", last === "export" ? last : "import"];
          else if (last === ")") made = "block";
          else if (last === "=>" || kind === "start" || kind === "end" || /^(?:;|\{|else|do|try|finally|static)$/.test(last)) made = "block";
          else if (/^(?:const|let|var)$/.test(last)) made = "object";
          else made = isValue() ? "block" : "object"; // of a catch without a name, or after a line's end
          isClass = isList = false;
        } else if (here.key) here.key = false;
        levels.push(here);
        const { blind } = here;
        here = level(sign, made, head);
        here.blind = blind || (isWith && sign === "{");
        isWith = false;
        if (sign === "(" && called) {
          here.within = called;
          put(at, at, `__gw_${called}(`);
        }
        if (sign === "(" && HEADS.test(head)) {
          here.kind = "head";
          here.within = head === "with" ? head : "";
        }
      } else if (sign === ")" || sign === "]" || sign === "}") {
        const pair = { ")": "(", "]": "[", "}": here.open === "${" ? "${" : "{" }[sign];
        const closed = here;
        const outer = levels.pop();
        if (closed.open !== pair || !outer) return null;
        if (closed.within === "with") isWith = true;
        else if (closed.within && sign === ")") put(start, start, ")");
        here = outer;
        next = closed.kind === "head" ? "sign" : "value";
        if (closed.open === "${") {
          at = pastText(at);
          if (at < 0) return null;
          if (text[at - 1] === "{") next = "sign";
        } else if (closed.kind === "block" || closed.kind === "class") {
          next = "end";
          if (here.kind === "class") here.key = true;
        } else if (closed.kind === "list") isList = true;
      } else if (sign === ",") {
        if (here.kind === "object") here.key = true;
        if (here.within === "import") {
          put(start, start, ")");
          here.within = "";
        }
      } else if (sign === ";") {
        here.cased = isList = false;
        here.ternaries = 0;
        if (here.kind === "class") here.key = true;
      } else if (sign === "?") here.ternaries++;
      else if (sign === ":") {
        if (here.ternaries) here.ternaries--;
        else if (here.kind === "block") {
          here.cased = false;
          next = "end";
        }
      } else if (sign === "*" || sign === "...") {
        // A generator's name is a key still; what is spread is none.
        if (sign === "...") here.key = false;
      } else if (here.key && sign === "=") here.key = false;
      else if (sign === "++" || sign === "--") next = kind;
    } else if (here.key) here.key = false;
    [before, last, kind, line] = [last, token, next, false];
  }
  return levels.length ? null : out + text.slice(done);
}
