# Scripts: ``jslexer`` in C.  Names, states and order are its own; read that first.

cimport cython
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

cdef enum:
    START, EXPR, END, ARROW_END, DOT, KEY, CTRL, FN, BODY, CLASS_HEAD, ARROW, BREAK, RETURN
    IMPORT, EXPORT, STAR, LIST, LIST_REST, SOURCE

cdef enum:
    BLOCK, FUNC, OBJECT_, CLASS, TEMPLATE, IMPORTS, EXPORTS, PAREN, CTRL_PAREN, PARAMS
    BRACKET, KEY_BRACKET, CALL

cdef enum:
    DECLARATION, EXPRESSION, METHOD_, ARROW_FUNCTION, STATIC

cdef enum:
    IS_DOCUMENT = 1, IS_WINDOW, IS_SUPER, IS_NEW, IS_ASYNC

cdef enum:
    LOCATION = 1, DOMAIN, TOP, PARENT
    SHORTHAND = 8, IMPORTED = 16, EXPORTED = 24, DECLARED = 32
    SPECIFIER = 40, IMPORT_OPEN, EVAL_OPEN, CLOSE, META_, META_NEW

# What a word is.
cdef enum:
    W_OTHER, W_LOCATION, W_DOMAIN, W_TOP, W_PARENT, W_DOCUMENT, W_WINDOW, W_EVAL, W_ASYNC, W_OF
    W_AS, W_FROM, W_EXTENDS, W_IN, W_INSTANCEOF, W_DEFAULT, W_EXPR, W_START, W_CTRL, W_BREAK
    W_RETURN, W_DELETE, W_NEW, W_VAR, W_FUNCTION, W_CLASS, W_IMPORT, W_EXPORT, W_LET, W_AWAIT
    W_YIELD, W_SUPER

DEF DEEPEST = 20_000

# Eight octets as one number, the first one lowest.
cdef extern from *:
    """
    #include <string.h>
    #define GW_EACH(octet) (0x0101010101010101ULL * (octet))
    static inline unsigned long long gw_eight(const unsigned char* from) {
        unsigned long long eight;
        memcpy(&eight, from, 8);
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        eight = __builtin_bswap64(eight);
    #endif
        return eight;
    }
    /* How many of eight octets are a word's, from the first one. */
    static inline int gw_in_word(unsigned long long eight) {
        unsigned long long low = eight & GW_EACH(0x7F), small = low | GW_EACH(0x20);
        unsigned long long others = ~(
            ((small + GW_EACH(0x80 - 'a')) & ~(small + GW_EACH(0x7F - 'z')))
            | ((low + GW_EACH(0x80 - '0')) & ~(low + GW_EACH(0x7F - '9')))
            | ~((low ^ GW_EACH('_')) + GW_EACH(0x7F))
            | ~((low ^ GW_EACH('$')) + GW_EACH(0x7F))
        ) | eight;
        others &= GW_EACH(0x80);
        return others ? __builtin_ctzll(others) >> 3 : 8;
    }
    """
    unsigned long long gw_eight(const unsigned char* s) noexcept nogil
    int gw_in_word(unsigned long long eight) noexcept nogil

cdef struct Frame:
    int kind
    int info
    int ternaries
    int generator
    unsigned long long classes  # two bits each, the last one lowest; 0: none
    Py_ssize_t mark

cdef struct Found:
    Py_ssize_t start
    Py_ssize_t end
    int role

# 1: first of a word, 2: in a word, 4: digit, 8: white space in ASCII, 16: neither white space nor
# the first of a comment
cdef unsigned char _JS[256]


cdef void _prepare_js():
    cdef int i
    for i in range(256):
        _JS[i] = 0
        if 65 <= i <= 90 or 97 <= i <= 122 or i == 95 or i == 36:
            _JS[i] = 3
        elif 48 <= i <= 57:
            _JS[i] = 6
        elif i in (9, 10, 11, 12, 13, 32):
            _JS[i] = 8
        if 32 < i < 128 and i != 47:
            _JS[i] |= 16


_prepare_js()


