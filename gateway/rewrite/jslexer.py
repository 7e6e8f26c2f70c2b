"""Where a script must be edited, found by its tokens alone; nothing is parsed into a tree.

A stack of open brackets and what came before a token tell a regular expression from a
division, a block from an object, a key or a label from a variable.  Renaming needs no
scopes: declarations and uses are renamed alike.  Where the text does not add up, the
answer is ``None`` ("lost") and the script stays as it is.

``_native`` does the same in C.  What the numbers mean is ``js.REPLACEMENTS``.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.rewrite.jstokens import (
    ARROW,
    ARROW_END,
    ARROW_FUNCTION,
    BLOCK,
    BLOCKLIKE,
    BODY,
    BRACKET,
    BREAK,
    CALL,
    CLASS,
    CLASS_HEAD,
    CLOSE,
    CTRL,
    CTRL_PAREN,
    DECLARATION,
    DECLARED,
    DOT,
    END,
    EXPORT,
    EXPORTS,
    EXPR,
    EXPRESSION,
    FN,
    FUNC,
    IMPORT,
    IMPORTS,
    KEY,
    KEY_BRACKET,
    LINE,
    LIST,
    METHOD,
    NEW,
    OBJECT,
    PARAMS,
    PAREN,
    PATTERN,
    RETURN,
    SOURCE,
    SPACE,
    STAR,
    START,
    STATIC,
    TEMPLATE,
    TEXT,
    TOKEN,
    Edit,
    Lost,
)
from gateway.rewrite.jswords import Words


class _Lexer(Words):
    """One script's way, token by token."""

    def run(self) -> None:
        """Read all of it."""
        text = self.text
        if text.startswith(b"#!"):
            self.at = self.before = self._line(0)
        match = TOKEN.match
        while (found := match(text, self.at)) is not None:
            kind = found.lastindex or 0
            start, end = found.span(kind)
            self.before, self.at = self.at, end
            state = self.state
            if state in {DOT, RETURN, BREAK, BODY}:
                self._awaited(state, kind, start)
            self.latest, self.last = self.last, 0
            if kind == 2:
                self._word(found.group(2), start, end)
            elif kind == 5:
                _PUNCTUATION.get(found.group(5), _Lexer._lost)(self, start)
            else:
                self._literal(kind, start, end)
        rest = SPACE.match(text, self.at)
        whole = rest is not None and rest.end() == len(text)
        if not whole or self.frames or (self.html and self.module):
            raise Lost
        end = len(text)
        self.edits += [(end, end, role + DECLARED) for role in self.declared]

    def _awaited(self, state: int, kind: int, start: int) -> None:
        """After what ends with its line; where only a name can be, or a function's body."""
        if state == DOT:
            if kind not in {2, 4}:
                raise Lost
        elif state == BODY:
            if self.text[start] != ord("{"):
                raise Lost
        elif self._breaks(start):
            self.state = START
        elif state == RETURN:
            self.state = EXPR

    def _lost(self, _start: int) -> None:
        raise Lost

    def _line(self, at: int) -> int:
        found = LINE.match(self.text, at)
        return found.end() if found else at

    def _template(self, start: int) -> None:
        if self.state in {KEY, FN}:
            raise Lost
        self._text(start + 1)

    def _text(self, at: int) -> None:
        found = TEXT.match(self.text, at)
        if found is None:
            raise Lost
        self.at = found.end()
        if self.text[self.at - 1] == ord("`"):
            self.state = END
        else:
            self._push(TEMPLATE)
            self.state = EXPR

    def _slash(self, start: int) -> None:
        if self.text[start + 1 : start + 2] == b"*":
            raise Lost  # a comment without its end
        state = self.state
        if state == END:
            self._operator(start)
            return
        if state not in {START, EXPR, ARROW, ARROW_END, CTRL}:
            raise Lost
        found = PATTERN.match(self.text, start)
        if found is None:
            raise Lost
        self.at, self.state = found.end(), END

    # --- brackets --------------------------------------------------------------------

    def _open_paren(self, start: int) -> None:
        state, wraps = self.state, self.wraps
        self.wraps = 0
        if state in {KEY, FN}:
            self._push(PARAMS, METHOD if state == KEY else self.body)
            self.frame.generator, self.star = self.star, False
            if state == FN:
                self.exporting = 0
        elif state == CTRL:
            self._push(CTRL_PAREN)
        elif wraps:
            self._push(CALL)
            self._add(start + 1, start + 1, wraps)
        else:
            self._push(PAREN)
        self.state = EXPR

    def _close_paren(self, start: int) -> None:
        frame = self._pop()
        kind = frame.kind
        if kind == PAREN:
            self.state = END
        elif kind == CTRL_PAREN:
            self.state = START
        elif kind == PARAMS:
            self.state, self.body, self.star = BODY, frame.info, frame.generator
        elif kind == CALL:
            self.edits.append((start, start, CLOSE))
            self.state = END
        else:
            raise Lost

    def _open_bracket(self, start: int) -> None:
        if self.state == KEY:
            self._push(KEY_BRACKET)
        else:
            self._patterned(start)
            self._push(BRACKET)
        self.state = EXPR

    def _patterned(self, start: int) -> None:
        """Names declared in a pattern of an exported declaration are not told apart."""
        del start
        if self.exporting == 2 and self.binds == self.before and not self.frames:
            self.pattern = 1

    def _close_bracket(self, start: int) -> None:
        del start
        kind = self._pop().kind
        if kind not in {BRACKET, KEY_BRACKET}:
            raise Lost
        self.state = KEY if kind == KEY_BRACKET else END

    def _open_brace(self, start: int) -> None:
        state, frame = self.state, self.frame
        self.wraps = 0
        if state in {BODY, ARROW}:
            self._push(FUNC, self.body if state == BODY else ARROW_FUNCTION)
            self.frame.generator = self.generator
            self.generator = state == BODY and self.star
            self.star, self.state = False, START
        elif state == KEY:
            if frame.kind != CLASS:
                raise Lost
            self._push(BLOCK, STATIC)
            self.state = START
        elif state in {END, ARROW_END, CLASS_HEAD} and frame.classes:
            self._push(CLASS, frame.classes.pop())
            self.state, self.exporting = KEY, 0
        elif state in {START, END, ARROW_END, CTRL}:
            self._push(BLOCK)
            self.state = START
        elif state in {IMPORT, EXPORT}:
            frame.mark = len(self.edits) + 1 if state == EXPORT else 0
            self._push(IMPORTS if state == IMPORT else EXPORTS)
            self.state = LIST
        elif state == EXPR:
            self._patterned(start)
            self._push(OBJECT)
            self.state = KEY
        else:
            raise Lost

    def _close_brace(self, start: int) -> None:
        frame = self._pop()
        kind, info = frame.kind, frame.info
        if kind == TEMPLATE:
            self._text(start + 1)
        elif kind == OBJECT:
            self.state = END
        elif kind == BLOCK:
            self.state = KEY if info == STATIC else START
        elif kind == FUNC:
            self.generator = frame.generator
            if info == METHOD:
                self.state = KEY if self.frame.kind == CLASS else END
            elif info == DECLARATION:
                self.state = START
            else:
                self.state = END if info == EXPRESSION else ARROW_END
        elif kind == CLASS:
            self.state = START if info == DECLARATION else END
        elif kind == IMPORTS:
            self.state = IMPORT
        elif kind == EXPORTS:
            # ``from`` may follow, or the next statement.
            follows = self.text[self._peek(start + 1) :][:4]
            self.state = SOURCE if follows == b"from" else START
            if self.state == START:
                self.frame.mark = 0
        else:
            raise Lost

    # --- other punctuation -------------------------------------------------------------

    def _semicolon(self, start: int) -> None:
        del start
        frame = self.frame
        if frame.kind in BLOCKLIKE:
            frame.ternaries = 0
            self.state = START
            self.exporting = 0
        elif frame.kind == CLASS:
            self.state = KEY
        elif frame.kind == CTRL_PAREN:
            self.state = EXPR
        else:
            raise Lost
        self.deleting = 0

    def _comma(self, start: int) -> None:
        kind, depth = self.frame.kind, len(self.frames)
        if self.deleting == depth + 1:
            self.deleting = 0
        if self.state == IMPORT:
            return
        if kind == OBJECT:
            self.state = KEY
            return
        if kind in {IMPORTS, EXPORTS}:
            self.state = LIST
            return
        if kind == CLASS:
            raise Lost
        if kind == CALL:
            self.edits.append((start, start, CLOSE))
            self.frame.kind = PAREN
        elif self.exporting == 2 and not depth:
            self.binds = start + 1
        self.state = EXPR

    def _colon(self, start: int) -> None:
        frame = self.frame
        if frame.ternaries:
            frame.ternaries -= 1
            self._operator(start)
        elif frame.kind == OBJECT:
            self.state = EXPR
        elif frame.kind in BLOCKLIKE:
            self.state = START
        else:
            raise Lost

    def _question(self, start: int) -> None:
        if self.state != END:
            raise Lost
        self._operator(start)
        self.frame.ternaries += 1

    def _dot(self, start: int) -> None:
        del start
        if self.state != END and self.latest != NEW:
            raise Lost
        self.last, self.state = self.latest, DOT

    def _question_dot(self, start: int) -> None:
        self._dot(start)
        if self._next(self.at) in {b"(", b"["}:
            self.state = END

    def _dots(self, start: int) -> None:
        del start
        self.state = EXPR

    def _arrow(self, start: int) -> None:
        del start
        self.state = ARROW

    def _star_sign(self, start: int) -> None:
        state = self.state
        if state in {KEY, FN}:
            self.star = True
        elif state == EXPORT:
            self.state = STAR
        elif state != IMPORT:
            self._operator(start)

    def _twice(self, start: int) -> None:
        """``++`` or ``--``: after an operand it belongs to that."""
        if self.text.startswith(b"-->", start) and (not self.before or self._breaks(start)):
            self._remark(start)
        elif self.state != END or self._breaks(start):
            self.state = EXPR

    def _less(self, start: int) -> None:
        if self.text.startswith(b"<!--", start):
            self._remark(start)
        else:
            self._operator(start)

    def _remark(self, start: int) -> None:
        """What scripts that are no modules take for a comment."""
        self.html = True
        self.at = self._line(start)

    def _operator(self, start: int) -> None:
        if self.state == KEY and self.text[start] != ord("="):
            raise Lost
        if self.deleting == len(self.frames) + 1:
            self.deleting = 0
        self.state = EXPR


