"""Where navigations lead: who gets which cookies, and what no page can bring about."""

from __future__ import annotations

import json
import re
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Answer,
    Connect,
    Consume,
    Ending,
    NeedBody,
    NeedNow,
    RequestHead,
    Respond,
    UpstreamHead,
)
from gateway.exchange.own import own_exchange
from gateway.exchange.places import SCRIPT
from gateway.origins import parse
from gateway.session.proofs import NONCE_SIZE, PERSON, Proof, seal_proof
from gateway.session.reading import Session
from tests.exchange import (
    HTML,
    PAGE_ORIGIN,
    SESSION,
    SITE,
    Shell,
    access,
    context,
    frame,
    head,
    play,
    values,
)
from tests.rewrite import SECURE, SUFFIX, collapsed
from tests.session import DATR, DATR_2, ICK, ICK_2, KEYS, NONCE, NOW

OPEN = context(access("https://*"), navigation=("https://*",))
FIELDS = (b"s=1; SameSite=Strict", b"l=2; SameSite=Lax", b"d=3", b"n=4; SameSite=None; Secure")
EVERYTHING, LAX, NONE = b"s=1; l=2; d=3; n=4", b"l=2; d=3; n=4", b"n=4"
URL = f"{SITE}/p"
OTHER = collapsed("https://other.example")
SIBLING = collapsed("https://sibling.example.com")
MARKER = PAGE_ORIGIN + wire.PLACE_PATH
USER = Session(ICK, DATR)


def _by(page: str, target: str = "/p", **more: Any) -> RequestHead:
    """A frame's navigation by another page; ``page`` is its Referer."""
    site = "same-origin" if page.startswith(PAGE_ORIGIN + "/") else "same-site"
    return frame(target, **{"referer": page, "sec_fetch_site": site, **more})


CROSS = _by(f"{OTHER}/")


def _shell(**replies: Any) -> Shell:
    shell = Shell(**replies)
    shell.put(*FIELDS)
    return shell


def _asks(ending: Ending) -> tuple[str, str] | None:
    """The proofs in the page that asks for the place: topmost, nested; None: another ending."""
    if not isinstance(ending, Answer) or ending.status != 200:
        return None
    found = [re.search(rb' data-%c="([^"]*)"' % one, ending.body) for one in b"tn"]
    assert all(found)
    topmost, nested = (one.group(1).decode() for one in found if one is not None)
    return topmost, nested


def _go(request: RequestHead, shell: Shell) -> tuple[Ending, bytes | None]:
    """Play a request; its ending, and the Cookie field if anything went upstream."""
    shell.needs.clear()
    ending, _ = play(http_exchange, request, OPEN, shell)
    sent = shell.sent()
    return ending, b"; ".join(values(sent[0].fields, b"Cookie")) if sent else None


def _repeat(proof: str, target: str = "/p", referer: str = MARKER, **more: Any) -> RequestHead:
    """The request that the page's script makes."""
    joint = "&" if "?" in target else "?"
    return _by(referer, f"{target}{joint}{wire.PROOF_PARAMETER}={proof}", **more)


def _proofs(request: RequestHead, shell: Shell) -> tuple[str, str]:
    ending, cookie = _go(request, shell)
    found = _asks(ending)
    assert found is not None and cookie is None
    return found


def _upstream(shell: Shell, name: bytes) -> list[bytes]:
    (sent,) = shell.sent()
    return values(sent.fields, name)


