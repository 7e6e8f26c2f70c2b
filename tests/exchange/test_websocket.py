"""A WebSocket handshake to a rewrite host: dialled first, answered after."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.errors import StoreUnavailable, UpstreamFault, UpstreamTimeout
from gateway.exchange.messages import (
    Accept,
    Commit,
    Context,
    Ending,
    NeedOrigin,
    NeedRows,
    Refuse,
    RequestHead,
    UpstreamFailed,
)
from gateway.exchange.needs import ConnectSocket, SocketOpened, SocketRefused
from gateway.exchange.websocket import websocket_exchange
from gateway.rewrite.parameters import with_parameter
from gateway.session.reading import Session
from tests.exchange import (
    HOST,
    LONG_HOST,
    PAGE_ORIGIN,
    SESSION,
    SITE,
    Shell,
    access,
    context,
    long_origin,
    play,
    token_text,
    values,
)
from tests.rewrite import DOMAIN, SECURE, SUFFIX, collapsed, origin
from tests.session import DATR, ICK, ICK_2, NOW
from tests.websocket.test_handshake import KEY

PAIR, OTHER_PAIR = Session(ICK, DATR).pair, Session(ICK_2, DATR).pair
DAY = 86400
TOSSED = SESSION + b"; " + wire.ICK_COOKIE + b"=" + ICK_2.cookie_value()


def _head(
    target: bytes = b"/ws?a",
    *,
    host: str = HOST,
    cookie: bytes = SESSION,
    origins: tuple[str, ...] = (PAGE_ORIGIN,),
    token: str | None = None,
    protocols: str = "",
    method: bytes = b"GET",
    **more: str,
) -> RequestHead:
    """A handshake; ``token``: "" for none, by default that of the page at ``SITE``."""
    if token is None:
        token = token_text(PAIR if cookie else b"")
    if token:
        target = with_parameter(target.decode(), wire.TOKEN_PARAMETER, token).encode()
    fields = [
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Key", KEY),
        (b"Sec-WebSocket-Version", b"13"),
        *((b"Origin", one.encode()) for one in origins),
        *((name.replace("_", "-").encode(), value.encode()) for name, value in more.items()),
    ]
    if cookie:
        fields.append((b"Cookie", cookie))
    if protocols:
        fields.append((b"Sec-WebSocket-Protocol", protocols.encode()))
    return RequestHead(method, target, b"HTTP/1.1", host, tuple(fields))


def _play(
    request: RequestHead, given: Context | None = None, shell: Shell | None = None
) -> tuple[Ending, Shell]:
    return play(websocket_exchange, request, given, shell)


class OrderTests(SynchronousTestCase):
    """What is asked for, in which order."""

    def test_needs(self) -> None:
        """Nothing is dialled before the policy allows; the commit comes before the answer."""
        cookies = {ConnectSocket: SocketOpened(None, (b"a=1",))}
        refused = {ConnectSocket: SocketRefused(401, (b"a=1",))}
        commits = "NeedNow NeedRows NeedNow ConnectSocket NeedNow NeedRandom Commit NeedRandom"
        bare = token_text()
        closed = context(access("other.example"))
        table: list[tuple[str, RequestHead, Context, dict[type, object], str, type]] = [
            ("plain", _head(), context(), {}, "NeedNow NeedRows NeedNow ConnectSocket", Accept),
            ("cookies", _head(), context(), cookies, commits, Accept),
            ("cookies of a refusal", _head(), context(), refused, commits, Refuse),
            ("anonymous", _head(cookie=b""), context(), cookies, "NeedNow ConnectSocket", Accept),
            ("tossed", _head(cookie=TOSSED), context(), cookies, f"Note {commits}", Accept),
            ("tossed, nobody's token", _head(cookie=TOSSED, token=bare), context(), cookies,
             "Note NeedNow", Refuse),
            ("no token", _head(token=""), context(), cookies, "NeedNow", Refuse),
            ("closed", _head(), closed, {}, "NeedNow", Refuse),
            ("no origin", _head(origins=()), context(), {}, "", Refuse),
            ("no page of ours", _head(origins=("https://evil.example",)), context(), {}, "",
             Refuse),
            ("unsound", _head(method=b"POST"), context(), {}, "", Refuse),
            ("unsound, no label", _head(method=b"POST", host="x"), context(), {}, "", Refuse),
            ("no label", _head(host="junk" + SUFFIX), context(), {}, "", Refuse),
            ("digest", _head(host=LONG_HOST), context(), {}, "NeedOrigin", Refuse),
            ("known digest", _head(host=LONG_HOST), context(),
             {NeedOrigin: long_origin(LONG_HOST.partition(".")[0])},
             "NeedOrigin NeedNow NeedRows NeedNow ConnectSocket", Accept),
            ("proof", _head(b"/?__gwo=https%3A%2F%2Funder_score.example.com", host=LONG_HOST),
             context(), {}, "NeedNow RememberOrigin NeedRows NeedNow ConnectSocket", Accept),
        ]  # fmt: skip
        for name, request, given, replies, wanted, kind in table:
            ending, shell = _play(request, given, Shell(dict(replies)))
            self.assertEqual((shell.kinds(), type(ending)), (wanted, kind), name)

    def test_faults(self) -> None:
        """Transport failures are 502 and 504, an absent store 503; nothing is accepted."""
        cookies = SocketOpened(None, (b"a=1",))
        table: list[tuple[dict[type, object], int]] = [
            ({ConnectSocket: UpstreamFailed(UpstreamFault("x"))}, 502),
            ({ConnectSocket: UpstreamFailed(UpstreamTimeout("x"))}, 504),
            ({ConnectSocket: UpstreamFault("x")}, 502),
            ({NeedRows: StoreUnavailable("x")}, 503),
            ({ConnectSocket: cookies, Commit: False}, 503),
            ({ConnectSocket: cookies, Commit: StoreUnavailable("x")}, 503),
        ]
        for replies, status in table:
            ending, _ = _play(_head(), shell=Shell(replies))
            assert isinstance(ending, Refuse), replies
            self.assertEqual(ending.status, status, replies)


class OriginTests(SynchronousTestCase):
    """Who may open one."""

    def test_refused(self) -> None:
        """Without an Origin of ours nothing is dialled, and nothing is looked up for it."""
        for origins in (
            (),
            ("null",),
            (PAGE_ORIGIN, PAGE_ORIGIN),
            ("https://evil.example",),
            (SITE,),
            (PAGE_ORIGIN.replace("https:", "http:"),),
            (f"{PAGE_ORIGIN}:8443",),
            (f"{PAGE_ORIGIN}/",),
            (SECURE,),
            (f"https://{DOMAIN}",),
            (f"https://junk{SUFFIX}",),
            ("",),
        ):
            for rules in (context(navigation=("*",)), context(access())):
                ending, shell = _play(_head(origins=origins), rules)
                assert isinstance(ending, Refuse), origins
                self.assertEqual(
                    (ending.status, ending.event), (403, events.ORIGIN_DENIED), origins
                )
                self.assertEqual(shell.kinds(), "", origins)

    def test_expanded(self) -> None:
        """The upstream sees the page's own origin, never the gateway's."""
        for page in (SITE, "https://www.example.com", "http://plain.example:81"):
            _, shell = _play(_head(origins=(collapsed(page),), token=token_text(PAIR, page)))
            (sent,) = shell.sent()
            assert isinstance(sent, ConnectSocket)
            self.assertEqual((sent.origin, sent.page_origin), (origin(SITE), page))

    def test_rules_see_the_page(self) -> None:
        """A rule with ``from`` opens for that page alone."""
        rules = context(access("wss://shop.example.com", page="https://www.example.com"))
        for page, kind in (("https://www.example.com", Accept), (SITE, Refuse)):
            request = _head(origins=(collapsed(page),), token=token_text(PAIR, page))
            ending, shell = _play(request, rules)
            self.assertIsInstance(ending, kind, page)
            self.assertEqual(bool(shell.sent()), kind is Accept)
            if isinstance(ending, Refuse):
                self.assertEqual((ending.status, ending.event), (403, events.DESTINATION_DENIED))

    def test_native(self) -> None:
        """A native rule waives Origin and token; what another site or client says is passed on."""
        rules = context(access("*", native=True))
        for origins, wanted in (
            ((), None),
            (("null",), None),
            (("https://app.example",), "https://app.example"),
        ):
            ending, shell = _play(_head(origins=origins, cookie=b"", token=""), rules)
            self.assertEqual(ending, Accept(), origins)
            (sent,) = shell.sent()
            assert isinstance(sent, ConnectSocket)
            self.assertEqual(sent.page_origin, wanted)

    def test_native_is_anonymous(self) -> None:
        """Who is no page of ours gets no jar, even if the browser sent the session along."""
        rules = context(access("*", native=True))
        for origins in ((), ("null",), ("https://evil.example",), (SECURE,)):
            shell = Shell({ConnectSocket: SocketOpened(None, (b"b=2",))})
            shell.put(b"a=1")
            _play(_head(origins=origins), rules, shell)
            (sent,) = shell.sent()
            self.assertEqual(values(sent.fields, b"Cookie"), [], origins)
            self.assertEqual(shell.cookies(), b"a=1", origins)

    def test_the_gateways_own_origin_is_not_told(self) -> None:
        """Not even where a native rule would pass any Origin on."""
        for own in (SECURE, f"https://{DOMAIN}", f"https://junk{SUFFIX}"):
            _, shell = _play(_head(origins=(own,)), context(access("*", native=True)))
            for sent in shell.sent():
                assert isinstance(sent, ConnectSocket)
                self.assertNotIn(DOMAIN, sent.page_origin or "", own)


class AnswerTests(SynchronousTestCase):
    """The upstream's answer, and what of it the client gets."""

    def test_subprotocols(self) -> None:
        """The offer goes upstream as it is; the choice must be in it, none is told as none."""
        table: list[tuple[str, str | None, Ending | None]] = [
            ("", None, Accept()),
            ("v12.stomp, v11.stomp", "v11.stomp", Accept("v11.stomp")),
            ("v12.stomp", None, Accept()),
            ("bokeh, t0ken", "bokeh", Accept("bokeh")),
            ("v12.stomp", "v10.stomp", None),
            ("v12.stomp", "V12.STOMP", None),
            ("", "chat", None),
        ]
        for protocols, chosen, wanted in table:
            shell = Shell({ConnectSocket: SocketOpened(chosen)})
            ending, _ = _play(_head(protocols=protocols), shell=shell)
            (sent,) = shell.sent()
            assert isinstance(sent, ConnectSocket)
            self.assertEqual(", ".join(sent.subprotocols), protocols)
            if wanted is not None:
                self.assertEqual(ending, wanted, (protocols, chosen))
                continue
            assert isinstance(ending, Refuse), (protocols, chosen)
            self.assertEqual((ending.status, ending.event), (502, events.SUBPROTOCOL_VIOLATION))
            self.assertNotIn(chosen or "", f"{ending.detail}{ending.title}")

    def test_refusals_are_real(self) -> None:
        """The upstream's status is the client's."""
        for status in (400, 401, 403, 404, 426, 429, 500, 502, 503):
            ending, _ = _play(_head(), shell=Shell({ConnectSocket: SocketRefused(status)}))
            assert isinstance(ending, Refuse)
            self.assertEqual(ending.status, status)

    def test_gateway_paths(self) -> None:
        """They never go upstream."""
        ending, shell = _play(_head(b"/.gateway/label?o=x"))
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.status, shell.needs), (404, []))

    def test_unsound_requests(self) -> None:
        """They say what RFC 6455 wants said."""
        ending, _ = _play(_head(method=b"POST"))
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.status, ending.event), (405, events.HANDSHAKE_INVALID))
        self.assertEqual(values(ending.fields, b"Allow"), [b"GET"])

    def test_the_dial(self) -> None:
        """The site's own target and transport; the client's fields that may pass."""
        rules = context(access("http://shop.example.com", allow_insecure_http=True))
        request = _head(
            b"/ws?a&__gw=T&b", host=f"http-shop-example-com{SUFFIX}", User_Agent="UA", X_Odd="1",
            Referer=f"{PAGE_ORIGIN}/x?__gw=T",
        )  # fmt: skip
        _, shell = _play(request, rules)
        (sent,) = shell.sent()
        assert isinstance(sent, ConnectSocket)
        self.assertEqual(
            (sent.origin, sent.target), (origin("http://shop.example.com"), b"/ws?a&b")
        )
        self.assertTrue(sent.transport.allow_insecure_http)
        self.assertEqual(sent.fields, ((b"User-Agent", b"UA"),))

    def test_cookies(self) -> None:
        """From the jar; those of the answer are in it before the client is told."""
        for answer in (SocketOpened(None, (b"b=2", b"c=3")), SocketRefused(401, (b"b=2", b"c=3"))):
            shell = Shell({ConnectSocket: answer})
            shell.put(b"a=1")
            ending, _ = _play(_head(), shell=shell)
            (sent,) = shell.sent()
            self.assertEqual(values(sent.fields, b"Cookie"), [b"a=1"])
            self.assertEqual(shell.cookies(), b"a=1; b=2; c=3")
            assert isinstance(ending, Accept | Refuse)
            (sync,) = values(ending.fields, b"Set-Cookie")
            self.assertTrue(sync.startswith(wire.SYNC_PREFIX), sync)


