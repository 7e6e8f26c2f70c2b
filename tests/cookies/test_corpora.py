"""The cases of the public cookie suites, written anew as data, against our jar.

A case that the draft decides otherwise than its suite says so ("differs"); one that the
jar does not meet yet is "open", and must go on failing until it is mended.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies import rules
from gateway.cookies.rules import Cookie
from gateway.cookies.syntax import Invalid, SameSite, parse_date, parse_set_cookie
from tests.cookies import KEYS, NOW, SUFFIXES, Bucket, admit, at

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).parent.parent / "vectors"
TOTAL = 1573
KINDS = ("steps", "date", "parse", "path-match", "domain-match", "default-path")


SUITES = {
    suite["source"]: suite["cases"]
    for name in ("cookie-corpora.json", "cookie-dates.json")
    for suite in json.loads((VECTORS / name).read_text("ascii"))["suites"]
}


def _long(text: str) -> str:
    """Write out ``<x*100>``."""
    return re.sub(r"<(.)\*([0-9]+)>", lambda run: run[1] * int(run[2]), text)


def _octets(text: str) -> bytes:
    return _long(text).encode("latin-1")


class _Site:
    """What one user has: a bucket for each registrable domain."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def bucket(self, url: str) -> Bucket:
        """The bucket of a URL's host."""
        registrable = SUFFIXES.registrable(at(url)[0].host)
        return self._buckets.setdefault(registrable, Bucket(registrable))

    def receive(self, step: dict[str, Any]) -> None:
        """Take one response, or only send the request that it would answer."""
        url, now = _long(step["url"]), NOW + step.get("at", 0)
        if step.get("read"):
            self.bucket(url).header(url, now)
            return
        fields = [_octets(field) for field in step["set"]]
        if "count" in step:
            numbers = [b"%d" % number for number in range(*step["count"])]
            fields = [field.replace(b"#", number) for number in numbers for field in fields]
        if step.get("script"):
            self._write(url, fields[0], now)
        else:
            self.bucket(url).receive(url, *fields, now=now)

    def _write(self, url: str, field: bytes, now: int) -> None:
        """Set a cookie as script does."""
        bucket = self.bucket(url)
        cookie = admit(field, url, now, from_script=True)
        if isinstance(cookie, Cookie):
            cookie = rules.store(cookie, bucket.open().cookies, at(url)[0], from_script=True)
        if isinstance(cookie, Cookie):
            row = KEYS.seal(KEYS.bucket(bucket.registrable), bucket.registrable, cookie, b"n" * 12)
            bucket.rows[row.index] = row

    def wrong(self, expected: dict[str, Any]) -> str:
        """What a request, or a script, sees that it should not, or not what it should."""
        url, now = _long(expected["url"]), NOW + expected.get("at", 0)
        jar = self.bucket(url).open()
        if expected.get("script"):
            got = jar.script_view(*at(url), now)
        else:
            got = rules.cookie_string(jar.sent(*at(url), now))
        pairs = got.split(b"; ") if got else []
        good = (
            ("cookie" not in expected or got == _octets(expected["cookie"]))
            and len(pairs) == expected.get("number", len(pairs))
            and all(_octets(pair) in pairs for pair in expected.get("has", ()))
            and not any(_octets(pair) in pairs for pair in expected.get("lacks", ()))
        )
        return "" if good else f"{url:.80} is sent {got[:200]!r}"


def _steps(case: dict[str, Any]) -> str:
    site = _Site()
    for step in case["steps"]:
        site.receive(step)
    return "; ".join(filter(None, map(site.wrong, case["expect"])))


def _date(case: dict[str, Any]) -> str:
    got = parse_date(_octets(case["date"]))
    return "" if got == case["seconds"] else f"got {got}"


def _parse(case: dict[str, Any]) -> str:
    got = parse_set_cookie(_octets(case["parse"]), NOW)
    if isinstance(got, Invalid) or case["gives"] is None:
        return "" if isinstance(got, Invalid) and case["gives"] is None else f"got {got!r:.200}"
    wrong = []
    for name, value in case["gives"].items():
        expected = value
        if name == "expires" and value is not None:
            expected = NOW + value
        elif name == "same_site":
            expected = SameSite(value)
        elif isinstance(value, str):
            expected = _octets(value)
        if getattr(got, name) != expected:
            wrong.append(f"{name} is {getattr(got, name)!r:.200}")
    return "; ".join(wrong)


def _answer(case: dict[str, Any]) -> str:
    got: object
    if "path-match" in case:
        request, cookie = map(_octets, case["path-match"])
        got = rules.path_match(request, cookie)
    elif "domain-match" in case:
        got = rules.domain_match(*case["domain-match"])
    else:
        got = rules.default_path(_octets(case["default-path"][0])).decode("latin-1")
    return "" if got == case["answer"] else f"got {got!r}"


def _judge(case: dict[str, Any]) -> str:
    """What is wrong with our answer; nothing if it is right."""
    for kind, judge in (("steps", _steps), ("date", _date), ("parse", _parse)):
        if kind in case:
            return judge(case)
    return _answer(case)


class CorporaTests(SynchronousTestCase):
    """Each suite: its failures are told together, by the names of the cases."""

    def run_suite(self, source: str) -> None:
        """Judge all cases of one suite, and fail once."""
        told = []
        for case in SUITES[source]:
            wrong = _judge(case)
            if case.get("open"):
                wrong = "" if wrong else "is mended, and no longer open"
            if wrong:
                told.append(f"{case['id']}: {wrong}\n    {case!s:.600}")
        if told:
            self.fail(f"{source}: {len(told)} of {len(SUITES[source])} cases\n" + "\n".join(told))

    def test_form(self) -> None:
        """Every case has its own name, says what it is about and asks one thing."""
        cases = [case for suite in SUITES.values() for case in suite]
        bad = [
            case["id"]
            for case in cases
            if sum(kind in case for kind in KINDS) != 1
            or not case["about"]
            or (not case.get("section") and ("differs" in case or "open" in case))
        ]
        if bad or len(cases) != TOTAL or len({case["id"] for case in cases}) != TOTAL:
            self.fail(f"{len(cases)} cases, or two of one name, or not well formed: {bad}")


def _test_of(source: str) -> Callable[[CorporaTests], None]:
    def test(self: CorporaTests) -> None:
        self.run_suite(source)

    test.__doc__ = f"Our jar meets the cases of {source}."
    return test


for _source in SUITES:
    setattr(CorporaTests, "test_" + re.sub(r"\W+", "_", _source).lower(), _test_of(_source))


def _report() -> None:
    """A line for each suite: cases, how many we meet, how many differ from their suite."""
    print(f"{'cookies: suite':66} cases   met  differ")
    for source, cases in SUITES.items():
        met = sum(not _judge(case) for case in cases)
        differ = sum("differs" in case for case in cases)
        print(f"{source:66} {len(cases):5} {met:5}   {differ:5}")


if __name__ == "__main__":
    _report()