class WhoTests(SynchronousTestCase):
    """What each way gets at once, without and with a proof."""

    def test_table(self) -> None:
        """Cookies that go at once; or, where the place is asked for, those of either place."""
        ways: list[tuple[str, RequestHead, object]] = [
            ("a page of the site", _by(f"{PAGE_ORIGIN}/q"), EVERYTHING),
            ("a sibling", _by(f"{SIBLING}/"), EVERYTHING),
            ("another site", CROSS, (LAX, NONE)),
            ("another site, HEAD", _by(f"{OTHER}/", method=b"HEAD"), (LAX, NONE)),
            ("no referrer", _by("", sec_fetch_site="same-site"), (LAX, NONE)),
            ("no referrer, opaque", _by("", sec_fetch_site="cross-site"), (LAX, NONE)),
            ("an opaque origin", _by("", origin="null", sec_fetch_site="cross-site"), (LAX, NONE)),
            ("after a page that asked", _by(MARKER), (LAX, NONE)),
            ("the portal, /open and #URL", _by(f"{SECURE}/"), LAX),
            ("a form", _by(f"{OTHER}/", method=b"POST", origin=OTHER), NONE),
            ("a form without referrer", _by("", method=b"POST", origin="null"), NONE),
            ("a form of a sandboxed frame", _by("", method=b"POST", origin="null"), NONE),
            ("an old-fashioned frame", _by(f"{OTHER}/", sec_fetch_dest="frame"), NONE),
            ("an object", _by(f"{OTHER}/", sec_fetch_dest="object"), NONE),
            ("an embed", _by(f"{OTHER}/", sec_fetch_dest="embed"), NONE),
            ("an image", head(referer=f"{OTHER}/", sec_fetch_site="same-site"), NONE),
            (
                "an image without referrer",
                head(sec_fetch_site="same-site", sec_fetch_dest="image", sec_fetch_mode="no-cors"),
                NONE,
            ),
            (
                "an image without anything",
                head(sec_fetch_site="", sec_fetch_dest="", sec_fetch_mode="", accept="image/*"),
                NONE,
            ),
            (
                "a link in a browser that says little",
                head(
                    sec_fetch_site="", sec_fetch_dest="", sec_fetch_mode="",
                    accept="text/html", referer=f"{OTHER}/",
                ),
                (LAX, NONE),
            ),
        ]  # fmt: skip
        for name, request, expected in ways:
            shell = _shell()
            ending, cookie = _go(request, shell)
            if isinstance(expected, bytes):
                self.assertIsInstance(ending, Respond, name)
                self.assertEqual(cookie, expected, name)
                continue
            self.assertIsNone(cookie, name)
            for at, wanted in enumerate(expected):  # type: ignore[arg-type]
                again, place = _shell(), _asks(_go(request, _shell())[0])
                assert place is not None, name
                repeated = _repeat(place[at], method=request.method)
                self.assertEqual(_go(repeated, again)[1], wanted, (name, at))

    def test_nothing_at_stake(self) -> None:
        """No round trip more where no cookie depends on the place."""
        for cookies in ((), (b"n=4; SameSite=None; Secure",), (b"s=1; SameSite=Strict",)):
            shell = Shell()
            shell.put(*cookies)
            ending, _ = _go(CROSS, shell)
            self.assertIsInstance(ending, Respond, cookies)
            self.assertEqual(shell.kinds(), "NeedRows NeedNow Connect")

    def test_other_paths(self) -> None:
        """Only cookies that this request could carry count."""
        shell = Shell()
        shell.put(b"l=2; SameSite=Lax; Path=/elsewhere", b"m=2; SameSite=Lax; Max-Age=5")
        shell.replies[NeedNow] = NOW + 10
        self.assertEqual(_go(CROSS, shell)[1], b"")

    def test_anonymous(self) -> None:
        """Who has no jar is asked nothing, and proves nothing."""
        proof, _ = _proofs(CROSS, _shell())
        for request in (_by(f"{OTHER}/", session=False), _repeat(proof, session=False)):
            shell = _shell()
            self.assertEqual(_go(request, shell)[1], b"")
            self.assertFalse([one for one in shell.needs if isinstance(one, Consume)])


