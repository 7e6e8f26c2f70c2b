"""Words and literals of a script: which of them are names that are edited.

The part of ``jslexer`` that looks at what stands in a place; that place is its ``state``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.rewrite.jstokens import (
    AFTER_IMPORT,
    ARROW_END,
    ASYNC,
    BLOCK,
    BLOCKLIKE,
    BREAK,
    CLASS,
    CLASS_HEAD,
    CTRL,
    CTRL_PAREN,
    DECLARATION,
    DEEPEST,
    DOCUMENT,
    DOMAIN,
    DOT,
    END,
    ESCAPE,
    EVAL_OPEN,
    EXPORT,
    EXPORTED,
    EXPR,
    EXPRESSION,
    FN,
    IMPORT,
    IMPORT_OPEN,
    IMPORTED,
    IMPORTS,
    IS_AS,
    KEY,
    LINE_END,
    LIST,
    LIST_REST,
    LOCATION,
    META,
    META_NEW,
    NAME_CHARACTER,
    NAMES,
    NEW,
    OBJECT,
    SHORTHAND,
    SOURCE,
    SPACE,
    SPECIFIER,
    STAR,
    START,
    SUPER,
    THEN,
    WINDOW,
    WINDOWS,
    Edit,
    Frame,
    Lost,
)


class Words:
    """One script's way; ``edits`` are what was found, in order."""

    def __init__(self, text: bytes) -> None:
        """Nothing is read yet."""
        self.text = text
        self.edits: list[Edit] = []
        self.at = 0
        self.before = 0  # where the token before ended
        self.state = START
        self.frame = Frame(BLOCK)
        self.frames: list[Frame] = []
        self.last = self.latest = 0
        self.was = START  # the state before a word
        self.generator = self.star = False
        self.body = 0  # what the function is whose body is next
        self.wraps = 0
        self.deleting = 0
        self.module = self.html = self.default = False
        self.exporting = 0
        self.binds = -1  # where what ended that a declared name may follow
        self.pattern = 0
        self.declared: list[int] = []

    def _breaks(self, start: int) -> bool:
        """Whether a line ends between the token before and this one."""
        return start > self.before and LINE_END.search(self.text, self.before, start) is not None

    def _peek(self, at: int) -> int:
        found = SPACE.match(self.text, at)
        return found.end() if found else at

    def _next(self, at: int) -> bytes:
        at = self._peek(at)
        return self.text[at : at + 1]

    def _push(self, kind: int, info: int = 0) -> None:
        if len(self.frames) >= DEEPEST:
            raise Lost
        self.frames.append(self.frame)
        self.frame = Frame(kind, info)

    def _pop(self) -> Frame:
        if not self.frames:
            raise Lost
        frame = self.frame
        self.frame = self.frames.pop()
        depth = len(self.frames)
        if self.deleting > depth + 1:
            self.deleting = 0
        if self.pattern > depth:
            self.pattern = 0
        return frame

    # --- words -----------------------------------------------------------------------

    def _word(self, word: bytes, start: int, end: int) -> None:
        escaped = b"\\" in word
        if escaped:
            word = ESCAPE.sub(_decode, word)
        state = self.state
        ends = self.frame.kind == CLASS and state in {END, ARROW_END}
        if ends and word not in {b"in", b"instanceof"}:
            state = self.state = KEY  # a field without a semicolon ended with its line
        by_state = _BY_STATE.get(state)
        if by_state is not None:
            by_state(self, word, start, end)
        elif escaped:
            self._name(word, start, end)
        else:
            self._keyword_or_name(word, start, end)

    def _label(self, word: bytes, start: int, end: int) -> None:
        del word, start, end
        self.state = END

    def _class_head(self, word: bytes, start: int, end: int) -> None:
        if word == b"extends":
            self.state = EXPR
        else:
            self._declare(word, start, end)

    def _imported(self, word: bytes, start: int, end: int) -> None:
        if word in NAMES:
            self._add(start, end, NAMES[word])

    def _starred(self, word: bytes, start: int, end: int) -> None:
        """Between ``export *`` or ``export {}`` and where that comes from."""
        if word in {b"as", b"from"}:
            self.state = STAR
        elif self.state == SOURCE:
            self._keyword_or_name(word, start, end)

    def _keyword_or_name(self, word: bytes, start: int, end: int) -> None:
        if self.state == EXPORT:
            if word == b"default":
                self.state, self.default = EXPR, True
                return
            self.state, self.exporting = START, 1
        special = _KEYWORDS.get(word)
        if special is not None:
            special(self, start, end)
            return
        then = THEN.get(word)
        if then is None:
            self._name(word, start, end)
            return
        self.state = then
        if word == b"delete":
            self.deleting = len(self.frames) + 1
        elif word == b"new":
            self.last = NEW
        elif self.exporting and word in {b"var", b"const"}:
            self.exporting, self.binds = 2, end

    def _property(self, word: bytes, start: int, end: int) -> None:
        """A name after a dot; ``latest`` is what stood before that."""
        self.state = END
        of = self.latest
        if word == b"location":
            if of != SUPER and not self._is_deleted(end):
                self._add(start, end, LOCATION)
        elif word == b"domain":
            if of == DOCUMENT:
                self._add(start, end, DOMAIN)
        elif word in NAMES:
            if of == WINDOW:
                self._add(start, end, NAMES[word])
                self.last = WINDOW
        elif word == b"document":
            self.last = DOCUMENT

    def _is_deleted(self, end: int) -> bool:
        """Whether this is the last name of what ``delete`` stands before."""
        if self.deleting != len(self.frames) + 1:
            return False
        at = self._peek(end)
        follows = self.text[at : at + 1]
        goes_on = follows in {b".", b"(", b"[", b"`"} or self.text[at : at + 2] == b"?."
        return not goes_on

    def _key(self, word: bytes, start: int, end: int) -> None:
        if self.frame.kind != OBJECT or word not in NAMES:
            return
        at = self._peek(end)
        follows = self.text[at : at + 1]
        if follows in {b",", b"}", b"="}:
            if self.pattern:
                raise Lost
            self.edits.append((start, end, NAMES[word] + SHORTHAND))

    def _listed(self, word: bytes, start: int, end: int) -> None:
        """A name between the braces of an import or export."""
        first = self.state == LIST
        self.state = LIST_REST
        role = NAMES.get(word)
        if role is None:
            return
        renamed = first and IS_AS.match(self.text, self._peek(end)) is not None
        if self.frame.kind == IMPORTS:
            if not first:
                self.edits.append((start, end, role))
            elif not renamed:
                self.edits.append((start, end, role + IMPORTED))
        elif first:
            self.edits.append((start, end, role if renamed else role + EXPORTED))

    def _declare(self, word: bytes, start: int, end: int) -> None:
        """The name of a function or class."""
        if word in NAMES:
            self._add(start, end, NAMES[word])
            if self.exporting:
                self._export(NAMES[word])

    def _export(self, role: int) -> None:
        if role not in self.declared:
            self.declared.append(role)

    def _add(self, start: int, end: int, role: int) -> None:
        if self.pattern:
            raise Lost
        self.edits.append((start, end, role))

    def _name(self, word: bytes, start: int, end: int) -> None:
        """A variable, or a word that is a keyword only elsewhere."""
        state = self.was = self.state
        self.state = END
        if state in {END, ARROW_END}:
            self.deleting = 0
            if self.exporting == 2 and not self.frames:
                self.exporting = 0
        role = NAMES.get(word)
        if role is not None:
            self._variable(role, state, start, end)
        elif word == b"eval":
            if self._next(end) == b"(":
                self.wraps = EVAL_OPEN
        elif word == b"document":
            self.last = DOCUMENT
        elif word in WINDOWS:
            self.last = WINDOW
        elif word == b"async":
            self.last = ASYNC
        elif word == b"of" and self.frame.kind == CTRL_PAREN and state == END:
            self.state = EXPR

    def _variable(self, role: int, state: int, start: int, end: int) -> None:
        frame = self.frame
        if (
            state in {START, END, ARROW_END}
            and frame.kind in BLOCKLIKE
            and not frame.ternaries
            and self._next(end) == b":"
        ):
            return  # a label
        self._add(start, end, role)
        self.last = WINDOW if role != LOCATION else 0
        if self.exporting == 2 and self.binds == self.before and not self.frames:
            self._export(role)

    # --- keywords --------------------------------------------------------------------

    def _function(self, start: int, end: int) -> None:
        del end
        state = self.state
        if self.latest == ASYNC and not self._breaks(start):
            state = self.was
        self.body = DECLARATION if self._is_statement(state) else EXPRESSION
        self.state, self.star = FN, False

    def _class(self, start: int, end: int) -> None:
        del start, end
        statement = self._is_statement(self.state)
        self.frame.classes.append(DECLARATION if statement else EXPRESSION)
        self.state = CLASS_HEAD

    def _is_statement(self, state: int) -> bool:
        default, self.default = self.default, False
        return default or state in {START, END, ARROW_END}

    def _import(self, start: int, end: int) -> None:
        found = AFTER_IMPORT.match(self.text, end)
        if found is not None and found.group(1) == b"meta":
            self._add(start, found.end(), META_NEW if self.latest == NEW else META)
            self.module = True
            self.at, self.state = found.end(), END
            return
        if found is not None:
            end = self.at = found.end()
        if self._next(end) == b"(":
            self.wraps, self.state = IMPORT_OPEN, END
            return
        if self.frames or found is not None or self.state not in {START, END, ARROW_END}:
            raise Lost
        self.module, self.state = True, IMPORT

    def _export_keyword(self, start: int, end: int) -> None:
        del start, end
        if self.frames or self.state not in {START, END, ARROW_END}:
            raise Lost
        self.module, self.state, self.exporting = True, EXPORT, 0

    def _let(self, start: int, end: int) -> None:
        at = self._peek(end)
        if not (NAME_CHARACTER.match(self.text, at) or self.text[at : at + 1] in {b"{", b"["}):
            self._name(b"let", start, end)
            return
        self.state = EXPR
        if self.exporting:
            self.exporting, self.binds = 2, end

    def _await(self, start: int, end: int) -> None:
        del start, end
        if self.state != CTRL:
            self.state = EXPR

    def _yield(self, start: int, end: int) -> None:
        if self.generator:
            self.state = EXPR
        else:
            self._name(b"yield", start, end)

    def _super(self, start: int, end: int) -> None:
        self._name(b"", start, end)
        self.last = SUPER

    # --- literals --------------------------------------------------------------------
    def _literal(self, kind: int, start: int, end: int) -> None:
        """A number (1), a string (3) or a private name (4)."""
        state = self.state
        if self.frame.kind == CLASS and state in {END, ARROW_END}:
            self.state = KEY
        elif state in {IMPORT, STAR} and kind == 3:
            if self.frame.mark:
                del self.edits[self.frame.mark - 1 :]
                self.frame.mark = 0
            self.edits.append((start + 1, end - 1, SPECIFIER))
            self.state = END
        elif state == LIST:
            self.state = LIST_REST
        elif state not in {KEY, LIST_REST}:
            if state in {FN, CLASS_HEAD}:
                raise Lost
            self.state = END


def _decode(found: re.Match[bytes]) -> bytes:
    number = int(found.group(found.lastindex or 1), 16)
    return chr(number).encode("utf-8", "replace") if number < 0x110000 else b"?"


_KEYWORDS: dict[bytes, Callable[[Words, int, int], None]] = {
    b"function": Words._function,
    b"class": Words._class,
    b"import": Words._import,
    b"export": Words._export_keyword,
    b"let": Words._let,
    b"await": Words._await,
    b"yield": Words._yield,
    b"super": Words._super,
}
_BY_STATE: dict[int, Callable[[Words, bytes, int, int], None]] = {
    KEY: Words._key,
    LIST: Words._listed,
    LIST_REST: Words._listed,
    BREAK: Words._label,
    FN: Words._declare,
    CLASS_HEAD: Words._class_head,
    IMPORT: Words._imported,
    STAR: Words._starred,
    SOURCE: Words._starred,
    DOT: Words._property,
}
