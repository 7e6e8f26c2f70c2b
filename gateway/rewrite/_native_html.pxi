# HTML: passes over what cannot need work, and maps plain links on its way.
#
# What it passes over is whole tokens that ``html`` would give out as they are and that change
# nothing in its state, as ``tokens.SKIP`` does; it knows a few more of them.

from libc.string cimport memchr, memcmp

cdef unsigned char _KIND[256]
"""1: white space, 2: ends a tag's name, 4: letter, 8: first part of a path, 16: in a plain URL,
32: needs a look in a URL's value, 64: the same in a style, 128: the same in a sheet."""

cdef unsigned char _LOWER[256]


cdef void _mark(bytes characters, unsigned char bit):
    for character in characters:
        _KIND[character] |= bit


cdef void _prepare():
    cdef int i
    for i in range(256):
        _LOWER[i] = i + 32 if 65 <= i <= 90 else i
    letters = b"abcdefghijklmnopqrstuvwxyz"
    alphanumeric = letters + letters.upper() + b"0123456789"
    _mark(b"\t\n\f\r ", 1)
    _mark(b"\t\n\f\r />", 2)
    _mark(letters + letters.upper(), 4)
    _mark(alphanumeric + b"_.~%-", 8)
    _mark(alphanumeric + b"._~:/?#[]@!$'()*+,;=%-", 16)
    _mark(b":&\\\t\n\r", 32)
    _mark(b"&\\(@", 64)
    _mark(b"\\(@", 128)


_prepare()

# What an attribute's name asks for.
cdef enum:
    COLD = 0
    URL = 1       # one URL
    URLS = 2      # several, in some syntax
    STYLE = 3
    DATA = 4      # a URL on ``object``
    REL = 5       # matters on ``link``
    INTEGRITY = 6
    EQUIV = 7     # ``http-equiv``
    METHOD = 8    # ``formmethod``
    FORMACTION = 9
    HANDLER = 10  # ``on…``
    TYPE = 11     # matters on ``script``

# What a start tag's name asks for.
cdef enum:
    PLAIN = 0
    STOP = 1
    META = 2
    LINK = 3
    OBJECT = 4
    FORM = 5
    RAW = 6       # its text is no markup, and passes
    SCRIPT = 7    # the same, if it is no map and no module
    STYLED = 8    # the same, if no URL can be in its text


cdef inline bint _is(const unsigned char* s, Py_ssize_t size, const char* word, Py_ssize_t length) noexcept nogil:
    cdef Py_ssize_t i
    if size != length:
        return False
    for i in range(size):
        if _LOWER[s[i]] != <unsigned char>word[i]:
            return False
    return True


cdef int _element(const unsigned char* s, Py_ssize_t n) noexcept nogil:
    """What an element's name asks for; the names of ``tokens`` and no others."""
    cdef unsigned char c = _LOWER[s[0]]
    if n < 3 or n > 9:
        return PLAIN
    if c == b"s":
        if _is(s, n, "script", 6):
            return SCRIPT
        if _is(s, n, "style", 5):
            return STYLED
        if _is(s, n, "svg", 3):
            return STOP
    elif c == b"t":
        if _is(s, n, "title", 5) or _is(s, n, "textarea", 8):
            return RAW
    elif c == b"m":
        if _is(s, n, "meta", 4):
            return META
        if _is(s, n, "math", 4):
            return STOP
    elif c == b"l":
        if _is(s, n, "link", 4):
            return LINK
    elif c == b"n":
        if _is(s, n, "noscript", 8) or _is(s, n, "noembed", 7) or _is(s, n, "noframes", 8):
            return RAW
    elif c == b"o":
        if _is(s, n, "object", 6):
            return OBJECT
    elif c == b"f":
        if _is(s, n, "form", 4):
            return FORM
    elif c == b"b":
        if _is(s, n, "base", 4):
            return STOP
    elif c == b"x":
        if _is(s, n, "xmp", 3):
            return RAW
    elif c == b"i":
        if _is(s, n, "iframe", 6):
            return STOP
    elif c == b"p":
        if _is(s, n, "plaintext", 9):
            return STOP
    return PLAIN