class PageTests(SynchronousTestCase):
    """The page that asks."""

    def test_page(self) -> None:
        """Small, uncached, framed like any page, with nothing of the site's and one script."""
        ending, _ = _go(_by(f"{OTHER}/", "/secret?q=<b>\"'&x"), _shell())
        assert isinstance(ending, Answer)
        body = ending.body.decode()
        self.assertLess(len(body), 2500)
        self.assertNotIn("secret", body)
        self.assertNotIn("<b>", body)
        self.assertIn(f"<script>{SCRIPT}</script>", body)
        self.assertIn(">Continue</a></noscript>", body)
        self.assertEqual(values(ending.fields, b"Cache-Control"), [b"no-store"])
        self.assertEqual(values(ending.fields, b"Referrer-Policy"), [b"unsafe-url"])
        own, contained = values(ending.fields, b"Content-Security-Policy")
        self.assertIn(b"default-src 'none'; script-src 'sha256-", own)
        self.assertIn(b"frame-ancestors https://*" + SUFFIX.encode(), contained)
        self.assertIn(SECURE.encode(), contained)

    def test_without_script(self) -> None:
        """The link proves that the page is nested; what its Referer tells counts for nothing."""
        for target in ("/p", "/p?", "/p?a=1&b", "/p?a=%22%3C"):
            ending, _ = _go(_by(f"{OTHER}/", target), _shell())
            assert isinstance(ending, Answer)
            found = re.search(r'href="([^"]*)"', ending.body.decode())
            assert found is not None
            link = target.partition("?")[0] + found.group(1).replace("&amp;", "&")
            self.assertEqual(_go(_by(PAGE_ORIGIN + target, link), _shell())[1], NONE, target)

    def test_top_level_site(self) -> None:
        """The page's script may say which site is on top; it keys partitioned cookies."""
        third = collapsed("https://www.third.example").partition("//")[2].partition(".")[0]
        own = PAGE_ORIGIN.partition("//")[2].partition(".")[0]
        for label, partition in (
            ("", "https://other.example"),
            (f"~{third}", "https://third.example"),
            (f"~{own}", ""),
            ("~", "https://other.example"),
            ("~undefined", "https://other.example"),
            ("~x", "https://other.example"),
            ("~www", "https://other.example"),
            ("~<>", "https://other.example"),
        ):
            shell = _shell()
            shell.replies[Connect] = UpstreamHead(
                200, b"OK", ((b"Set-Cookie", b"p=1; Partitioned; Secure; SameSite=None"),), 5
            )
            _, nested = _proofs(CROSS, shell)
            _go(_repeat(nested + label), shell)
            del shell.replies[Connect]
            if not partition:  # another site's page stands between the two
                self.assertEqual(_go(head(), shell)[1], EVERYTHING, label)
                continue
            by = head(referer=collapsed(partition) + "/", sec_fetch_site="same-site")
            self.assertEqual(_go(by, shell)[1], b"n=4; p=1", label)