class TokenTests(SynchronousTestCase):
    """The page's token, which stands in the URL: a handshake has no other place for it."""

    def test_refused(self) -> None:
        """Without one that fits nothing is dialled, and the event says nothing of it."""
        for token, cookie in (
            ("", SESSION),
            ("", b""),
            ("junk", SESSION),
            (token_text(), SESSION),
            (token_text(OTHER_PAIR), SESSION),
            (token_text(PAIR, "https://www.example.com"), SESSION),
            (token_text(b"", "https://www.example.com"), b""),
            (token_text(PAIR, SITE, NOW - DAY - 1), SESSION),
            (token_text(b"x" * 32), TOSSED),
        ):
            for rules in (context(), context(access())):
                ending, shell = _play(_head(token=token, cookie=cookie), rules)
                assert isinstance(ending, Refuse), token
                self.assertEqual((ending.status, ending.event), (403, events.CSRF_TOKEN), token)
                self.assertEqual(shell.sent(), [])
                self.assertNotIn("NeedRows", shell.kinds())
                self.assertNotIn(token or "__gw", f"{ending}")

    def test_accepted(self) -> None:
        """The pair of the session; for an anonymous handshake any page's of that origin."""
        for token, cookie in (
            (token_text(PAIR), SESSION),
            (token_text(PAIR, SITE, NOW - DAY), SESSION),
            (token_text(OTHER_PAIR), TOSSED),
            (token_text(PAIR), b""),
            (token_text(), b""),
        ):
            ending, shell = _play(_head(token=token, cookie=cookie))
            assert isinstance(ending, Accept), token
            (sent,) = shell.sent()
            self.assertEqual(sent.target, b"/ws?a")
            self.assertNotIn(token, f"{sent.fields}")

    def test_whose_jar(self) -> None:
        """Among tossed cookies the token's pair says whose jar it is; anonymous is nobody's."""
        for token, cookie, wanted in (
            (token_text(PAIR), SESSION, [b"a=1"]),
            (token_text(PAIR), TOSSED, [b"a=1"]),
            (token_text(OTHER_PAIR), TOSSED, []),
            (token_text(PAIR), b"", []),
        ):
            shell = Shell()
            shell.put(b"a=1")
            _play(_head(token=token, cookie=cookie), shell=shell)
            (sent,) = shell.sent()
            self.assertEqual(values(sent.fields, b"Cookie"), wanted)

    def test_native(self) -> None:
        """Where a native rule opens it, a page without a token that fits is nobody."""
        for token in ("", "junk", token_text(OTHER_PAIR)):
            shell = Shell({ConnectSocket: SocketOpened(None, (b"b=2",))})
            shell.put(b"a=1")
            ending, _ = _play(_head(token=token), context(access("*", native=True)), shell)
            self.assertIsInstance(ending, Accept)
            (sent,) = shell.sent()
            self.assertEqual(values(sent.fields, b"Cookie"), [])
            self.assertEqual(shell.cookies(), b"a=1")


class DuplicateTests(SynchronousTestCase):
    """Several session cookies: somebody tossed one."""

    def _check(self, given: Context, *replies: object) -> None:
        for reply in replies:
            shell = Shell({ConnectSocket: reply})
            ending, _ = _play(_head(cookie=TOSSED, protocols="p"), given, shell)
            assert isinstance(ending, Accept | Refuse)
            found = values(ending.fields, b"Set-Cookie")
            self.assertTrue(any(b"__Http-ick=; Path=/;" in one for one in found), reply)
            self.assertEqual(shell.notes(), [events.SESSION_FIXATION])

    def test_answers(self) -> None:
        """An event, and expired."""
        self._check(context(), SocketOpened(), SocketRefused(401))

    def test_refusals(self) -> None:
        """Also when the policy or the gateway refuses, or the upstream fails."""
        self._check(context(access("other.example")), None)
        self._check(context(), SocketOpened("q"), UpstreamFailed(UpstreamFault("x")))