_PUNCTUATION: dict[bytes, Callable[[_Lexer, int], None]] = {
    b"(": _Lexer._open_paren,
    b")": _Lexer._close_paren,
    b"[": _Lexer._open_bracket,
    b"]": _Lexer._close_bracket,
    b"{": _Lexer._open_brace,
    b"}": _Lexer._close_brace,
    b";": _Lexer._semicolon,
    b",": _Lexer._comma,
    b":": _Lexer._colon,
    b"?": _Lexer._question,
    b"?.": _Lexer._question_dot,
    b".": _Lexer._dot,
    b"...": _Lexer._dots,
    b"=>": _Lexer._arrow,
    b"*": _Lexer._star_sign,
    b"++": _Lexer._twice,
    b"--": _Lexer._twice,
    b"<": _Lexer._less,
    b"/": _Lexer._slash,
    b"`": _Lexer._template,
    **dict.fromkeys(
        (b"=", b"!", b">", b"+", b"-", b"%", b"&", b"|", b"^", b"~", b"??"), _Lexer._operator
    ),
}


def find(text: bytes) -> list[Edit] | None:
    """The edits of a script in UTF-8; None where it is lost."""
    lexer = _Lexer(text)
    try:
        lexer.run()
    except Lost:
        return None
    return lexer.edits