class RepeatedTests(SynchronousTestCase):
    """What a site sees of the repeated request: what it would have seen of the first."""

    def test_fields(self) -> None:
        """Referer, Sec-Fetch-* and target are those of the first request."""
        shell = _shell()
        first = _by(f"{OTHER}/from?q", "/p?a=1", sec_fetch_user="?1")
        topmost, nested = _proofs(first, shell)
        _go(_repeat(topmost, "/p?a=1"), shell)
        (sent,) = shell.sent()
        assert isinstance(sent, Connect)
        self.assertEqual(sent.target, b"/p?a=1")
        for name, value in (
            (b"Referer", b"https://other.example/from?q"),
            (b"Sec-Fetch-Site", b"cross-site"),
            (b"Sec-Fetch-User", b"?1"),
            (b"Sec-Fetch-Dest", b"document"),
        ):
            self.assertEqual(_upstream(shell, name), [value], name)
        shell = _shell()
        _go(_repeat(nested, "/p?a=1"), shell)
        self.assertEqual(_upstream(shell, b"Sec-Fetch-Dest"), [b"iframe"])

    def test_no_referrer(self) -> None:
        """What had no Referer has none; and the page's name never goes upstream."""
        shell = _shell()
        topmost, _ = _proofs(_by("", sec_fetch_site="same-site"), shell)
        for request in (_repeat(topmost), _by(MARKER, session=False)):
            _go(request, shell)
            for name in (b"Referer", b"Sec-Fetch-User"):
                self.assertEqual(_upstream(shell, name), [], name)
            self.assertEqual(_upstream(shell, b"Sec-Fetch-Site"), [b"cross-site"])

    def test_forms(self) -> None:
        """What a form says of its origin always reaches the site: sites judge forms by it."""
        shell = _shell()
        _go(_by(OTHER + wire.PLACE_PATH, method=b"POST", origin=OTHER), shell)
        self.assertEqual(_upstream(shell, b"Origin"), [b"https://other.example"])

    def test_payload(self) -> None:
        """document.referrer and the address are what they would be."""
        cases: list[tuple[RequestHead, dict[str, object]]] = [
            (_by(f"{PAGE_ORIGIN}/q"), {}),
            (_by(f"{PAGE_ORIGIN}/q", "/p?__gw=x&a=1"), {"target": "/p?a=1"}),
            (_by(f"{SECURE}/"), {"referrer": ""}),
            (_by(f"{PAGE_ORIGIN}/q", "/p?__gw=x", method=b"POST"), {}),
        ]
        for at in (0, 1):
            place = _proofs(_by(f"{OTHER}/from"), _shell())[at]
            told = {"referrer": "https://other.example/from", "target": "/p"}
            cases.append((_repeat(place), told))
        for request, expected in cases:
            ending, _ = _go(request, _shell(replies={Connect: UpstreamHead(200, b"", (HTML,), 5)}))
            assert isinstance(ending, Respond), request
            text = re.search(rb"<script[^>]*>(\{.*?\})</script>", ending.plan.markup)
            assert text is not None
            payload = json.loads(text.group(1))
            found = {key: payload[key] for key in ("referrer", "target") if key in payload}
            self.assertEqual(found, expected)

    def test_document_cookie(self) -> None:
        """In a frame of another site's page scripts see what they would see there."""
        for at, expected in ((0, "s=1; l=2; d=3; n=4"), (1, "n=4")):
            shell = _shell(replies={Connect: UpstreamHead(200, b"", (HTML,), 5)})
            ending, _ = _go(_repeat(_proofs(CROSS, shell)[at]), shell)
            assert isinstance(ending, Respond)
            self.assertIn(
                json.dumps({"cookie": expected})[1:-1].replace(": ", ":").encode(),
                ending.plan.markup,
            )

    def test_set(self) -> None:
        """What an answer sets; where the place is not known, as if it were the topmost page."""
        answers = tuple((b"Set-Cookie", b"new-" + field) for field in FIELDS)
        everything = b"new-s=1; new-l=2; new-d=3; new-n=4"
        for at, expected in ((None, everything), (0, everything), (1, b"new-n=4")):
            request = CROSS if at is None else _repeat(_proofs(CROSS, _shell())[at])
            shell = Shell(replies={Connect: UpstreamHead(200, b"OK", answers, 5)})
            _go(request, shell)
            self.assertEqual(shell.cookies(), expected, at)


