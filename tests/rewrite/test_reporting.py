"""``Reporting-Endpoints`` and ``Report-To`` on their way to the browser."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.reporting import (
    MAX_NAMES,
    Originals,
    Reporting,
    map_report_to,
    map_reporting_endpoints,
)
from tests.rewrite import origin


def _reporting(page: str = "https://page.example/dir/page?q") -> Reporting:
    return Reporting(origin(page), page, lambda urls: "!" + "!".join(urls))


class EndpointTests(SynchronousTestCase):
    """Which URLs are one."""

    def test_table(self) -> None:
        """Resolved, without a fragment; none that a browser would not report to."""
        table = {
            "https://a.example/x?y#z": "https://a.example/x?y",
            "/r": "https://page.example/r",
            "r": "https://page.example/dir/r",
            "//b.example": "https://b.example/",
            "http://a.example/": None,
            "https://u@a.example/": None,
            "https://:p@a.example/": None,
            "wss://a.example/": None,
            "javascript:1": None,
            "https://": None,
        }
        for text, wanted in table.items():
            self.assertEqual(_reporting().endpoint(text), wanted, text)
        plain = _reporting("http://page.example/")
        self.assertEqual(plain.endpoint("http://a.example/"), "http://a.example/")


class ReportingEndpointsTests(SynchronousTestCase):
    """A dictionary of strings (RFC 9651)."""

    def test_table(self) -> None:
        """Names stay, parameters and what is no string go, a faulty dictionary is none."""
        table = {
            'a="https://a.example/"': 'a="!https://a.example/"',
            'a="/r", b.c-*_="r" ': 'a="!https://page.example/r", b.c-*_="!https://page.example/dir/r"',
            'a="/r";x=1, b="/s";y': 'a="!https://page.example/r", b="!https://page.example/s"',
            'a="/r", a="/s"': 'a="!https://page.example/s"',
            'a="http://a.example/", b="/s"': 'b="!https://page.example/s"',
            r'a="/\"x"': 'a="!https://page.example/%22x"',
            # Members that are no strings name nothing, and harm no others.
            'a="/r", b=1, c, d=?0, e=x/y:z, f=:aGk=:, g=("/x" 1;p "y"), h=-1.5, i=@1, j=%"%c3"': (
                'a="!https://page.example/r"'
            ),
            'a;x="/y", b="/r"': 'b="!https://page.example/r"',
            'a=(), b="/r"': 'b="!https://page.example/r"',
            'a="/r", a=1': "",
            'a=1, a="/r"': 'a="!https://page.example/r"',
            # Parameters are of every kind, and go.
            'a="/r";x="a, b=\\"c";y=?1; z=tok;w=:aA==:, b="/s"': (
                'a="!https://page.example/r", b="!https://page.example/s"'
            ),
            ' a="/r"\t,\t b="/s"': 'a="!https://page.example/r", b="!https://page.example/s"',
            'a="/r",': "",
            'a="/r", ,b="/s"': "",
            'a="/r";X=1': "",
            'a="/r";': "",
            'a="/r";x="': "",
            'a="/r", b=(1': "",
            'a="/r", b=(1"x")': "",
            'a="/r", b=': "",
            'a="/r", b=1.': "",
            'a="/r", b=?2': "",
            "a=/r": "",
            'A="/r"': "",
            'a="/r" b="/s"': "",
            'a="/r\x01"': "",
            "": "",
            "a": "",
        }
        for value, wanted in table.items():
            self.assertEqual(map_reporting_endpoints(value, _reporting()), wanted, value)

    def test_plain_pages(self) -> None:
        """A browser reads neither header on a page that came in the clear."""
        page = _reporting("http://page.example/")
        self.assertEqual(map_reporting_endpoints('a="https://a.example/"', page), "")
        group = {"max_age": 1, "endpoints": [{"url": "https://a.example/"}]}
        self.assertEqual(map_report_to(json.dumps(group), page), "")

    def test_bounds(self) -> None:
        """So many names, and no longer header than that."""
        many = ", ".join(f'n{number}="/x"' for number in range(100))
        mapped = map_reporting_endpoints(many, _reporting())
        self.assertEqual(mapped.count("="), MAX_NAMES)
        self.assertEqual(map_reporting_endpoints('a="/' + "x" * 20_000 + '"', _reporting()), "")

    def test_time(self) -> None:
        """No text takes more than its length, whatever the shape."""
        for part in ('a="', "a=(1 ", "a;", "a;x=1", '\\"', "a=%", "(", "1", " ", "a, "):
            map_reporting_endpoints("a=" + part * 3000, _reporting())
            map_reporting_endpoints('a="' + part * 3000 + "!", _reporting())

    @given(st.text('ab=",;/ \\\t()?1', max_size=40))
    def test_any_text(self, text: str) -> None:
        """Never a fault, and nothing but what was addressed comes out."""
        for part in map_reporting_endpoints(text, _reporting()).split(", "):
            self.assertTrue(not part or '="!https://' in part, part)


class ReportToTests(SynchronousTestCase):
    """The older form."""

    def test_groups(self) -> None:
        """Addresses are ours; what is no number or name goes; subdomains have no meaning here."""
        given_ = {
            "group": "g",
            "max_age": 10**12,
            "include_subdomains": True,
            "endpoints": [
                {"url": "https://a.example/r", "priority": 1, "weight": True, "x": "y"},
                {"url": "http://a.example/r"},
                {"url": 5},
                7,
            ],
        }
        mapped = json.loads(map_report_to(json.dumps(given_), _reporting()))
        self.assertEqual(
            mapped,
            {
                "group": "g",
                "max_age": 400 * 86400,
                "endpoints": [{"url": "!https://a.example/r", "priority": 1}],
            },
        )

    def test_several(self) -> None:
        """Objects with commas between them; faulty ones are left out; none is no header."""
        one = '{"max_age": 1, "endpoints": [{"url": "/r"}]}'
        mapped = json.loads(
            "[" + map_report_to(f'{one}, {{"max_age": "x"}}, 5, {one}', _reporting()) + "]"
        )
        self.assertEqual([group["group"] for group in mapped], ["default", "default"])
        for value in ("", "{", "5", "[[", "[" * 9000, '{"max_age": true, "endpoints": []}'):
            self.assertEqual(map_report_to(value, _reporting()), "", value[:20])


class OriginalsTests(SynchronousTestCase):
    """What sites wrote, by what browsers got."""

    def test_bounded(self) -> None:
        """The first goes first; what is long is not kept."""
        originals = Originals(most=2, longest=10)
        for number in range(3):
            originals.learn(f"m{number}", f"o{number}")
        originals.learn("m2", "another")
        originals.learn("x" * 11, "y")
        found = [originals.find(one) for one in ("m0", "m1", "m2", "x" * 11)]
        self.assertEqual(found, [None, "o1", "o2", None])
