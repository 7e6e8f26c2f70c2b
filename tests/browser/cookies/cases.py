"""Cookies of every attribute: what is set where, and where it is looked for.

A case is a list of responses, one after another; a response is its Set-Cookie fields, one a
line, and before `` | `` the address that gives them where it is not ``Visit.at``.  ``@`` stands
for a word of the case's own, by which its cookies are told from the others'.
"""

from __future__ import annotations

import attrs

A, B, SITE, DEEP = (f"https://{one}site.test" for one in ("a.", "b.", "", "c.a."))
OTHER, PLAIN, A_PLAIN = "https://other.test", "http://plain.test", "http://a.site.test"
Cases = dict[str, list[str]]


@attrs.frozen
class Visit:
    """A page, what is set from it, and then the addresses fetched and the frames shown."""

    at: str
    cases: Cases
    reads: tuple[str, ...]
    frames: tuple[str, ...] = ()
    wait: int = 0


def _each(*fields: str) -> Cases:
    return {field: [field] for field in fields}


def _octets(text: str) -> str:
    return text.encode().decode("latin-1")


_PATHS = {
    **_each(
        *("@=1", "@=1; Path=/", "@=1; Path=/dir", "@=1; Path=/dir/", "@=1; Path=/dir/sub"),
        *("@=1; Path=/dir/sub/", "@=1; Path=/di", "@=1; Path=/dir/su", "@=1; Path=/other"),
        *("@=1; Path=dir", "@=1; Path=", "@=1; Path", "@=1; Path=/DIR/sub", '@=1; Path="/"'),
        *("@=1; Path=/dir; Path=/", "@=1; Path=/; Path=", "@=1; Path=; Path=/", "@=1; Path=//"),
        *("@=1; Path=/dir%2Fsub", "@=1; Path=/dir/sub?x", "@=1; pATH = /dir ", "@=1; Path=/dir/."),
        *("@=1; Path=/dir/sub#x", "@=1; Path=/dir,Path=/", "@=1; Path=/; Path=dir"),
    ),
    "a path of 1024 octets": ["@=1; Path=/" + "p" * 1023],
    "a path of 1025 octets": ["@=1; Path=/" + "p" * 1024],
    "the default at the root": [f"{A}/ | @=1"],
    "the default below the root": [f"{A}/dir | @=1"],
    "the default of a directory": [f"{A}/dir/ | @=1"],
    "one name, several paths": [f"{A}/dir/sub/x | @=0\n@=1; Path=/\n@=2; Path=/dir\n@=3; Path=/dir/sub"],
    "deleted at another path": ["@=1; Path=/dir", "@=; Path=/; Max-Age=0"],
    "deleted at its path": ["@=1; Path=/dir\n@k=1; Path=/dir/", "@=; Path=/dir; Max-Age=0"],
}  # fmt: skip
_DOMAINS = {
    **_each(
        *("@=1", "@=1; Domain=a.site.test", "@=1; Domain=site.test", "@=1; Domain=.site.test"),
        *("@=1; Domain=..site.test", "@=1; Domain=.a.site.test", "@=1; Domain=b.site.test"),
        *("@=1; Domain=c.a.site.test", "@=1; Domain=other.test", "@=1; Domain=test"),
        *("@=1; Domain=.test", "@=1; Domain=SITE.TEST", "@=1; Domain=A.Site.Test", "@=1; Domain="),
        *("@=1; Domain=.", "@=1; Domain", "@=1; Domain=site.test.", "@=1; Domain=site.test:443"),
        *("@=1; Domain=https://site.test", '@=1; Domain="site.test"', "@=1; Domain=ite.test"),
        *("@=1; Domain=other.test; Domain=site.test", "@=1; Domain=site.test; Domain=other.test"),
        *("@=1; Domain=site.test; Domain=", "@=1; Domain=; Domain=site.test"),
        *("@=1; Domain=%73ite.test", "@=1; Domain=127.0.0.1", "@=1; Domain=\xef\xbc\x8esite.test"),
        *("@=1; domain = site.test ", "@=1; Domain=*.site.test", "@=1; Domain=com"),
        "@=1; Domain=site.test/",
    ),
    "host-only and domain of one name": ["@=host", "@=domain; Domain=site.test"],
    "domain and host-only of one name": ["@=domain; Domain=a.site.test", "@=host"],
    "two domains of one name": ["@=a; Domain=a.site.test", "@=s; Domain=site.test"],
    "deleted without the domain": ["@=1; Domain=site.test", "@=; Max-Age=0"],
    "deleted with the domain": ["@=1; Domain=site.test\n@=host", "@=; Domain=.site.test; Max-Age=0"],
    "the parent's own": [f"{SITE}/ | @=1"],
    "the parent's own for all": [f"{SITE}/ | @=1; Domain=site.test"],
    "the parent for a child": [f"{SITE}/ | @=1; Domain=a.site.test"],
    "a sibling's for all, taken over": [f"{B}/ | @=b; Domain=site.test", "@=a; Domain=site.test"],
    "another site's by itself": [f"{OTHER}/ | @=1; Secure; SameSite=None; Domain=other.test"],
    "another site's for ours": [f"{OTHER}/ | @=1; Secure; SameSite=None; Domain=site.test"],
}  # fmt: skip
_ATTRIBUTES = {
    **_each(
        *("@=1; Secure", "@=1; secure", "@=1; Secure=false", "@=1; Secure=", "@=1; Secur"),
        *("@=1;Secure;HttpOnly", "@=1; HttpOnly", "@=1; httponly=no", "@=1; Http-Only"),
        *("@=1; SameSite=None", "@=1; SameSite=None; Secure", "@=1; SameSite=Lax"),
        *("@=1; SameSite=Strict", "@=1; SameSite", "@=1; SameSite=; Secure", "@=1; SameSite=Foo"),
        *("@=1; SameSite=LAX; SameSite=none; Secure", "@=1; SameSite=None; SameSite=Lax; Secure"),
        *("@=1; SameSite=None; SameSite=Foo; Secure", "@=1; samesite = NONE ; secure"),
        *('@=1; SameSite="None"; Secure', "@=1; Partitioned", "@=1; Partitioned; Secure"),
        *("@=1; Partitioned; Secure; SameSite=None", "@=1; Partitioned=no; Secure; SameSite=None"),
        *("@=1; Unknown=x; ; ;Secure", "@=1; Priority=High", "@=1; Version=1"),
    ),
    "Partitioned beside its twin": ["@=all; Secure; SameSite=None", "@=here; Secure; SameSite=None; Partitioned"],
    "HttpOnly replaced": ["@=1; HttpOnly", "@=2"],
    "HttpOnly put on": ["@=1", "@=2; HttpOnly"],
}  # fmt: skip
_TIMES = {
    **_each(
        *("@=1; Max-Age=100", "@=1; Max-Age=0", "@=1; Max-Age=-1", "@=1; Max-Age=+100"),
        *("@=1; Max-Age=1e3", "@=1; Max-Age=abc", "@=1; Max-Age=", "@=1; Max-Age", "@=1; Max-Age=00"),
        *("@=1; Max-Age=-0", "@=1; Max-Age=-", "@=1; Max-Age=1.5", '@=1; Max-Age="100"'),
        *('@=1; Max-Age="0"', "@=1; Max-Age= 0 ", "@=1; Max-Age=0x10", "@=1; Max-Age=0 0"),
        *("@=1; Max-Age=99999999999999999999", "@=1; Max-Age=-99999999999999999999"),
        *("@=1; Max-Age=0; Max-Age=100", "@=1; Max-Age=100; Max-Age=0", "@=1; Max-Age=0; Max-Age=x"),
        *("@=1; Max-Age=0; Expires=Fri, 01 Jan 2038 00:00:00 GMT", "@=1; Max-Age=0; Max-Age="),
        *("@=1; Max-Age=100; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "@=1; Max-Age=-1; Max-Age=-"),
        *("@=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=100", "@=1; Expires=0"),
        *("@=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=x", "@=1; Expires=-1"),
    ),
    **{
        f"Expires={one}": [f"@=1; Expires={one}"]
        for one in (
            *("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2038 00:00:00 GMT", "", "never"),
            *("Thu, 01-Jan-1970 00:00:01 GMT", "Thu, 01 Jan 1970 00:00:00", "1 Jan 1970 00:00:00"),
            *("Thursday, 01-Jan-70 00:00:00 GMT", "Thu Jan  1 00:00:00 1970", "01 jan 69 0:0:0"),
            *("Jan 1 00:00:00 1970 Thu", "1970 Jan 1 00:00:00", "00:00:00 1 1970 January"),
            *("Thu, 32 Jan 1970 00:00:00 GMT", "Thu, 31 Feb 1970 00:00:00 GMT", "1 1 1970 00:00:00"),
            *("Thu, 01 Jan 1970 24:00:00 GMT", "Thu, 01 Jan 1970 00:60:00 GMT", "1 Foo 1970 00:00:00"),
            *("Thu, 01 Jan 1970 00:00 GMT", "Thu, 01 Jan 1970", "Thu, 01 Jan 1600 00:00:00 GMT"),
            *("Thu, 01 Jan 1601 00:00:00 GMT", "Thu, 01 Jan 1602 00:00:00 GMT", "01 Jan 70 00:00:00"),
            *("Thu, 01 Jan 1970 00:00:00 +1400", "Thu, 001 Jan 1970 00:00:00", "1/Jan/1970/00:00:00"),
            *("Thu, 01 Jan 1970 00:00:00;", "01 Janury 1970 00:00:00", "1st Jan 1970 00:00:00"),
            *("01 Jan 1970 00:00:00x", "01 Jan 1970x 00:00:00", "01 Jan 197 00:00:00"),
            *("01 Jan 19700 00:00:00", "01 Jan 1970 000:00:00", "01 Jan 1970 00:00:00 2038"),
            *("01 Jan 9999 00:00:00", "01 Jan 99999 00:00:00", '"Thu, 01 Jan 1970 00:00:00 GMT"'),
            *("1970-01-01T00:00:00Z", "01 Jan 00 00:00:00", "01 Jan 1970 00:00:00 PM", "Sat, 1 Jan 1970 00:00:00"),
        )
    },
    "two dates, past last": ["@=1; Expires=1 Jan 2038 00:00:00; Expires=1 Jan 1970 00:00:00"],
    "two dates, past first": ["@=1; Expires=1 Jan 1970 00:00:00; Expires=1 Jan 2038 00:00:00"],
    "two dates, no date last": ["@=1; Expires=1 Jan 1970 00:00:00; Expires=never"],
    "deleted by Max-Age": ["@=1\n@k=1", "@=2; Max-Age=0"],
    "deleted by Expires": ["@=1\n@k=1", "@=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
    "deleted in the same response": ["@=1\n@=; Max-Age=0\n@k=1"],
    "deleted and set in one response": ["@=1", "@=; Max-Age=0\n@=2"],
}  # fmt: skip
_SECOND = {
    "over after a second": ["@=1; Max-Age=1"],
    "made a session cookie": ["@=1; Max-Age=1", "@=2"],
    "made to stay": ["@=1; Max-Age=1", "@=2; Max-Age=9"],
}
_NAMES = (
    *("@=1", "@=1; Secure", "@=1; Secure; Path=/", "@=1; Path=/; Secure; Domain=a.site.test"),
    *("@=1; Secure; Path=/dir", "@=1; Secure; HttpOnly", "@=1; Secure; HttpOnly; Path=/"),
    *("@=1; Secure; Path=/; Domain=", "@=1; Path=/", "@=1; HttpOnly; Path=/"),
    *("@=1; Secure; HttpOnly; Path=/; Domain=site.test", "@=1; Secure; Path=; Path=/"),
)
_PREFIXED = {
    f"{prefix}{one}": [prefix + one]
    for prefix in ("__Secure-", "__Host-", "__Http-", "__Host-Http-", "__host-", "__SECURE-")
    for one in _NAMES
}
_NAMELESS = {
    f"{one}; Path=/n/{at}": [f"{one}; Path=/n/{at}"]
    for at, one in enumerate(
        (
            *("@", "=@", "=@=1", "==@", " @ ", "= @ ;", "@; Secure", "=@; HttpOnly", "__Secure-@"),
            *(
                "=__Host-@",
                "=__Host-@=1; Secure",
                "__Http-@",
                "=__host-http-@=1",
                "=__Hos-@",
                "@ x",
            ),
            "= __Secure-@=1",
        )
    )
}
_VALUES = {
    **_NAMELESS,
    **_each(
        *("@=", "@==", "@=a=b", '@="quoted"', '@="a; b"', "@=  spaced  out  ", " @ = 1 ", "@=a,b"),
        *("\t@\t=\t1\t", "@ x=1", "@=\x01", "@=a\x7f", "@\x01=1", "@=1; Path=/\x01"),
        *("@=1;\x7f", "@(),/:<>?{}[]=1", "@=%00%41", "@=\\x"),
        *("@=1;", "@=1;;;", "@=1 ; Secure", "@;=1", '"@"=1', "$Version=1@", "@=a\x00b"),
        *(
            _octets("@=é"),
            _octets("é@=1"),
            _octets("@=日本語"),
            _octets("@=\u2028"),
            "@=<b>'&amp;</script>",
        ),
    ),
    "two in one field": ["@a=1, @b=2"],
}
_OCTETS = {
    f"{one}; Path=/o/{at}": [f"{one}; Path=/o/{at}"]
    for at, one in enumerate(
        (
            *("@=\xff\xfe", "@\xff=1", "@=\x80", "@=a\xa0b", _octets("@=é")),
            *("@=a\tb", "@\tx=1", "@=\x0b", "@=a\x0bb"),
        )
    )
}
_OCTETS["a vertical tab at the end"] = [f"@=1; Path=/o/{len(_OCTETS)}; X=\x0b"]
_SIZES = {
    "4096 octets": ["@" + "=" + "v" * 4092],
    "4097 octets": ["@" + "=" + "v" * 4093],
    "a name of 4096 octets": ["@" + "n" * 4092 + "="],
    "a name of 4097 octets": ["@" + "n" * 4093 + "="],
    "4096 octets and attributes": ["@=" + "v" * 4092 + "; Path=/; Secure; Max-Age=100; X=" + "x" * 900],
    "4096 octets without a name": ["=@" + "v" * 4092 + "; Path=/n/1"],
    "4097 octets without a name": ["=@" + "v" * 4093 + "; Path=/n/2"],
    "an attribute of 1025 octets": ["@=1; Max-Age=" + "0" * 1025],
    "an attribute of 1024 octets": ["@=1; Max-Age=" + "0" * 1024],
    "too large a one does not replace": ["@=1", "@=" + "v" * 4093],
    "4097 octets to delete": ["@=1", "@=" + "v" * 4093 + "; Max-Age=0"],
    "spaces do not count": ["@=" + " " * 9 + "v" * 4092 + " " * 9],
}  # fmt: skip
_ORDER = {
    "in one response": ["@c=1\n@a=1\n@b=1"],
    "in several": ["@c=1", "@a=1", "@b=1"],
    "by path": ["@s=1; Path=/\n@l=1; Path=/dir/sub\n@m=1; Path=/dir\n@n=1; Path=/dir/"],
    "replaced": ["@a=1\n@b=1\n@c=1", "@a=2"],
    "replaced with attributes": ["@a=1\n@b=1\n@c=1", "@a=2; Secure; HttpOnly; Max-Age=9"],
    "deleted and set again": ["@a=1\n@b=1\n@c=1", "@a=; Max-Age=0", "@a=2"],
    "deleted and set again at once": ["@a=1\n@b=1\n@c=1", "@a=; Max-Age=0\n@a=2"],
    "twice in one response": ["@a=1\n@b=1\n@a=2"],
    "host-only and domain": ["@a=1; Domain=site.test\n@b=1\n@a=2\n@b=2; Domain=site.test"],
    "of several hosts": [f"{B}/ | @b=1; Domain=site.test", "@a=1; Domain=site.test", f"{SITE}/ | @s=1; Domain=site.test"],
    "replaced by a sibling": [f"{B}/ | @b=1; Domain=site.test", "@a=1; Domain=site.test", f"{B}/ | @b=2; Domain=site.test"],
    "case of names": ["@a=1\n@A=2"],
}  # fmt: skip
_MANY = {"170 and 30 later": ["\n".join(f"@-{at}=1" for at in range(170))]}
_MANY_LATER = {"170 and 30 later": ["\n".join(f"@-{at}=1" for at in range(170, 200))]}
_MANY_MIXED = {
    "200 in one response, the first 50 Secure": [
        "\n".join(f"@-{at}=1{'; Secure' * (at < 50)}" for at in range(200))
    ]
}
_MANY_PARTITIONED = {
    "12 KiB in a partition": [
        f"@-{at}={'v' * 1000}; Secure; SameSite=None; Partitioned" for at in range(12)
    ]
}
_OVERLAY_SECURE = {
    "one name": ["@=s; Secure; Path=/"],
    "one name below": ["@=s; Secure; Path=/dir"],
    "one name above": ["@=s; Secure; Path=/"],
    "of the domain": ["@=s; Secure; Path=/; Domain=site.test"],
    "by one of the domain": ["@=s; Secure; Path=/"],
    "of a sibling by one of the domain": [f"{B}/ | @=s; Secure; Path=/"],
    "another name": ["@=s; Secure; Path=/"],
    "to delete": ["@=s; Secure; Path=/"],
    "of one that is not Secure": ["@=s; Path=/"],
    "with a Secure one": ["@=s; Path=/"],
    "of a path like it": ["@=s; Secure; Path=/di"],
    "of one that is over": ["@=s; Secure; Path=/; Max-Age=1"],
}
_OVERLAY_PLAIN = {
    "one name": ["@=p; Path=/"],
    "one name below": ["@=p; Path=/"],
    "one name above": ["@=p; Path=/dir"],
    "of the domain": ["@=p; Path=/"],
    "by one of the domain": ["@=p; Path=/; Domain=site.test"],
    "of a sibling by one of the domain": ["@=p; Path=/; Domain=site.test"],
    "another name": ["@x=p; Path=/"],
    "to delete": ["@=p; Path=/; Max-Age=0"],
    "of one that is not Secure": ["@=p; Path=/"],
    "with a Secure one": ["@=p; Path=/; Secure"],
    "of a path like it": ["@=p; Path=/dir"],
    "of one that is over": ["@=p; Path=/"],
}
_PLAIN = _each(
    *("@=1", "@=1; Secure", "@=1; HttpOnly", "@=1; SameSite=None", "@=1; SameSite=None; Secure"),
    *("@=1; SameSite=Lax", "@=1; SameSite=Strict", "@=1; Partitioned", "@=1; Domain=plain.test"),
    *("@=1; Path=/dir", "__Secure-@=1", "__Secure-@=1; Secure", "__Host-@=1; Secure; Path=/"),
    *("__Host-@=1; Path=/", "__Http-@=1; HttpOnly", "@=1; Max-Age=0", "@=1; Domain=b.plain.test"),
)
_DIR = f"{A}/dir/sub/set"
_HERE, _THERE = (f"{A}/dir/sub/x",), (f"{A}/", f"{A}/dir/sub/x")
_HOSTS = tuple(f"{one}/" for one in (A, B, SITE, DEEP, OTHER))
_OCTET_PATHS = tuple(f"{A}/o/{at}" for at in range(len(_OCTETS)))
GROUPS: dict[str, tuple[Visit, ...]] = {
    "path": (
        Visit(
            _DIR,
            _PATHS,
            tuple(
                A + path
                for path in (
                    *("/", "/dir", "/dir/", "/dir/x", "/dir/sub", "/dir/sub/", "/dir/sub/x"),
                    *("/dir/subway", "/DIR/sub/x", "/dir%2Fsub/x", "/other/x", "//x"),
                )
            ),
            (f"{A}/", f"{A}/dir", f"{A}/dir/sub/x", f"{A}/dir/subway"),
        ),
    ),
    "domain": (Visit(f"{A}/", _DOMAINS, _HOSTS, _HOSTS[:-1]),),
    "attributes": (
        Visit(_DIR, _ATTRIBUTES, _HERE, _HERE),
        Visit(f"{OTHER}/", {}, _HERE),
        Visit(f"{A_PLAIN}/", {}, (*_HERE, f"{A_PLAIN}/dir/sub/x"), (f"{A_PLAIN}/dir/sub/x",)),
    ),
    "times": (
        Visit(_DIR, _TIMES, _HERE, _HERE),
    ),
    "a second": (Visit(_DIR, _SECOND, ()), Visit(_DIR, {}, _HERE, _HERE, wait=1500)),
    "prefix": (Visit(_DIR, _PREFIXED, _THERE, _THERE),),
    "values": (
        Visit(
            f"{A}/",
            _VALUES,
            (f"{A}/", *(f"{A}/n/{at}" for at in range(len(_NAMELESS)))),
            (f"{A}/", *(f"{A}/n/{at}" for at in (0, 1, 2, 7, 13))),
        ),
    ),
    "octets": (
        Visit(f"{A}/", _OCTETS, _OCTET_PATHS, _OCTET_PATHS),
    ),
    "sizes": (Visit(f"{A}/", _SIZES, (f"{A}/", f"{A}/n/1", f"{A}/n/2"), (f"{A}/",)),),
    "order": (Visit(_DIR, _ORDER, (*_HERE, f"{A}/dir/x", f"{B}/"), _HERE),),
    "many": (
        Visit(f"{A}/", _MANY, (f"{A}/",)),
        Visit(f"{A}/", _MANY_LATER, (f"{A}/",), (f"{A}/",), wait=1100),
    ),
    "many, mixed": (Visit(f"{OTHER}/", _MANY_MIXED, (f"{OTHER}/",), (f"{OTHER}/",)),),
    "many, partitioned": (Visit(f"{OTHER}/", _MANY_PARTITIONED, (f"{OTHER}/",), (f"{OTHER}/",)),),
    "overlay": (
        Visit(f"{A}/", _OVERLAY_SECURE, ()),
        Visit(f"{A_PLAIN}/", _OVERLAY_PLAIN, (f"{A_PLAIN}/", f"{A_PLAIN}/dir"), (f"{A_PLAIN}/",), wait=1500),
        Visit(f"{A}/", {}, (f"{A}/", f"{A}/dir", f"{B}/"), (f"{A}/",)),
    ),
    "plain": (
        Visit(f"{PLAIN}/", _PLAIN, (f"{PLAIN}/", f"{PLAIN}/dir", "http://b.plain.test/"), (f"{PLAIN}/",)),
    ),
}  # fmt: skip
RESPONSES: dict[str, tuple[str, ...]] = {}
"""What is set, by the name that the query gives."""


def word(group: str, case: str) -> str:
    """The word that stands for ``@`` in a case."""
    cases = list(dict.fromkeys(one for visit in GROUPS[group] for one in visit.cases))
    return f"c{cases.index(case):03}"


def _asked(group: str, at: int) -> list[tuple[str, str]]:
    """The addresses that a visit asks for what is to be set, each with its response's name."""
    visit = GROUPS[group][at]
    found: list[tuple[str, str]] = []
    simple: list[str] = []
    for case, steps in visit.cases.items():
        short = word(group, case)
        for step, response in enumerate(steps):
            where, bar, fields = response.rpartition(" | ")
            fields = fields.replace("@", short)
            if len(steps) == 1 and not bar and "\0" not in fields and len(fields) < 200:
                simple.append(fields)  # many of them go with one response
                continue
            RESPONSES[f"{group}.{at}.{short}.{step}"] = tuple(fields.split("\n"))
            found.append((where if bar else visit.at, f"{group}.{at}.{short}.{step}"))
    for start in range(0, len(simple), 20):
        name = f"{group}.{at}.{start}"
        RESPONSES[name] = tuple("\n".join(simple[start : start + 20]).split("\n"))
        found.append((visit.at, name))
    return found


SETS = {
    (group, at): _asked(group, at) for group, visits in GROUPS.items() for at in range(len(visits))
}
"""All that a visit sets."""
