"""Where the gateway differs from Chromium today, case by case.

Each row: the case, why, and at each place what comes directly and what comes through.
"""

from __future__ import annotations

import attrs

_DOT = "Chromium refuses a Domain that is a dot; here it is no Domain (draft, 5.6.3)"
_IDNA = "Chromium makes ASCII of a Domain; the draft (5.7, step 8) ignores the cookie"
_LAST = "in Chromium the last attribute counts, sense or none; the draft ignores what has none"
_DATES = "Chromium's dates: other delimiters, no years before 1601, no third digit"
_EQUALS = "Chromium refuses a nameless cookie whose value has an equals sign; the draft does not"
_UTF8 = "Chromium's document.cookie is empty where one octet is no UTF-8; here it is replaced"
_TAB = "Chromium refuses a tab within name or value; the draft (5.6.1) does not"
_STRIPPED = "the HTTP client strips a vertical tab at a field's end before the jar could refuse it"
_RENEWED = "Chromium keeps the creation time only where the value stays; the draft always (5.7)"
_PURGE = "Chromium purges 180 cookies of a site to 150, the jar to 180"
_REFERRER = "without Origin and Referer a request is cross-site (docs/standards)"
_FORM = (
    "a form is not asked for its place: what only the topmost page may send stays (docs/standards)"
)
_INSIDE = "to requests of a cross-site frame its own site is the topmost page's (docs/standards)"


@attrs.frozen
class Finding:
    """A difference: why, and by place what comes directly and what comes through."""

    why: str
    places: dict[str, tuple[list | str, list | str]]


