"""Tokens of JavaScript as far as an edit needs them: expressions, roles, states, brackets.

The numbers are ``_native``'s, too.
"""

from __future__ import annotations

import re
from typing import Final

Edit = tuple[int, int, int]
"""Start, end, role."""

# Roles: what stands there.  A name's own, and with these added:
LOCATION, DOMAIN, TOP, PARENT = 1, 2, 3, 4
SHORTHAND, IMPORTED, EXPORTED, DECLARED = 8, 16, 24, 32
SPECIFIER, IMPORT_OPEN, EVAL_OPEN, CLOSE, META, META_NEW = 40, 41, 42, 43, 44, 45

# States: what came before.
(
    START, EXPR, END, ARROW_END, DOT, KEY, CTRL, FN, BODY, CLASS_HEAD, ARROW, BREAK,
    RETURN, IMPORT, EXPORT, STAR, LIST, LIST_REST, SOURCE,
) = range(19)  # fmt: skip
# Brackets.
(
    BLOCK, FUNC, OBJECT, CLASS, TEMPLATE, IMPORTS, EXPORTS, PAREN, CTRL_PAREN, PARAMS,
    BRACKET, KEY_BRACKET, CALL,
) = range(13)  # fmt: skip
BLOCKLIKE = frozenset((BLOCK, FUNC))
# What a function, class or block is.
DECLARATION, EXPRESSION, METHOD, ARROW_FUNCTION, STATIC = range(5)
# What the last word was, as far as the next token wants to know.
DOCUMENT, WINDOW, SUPER, NEW, ASYNC = range(1, 6)
DEEPEST = 20_000

WIDE_SPACE = (
    rb"\xc2\xa0|\xef\xbb\xbf|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80"
)
REST_OF_LINE = rb"[^\n\r\xe2]*+(?>\xe2(?!\x80[\xa8\xa9])[^\n\r\xe2]*+)*+"
LINE = re.compile(REST_OF_LINE)
GAP = (
    rb"(?>[ \t\n\r\x0b\x0c]++|//" + REST_OF_LINE + rb"|/\*(?>[^*]++|\*(?!/))*+\*/|"
    + WIDE_SPACE + rb")*+"
)  # fmt: skip
SPACE = re.compile(GAP)
LINE_END = re.compile(rb"[\n\r]|\xe2\x80[\xa8\xa9]")
WORD = (
    rb"(?>[A-Za-z0-9_$]++|(?!" + WIDE_SPACE + rb")[\x80-\xff]"
    rb"|\\u(?>[0-9a-fA-F]{4}|\{[0-9a-fA-F]++\}))++"
)
NUMBER = (
    rb"(?>0[xXoObB][0-9a-zA-Z_]++|(?>[0-9][0-9_]*+(?>\.[0-9_]*+)?|\.[0-9][0-9_]*+)"
    rb"(?>[eE][+-]?[0-9_]++)?n?)"
)
STRING = rb"(?>\"(?>[^\"\\\n\r]++|\\(?>\r\n|[\s\S]))*+\"|'(?>[^'\\\n\r]++|\\(?>\r\n|[\s\S]))*+')"
TOKEN = re.compile(
    GAP + rb"(?>(" + NUMBER + rb")|(" + WORD + rb")|(" + STRING + rb")|"
    rb"(#" + WORD + rb")|(=>|\?\.(?![0-9])|\?\?|\+\+|--|\.\.\.|[\s\S]))"
)
PATTERN = re.compile(
    rb"/(?>[^/\\\[\n\r]++|\\[^\n\r]|\[(?>[^\]\\\n\r]++|\\[^\n\r])*+\])*+/(?>[A-Za-z0-9_$]*+)"
)
TEXT = re.compile(rb"(?>[^`\\$]++|\\[\s\S]|\$(?!\{))*+(?>`|\$\{)")
AFTER_IMPORT = re.compile(GAP + rb"\." + GAP + rb"(meta|defer|source)(?![A-Za-z0-9_$\\\x80-\xff])")
ESCAPE = re.compile(rb"\\u(?>([0-9a-fA-F]{4})|\{([0-9a-fA-F]++)\})")
NAME_CHARACTER = re.compile(rb"[A-Za-z0-9_$\\\x80-\xff]")
IS_AS = re.compile(rb"as(?![A-Za-z0-9_$\\\x80-\xff])")

NAMES: Final = {b"location": LOCATION, b"top": TOP, b"parent": PARENT}
WINDOWS = frozenset((b"window", b"self", b"globalThis", b"frames"))
THEN = {
    **dict.fromkeys(
        (
            b"typeof", b"void", b"in", b"instanceof", b"case", b"default", b"throw", b"var",
            b"const", b"extends", b"delete", b"new",
        ),
        EXPR,
    ),
    **dict.fromkeys((b"else", b"do", b"try", b"finally"), START),
    **dict.fromkeys((b"if", b"while", b"for", b"with", b"switch", b"catch"), CTRL),
    **dict.fromkeys((b"break", b"continue"), BREAK),
    b"return": RETURN,
}  # fmt: skip
"""What a keyword leads to."""


class Lost(Exception):
    """The text does not add up."""


class Frame:
    """An open bracket: its kind, and what is open in it."""

    __slots__ = ("classes", "generator", "info", "kind", "mark", "ternaries")

    def __init__(self, kind: int, info: int = 0) -> None:
        """``info`` is what the function, class or block is."""
        self.kind = kind
        self.info = info
        self.ternaries = 0
        self.classes: list[int] = []
        self.generator = False
        self.mark = 0