class AttackTests(SynchronousTestCase):
    """Proofs that do not count: nothing goes that would not go without."""

    def _nothing(self, request: RequestHead, shell: Shell, why: str) -> Ending:
        ending, cookie = _go(request, shell)
        self.assertIn(cookie, {None, NONE}, why)
        self.assertEqual(shell.notes(), [events.PROOF_INVALID], why)
        return ending

    def test_table(self) -> None:
        """Used, over, of another person, for another address, passed on, made up."""
        topmost, nested = _proofs(CROSS, _shell())
        typed = Proof("", PERSON, "", True, NOW + 60, b"t" * NONCE_SIZE)
        used = _shell()
        self.assertEqual(_go(_repeat(nested), used)[1], NONE)
        late = _shell(replies={NeedNow: NOW + 61})
        stranger = [
            seal_proof(KEYS, session, URL, typed, NONCE)
            for session in (Session(ICK_2, DATR), Session(ICK, DATR_2))
        ]
        own = seal_proof(
            KEYS, USER, "https://other.example/", attrs.evolve(typed, initiator="x"), NONCE
        )
        table: list[tuple[str, RequestHead, Shell]] = [
            ("the other proof of a pair", _repeat(topmost), used),
            ("a second time", _repeat(nested), used),
            ("too late", _repeat(topmost), late),
            ("another path", _repeat(topmost, "/q"), _shell()),
            ("another query", _repeat(topmost, "/p?x"), _shell()),
            ("in another site's frame", _repeat(topmost, referer=f"{OTHER}/"), _shell()),
            ("in a frame without referrer", _repeat(topmost, referer=""), _shell()),
            ("of a sibling", _repeat(topmost, referer=f"{SIBLING}/"), _shell()),
            ("another's own", _repeat(own, referer=f"{OTHER}/"), _shell()),
            ("another's own, without referrer", _repeat(own, referer=""), _shell()),
            ("another's own, named so", _repeat(own, referer=OTHER + wire.PLACE_PATH), _shell()),
            ("another's own, from here", _repeat(own), _shell()),
            ("made up", _repeat("A" * 100), _shell()),
            ("empty", _repeat(""), _shell()),
            ("another ick's", _repeat(stranger[0]), _shell()),
            ("another datr's", _repeat(stranger[1]), _shell()),
            (
                "typed, by another page",
                _repeat(seal_proof(KEYS, USER, URL, typed, NONCE), referer=f"{OTHER}/"),
                _shell(),
            ),
            (
                "typed, by no page",
                _repeat(seal_proof(KEYS, USER, URL, typed, NONCE), referer=""),
                _shell(),
            ),
            (
                "typed, after a page that asked",
                _repeat(seal_proof(KEYS, USER, URL, typed, NONCE)),
                _shell(),
            ),
            ("in an object", _repeat(topmost, sec_fetch_dest="object"), _shell()),
        ]
        for why, request, shell in table:
            self._nothing(request, shell, why)

    def test_not_the_sites_own(self) -> None:
        """A proof that does not count makes no request the site's own, nor does the page's name."""
        ending = self._nothing(_repeat("x", referer=f"{PAGE_ORIGIN}/q"), _shell(), "a leftover")
        self.assertIsNotNone(_asks(ending))
        for request in (_by(MARKER), _by(MARKER + "/2")):
            self.assertIsNotNone(_asks(_go(request, _shell())[0]))

    def test_no_loop(self) -> None:
        """A proof that fails is asked for once more, then the page is shown without."""
        shell = _shell()
        ending = self._nothing(_repeat("x"), shell, "the first time")
        assert isinstance(ending, Answer)
        self.assertIn(f'data-m="{wire.PLACE_PATH}/2"'.encode(), ending.body)
        ending = self._nothing(_repeat("x", referer=MARKER + "/2"), shell, "the second time")
        self.assertIsInstance(ending, Respond)

    def test_images(self) -> None:
        """Only navigations bring proofs; elsewhere the parameter is nobody's."""
        topmost, _ = _proofs(CROSS, _shell())
        shell = _shell()
        request = head(
            f"/p?{wire.PROOF_PARAMETER}={topmost}", referer=f"{OTHER}/",
            sec_fetch_site="same-site", sec_fetch_dest="image", sec_fetch_mode="no-cors",
        )  # fmt: skip
        self.assertEqual((_go(request, shell)[1], shell.notes()), (NONE, []))
        self.assertEqual(_go(_repeat(topmost), shell)[1], LAX)

    def test_sandboxed(self) -> None:
        """A sandboxed frame's request has no session: it is shown, once, without cookies."""
        ending, _ = _go(CROSS, _shell())
        assert isinstance(ending, Answer)
        found = re.search(rb' data-q="([^"]+)"', ending.body)
        assert found is not None
        text, shell = found.group(1).decode(), _shell()
        bare = {"referer": "", "session": False, "sec_fetch_site": "cross-site"}
        ending, cookie = _go(_repeat(text, **bare), shell)
        self.assertIsInstance(ending, Respond)
        self.assertEqual(cookie, b"")
        self.assertEqual(_upstream(shell, b"Referer"), [b"https://other.example/"])
        ending, cookie = _go(_repeat(text, **bare), shell)
        self.assertEqual((getattr(ending, "status", 0), cookie), (302, None))
        ending, cookie = _go(_repeat(text, "/q", **bare), _shell())
        self.assertEqual((getattr(ending, "status", 0), cookie), (302, None))
        self._nothing(_repeat(text), _shell(), "with a session it proves nothing")

    def test_two_navigations(self) -> None:
        """Each has a proof of its own."""
        shell = _shell()
        pairs = [_proofs(CROSS, shell) for _ in range(2)]
        for topmost, _ in pairs:
            self.assertEqual(_go(_repeat(topmost), shell)[1], LAX)

    def test_concurrent(self) -> None:
        """Of two who bring the same proof one has it: the store decides."""
        topmost, _ = _proofs(CROSS, _shell())
        shell = _shell(replies={Consume: False})
        self._nothing(_repeat(topmost), shell, "somebody was faster")


