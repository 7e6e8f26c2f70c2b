"""Microseconds of the pure functions that every request or link goes through."""

from __future__ import annotations

import itertools
import os
import time
from typing import TYPE_CHECKING

import ada_url
import attrs
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from bench import common, figures
from bench.common import Options
from gateway import wire
from gateway.cookies.jar import open_jar
from gateway.cookies.rules import Cookie, cookie_string
from gateway.cookies.seal import derive_user_keys
from gateway.cookies.syntax import SameSite
from gateway.origins import Codec, Origin
from gateway.policy.destinations import AccessRule, IntentRule, NavigationRule, Settings
from gateway.policy.engine import Ask, Question, decide
from gateway.policy.intents import parse_intent
from gateway.policy.patterns import parse_pattern
from gateway.policy.walk import walk
from gateway.session.attestation import Mode, mint_datr
from gateway.session.keys import Ick, ServerKeys
from gateway.session.reading import read_session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BATCH = 1000
_NOW = 1_790_000_000


@attrs.define
class Clock:
    """Times functions: the best of several batches, each as long as the budget says."""

    budget: float

    def each(self, function: Callable[[], object]) -> float:
        """Microseconds for one call."""
        return self.over([0], lambda _: function())

    def over(
        self,
        values: Sequence[object],
        function: Callable[..., object],
        prepare: Callable[[], object] = lambda: None,
    ) -> float:
        """Microseconds for one call on one of ``values``; ``prepare`` is not timed."""
        best, end = float("inf"), time.perf_counter() + self.budget
        rounds = max(1, _BATCH // len(values)) if len(values) < _BATCH else 1
        repeat = itertools.repeat
        while time.perf_counter() < end:
            prepare()
            began = time.perf_counter()
            for _ in repeat(None, rounds):
                for value in values:
                    function(value)
            best = min(best, (time.perf_counter() - began) / (rounds * len(values)))
            if best * rounds * len(values) > self.budget / 4:
                rounds = max(1, rounds // 8)
        return 1e6 * best


def _row(name: str, micros: float, base: float, unit: str) -> list[str]:
    return [name, figures.number(micros), f"{micros / base:.2f}x {unit}"]


def url_rows(clock: Clock) -> list[list[str]]:
    """The codec, in units of one parse by ada-url."""
    page, port = "https://www.shop.example/a/b.html", 8443
    hosts = [f"https://host-{at}.part{at % 7}.example/path/file.js?v={at}" for at in range(4000)]
    codec = Codec(common.DOMAIN, port)
    parse = clock.over(hosts, ada_url.URL)

    def expand(url: str) -> str | None:
        return codec.expand_url(url)  # the codec of this moment: ``forget`` makes another

    def forget() -> None:
        nonlocal codec
        codec = Codec(common.DOMAIN, port)

    uncached = clock.over(hosts, lambda url: codec.collapse_url(url, page), forget)
    cached = clock.over(hosts, lambda url: codec.collapse_url(url, page))
    relative = clock.over(
        ["/a/b.css?x=1", "../img/logo.png", "#top", "page.html"], codec.collapse_url
    )
    scheme = [url[6:] for url in hosts]
    scheme_relative = clock.over(scheme, lambda url: codec.collapse_url(url, page))
    odd = clock.over(
        ["HTTPS://WWW.Shop.Example/x", "https:/\\shop.example/y", "https://u:p@shop.example/z"],
        lambda url: codec.collapse_url(url, page),
    )
    long = [f"https://{'sub-' * 12}{at}.example/x" for at in range(50)]
    digest = clock.over(long, lambda url: codec.collapse_url(url, page))
    collapsed = [codec.collapse_url(url) for url in hosts]
    expand_uncached = clock.over(collapsed, expand, forget)
    expand_cached = clock.over(collapsed, expand)
    return [
        _row("ada_url.URL(url), absolute", parse, parse, "parse"),
        _row("collapse_url, host cached", cached, parse, "parse"),
        _row("collapse_url, scheme-relative, cached", scheme_relative, parse, "parse"),
        _row("collapse_url, relative (unchanged)", relative, parse, "parse"),
        _row("collapse_url, host not seen before", uncached, parse, "parse"),
        _row("collapse_url, odd spelling (never cached)", odd, parse, "parse"),
        _row("collapse_url, long label (never cached)", digest, parse, "parse"),
        _row("expand_url, label cached", expand_cached, parse, "parse"),
        _row("expand_url, label not seen before", expand_uncached, parse, "parse"),
    ]


def policy_rows(clock: Clock) -> list[list[str]]:
    """One decision with many rules, in units of one with two; the deciding rule is last."""

    def settings(count: int) -> Settings:
        half = count // 2
        navigation = [f"https://*.site{at}.example" for at in range(half - 1)]
        access = [f"https://api{at}.example/v1/*" for at in range(half - 1)]
        return Settings(
            tuple(
                NavigationRule(parse_pattern(one)) for one in [*navigation, "https://*.last.test"]
            ),
            tuple(AccessRule(parse_pattern(one)) for one in [*access, "https://api.last.test"]),
        )

    def links(count: int) -> Settings:
        hosts = [f"https://app{at}.example" for at in range(count - 1)]
        return Settings(intents=tuple(IntentRule(parse_intent(one)) for one in [*hosts, "tel:*"]))

    def one_host(count: int) -> Settings:
        paths = [f"https://www.last.test/p{at}/*" for at in range(count - 1)]
        return Settings(
            tuple(NavigationRule(parse_pattern(one)) for one in [*paths, "https://*.last.test"])
        )

    shown = Question(Origin("https", "www.last.test", 443), "/page", Ask.NAVIGATION)
    asked = Question(Origin("https", "api.last.test", 443), "/v1", Ask.ACCESS)
    socket = attrs.evolve(asked, websocket=True, page=shown.origin)
    denied = Question(Origin("https", "nowhere.test", 443), "/", Ask.ACCESS)
    call = Question.intent("tel:+4512345678", shown.origin)
    few, many, calls, narrow = settings(2), settings(1000), links(1000), one_host(1000)
    cases: list[tuple[str, Callable[[], object]]] = [
        ("decide, 2 rules", lambda: decide(shown, few)),
        ("decide, 1,000 rules, navigation", lambda: decide(shown, many)),
        ("decide, 1,000 rules, access", lambda: decide(asked, many)),
        ("decide, 1,000 rules, WebSocket of a page", lambda: decide(socket, many)),
        ("decide, 1,000 rules, denied", lambda: decide(denied, many)),
        ("decide, 1,000 rules, intent", lambda: decide(call, calls)),
        ("decide, 1,000 rules for one host", lambda: decide(shown, narrow)),
        ("walk (gateway explain), 1,000 rules", lambda: walk(shown, many)),
    ]
    base = clock.each(cases[0][1])
    return [_row(name, clock.each(function), base, "2 rules") for name, function in cases]


def cookie_rows(clock: Clock) -> list[list[str]]:
    """Session and jar, in units of the bare AEAD on one row."""
    keys = ServerKeys({1: os.urandom(32)})
    ick = Ick(os.urandom(32))
    datr = mint_datr(keys, os.urandom(16), _NOW, Mode.FULL)
    header = [
        wire.ICK_COOKIE + b"=" + ick.cookie_value() + b"; " + wire.DATR_COOKIE + b"=" + datr.text
    ]
    pepper = keys.key("pepper", 1)
    user = derive_user_keys(ick.reveal(), pepper, 1)
    site, where = "shop.example", Origin("https", "www.shop.example", 443)
    bucket = user.bucket(site)

    def cookie(at: int) -> Cookie:
        return Cookie(
            name=b"name%d" % at,
            value=b"a-value-of-some-length-as-sites-set-them-%d" % at,
            domain="www.shop.example" if at % 10 == 0 else f"part{at % 10}.shop.example",
            host_only=True,
            path=b"/",
            secure=True,
            http_only=at % 2 == 0,
            same_site=SameSite.LAX,
            expires=_NOW + 86400,
            created=_NOW - at,
            accessed=_NOW,
            serial=at,
        )

    cookies = [cookie(at) for at in range(200)]
    nonce = os.urandom(12)
    rows = [user.seal(bucket, site, one, os.urandom(12)) for one in cookies]
    jar = open_jar(user, site, rows)
    if len(jar.sent(where, b"/", _NOW)) != 20:
        raise common.BenchError("the jar does not show 20 of 200 cookies")
    bare = AESGCMSIV(os.urandom(32))
    plain, place = bytes(len(rows[0].sealed) - 30), os.urandom(42)
    aead = clock.each(lambda: bare.encrypt(nonce, plain, place))

    def whole() -> bytes:
        return cookie_string(open_jar(user, site, rows).sent(where, b"/", _NOW))

    return [
        _row(f"AES-256-GCM-SIV of {len(plain)} octets, bare", aead, aead, "AEAD"),
        _row(
            "seal one cookie",
            clock.each(lambda: user.seal(bucket, site, cookies[0], nonce)),
            aead,
            "AEAD",
        ),
        _row("open one cookie", clock.each(lambda: user.open(bucket, rows[0])), aead, "AEAD"),
        _row(
            "read_session (cookies verified)",
            clock.each(lambda: read_session(header, keys)),
            aead,
            "AEAD",
        ),
        _row(
            "derive a user's keys",
            clock.each(lambda: derive_user_keys(ick.reveal(), pepper, 1)),
            aead,
            "AEAD",
        ),
        _row("open a jar of 200", clock.each(lambda: open_jar(user, site, rows)), aead, "AEAD"),
        _row(
            "judge 200, Cookie header of 20",
            clock.each(lambda: cookie_string(jar.sent(where, b"/", _NOW))),
            aead,
            "AEAD",
        ),
        _row("both: rows in, header out", clock.each(whole), aead, "AEAD"),
    ]


def run(options: Options) -> None:
    """Measure and print."""
    clock = Clock(options.seconds(0.5, 0.15))
    header = ["function", "us", "relative"]
    figures.table("codec: URLs", header, url_rows(clock))
    figures.table(
        "codec: policy (the deciding rule is the last of its kind)", header, policy_rows(clock)
    )
    figures.table("codec: session and jar", header, cookie_rows(clock))
