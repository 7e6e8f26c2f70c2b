"""How a session without script begins, and what it opens."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.exchange.messages import Answer, Ending, NeedBody, Refuse, RequestHead
from gateway.exchange.own import own_exchange
from gateway.session.attestation import Mode, mint_datr
from gateway.session.reading import read_session
from tests.exchange import HOST, SESSION, Shell, play, values
from tests.rewrite import DOMAIN, SECURE, SUFFIX, collapsed
from tests.session import DATR, ICK_2, KEYS, NOW

ICK = SESSION.partition(b";")[0]
BASIC_DATR = wire.DATR_COOKIE + b"=" + mint_datr(KEYS, bytes(16), NOW, Mode.BASIC).text
FULL_DATR = wire.DATR_COOKIE + b"=" + DATR.text
BASIC = ICK + b"; " + BASIC_DATR
TOSSED = BASIC + b"; " + wire.ICK_COOKIE + b"=" + ICK_2.cookie_value()
PORTAL = f"https://{DOMAIN}/"
ORIGIN = (b"Origin", SECURE.encode())
URL = b"url=https%3A%2F%2Fshop.example.com%2Fp%3Fq"
SHOP = "https://shop.example.com/p?q"


def begin(
    *fields: tuple[bytes, bytes], cookie: bytes = b"", body: bytes = URL, method: bytes = b"POST"
) -> tuple[Ending, Shell]:
    """Ask for a session of mode basic."""
    given = (*fields, (b"Cookie", cookie)) if cookie else fields
    host = f"www{SUFFIX}"
    request = RequestHead(method, wire.BASIC_PATH.encode(), b"HTTP/1.1", host, tuple(given))
    return play(own_exchange, request, None, Shell({NeedBody: body}))


def cookies(ending: Ending) -> list[bytes]:
    """The Set-Cookie fields."""
    assert isinstance(ending, Answer), ending
    return values(ending.fields, b"Set-Cookie")


def location(ending: Ending) -> str:
    """Where a redirect leads, as another request with GET, kept by nobody."""
    assert isinstance(ending, Answer), ending
    assert ending.status == 303
    assert values(ending.fields, b"Cache-Control") == [b"no-store"]
    assert values(ending.fields, b"Referrer-Policy") == [b"no-referrer"]
    (found,) = values(ending.fields, b"Location")
    return found.decode()


class BeginTests(SynchronousTestCase):
    """``/.gateway/basic``."""

    def test_who_may(self) -> None:
        """The outer page's form, with its Origin or by a browser that says nothing else."""
        site = b"Sec-Fetch-Site"
        allowed: list[tuple[tuple[bytes, bytes], ...]] = [
            (), (ORIGIN,), ((site, b"same-origin"),), (ORIGIN, (site, b"same-origin")),
        ]  # fmt: skip
        for fields in allowed:
            ending, shell = begin(*fields)
            self.assertEqual(location(ending), collapsed(SHOP), fields)
            self.assertEqual(shell.kinds(), "NeedBody NeedRandom NeedNow", fields)
            pair = b"; ".join(one.partition(b";")[0] for one in cookies(ending))
            session = read_session([pair], KEYS).session
            assert session is not None, fields
            self.assertEqual((session.is_basic, len(cookies(ending))), (True, 2), fields)
        refused: list[tuple[tuple[bytes, bytes], ...]] = [
            ((site, b"cross-site"),), ((site, b"same-site"),), ((site, b"none"),), ((site, b""),),
            ((site, b"same-origin"), (site, b"cross-site")), ((b"Origin", b"null"),),
            ((b"Origin", b"https://evil.example"),), ((b"Origin", f"https://{HOST}".encode()),),
            ((b"Origin", f"https://{DOMAIN}".encode()),), (ORIGIN, ORIGIN), ((b"Origin", b""),),
            ((b"Origin", SECURE.encode() + b"/"),),
        ]  # fmt: skip
        for fields in refused:
            for cookie in (b"", BASIC, SESSION):
                ending, shell = begin(*fields, cookie=cookie)
                assert isinstance(ending, Refuse), (fields, cookie)
                self.assertEqual((ending.status, ending.event), (403, events.ORIGIN_DENIED))
                self.assertEqual((shell.needs, ending.fields), ([], ()), fields)

    def test_methods(self) -> None:
        """Only POST."""
        for method in (b"GET", b"HEAD", b"PUT", b"OPTIONS"):
            ending, shell = begin(ORIGIN, method=method)
            assert isinstance(ending, Refuse)
            self.assertEqual((ending.status, shell.needs), (405, []), method)

    def test_who_has_a_session(self) -> None:
        """Of the same mode: on with it; of the other: it stays, and no address is opened."""
        for fields in ((), (ORIGIN,)):
            ending, shell = begin(*fields, cookie=BASIC)
            self.assertEqual((location(ending), cookies(ending)), (collapsed(SHOP), []), fields)
            self.assertEqual(shell.kinds(), "NeedBody")
            ending, shell = begin(*fields, cookie=SESSION)
            assert isinstance(ending, Refuse), fields
            self.assertEqual((ending.status, ending.event), (409, events.SESSION_INVALID))
            self.assertEqual((ending.fields, shell.kinds()), ((), "NeedBody"))

    def test_what_is_no_session(self) -> None:
        """Half a pair, junk, or several of one name: a new one, and an end of the tossed first."""
        for cookie in (ICK, BASIC_DATR, b"a=b", ICK + b"; " + wire.DATR_COOKIE + b"=junk"):
            ending, _ = begin(cookie=cookie)
            self.assertEqual(len(cookies(ending)), 2, cookie)
        for cookie in (TOSSED, BASIC + b"; " + FULL_DATR):
            ending, shell = begin(cookie=cookie)
            self.assertEqual(shell.notes(), [events.SESSION_FIXATION], cookie)
            found = cookies(ending)
            self.assertTrue(all(b"=;" not in one for one in found[-2:]), cookie)
            self.assertTrue(all(b"=; Path=" in one and b"Max-Age=0" in one for one in found[:-2]))
            self.assertGreater(len(found), 10)

    def test_addresses(self) -> None:
        """A name alone means https; what is no web address leads to the portal."""
        for body, wanted in (
            (b"url=shop.example.com", collapsed("https://shop.example.com/")),
            (b"url=+http%3A%2F%2Fa.example%2Fb+", collapsed("http://a.example/b")),
            (b"x=1&url=a.example&url=b.example", collapsed("https://a.example/")),
            (b"url=B%C3%9CCHER.example", collapsed("https://xn--bcher-kva.example/")),
            (b"", PORTAL), (b"url=", PORTAL), (b"url", PORTAL), (b"x=1", PORTAL), (b"\xff\xfe", PORTAL),
            (b"url=javascript%3Aalert(1)", PORTAL), (b"url=javascript%3A%2F%2Fx", PORTAL),
            (b"url=data%3Atext%2Fhtml,x", PORTAL), (b"url=https%3A%2F%2F", PORTAL),
            (b"url=ftp%3A%2F%2Fa.example", PORTAL), (b'{"url": "a.example"}', PORTAL),
            (b"a=1&" * 100 + b"url=a.example", PORTAL),
        ):  # fmt: skip
            for cookie in (b"", BASIC):
                ending, _ = begin(body=body, cookie=cookie)
                self.assertEqual(location(ending), wanted, body)

    @settings(deadline=None)
    @given(
        st.one_of(
            st.binary(max_size=60),
            st.text(max_size=40).map(lambda text: b"url=" + quote(text).encode()),
        )
    )
    def test_any_body(self, body: bytes) -> None:
        """No redirect leaves the gateway, and no field has two lines."""
        ending, _ = begin(body=body)
        self.assertRegex(
            location(ending), rf"\Ahttps://([!-.0-~]*@)?([a-z0-9-]+\.0\.)?{DOMAIN}[!-~]*\Z"
        )

    def test_secrets(self) -> None:
        """Two sessions are two; the answer shows its own nowhere but in its cookies."""
        one, _ = begin()
        two, _ = begin(body=b"")
        again, _ = play(
            own_exchange,
            RequestHead(b"POST", wire.BASIC_PATH.encode(), b"HTTP/1.1", f"www{SUFFIX}", ()),
            None,
            Shell({NeedBody: URL}, random=1),
        )
        self.assertEqual(cookies(one), cookies(two))
        self.assertNotEqual(cookies(one), cookies(again))