class RedirectTests(SynchronousTestCase):
    """What is known goes with a navigation to where it is led on."""

    def _led(self, request: RequestHead, location: str, *more: tuple[bytes, bytes]) -> Answer:
        shell = _shell()
        fields = ((b"Location", location.encode()), *more)
        shell.replies[Connect] = UpstreamHead(302, b"Found", fields, 0)
        ending, _ = _go(request, shell)
        assert isinstance(ending, Respond)
        self.assertEqual(values(ending.fields, b"Referrer-Policy"), [])
        return Answer(302, ending.fields)

    def _next(self, ending: Answer, referer: str) -> tuple[bytes | None, Shell]:
        (location,) = values(ending.fields, b"Location")
        found = parse(location.decode(), f"{PAGE_ORIGIN}/p")
        assert found is not None
        self.assertIn(f"{wire.PROOF_PARAMETER}=", found[1].search)
        self.assertEqual(str(found[0]), PAGE_ORIGIN)
        target = found[1].pathname + found[1].search
        shell = _shell()
        return _go(_by(referer, target), shell)[1], shell

    def test_within_the_site(self) -> None:
        """The page that asked is nobody's initiator: Strict cookies stay where they were."""
        for at, expected in ((0, LAX), (1, NONE)):
            for location in ("/next?a", f"{SITE}/next?a#f", "next?a", "?a", SITE):
                request = _repeat(_proofs(CROSS, _shell())[at])
                ending = self._led(request, location, (b"Referrer-Policy", b"unsafe-url"))
                cookie, shell = self._next(ending, MARKER)
                self.assertEqual(cookie, expected, (at, location))
                self.assertEqual(_upstream(shell, b"Referer"), [b"https://other.example/"])

    def test_hidden_referrer(self) -> None:
        """A redirect may hide the Referer; it tells us nevertheless who made the request."""
        request = _repeat(_proofs(CROSS, _shell())[0])
        ending = self._led(request, "/next", (b"Referrer-Policy", b"no-referrer"))
        cookie, shell = self._next(ending, MARKER)
        self.assertEqual((cookie, _upstream(shell, b"Referer")), (LAX, []))

    def test_unproved(self) -> None:
        """Where no proof came, the page's name goes on, and counts for nothing."""
        shell = Shell(replies={})
        shell.put(b"n=4; SameSite=None; Secure")
        fields = ((b"Location", b"/next"), (b"Referrer-Policy", b"no-referrer"))
        shell.replies[Connect] = UpstreamHead(302, b"Found", fields, 0)
        ending, _ = _go(_by(MARKER), shell)
        assert isinstance(ending, Respond)
        self.assertEqual(values(ending.fields, b"Referrer-Policy"), [])
        self.assertEqual(values(ending.fields, b"Location"), [b"/next"])

    def test_elsewhere(self) -> None:
        """What leads to no site of the web gets no proof; others are left as they are."""
        for location in (f"{SECURE}/", "mailto:x@example.com", "http://["):
            ending = self._led(_repeat(_proofs(CROSS, _shell())[0]), location)
            self.assertNotIn(b"__gwp", values(ending.fields, b"Location")[0])
        ending = self._led(_by(f"{PAGE_ORIGIN}/q"), "/next")
        self.assertEqual(values(ending.fields, b"Location"), [b"/next"])

    def test_hsts(self) -> None:
        """A typed plain address that HSTS knows is typed all the same."""
        shell = _shell()
        shell.replies[Connect] = UpstreamHead(
            200, b"OK", ((b"Strict-Transport-Security", b"max-age=1000"),), 5
        )
        _go(head(), shell)
        del shell.replies[Connect]
        plain = SITE.replace("https:", "http:")
        proof = Proof("", PERSON, "", True, NOW + 60, b"t" * NONCE_SIZE)
        text = seal_proof(KEYS, USER, f"{plain}/p", proof, NONCE)
        request = _repeat(
            text, referer=f"{SECURE}/", host=collapsed(plain).removeprefix("https://")
        )
        given = context(
            attrs.evolve(access("http://*"), allow_insecure_http=True),
            navigation=("http://*", "https://*"),
        )
        ending, _ = play(http_exchange, request, given, shell)
        assert isinstance(ending, Answer), ending
        cookie, _ = self._next(ending, f"{SECURE}/")
        self.assertEqual(cookie, EVERYTHING)