cdef int _attribute(const unsigned char* s, Py_ssize_t n) noexcept nogil:
    """What an attribute's name asks for."""
    cdef unsigned char c = _LOWER[s[0]]
    if n < 3:
        return COLD
    if c == b"o":
        return HANDLER if _LOWER[s[1]] == b"n" else COLD
    if n > 14:
        return COLD
    if c == b"h":
        if _is(s, n, "href", 4):
            return URL
        if _is(s, n, "http-equiv", 10):
            return EQUIV
    elif c == b"s":
        if _is(s, n, "src", 3):
            return URL
        if _is(s, n, "style", 5):
            return STYLE
        if _is(s, n, "srcset", 6):
            return URLS
    elif c == b"c":
        if _is(s, n, "cite", 4) or _is(s, n, "codebase", 8) or _is(s, n, "classid", 7):
            return URL
    elif c == b"a":
        if _is(s, n, "action", 6):
            return URL
        if _is(s, n, "archive", 7) or _is(s, n, "attributionsrc", 14):
            return URLS
    elif c == b"d":
        if _is(s, n, "data", 4):
            return DATA
        if _is(s, n, "dynsrc", 6):
            return URL
    elif c == b"f":
        if _is(s, n, "formaction", 10):
            return FORMACTION
        if _is(s, n, "formmethod", 10):
            return METHOD
    elif c == b"i":
        if _is(s, n, "icon", 4):
            return URL
        if _is(s, n, "integrity", 9):
            return INTEGRITY
        if _is(s, n, "imagesrcset", 11):
            return URLS
    elif c == b"l":
        if _is(s, n, "longdesc", 8) or _is(s, n, "lowsrc", 6):
            return URL
    elif c == b"m":
        if _is(s, n, "manifest", 8):
            return URL
    elif c == b"p":
        if _is(s, n, "poster", 6) or _is(s, n, "profile", 7):
            return URL
        if _is(s, n, "ping", 4):
            return URLS
    elif c == b"b":
        if _is(s, n, "background", 10):
            return URL
    elif c == b"t":
        if _is(s, n, "type", 4):
            return TYPE
    elif c == b"r":
        if _is(s, n, "rel", 3):
            return REL
    elif c == b"x":
        if _is(s, n, "xlink:href", 10):
            return URL
    return COLD