class OpenTests(SynchronousTestCase):
    """``/open`` on the portal, which sees the ``datr`` alone."""

    def test_table(self) -> None:
        """Straight to the site in mode basic; else, and in doubt, into the outer frame."""
        outer = f"{SECURE}/#{SHOP}"
        for cookie, wanted in (
            (BASIC_DATR, collapsed(SHOP)),
            (b"a=b; " + BASIC_DATR, collapsed(SHOP)),
            (BASIC_DATR + b"; " + BASIC_DATR, collapsed(SHOP)),
            (FULL_DATR, outer),
            (BASIC_DATR + b"; " + FULL_DATR, outer),
            (FULL_DATR + b"; " + BASIC_DATR, outer),
            (BASIC_DATR[:-1], outer),
            (wire.DATR_COOKIE + b"=", outer),
            (ICK, outer),
            (b"", outer),
        ):
            fields = ((b"Cookie", cookie),) if cookie else ()
            target = f"/open?url={quote(SHOP)}".encode()
            ending, shell = play(
                own_exchange, RequestHead(b"GET", target, b"HTTP/1.1", DOMAIN, fields)
            )
            self.assertEqual((location(ending), shell.needs), (wanted, []), cookie)
            self.assertEqual(cookies(ending), [])

    def test_what_is_no_address(self) -> None:
        """The same refusal as for everybody."""
        for typed in ("", "javascript:alert(1)", "data:,x", "ftp://a.example/"):
            request = RequestHead(
                b"GET", f"/open?url={typed}".encode(), b"HTTP/1.1", DOMAIN,
                ((b"Cookie", BASIC_DATR),),
            )  # fmt: skip
            ending, _ = play(own_exchange, request)
            assert isinstance(ending, Refuse), typed
            self.assertEqual(ending.status, 400)