cdef inline int _wide(const unsigned char* s, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """The length of a white space beyond ASCII; 0: none."""
    cdef unsigned char c = s[at], d
    if c == 0xC2:
        return 2 if at + 1 < n and s[at + 1] == 0xA0 else 0
    if at + 2 >= n:
        return 0
    d = s[at + 2]
    if c == 0xE2:
        if s[at + 1] == 0x80:
            return 3 if 0x80 <= d <= 0x8A or d == 0xA8 or d == 0xA9 or d == 0xAF else 0
        return 3 if s[at + 1] == 0x81 and d == 0x9F else 0
    if c == 0xEF:
        return 3 if s[at + 1] == 0xBB and d == 0xBF else 0
    if c == 0xE1:
        return 3 if s[at + 1] == 0x9A and d == 0x80 else 0
    if c == 0xE3:
        return 3 if s[at + 1] == 0x80 and d == 0x80 else 0
    return 0


cdef inline bint _ends_line(const unsigned char* s, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    return s[at] == b"\n" or s[at] == b"\r" or (
        s[at] == 0xE2 and at + 2 < n and s[at + 1] == 0x80 and (s[at + 2] == 0xA8 or s[at + 2] == 0xA9)
    )


cdef Py_ssize_t _line_js(const unsigned char* s, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """Where a line ends."""
    while at < n and not _ends_line(s, at, n):
        at += 1
    return at


cdef Py_ssize_t _space(const unsigned char* s, Py_ssize_t at, Py_ssize_t n, bint* line) noexcept nogil:
    """Past white space and comments; ``line``: whether a line ended in it.

    A comment without its end is none.
    """
    cdef Py_ssize_t i
    cdef bint ended
    cdef unsigned char c
    while at < n:
        c = s[at]
        if _JS[c] == 8:
            if c == b"\n" or c == b"\r":
                line[0] = True
            at += 1
        elif c == b"/":
            if at + 1 >= n:
                return at
            if s[at + 1] == b"/":
                at = _line_js(s, at + 2, n)
            elif s[at + 1] == b"*":
                i = at + 2
                ended = False
                while True:
                    if i + 1 >= n:
                        return at
                    if s[i] == b"*" and s[i + 1] == b"/":
                        break
                    if _ends_line(s, i, n):
                        ended = True
                    i += 1
                at = i + 2
                if ended:
                    line[0] = True
            else:
                return at
        elif c >= 0x80:
            i = _wide(s, at, n)
            if i == 0:
                return at
            if c == 0xE2 and (s[at + 2] == 0xA8 or s[at + 2] == 0xA9) and s[at + 1] == 0x80:
                line[0] = True
            at += i
        else:
            return at
    return at


cdef inline int _hex(unsigned char c) noexcept nogil:
    if 48 <= c <= 57:
        return c - 48
    c |= 32
    return c - 87 if 97 <= c <= 102 else -1


cdef Py_ssize_t _unicode(const unsigned char* s, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """Past an escape within a word; -1: it is none."""
    cdef Py_ssize_t i = at + 2
    if i >= n or s[at + 1] != b"u":
        return -1
    if s[i] == b"{":
        i += 1
        if i >= n or _hex(s[i]) < 0:
            return -1
        while i < n and _hex(s[i]) >= 0:
            i += 1
        return i + 1 if i < n and s[i] == b"}" else -1
    if i + 4 > n or _hex(s[i]) < 0 or _hex(s[i + 1]) < 0 or _hex(s[i + 2]) < 0 or _hex(s[i + 3]) < 0:
        return -1
    return i + 4


cdef Py_ssize_t _word_end(const unsigned char* s, Py_ssize_t at, Py_ssize_t n, bint* escaped) noexcept nogil:
    """Past a word; ``at`` itself where none is."""
    cdef Py_ssize_t i
    while at < n:
        if _JS[s[at]] & 2:
            at += 1
        elif s[at] >= 0x80:
            if _wide(s, at, n):
                return at
            at += 1
        elif s[at] == b"\\":
            i = _unicode(s, at, n)
            if i < 0:
                return at
            escaped[0] = True
            at = i
        else:
            return at
    return at


cdef Py_ssize_t _number(const unsigned char* s, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if s[at] == b"0" and at + 2 < n and (s[at + 1] | 32) in (b"x", b"o", b"b"):
        i = at + 2
        while i < n and (_JS[s[i]] & 2) and s[i] != b"$":
            i += 1
        if i > at + 2:
            return i
    if s[at] != b".":
        while at < n and (_JS[s[at]] & 4 or s[at] == b"_"):
            at += 1
    if at < n and s[at] == b".":
        at += 1
        while at < n and (_JS[s[at]] & 4 or s[at] == b"_"):
            at += 1
    if at < n and (s[at] | 32) == b"e":
        i = at + 1
        if i < n and (s[i] == b"+" or s[i] == b"-"):
            i += 1
        if i < n and (_JS[s[i]] & 4 or s[i] == b"_"):
            while i < n and (_JS[s[i]] & 4 or s[i] == b"_"):
                i += 1
            at = i
    if at < n and s[at] == b"n":
        at += 1
    return at


cdef Py_ssize_t _string_end(const unsigned char* s, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """Past a string; -1 where it has no end."""
    cdef unsigned char quote = s[at], c
    at += 1
    while at < n:
        c = s[at]
        if c == quote:
            return at + 1
        if c == b"\\":
            at += 3 if at + 2 < n and s[at + 1] == b"\r" and s[at + 2] == b"\n" else 2
        elif c == b"\n" or c == b"\r":
            return -1
        else:
            at += 1
    return -1


cdef Py_ssize_t _pattern(const unsigned char* s, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """Past a regular expression; -1 where it has no end."""
    cdef bint inside = False
    cdef unsigned char c
    at += 1
    while at < n:
        c = s[at]
        if c == b"\n" or c == b"\r":
            return -1
        if c == b"\\":
            at += 1
            if at >= n or s[at] == b"\n" or s[at] == b"\r":
                return -1
        elif inside:
            if c == b"]":
                inside = False
        elif c == b"[":
            inside = True
        elif c == b"/":
            at += 1
            while at < n and _JS[s[at]] & 2:
                at += 1
            return at
        at += 1
    return -1


cdef inline bint _same(const unsigned char* s, Py_ssize_t n, const char* word, Py_ssize_t size) noexcept nogil:
    return n == size and memcmp(s, word, size) == 0


# The words, by what they are: each of up to eight octets has its own place in a table, so that
# which one a word is, is asked without a branch.
cdef unsigned long long _MASKS[9]
cdef unsigned long long _KEYS[256]
cdef unsigned char _WHATS[256]
cdef unsigned long long _FACTOR


cdef int _prepare_words() except -1:
    """Fill the tables; factors are tried until no two words have one place."""
    global _FACTOR
    cdef int i, at
    cdef bytes word
    found = {}
    for what, words in (
        (W_LOCATION, "location"), (W_DOMAIN, "domain"), (W_TOP, "top"), (W_PARENT, "parent"),
        (W_DOCUMENT, "document"), (W_WINDOW, "window self frames"), (W_EVAL, "eval"),
        (W_ASYNC, "async"), (W_OF, "of"), (W_AS, "as"), (W_FROM, "from"), (W_EXTENDS, "extends"),
        (W_IN, "in"), (W_DEFAULT, "default"), (W_EXPR, "typeof throw void case"),
        (W_START, "try do finally else"), (W_CTRL, "for if catch switch while with"),
        (W_BREAK, "continue break"), (W_RETURN, "return"), (W_DELETE, "delete"), (W_NEW, "new"),
        (W_VAR, "var const"), (W_FUNCTION, "function"), (W_CLASS, "class"), (W_IMPORT, "import"),
        (W_EXPORT, "export"), (W_LET, "let"), (W_AWAIT, "await"), (W_YIELD, "yield"),
        (W_SUPER, "super"),
    ):
        found |= {one.encode("ascii") + bytes(8): what for one in words.split()}
    for i in range(9):
        _MASKS[i] = gw_eight(b"\xff" * i + bytes(8))
    _FACTOR = 0x9E3779B9
    while True:
        for i in range(256):
            _KEYS[i] = _WHATS[i] = 0
        for word, what in found.items():
            at = gw_eight(word) * _FACTOR >> 56
            if _WHATS[at]:
                break
            _KEYS[at] = gw_eight(word)
            _WHATS[at] = what
        else:
            return 0
        _FACTOR ^= _FACTOR << 13
        _FACTOR ^= _FACTOR >> 7
        _FACTOR ^= _FACTOR << 17


_prepare_words()


cdef inline int _listed_as(unsigned long long key) noexcept nogil:
    """What a word of up to eight octets is, the others being zero."""
    cdef int at = key * _FACTOR >> 56
    return _WHATS[at] if _KEYS[at] == key else W_OTHER


cdef int _what(const unsigned char* s, Py_ssize_t n) noexcept nogil:
    """What a word is."""
    cdef unsigned char plain[8]
    if n <= 8:
        memset(plain, 0, 8)
        memcpy(plain, s, n)
        return _listed_as(gw_eight(plain))
    if _same(s, n, "instanceof", 10):
        return W_INSTANCEOF
    return W_WINDOW if _same(s, n, "globalThis", 10) else W_OTHER


cdef inline Py_ssize_t _word_at(const unsigned char* s, Py_ssize_t at, Py_ssize_t n, int* what) noexcept nogil:
    """Past the letters and digits of a word in ASCII, and what it is."""
    cdef unsigned long long eight
    cdef Py_ssize_t end = at
    cdef int size
    if at + 8 > n:
        while end < n and _JS[s[end]] & 2:
            end += 1
        what[0] = _what(s + at, end - at)
        return end
    eight = gw_eight(s + at)
    size = gw_in_word(eight)
    end += size
    if size == 8:
        while end < n and _JS[s[end]] & 2:
            end += 1
        if end - at > 8:
            what[0] = _what(s + at, end - at) if end - at == 10 else W_OTHER
            return end
    what[0] = _listed_as(eight & _MASKS[size])
    return end


cdef inline int _role(int what) noexcept nogil:
    if what == W_LOCATION:
        return LOCATION
    if what == W_TOP:
        return TOP
    return PARENT if what == W_PARENT else 0


@cython.final
@cython.internal
cdef class _Lexer:
    """One script's way: every method that returns False is lost."""

    cdef const unsigned char* s
    cdef Py_ssize_t n, at, before, binds
    cdef int state, last, latest, was, body, wraps, exporting, pattern, declared, deleting
    cdef bint line, generator, star, module, html, default
    cdef Frame* frames
    cdef Py_ssize_t depth, room
    cdef Found* edits
    cdef Py_ssize_t count, space
    cdef int order[4]

    def __cinit__(self):
        self.frames = NULL
        self.edits = NULL

    def __dealloc__(self):
        free(self.frames)
        free(self.edits)

    # --- bookkeeping -----------------------------------------------------------------

    cdef bint _add(self, Py_ssize_t start, Py_ssize_t end, int role) noexcept nogil:
        cdef Found* grown
        if self.count == self.space:
            grown = <Found*>realloc(self.edits, (self.space * 2 + 64) * sizeof(Found))
            if grown == NULL:
                return False
            self.edits = grown
            self.space = self.space * 2 + 64
        self.edits[self.count].start = start
        self.edits[self.count].end = end
        self.edits[self.count].role = role
        self.count += 1
        return True

    cdef bint _rename(self, Py_ssize_t start, Py_ssize_t end, int role) noexcept nogil:
        return not self.pattern and self._add(start, end, role)

    cdef bint _push(self, int kind, int info) noexcept nogil:
        cdef Frame* grown
        if self.depth >= DEEPEST:
            return False
        if self.depth + 1 >= self.room:
            grown = <Frame*>realloc(self.frames, (self.room * 2 + 64) * sizeof(Frame))
            if grown == NULL:
                return False
            self.frames = grown
            self.room = self.room * 2 + 64
        self.depth += 1
        self.frames[self.depth] = Frame(kind, info, 0, 0, 0, 0)
        return True

    cdef bint _pop(self, Frame* into) noexcept nogil:
        if self.depth == 0:
            return False
        into[0] = self.frames[self.depth]
        self.depth -= 1
        if self.deleting > self.depth + 1:
            self.deleting = 0
        if self.pattern > self.depth:
            self.pattern = 0
        return True

    cdef inline Frame* _frame(self) noexcept nogil:
        return &self.frames[self.depth]

    cdef Py_ssize_t _peek(self, Py_ssize_t at) noexcept nogil:
        cdef bint line = False
        return _space(self.s, at, self.n, &line)

    cdef int _next(self, Py_ssize_t at) noexcept nogil:
        """The character that comes next; -1: none."""
        at = self._peek(at)
        return self.s[at] if at < self.n else -1

    cdef bint _blocklike(self) noexcept nogil:
        cdef int kind = self._frame().kind
        return kind == BLOCK or kind == FUNC

    # --- the loop --------------------------------------------------------------------

    cdef bint run(self) noexcept nogil:
        cdef const unsigned char* s = self.s
        cdef Py_ssize_t n = self.n, start, end, i
        cdef unsigned char c
        cdef int what
        cdef bint escaped
        self.depth = -1
        if not self._push(BLOCK, 0):
            return False
        self.state = self.was = START
        self.binds = -1
        if n > 1 and s[0] == b"#" and s[1] == b"!":
            self.at = self.before = _line_js(s, 0, n)
        while True:
            self.line = False
            # Most tokens have nothing or one space before them, and which is hard to foretell.
            start = self.at
            if start < n:
                start += s[start] == 32
            if start >= n or not _JS[s[start]] & 16:
                start = _space(s, start, n, &self.line)
                if start >= n:
                    break
            self.before = self.at
            if 1 << self.state & (1 << RETURN | 1 << BREAK | 1 << BODY):
                if self.state == BODY:
                    if s[start] != b"{":
                        return False
                elif self.line:
                    self.state = START
                elif self.state == RETURN:
                    self.state = EXPR
            self.latest = self.last
            self.last = 0
            c = s[start]
            if self.state == DOT and not (_JS[c] & 1 or c >= 0x80 or c == b"\\" or c == b"#"):
                return False
            if _JS[c] & 1 or c >= 0x80 or c == b"\\":
                escaped = False
                end = _word_at(s, start, n, &what)
                if end < n and (s[end] >= 0x80 or s[end] == b"\\"):
                    i = _word_end(s, end, n, &escaped)
                    if i > end:
                        what = W_OTHER
                    end = i
                if end == start:
                    return False
                self.at = end
                if not self._word(what, start, end, escaped):
                    return False
                # A chain of properties that mean nothing: two turns of the loop each come to this.
                while self.state == END and end + 1 < n and s[end] == b"." and _JS[s[end + 1]] & 1:
                    end = _word_at(s, end + 1, n, &what)
                    if what != W_OTHER or (end < n and (s[end] >= 0x80 or s[end] == b"\\")):
                        break
                    self.at = end
                    self.last = 0
            elif _JS[c] & 4 or (c == b"." and start + 1 < n and _JS[s[start + 1]] & 4):
                self.at = end = _number(s, start, n)
                if not self._literal(1, start, end):
                    return False
            elif c == b'"' or c == b"'":
                end = _string_end(s, start, n)
                if end < 0:
                    return False
                self.at = end
                if not self._literal(3, start, end):
                    return False
            elif c == b"#":
                escaped = False
                end = _word_end(s, start + 1, n, &escaped)
                if end == start + 1:
                    return False
                self.at = end
                if not self._literal(4, start, end):
                    return False
            elif not self._punctuation(c, start):
                return False
        if self.depth != 0 or (self.html and self.module):
            return False
        for i in range(self.declared):
            if not self._add(n, n, self.order[i] + DECLARED):
                return False
        return True

    # --- words -----------------------------------------------------------------------

    cdef inline bint _word(self, int what, Py_ssize_t start, Py_ssize_t end, bint escaped) noexcept nogil:
        cdef int state = self.state, role
        if escaped:
            what = self._unescaped(start, end)
        if what == W_OTHER and (state == EXPR or state == START or state == DOT):
            # The commonest words: what is below comes to the same.
            if state != DOT:
                self.was = state
            self.state = END
            return True
        if state == DOT:
            return self._property(what, start, end)
        if self._frame().kind == CLASS and (state == END or state == ARROW_END):
            if what != W_IN and what != W_INSTANCEOF:
                state = self.state = KEY
        if state == KEY:
            return self._key(what, start, end)
        if state == LIST or state == LIST_REST:
            return self._listed(what, start, end)
        if state == BREAK:
            self.state = END
            return True
        if state == FN:
            return self._declare(what, start, end)
        if state == CLASS_HEAD:
            if what == W_EXTENDS:
                self.state = EXPR
                return True
            return self._declare(what, start, end)
        if state == IMPORT:
            role = _role(what)
            return not role or self._rename(start, end, role)
        if (state == STAR or state == SOURCE) and (what == W_AS or what == W_FROM):
            self.state = STAR
            return True
        if state == STAR:
            return True
        if escaped:
            return self._name(what, start, end)
        return self._keyword_or_name(what, start, end)

    cdef int _unescaped(self, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        """What a word with escapes is."""
        cdef unsigned char plain[16]
        cdef Py_ssize_t at = start
        cdef int size = 0, digit
        cdef long number
        while at < end:
            if size == 15:
                return W_OTHER
            if self.s[at] != b"\\":
                plain[size] = self.s[at]
                at += 1
            else:
                at += 2
                number = 0
                if self.s[at] == b"{":
                    at += 1
                    while self.s[at] != b"}":
                        if number < 0x110000:
                            number = number * 16 + _hex(self.s[at])
                        at += 1
                    at += 1
                else:
                    for digit in range(4):
                        number = number * 16 + _hex(self.s[at + digit])
                    at += 4
                if number > 126:
                    return W_OTHER
                plain[size] = <unsigned char>number
            size += 1
        return _what(plain, size)

    cdef bint _keyword_or_name(self, int what, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        if self.state == EXPORT:
            if what == W_DEFAULT:
                self.state = EXPR
                self.default = True
                return True
            self.state = START
            self.exporting = 1
        if what == W_OTHER:
            return self._name(what, start, end)
        if what == W_FUNCTION:
            return self._function()
        if what == W_CLASS:
            self._frame().classes = self._frame().classes << 2 | (
                1 if self._is_statement(self.state) else 2
            )
            self.state = CLASS_HEAD
        elif what == W_IMPORT:
            return self._import(start, end)
        elif what == W_EXPORT:
            if self.depth or not self._at_statement(self.state):
                return False
            self.module = True
            self.state = EXPORT
            self.exporting = 0
        elif what == W_LET:
            return self._let(start, end)
        elif what == W_AWAIT:
            if self.state != CTRL:
                self.state = EXPR
        elif what == W_YIELD:
            if not self.generator:
                return self._name(what, start, end)
            self.state = EXPR
        elif what == W_SUPER:
            self._name(W_OTHER, start, end)
            self.last = IS_SUPER
        elif what == W_EXPR or what == W_IN or what == W_INSTANCEOF or what == W_DEFAULT or what == W_EXTENDS:
            self.state = EXPR
        elif what == W_START:
            self.state = START
        elif what == W_CTRL:
            self.state = CTRL
        elif what == W_BREAK:
            self.state = BREAK
        elif what == W_RETURN:
            self.state = RETURN
        elif what == W_DELETE:
            self.state = EXPR
            self.deleting = self.depth + 1
        elif what == W_NEW:
            self.state = EXPR
            self.last = IS_NEW
        elif what == W_VAR:
            self.state = EXPR
            if self.exporting:
                self.exporting = 2
                self.binds = end
        else:
            return self._name(what, start, end)
        return True

    cdef bint _property(self, int what, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        self.state = END
        if what == W_OTHER:
            return True
        if what == W_LOCATION:
            if self.latest != IS_SUPER and not self._is_deleted(end):
                return self._rename(start, end, LOCATION)
        elif what == W_DOMAIN:
            if self.latest == IS_DOCUMENT:
                return self._rename(start, end, DOMAIN)
        elif what == W_TOP or what == W_PARENT:
            if self.latest == IS_WINDOW:
                self.last = IS_WINDOW
                return self._rename(start, end, _role(what))
        elif what == W_DOCUMENT:
            self.last = IS_DOCUMENT
        return True

    cdef bint _is_deleted(self, Py_ssize_t end) noexcept nogil:
        cdef Py_ssize_t at
        cdef unsigned char c
        if self.deleting != self.depth + 1:
            return False
        at = self._peek(end)
        if at >= self.n:
            return True
        c = self.s[at]
        if c == b"." or c == b"(" or c == b"[" or c == b"`":
            return False
        return not (c == b"?" and at + 1 < self.n and self.s[at + 1] == b".")

    cdef bint _key(self, int what, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        cdef int role = _role(what), c
        if not role or self._frame().kind != OBJECT_:
            return True
        c = self._next(end)
        if c == b"," or c == b"}" or c == b"=":
            return self._rename(start, end, role + SHORTHAND)
        return True

    cdef bint _listed(self, int what, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        cdef bint first = self.state == LIST, renamed = False, escaped = False
        cdef int role = _role(what)
        cdef Py_ssize_t at, stop
        self.state = LIST_REST
        if not role:
            return True
        if first:
            at = self._peek(end)
            stop = _word_raw(self.s, at, self.n)
            renamed = stop - at == 2 and self.s[at] == b"a" and self.s[at + 1] == b"s"
        if self._frame().kind == IMPORTS:
            if not first:
                return self._add(start, end, role)
            return renamed or self._add(start, end, role + IMPORTED)
        if first:
            return self._add(start, end, role if renamed else role + EXPORTED)
        return True

    cdef bint _declare(self, int what, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        cdef int role = _role(what)
        if not role:
            return True
        if not self._rename(start, end, role):
            return False
        if self.exporting:
            self._export(role)
        return True

    cdef void _export(self, int role) noexcept nogil:
        cdef int i
        for i in range(self.declared):
            if self.order[i] == role:
                return
        self.order[self.declared] = role
        self.declared += 1

    cdef bint _name(self, int what, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        cdef int state = self.state, role
        self.was = state
        self.state = END
        if state == END or state == ARROW_END:
            self.deleting = 0
            if self.exporting == 2 and not self.depth:
                self.exporting = 0
        if what == W_OTHER:
            return True
        role = _role(what)
        if role:
            if (
                self._at_statement(state)
                and self._blocklike()
                and not self._frame().ternaries
                and self._next(end) == b":"
            ):
                return True
            if not self._rename(start, end, role):
                return False
            self.last = IS_WINDOW if role != LOCATION else 0
            if self.exporting == 2 and self.binds == self.before and not self.depth:
                self._export(role)
        elif what == W_EVAL:
            if self._next(end) == b"(":
                self.wraps = EVAL_OPEN
        elif what == W_DOCUMENT:
            self.last = IS_DOCUMENT
        elif what == W_WINDOW:
            self.last = IS_WINDOW
        elif what == W_ASYNC:
            self.last = IS_ASYNC
        elif what == W_OF and state == END and self._frame().kind == CTRL_PAREN:
            self.state = EXPR
        return True

    # --- keywords --------------------------------------------------------------------

    cdef bint _at_statement(self, int state) noexcept nogil:
        return state == START or state == END or state == ARROW_END

    cdef bint _is_statement(self, int state) noexcept nogil:
        cdef bint default = self.default
        self.default = False
        return default or self._at_statement(state)

    cdef bint _function(self) noexcept nogil:
        cdef int state = self.state
        if self.latest == IS_ASYNC and not self.line:
            state = self.was
        self.body = DECLARATION if self._is_statement(state) else EXPRESSION
        self.state = FN
        self.star = False
        return True

    cdef bint _import(self, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        cdef Py_ssize_t at = self._peek(end), stop
        cdef bint phased = False
        if at < self.n and self.s[at] == b".":
            at = self._peek(at + 1)
            stop = _word_raw(self.s, at, self.n)
            if _same(self.s + at, stop - at, "meta", 4):
                if not self._rename(start, stop, META_NEW if self.latest == IS_NEW else META_):
                    return False
                self.module = True
                self.at = stop
                self.state = END
                return True
            if _same(self.s + at, stop - at, "defer", 5) or _same(self.s + at, stop - at, "source", 6):
                phased = True
                end = self.at = stop
        if self._next(end) == b"(":
            self.wraps = IMPORT_OPEN
            self.state = END
            return True
        if self.depth or phased or not self._at_statement(self.state):
            return False
        self.module = True
        self.state = IMPORT
        return True

    cdef bint _let(self, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        cdef int c = self._next(end)
        if c < 0 or not (_JS[c] & 2 or c >= 0x80 or c == b"\\" or c == b"{" or c == b"["):
            return self._name(W_OTHER, start, end)
        self.state = EXPR
        if self.exporting:
            self.exporting = 2
            self.binds = end
        return True

    # --- literals --------------------------------------------------------------------

    cdef bint _literal(self, int kind, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        cdef int state = self.state
        cdef Frame* frame = self._frame()
        if frame.kind == CLASS and (state == END or state == ARROW_END):
            self.state = KEY
        elif (state == IMPORT or state == STAR) and kind == 3:
            if frame.mark:
                self.count = frame.mark - 1
                frame.mark = 0
            self.state = END
            return self._add(start + 1, end - 1, SPECIFIER)
        elif state == LIST:
            self.state = LIST_REST
        elif state != KEY and state != LIST_REST:
            if state == FN or state == CLASS_HEAD:
                return False
            self.state = END
        return True

    cdef bint _text(self, Py_ssize_t at) noexcept nogil:
        """The text of a template, up to its end or an expression within."""
        cdef const unsigned char* s = self.s
        cdef Py_ssize_t n = self.n
        while at < n:
            if s[at] == b"\\":
                at += 2
            elif s[at] == b"`":
                self.at = at + 1
                self.state = END
                return True
            elif s[at] == b"$" and at + 1 < n and s[at + 1] == b"{":
                self.at = at + 2
                self.state = EXPR
                return self._push(TEMPLATE, 0)
            else:
                at += 1
        return False

    # --- brackets --------------------------------------------------------------------

    cdef bint _open_paren(self, Py_ssize_t start) noexcept nogil:
        cdef int state = self.state, wraps = self.wraps
        self.wraps = 0
        self.state = EXPR
        if state == KEY or state == FN:
            if not self._push(PARAMS, METHOD_ if state == KEY else self.body):
                return False
            self._frame().generator = self.star
            self.star = False
            if state == FN:
                self.exporting = 0
            return True
        if state == CTRL:
            return self._push(CTRL_PAREN, 0)
        if wraps:
            return self._push(CALL, 0) and self._rename(start + 1, start + 1, wraps)
        return self._push(PAREN, 0)

    cdef bint _close_paren(self, Py_ssize_t start) noexcept nogil:
        cdef Frame frame
        if not self._pop(&frame):
            return False
        if frame.kind == PAREN:
            self.state = END
        elif frame.kind == CTRL_PAREN:
            self.state = START
        elif frame.kind == PARAMS:
            self.state = BODY
            self.body = frame.info
            self.star = frame.generator
        elif frame.kind == CALL:
            self.state = END
            return self._add(start, start, CLOSE)
        else:
            return False
        return True

    cdef void _patterned(self) noexcept nogil:
        if self.exporting == 2 and self.binds == self.before and not self.depth:
            self.pattern = 1

    cdef bint _open_brace(self) noexcept nogil:
        cdef int state = self.state
        cdef Frame* frame = self._frame()
        self.wraps = 0
        if state == BODY or state == ARROW:
            if not self._push(FUNC, self.body if state == BODY else ARROW_FUNCTION):
                return False
            self._frame().generator = self.generator
            self.generator = state == BODY and self.star
            self.star = False
            self.state = START
        elif state == KEY:
            if frame.kind != CLASS:
                return False
            self.state = START
            return self._push(BLOCK, STATIC)
        elif (state == END or state == ARROW_END or state == CLASS_HEAD) and frame.classes:
            state = DECLARATION if frame.classes & 3 == 1 else EXPRESSION
            frame.classes >>= 2
            self.state = KEY
            self.exporting = 0
            return self._push(CLASS, state)
        elif self._at_statement(state) or state == CTRL:
            self.state = START
            return self._push(BLOCK, 0)
        elif state == IMPORT or state == EXPORT:
            frame.mark = self.count + 1 if state == EXPORT else 0
            self.state = LIST
            return self._push(IMPORTS if state == IMPORT else EXPORTS, 0)
        elif state == EXPR:
            self._patterned()
            self.state = KEY
            return self._push(OBJECT_, 0)
        else:
            return False
        return True

    cdef bint _close_brace(self, Py_ssize_t start) noexcept nogil:
        cdef Frame frame
        cdef Py_ssize_t at
        if not self._pop(&frame):
            return False
        if frame.kind == TEMPLATE:
            return self._text(start + 1)
        if frame.kind == OBJECT_:
            self.state = END
        elif frame.kind == BLOCK:
            self.state = KEY if frame.info == STATIC else START
        elif frame.kind == FUNC:
            self.generator = frame.generator
            if frame.info == METHOD_:
                self.state = KEY if self._frame().kind == CLASS else END
            elif frame.info == DECLARATION:
                self.state = START
            else:
                self.state = END if frame.info == EXPRESSION else ARROW_END
        elif frame.kind == CLASS:
            self.state = START if frame.info == DECLARATION else END
        elif frame.kind == IMPORTS:
            self.state = IMPORT
        elif frame.kind == EXPORTS:
            at = self._peek(start + 1)
            if self.n - at >= 4 and memcmp(self.s + at, b"from", 4) == 0:
                self.state = SOURCE
            else:
                self.state = START
                self._frame().mark = 0
        else:
            return False
        return True

    # --- other punctuation -------------------------------------------------------------

    cdef inline bint _operator(self, unsigned char c) noexcept nogil:
        if self.state == KEY and c != b"=":
            return False
        if self.deleting == self.depth + 1:
            self.deleting = 0
        self.state = EXPR
        return True

    cdef bint _dot(self) noexcept nogil:
        if self.state != END and self.latest != IS_NEW:
            return False
        self.last = self.latest
        self.state = DOT
        return True

    cdef bint _twice(self, Py_ssize_t start) noexcept nogil:
        if (
            start + 2 < self.n and self.s[start] == b"-" and self.s[start + 2] == b">"
            and (self.before == 0 or self.line)
        ):
            self.html = True
            self.at = _line_js(self.s, start, self.n)
        elif self.state != END or self.line:
            self.state = EXPR
        return True

    cdef inline bint _punctuation(self, unsigned char c, Py_ssize_t start) noexcept nogil:
        cdef const unsigned char* s = self.s
        cdef Frame* frame = self._frame()
        cdef Frame closed
        cdef unsigned char following = s[start + 1] if start + 1 < self.n else 0
        cdef int kind, next_one
        self.at = start + 1
        if c == b"(":
            return self._open_paren(start)
        if c == b")":
            return self._close_paren(start)
        if c == b"{":
            return self._open_brace()
        if c == b"}":
            return self._close_brace(start)
        if c == b".":
            if following == b"." and start + 2 < self.n and s[start + 2] == b".":
                self.at = start + 3
                self.state = EXPR
                return True
            return self._dot()
        if c == b",":
            kind = frame.kind
            if self.deleting == self.depth + 1:
                self.deleting = 0
            if self.state == IMPORT:
                return True
            if kind == OBJECT_:
                self.state = KEY
            elif kind == IMPORTS or kind == EXPORTS:
                self.state = LIST
            elif kind == CLASS:
                return False
            else:
                self.state = EXPR
                if kind == CALL:
                    frame.kind = PAREN
                    return self._add(start, start, CLOSE)
                if self.exporting == 2 and not self.depth:
                    self.binds = start + 1
            return True
        if c == b";":
            if self._blocklike():
                frame.ternaries = 0
                self.state = START
                self.exporting = 0
            elif frame.kind == CLASS:
                self.state = KEY
            elif frame.kind == CTRL_PAREN:
                self.state = EXPR
            else:
                return False
            self.deleting = 0
            return True
        if c == b"=":
            if following == b">":
                self.at = start + 2
                self.state = ARROW
                return True
            return self._operator(c)
        if c == b":":
            if frame.ternaries:
                frame.ternaries -= 1
                return self._operator(c)
            if frame.kind == OBJECT_:
                self.state = EXPR
            elif self._blocklike():
                self.state = START
            else:
                return False
            return True
        if c == b"[":
            if self.state == KEY:
                kind = KEY_BRACKET
            else:
                self._patterned()
                kind = BRACKET
            self.state = EXPR
            return self._push(kind, 0)
        if c == b"]":
            if not self._pop(&closed):
                return False
            if closed.kind == KEY_BRACKET:
                self.state = KEY
            elif closed.kind == BRACKET:
                self.state = END
            else:
                return False
            return True
        if c == b"?":
            if following == b"?":
                self.at = start + 2
                return self._operator(c)
            if following == b"." and not (start + 2 < self.n and _JS[s[start + 2]] & 4):
                self.at = start + 2
                if not self._dot():
                    return False
                next_one = self._next(start + 2)
                if next_one == b"(" or next_one == b"[":
                    self.state = END
                return True
            if self.state != END or not self._operator(c):
                return False
            frame.ternaries += 1
            return True
        if c == b"+" or c == b"-":
            if following == c:
                self.at = start + 2
                return self._twice(start)
            return self._operator(c)
        if c == b"<":
            if following == b"!" and start + 3 < self.n and s[start + 2] == b"-" and s[start + 3] == b"-":
                self.html = True
                self.at = _line_js(s, start, self.n)
                return True
            return self._operator(c)
        if c == b"*":
            if self.state == KEY or self.state == FN:
                self.star = True
            elif self.state == EXPORT:
                self.state = STAR
            elif self.state != IMPORT:
                return self._operator(c)
            return True
        if c == b"/":
            if following == b"*":
                return False
            if self.state == END:
                return self._operator(c)
            kind = self.state
            if kind != START and kind != EXPR and kind != ARROW and kind != ARROW_END and kind != CTRL:
                return False
            self.at = _pattern(s, start, self.n)
            self.state = END
            return self.at >= 0
        if c == b"`":
            kind = self.state
            if kind == KEY or kind == FN:
                return False
            return self._text(start + 1)
        if c == b"!" or c == b">" or c == b"%" or c == b"&" or c == b"|" or c == b"^" or c == b"~":
            return self._operator(c)
        return False


cdef Py_ssize_t _word_raw(const unsigned char* s, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """Past a word as it is spelled, whatever its other characters are."""
    while at < n and (_JS[s[at]] & 2 or s[at] >= 0x80 or s[at] == b"\\"):
        at += 1
    return at


def find_js(bytes text):
    """The edits of a script in UTF-8, as ``jslexer.find`` finds them; None where it is lost."""
    cdef _Lexer lexer = _Lexer.__new__(_Lexer)
    cdef bint well
    cdef Py_ssize_t i
    lexer.s = text
    lexer.n = len(text)
    with nogil:
        well = lexer.run()
    if not well:
        return None
    return [
        (lexer.edits[i].start, lexer.edits[i].end, lexer.edits[i].role)
        for i in range(lexer.count)
    ]