cdef bint _stays(const unsigned char* s, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Whether a value cannot leave its origin, however it is decoded."""
    cdef Py_ssize_t i = at
    if at == end or s[at] == b"#" or s[at] == b"?":
        return True
    if s[at] == b"/":
        if at + 1 == end or _KIND[s[at + 1]] & 8 or s[at + 1] == b"@" or s[at + 1] == b"+":
            return True
    else:
        while i < end and _KIND[s[i]] & 8:
            i += 1
        if i > at and (i == end or s[i] == b"/" or s[i] == b"?" or s[i] == b"#"):
            return True
    return _quiet(s, at, end)


cdef bint _quiet(const unsigned char* s, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Whether a value has nothing in it that could name another origin."""
    cdef Py_ssize_t i
    for i in range(at, end):
        if _KIND[s[i]] & 32 or (s[i] == b"/" and i + 1 < end and s[i + 1] == b"/"):
            return False
    return True


cdef int _plain_url(const unsigned char* s, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """1: ``https?://`` and only what URLs are made of, 2: and ``&amp;``; 0: anything else."""
    cdef Py_ssize_t i
    cdef int plain = 1
    if end - at > 7 and memcmp(s + at, b"http://", 7) == 0:
        i = at + 7
    elif end - at > 8 and memcmp(s + at, b"https://", 8) == 0:
        i = at + 8
    else:
        return 0
    while i < end:
        if _KIND[s[i]] & 16:
            i += 1
        elif end - i >= 5 and memcmp(s + i, b"&amp;", 5) == 0:
            i += 5
            plain = 2
        else:
            return 0
    return plain


cdef struct Tag:
    Py_ssize_t end
    Py_ssize_t start      # of the one URL to map; -1: nothing to do
    Py_ssize_t stop
    int plain             # whether that has ``&amp;`` in it: 2, else 1
    Py_ssize_t raw        # how long the name of an element is whose text is raw; 0: it is not


cdef bint _start_tag(const unsigned char* s, Py_ssize_t at, Py_ssize_t n, bint forms, bint handlers, Tag* tag) noexcept nogil:
    """Whether the start tag at ``at`` is whole and can be dealt with here."""
    cdef Py_ssize_t i = at + 1, named, name, stop, value, last
    cdef int element, kind, plain, hot = 0
    cdef bint quoted, safe, valued
    cdef const void* found
    while i < n and not _KIND[s[i]] & 2:
        i += 1
    named = i - at - 1
    element = _element(s + at + 1, named)
    if element == STOP or (element == FORM and forms) or (element == SCRIPT and handlers):
        return False
    tag.start = -1
    tag.raw = named if element == RAW or element == SCRIPT or element == STYLED else 0
    while True:
        while i < n and (_KIND[s[i]] & 1 or s[i] == b"/"):
            i += 1
        if i >= n:
            return False
        if s[i] == b">":
            tag.end = i + 1
            return not tag.raw or _past_raw(s, at + 1, n, element, tag)
        name = i
        i += 1
        while i < n and not _KIND[s[i]] & 2 and s[i] != b"=":
            i += 1
        stop = i
        last = i
        while i < n and _KIND[s[i]] & 1:
            i += 1
        if i >= n:
            return False
        quoted = valued = False
        value = last = i
        if s[i] != b"=":
            i = stop
        else:
            i += 1
            while i < n and _KIND[s[i]] & 1:
                i += 1
            if i >= n:
                return False
            if s[i] == b'"' or s[i] == b"'":
                found = memchr(s + i + 1, s[i], n - i - 1)
                if found == NULL:
                    return False
                quoted = s[i] == b'"'
                value = i + 1
                last = <const unsigned char*>found - s
                i = last + 1
            else:
                value = i
                while i < n and not _KIND[s[i]] & 1 and s[i] != b">":
                    i += 1
                if i >= n:
                    return False
                last = i
            valued = True
        kind = _attribute(s + name, stop - name)
        if kind == COLD or not valued:
            if forms and (kind == METHOD or kind == FORMACTION):
                return False
            if kind != COLD:
                hot += 1
                if tag.start >= 0:
                    return False
            continue
        if kind == DATA:
            if element != OBJECT:
                continue
        elif kind == FORMACTION and forms:
            return False
        elif kind == REL:
            if element == LINK and (
                memchr(s + value, b"-", last - value) != NULL
                or memchr(s + value, b"&", last - value) != NULL
            ):
                return False
            continue
        elif kind == INTEGRITY:
            if element == LINK:
                return False
            continue
        elif kind == EQUIV:
            if element == META and not _is(s + value, last - value, "content-type", 12):
                return False
            continue
        elif kind == METHOD:
            if forms:
                return False
            continue
        elif kind == HANDLER:
            if handlers:
                return False
            continue
        elif kind == TYPE:
            if element == SCRIPT and not _is(s + value, last - value, "text/javascript", 15):
                return False
            continue
        elif kind == STYLE:
            while value < last and not _KIND[s[value]] & 64:
                value += 1
            if value < last:
                return False
            continue
        hot += 1
        if kind == URLS:
            if not _quiet(s, value, last):
                return False
        elif not _stays(s, value, last):
            plain = _plain_url(s, value, last) if quoted and tag.start < 0 else 0
            if not plain:
                return False
            if element == META or element == LINK or element == OBJECT:
                return False
            if memchr(s + at + 1, b"-", named) != NULL:
                return False  # a custom element's attributes mean what its page says
            tag.start, tag.stop, tag.plain = value, last, plain
        if tag.start >= 0 and hot > 1:
            return False  # of equal names the first counts: let it be judged


cdef bint _past_raw(const unsigned char* s, Py_ssize_t name, Py_ssize_t n, int element, Tag* tag) noexcept nogil:
    """Past the text behind a start tag, up to its end tag, if that is there."""
    cdef Py_ssize_t i = tag.end, stop
    cdef bint escaped = False
    cdef const void* found
    while True:
        found = memchr(s + i, b"<", n - i)
        if found == NULL:
            return False
        i = <const unsigned char*>found - s
        stop = i + 2 + tag.raw
        if stop >= n:
            return False
        if element == SCRIPT:
            if s[i + 1] == b"!" and s[i + 2] == b"-" and s[i + 3] == b"-":
                escaped = True
            elif escaped and _KIND[s[stop - 1]] & 2 and _is(s + i + 1, 6, "script", 6):
                return False  # it may hide an end tag
        if s[i + 1] == b"/" and _KIND[s[stop]] & 2 and _same_name(s + i + 2, s + name, tag.raw):
            if element == STYLED and _may_load(s, tag.end, i):
                return False
            tag.end = i
            return True
        i += 1


cdef inline bint _same_name(const unsigned char* s, const unsigned char* other, Py_ssize_t size) noexcept nogil:
    """Whether two names are the same but for case."""
    cdef Py_ssize_t i
    for i in range(size):
        if _LOWER[s[i]] != _LOWER[other[i]]:
            return False
    return True


cdef bint _may_load(const unsigned char* s, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    """Whether a sheet's text has anything in it that ``css`` would look at twice."""
    cdef Py_ssize_t i
    cdef unsigned char c
    for i in range(at, end):
        c = s[i]
        if not _KIND[c] & 128:
            continue
        if c == b"\\":
            return True
        if c == b"@":
            c = _LOWER[s[i + 1]]
            if c == b"i" or c == b"n":
                return True
        elif i - at >= 3 and (
            _is(s + i - 3, 3, "url", 3) or _is(s + i - 3, 3, "src", 3) or _is(s + i - 3, 3, "set", 3)
        ):
            return True
    return False


cdef Py_ssize_t _past_markup(const unsigned char* s, Py_ssize_t at, Py_ssize_t n) noexcept nogil:
    """Past a comment, a doctype or a bogus comment at ``at``; -1: more is needed, or judgement."""
    cdef Py_ssize_t i = at + 2
    cdef const void* found
    if s[at + 1] == b"!":
        if i >= n or s[i] == b"[":
            return -1
        if s[i] == b"-":
            if i + 1 >= n:
                return -1
            if s[i + 1] == b"-":
                return _past_comment(s, i + 2, n)
    found = memchr(s + i, b">", n - i)
    return -1 if found == NULL else <const unsigned char*>found - s + 1


cdef Py_ssize_t _past_comment(const unsigned char* s, Py_ssize_t text, Py_ssize_t n) noexcept nogil:
    """Past a comment whose text begins at ``text`` (HTML standard, 13.2.5.43 and on); -1: it goes on."""
    cdef Py_ssize_t i = text, end
    cdef const void* found
    while True:
        found = memchr(s + i, b">", n - i)
        if found == NULL:
            return -1
        end = <const unsigned char*>found - s
        i = end + 1
        if end == text or (end == text + 1 and s[text] == b"-"):
            return i
        if end - text >= 2 and s[end - 1] == b"-" and s[end - 2] == b"-":
            return i
        if end - text >= 3 and s[end - 1] == b"!" and s[end - 2] == b"-" and s[end - 3] == b"-":
            return i


cdef bytes _mapped(bytes url, int plain, map_url):
    """What stands for a plain URL in double quotes."""
    if plain == 1:
        return map_url(url.decode("ascii")).encode("ascii")
    text = map_url(url.replace(b"&amp;", b"&").decode("ascii"))
    return text.replace("&", "&amp;").encode("ascii")


def pass_html(bytes text, Py_ssize_t at, list out, map_url, *, bint forms, bint handlers):
    """Pass over tokens from ``at`` that need no judgement; where the next one begins.

    What is passed goes to ``out``; the URL of a tag that is plain but for it goes through
    ``map_url``.
    """
    cdef const unsigned char* s = text
    cdef Py_ssize_t n = len(text), i = at, done = at
    cdef const void* found
    cdef unsigned char c
    cdef Tag tag
    tag.start = tag.stop = -1
    tag.plain = 1
    tag.raw = 0
    while i < n:
        if s[i] != b"<":
            found = memchr(s + i, b"<", n - i)
            if found == NULL:
                i = n
                break
            i = <const unsigned char*>found - s
        if i + 1 >= n:
            break
        c = s[i + 1]
        if _KIND[c] & 4:
            if not _start_tag(s, i, n, forms, handlers, &tag):
                break
            if tag.start >= 0:
                out.append(text[done:tag.start])
                out.append(_mapped(text[tag.start:tag.stop], tag.plain, map_url))
                done = tag.stop
            i = tag.end
        elif c == b"/":
            if i + 2 >= n or not _KIND[s[i + 2]] & 4:
                break
            tag.end = i + 3
            while tag.end < n and not _KIND[s[tag.end]] & 2:
                tag.end += 1
            while tag.end < n and _KIND[s[tag.end]] & 1:
                tag.end += 1
            if tag.end >= n or s[tag.end] != b">":
                break
            i = tag.end + 1
        elif c == b"!" or c == b"?":
            tag.end = _past_markup(s, i, n)
            if tag.end < 0:
                break
            i = tag.end
        else:
            i += 1
    if done == 0 and i == n:
        out.append(text)
    elif i > done:
        out.append(text[done:i])
    return i