class TypedTests(SynchronousTestCase):
    """Addresses that were typed in the outer frame."""

    def _post(self, content: object, cookie: bytes = SESSION, origin: str = SECURE) -> Ending:
        fields = ((b"Origin", origin.encode()), (b"Cookie", cookie))
        request = RequestHead(
            b"POST", wire.PROOF_PATH.encode(), b"HTTP/1.1", f"www{SUFFIX}", fields
        )
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return play(own_exchange, request, None, Shell({NeedBody: body}))[0]

    def _proof(self, content: object, cookie: bytes = SESSION) -> str:
        ending = self._post(content, cookie)
        assert isinstance(ending, Answer)
        self.assertEqual(values(ending.fields, b"Cache-Control"), [b"no-store"])
        proof: str = json.loads(ending.body)["proof"]
        return proof

    def test_strict_cookies_go(self) -> None:
        """Once, for this address, by the outer frame; upstream it looks typed."""
        for url in (URL, f"{URL}#fragment", f"{PAGE_ORIGIN}/p"):
            proof = self._proof({"url": url, "chosen": True})
            shell = _shell()
            request = _repeat(proof, referer=f"{SECURE}/")
            self.assertEqual(_go(request, shell)[1], EVERYTHING, url)
            for name, value in (
                (b"Sec-Fetch-Site", [b"none"]),
                (b"Sec-Fetch-Dest", [b"document"]),
                (b"Sec-Fetch-User", [b"?1"]),
                (b"Referer", []),
            ):
                self.assertEqual(_upstream(shell, name), value, name)
            self.assertEqual(_go(request, shell)[1], LAX, "a second time")
            self.assertEqual(shell.notes(), [events.PROOF_INVALID])

    def test_addresses(self) -> None:
        """The proof is for the request that the browser makes of what was typed."""
        for url, target in (
            (SITE, "/"),
            (f"{SITE}/?", "/?"),
            (f"{SITE}/a b", "/a%20b"),
            (f"{SITE}/a/../b?x=1&__gw=t", "/b?x=1"),
            (f"{SITE}//c?%zz", "//c?%zz"),
            (f"{SITE}/\u00e9", "/%C3%A9"),
            (f"{SITE}:443/p?#", "/p?"),
        ):
            proof = self._proof({"url": url, "chosen": True})
            request = _repeat(proof, target, referer=f"{SECURE}/")
            self.assertEqual(_go(request, _shell())[1], EVERYTHING, url)

    def test_no_proof(self) -> None:
        """Nothing typed, nobody there, no address of the web."""
        for content, cookie in (
            ({"url": URL}, SESSION),
            ({"url": URL, "chosen": 1}, SESSION),
            ({"url": URL, "chosen": True}, b""),
            ({"url": "mailto:a@example.com", "chosen": True}, SESSION),
            ({"url": "", "chosen": True}, SESSION),
            ({"url": 7, "chosen": True}, SESSION),
            ({"url": f"{SECURE}/", "chosen": True}, SESSION),
            ({"chosen": True}, SESSION),
            ([], SESSION),
            (b"{", SESSION),
        ):
            self.assertEqual(self._proof(content, cookie), "", content)

    def test_only_the_outer_frame(self) -> None:
        """No proxied page, no other site, and nothing that says nothing."""
        for origin in (PAGE_ORIGIN, OTHER, "null", "https://evil.example", SECURE.upper(), ""):
            ending = self._post({"url": URL, "chosen": True}, origin=origin)
            self.assertEqual(getattr(ending, "status", 0), 403, origin)