_AS_ITS_OWN = {
    "Cookie": (
        ["@none=1", "@hidden=1"],
        ["@none=1", "@lax=1", "@strict=1", "@unsaid=1", "@hidden=1", "@here=1"],
    )
}
_CROSS = {
    **{
        f"frame{how}, {what} inside": Finding(_INSIDE, _AS_ITS_OWN)
        for how in ("", ", redirected by another site", ", redirected with cookies")
        for what in ("fetch", "image")
    },
    "leaving by form, POST": Finding(
        _FORM,
        {"Cookie": (["@none=1", "@unsaid=1", "@hidden=1", "@here=1"], ["@none=1", "@hidden=1"])},
    ),
}
FINDINGS: dict[str, dict[str, Finding]] = {
    "domain": {
        "@=1; Domain=.": Finding(
            _DOT,
            {
                "0 Cookie at https://a.site.test/": ([], ["@=1"]),
                "0 document.cookie of https://a.site.test/": ([], ["@=1"]),
            },
        ),
        "@=1; Domain=ï¼\x8esite.test": Finding(
            _IDNA,
            {
                "0 Cookie at https://a.site.test/": (["@=1"], []),
                "0 Cookie at https://b.site.test/": (["@=1"], []),
                "0 Cookie at https://site.test/": (["@=1"], []),
                "0 Cookie at https://c.a.site.test/": (["@=1"], []),
                "0 document.cookie of https://a.site.test/": (["@=1"], []),
                "0 document.cookie of https://b.site.test/": (["@=1"], []),
                "0 document.cookie of https://site.test/": (["@=1"], []),
                "0 document.cookie of https://c.a.site.test/": (["@=1"], []),
            },
        ),
    },
    "times": {
        "@=1; Max-Age=0; Max-Age=x": Finding(
            _LAST,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": (["@=1"], []),
                "0 document.cookie of https://a.site.test/dir/sub/x": (["@=1"], []),
            },
        ),
        "@=1; Max-Age=0; Max-Age=": Finding(
            _LAST,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": (["@=1"], []),
                "0 document.cookie of https://a.site.test/dir/sub/x": (["@=1"], []),
            },
        ),
        "@=1; Max-Age=-1; Max-Age=-": Finding(
            _LAST,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": (["@=1"], []),
                "0 document.cookie of https://a.site.test/dir/sub/x": (["@=1"], []),
            },
        ),
        "Expires=Thu, 01 Jan 1600 00:00:00 GMT": Finding(
            _DATES,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": ([], ["@=1"]),
                "0 document.cookie of https://a.site.test/dir/sub/x": ([], ["@=1"]),
            },
        ),
        "Expires=1st Jan 1970 00:00:00": Finding(
            _DATES,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": (["@=1"], []),
                "0 document.cookie of https://a.site.test/dir/sub/x": (["@=1"], []),
            },
        ),
        "Expires=01 Jan 1970 00:00:00x": Finding(
            _DATES,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": (["@=1"], []),
                "0 document.cookie of https://a.site.test/dir/sub/x": (["@=1"], []),
            },
        ),
        "Expires=01 Jan 1970x 00:00:00": Finding(
            _DATES,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": (["@=1"], []),
                "0 document.cookie of https://a.site.test/dir/sub/x": (["@=1"], []),
            },
        ),
        "Expires=01 Jan 197 00:00:00": Finding(
            _DATES,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": ([], ["@=1"]),
                "0 document.cookie of https://a.site.test/dir/sub/x": ([], ["@=1"]),
            },
        ),
        "Expires=01 Jan 1970 000:00:00": Finding(
            _DATES,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": ([], ["@=1"]),
                "0 document.cookie of https://a.site.test/dir/sub/x": ([], ["@=1"]),
            },
        ),
        "two dates, no date last": Finding(
            _LAST,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": (["@=1"], []),
                "0 document.cookie of https://a.site.test/dir/sub/x": (["@=1"], []),
            },
        ),
    },
    "values": {
        "=@=1; Path=/n/2": Finding(
            _EQUALS,
            {
                "0 Cookie at https://a.site.test/n/2": ([], ["@=1"]),
                "0 document.cookie of https://a.site.test/n/2": ([], ["@=1"]),
            },
        ),
        "==@; Path=/n/3": Finding(_EQUALS, {"0 Cookie at https://a.site.test/n/3": ([], ["=@"])}),
    },
    "octets": {
        "@=ÿþ; Path=/o/0": Finding(
            _UTF8, {"0 document.cookie of https://a.site.test/o/0": ([], ["@=��"])}
        ),
        "@ÿ=1; Path=/o/1": Finding(
            _UTF8, {"0 document.cookie of https://a.site.test/o/1": ([], ["@�=1"])}
        ),
        "@=\x80; Path=/o/2": Finding(
            _UTF8, {"0 document.cookie of https://a.site.test/o/2": ([], ["@=�"])}
        ),
        "@=a\xa0b; Path=/o/3": Finding(
            _UTF8, {"0 document.cookie of https://a.site.test/o/3": ([], ["@=a�b"])}
        ),
        "@=a\tb; Path=/o/5": Finding(
            _TAB,
            {
                "0 Cookie at https://a.site.test/o/5": ([], ["@=a\tb"]),
                "0 document.cookie of https://a.site.test/o/5": ([], ["@=a\tb"]),
            },
        ),
        "@\tx=1; Path=/o/6": Finding(
            _TAB,
            {
                "0 Cookie at https://a.site.test/o/6": ([], ["@\tx=1"]),
                "0 document.cookie of https://a.site.test/o/6": ([], ["@\tx=1"]),
            },
        ),
        "a vertical tab at the end": Finding(
            _STRIPPED,
            {
                "0 Cookie at https://a.site.test/o/9": ([], ["@=1"]),
                "0 document.cookie of https://a.site.test/o/9": ([], ["@=1"]),
            },
        ),
    },
    "order": {
        "replaced": Finding(
            _RENEWED,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": (
                    ["@b=1", "@c=1", "@a=2"],
                    ["@a=2", "@b=1", "@c=1"],
                ),
                "0 document.cookie of https://a.site.test/dir/sub/x": (
                    ["@b=1", "@c=1", "@a=2"],
                    ["@a=2", "@b=1", "@c=1"],
                ),
            },
        ),
        "replaced with attributes": Finding(
            _RENEWED,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": (
                    ["@b=1", "@c=1", "@a=2"],
                    ["@a=2", "@b=1", "@c=1"],
                )
            },
        ),
        "twice in one response": Finding(
            _RENEWED,
            {
                "0 Cookie at https://a.site.test/dir/sub/x": (["@b=1", "@a=2"], ["@a=2", "@b=1"]),
                "0 document.cookie of https://a.site.test/dir/sub/x": (
                    ["@b=1", "@a=2"],
                    ["@a=2", "@b=1"],
                ),
            },
        ),
    },
    "many": {
        "170 and 30 later": Finding(
            _PURGE,
            {
                "1 Cookie at https://a.site.test/": ([169, 30], [180, 30]),
                "1 document.cookie of https://a.site.test/": ([169, 30], [180, 30]),
            },
        ),
    },
    "many, mixed": {
        "200 in one response, the first 50 Secure": Finding(
            _PURGE,
            {
                "0 Cookie at https://other.test/": ([169, 50], [180, 50]),
                "0 document.cookie of https://other.test/": ([169, 50], [180, 50]),
            },
        ),
    },
    "a sibling": {
        "image, no referrer": Finding(
            _REFERRER,
            {
                "Cookie": (
                    ["@none=1", "@lax=1", "@strict=1", "@unsaid=1", "@hidden=1", "@here=1"],
                    ["@none=1", "@hidden=1"],
                )
            },
        ),
        "leaving by link, noreferrer": Finding(
            _REFERRER,
            {
                "Cookie": (
                    ["@none=1", "@lax=1", "@strict=1", "@unsaid=1", "@hidden=1", "@here=1"],
                    ["@none=1", "@lax=1", "@unsaid=1", "@hidden=1", "@here=1"],
                )
            },
        ),
    },
    "another site": _CROSS,
    "the host over http": _CROSS,
    "an http site": _CROSS,
}
