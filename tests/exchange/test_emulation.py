"""Emulation: a create is judged as the handshake that it stands for; ids; CORS."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.errors import UpstreamTimeout
from gateway.exchange.emulated import Created, Downward, KeepVerdict, RecallVerdict, Upward
from gateway.exchange.emulation import comes_in_parts, emulation_exchange, remembered_exchange
from gateway.exchange.messages import (
    Answer,
    Context,
    Ending,
    NeedOrigin,
    Refuse,
    RequestHead,
    UpstreamFailed,
)
from gateway.exchange.needs import (
    ConnectService,
    ConnectSocket,
    Recall,
    SocketOpened,
    SocketRefused,
)
from gateway.exchange.websocket import websocket_exchange
from gateway.policy.authentication import Authentication
from gateway.policy.services import Backend, Services
from gateway.rewrite.parameters import with_parameter
from gateway.session.login import Login
from gateway.session.reading import Session
from gateway.websocket.emulation.request import MARK
from tests.exchange import (
    HOST,
    LONG,
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
from tests.policy.test_services import service as service_of
from tests.rewrite import DOMAIN, SUFFIX, collapsed
from tests.session import DATR, DATR_2, ICK, ICK_2, NOW
from tests.websocket.test_handshake import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

PAIR = Session(ICK, DATR).pair
OTHER = b"; ".join(
    (wire.ICK_COOKIE + b"=" + ICK_2.cookie_value(), wire.DATR_COOKIE + b"=" + DATR_2.text)
)
ECHO = Backend("echo", "echo:")
PASSED = Refuse(299, "passed", "to the site")


def _site(head: RequestHead, context: Context) -> Any:
    """The site's own exchange, as far as these tests go."""
    del head, context
    return PASSED
    yield


def _exchange(head: RequestHead, context: Context) -> Any:
    return emulation_exchange(head, context, _site(head, context))


def _play(
    head: RequestHead, given: Context | None = None, shell: Shell | None = None
) -> tuple[Ending, Shell]:
    return play(_exchange, head, given, shell)


def request(
    target: str = "/ws/;e/cbm?a",
    *fields: tuple[bytes, bytes],
    method: bytes = b"POST",
    host: str = HOST,
    cookie: bytes = SESSION,
    origin: str | None = PAGE_ORIGIN,
    token: str | None = None,
    version: str | None = "wseb-1.0",
    number: str | None = "3",
    http: bytes = b"HTTP/1.1",
) -> RequestHead:
    """A create of a page of ours, unless it says otherwise."""
    if token is None:
        token = token_text(PAIR if cookie else b"")
    if token:
        target = with_parameter(target, wire.TOKEN_PARAMETER, token)
    given = list(fields)
    given += [(b"Origin", origin.encode())] if origin is not None else []
    given += [(b"X-WebSocket-Version", version.encode())] if version is not None else []
    given += [(b"X-Sequence-No", number.encode())] if number is not None else []
    given += [(b"Cookie", cookie)] if cookie else []
    return RequestHead(method, target.encode(), http, host, tuple(given), "192.0.2.1")


def _as_native(head: RequestHead) -> RequestHead:
    """The same, asked as a browser asks natively."""
    dropped = {b"x-websocket-version", b"x-sequence-no", b"x-websocket-protocol"}
    offers = values(head.fields, b"x-websocket-protocol")
    fields = (
        *(one for one in head.fields if one[0].lower() not in dropped),
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Key", KEY),
        (b"Sec-WebSocket-Version", b"13"),
        *((b"Sec-WebSocket-Protocol", one) for one in offers),
    )
    target = b"/" + head.target.replace(b"/;e/cbm", b"").removeprefix(b"/")
    return attrs.evolve(head, method=b"GET", target=target, fields=fields, version=b"HTTP/1.1")


class SameAsNativeTests(SynchronousTestCase):
    """Whatever is asked of a native handshake is asked of a create, and answered so."""

    def test_same(self) -> None:
        """The same needs in the same order, the same status, event and rule."""
        cookies = {ConnectSocket: SocketOpened(None, (b"a=1",))}
        closed = functools.partial(context, access("other.example"))
        native = functools.partial(context, access(native=True))
        protocols = ((b"X-WebSocket-Protocol", b"a, b"),)
        late = {ConnectSocket: UpstreamFailed(UpstreamTimeout("slow"))}
        challenge = SocketRefused(401, (b"a=1",), ((b"WWW-Authenticate", b"Basic"),))
        unknown = {ConnectSocket: SocketOpened("c")}
        known = {NeedOrigin: long_origin(LONG_HOST.partition(".")[0])}
        table: list[tuple[str, RequestHead, Callable[[], Context], dict[type, object]]] = [
            ("plain", request(), context, {}),
            ("over HTTP/2", request(http=b"HTTP/2"), context, {}),
            ("root", request("/;e/cbm"), context, {}),
            ("cookies", request(), context, cookies),
            ("subprotocol", request("/ws/;e/cbm", *protocols), context,
             {ConnectSocket: SocketOpened("b")}),
            ("not offered", request("/ws/;e/cbm", *protocols), context, unknown),
            ("bad offer", request("/ws/;e/cbm", (b"X-WebSocket-Protocol", b"a,a")), context, {}),
            ("refused", request(), context, {ConnectSocket: challenge}),
            ("late", request(), context, late),
            ("anonymous", request(cookie=b""), context, {}),
            ("no token", request(token=""), context, {}),
            ("another's token", request(token=token_text(b"x" * 32)), context, {}),
            ("another page's token", request(token=token_text(PAIR, "https://x.example")),
             context, {}),
            ("closed", request(), closed, {}),
            ("no origin", request(origin=None), context, {}),
            ("null", request(origin="null"), context, {}),
            ("foreign origin", request(origin="https://evil.example"), context, {}),
            ("native, foreign", request(origin="https://evil.example"), native, {}),
            ("native, none", request(origin=None, cookie=b"", token=""), native, {}),
            ("no label", request(host="junk" + SUFFIX), context, {}),
            ("digest", request(host=LONG_HOST), context, {}),
            ("known digest", request(host=LONG_HOST), context, known),
            ("gateway's path", request("/.gateway/x/;e/cbm"), context, {}),
        ]  # fmt: skip
        for name, head, given, replies in table:
            wanted, asked = play(
                websocket_exchange, _as_native(head), given(), Shell(dict(replies))
            )
            ending, shell = _play(head, given(), Shell(dict(replies)))
            needs = list(shell.needs)
            if isinstance(ending, Created):
                needs.pop()  # of the id
                ending = ending.accept
            self.assertEqual(type(ending), type(wanted), name)
            self.assertEqual([type(one) for one in needs], [type(one) for one in asked.needs], name)
            self.assertEqual(shell.sent(), asked.sent(), name)
            if isinstance(wanted, Refuse):
                assert isinstance(ending, Refuse)
                for field in ("status", "event", "detail", "step", "rule", "title"):
                    self.assertEqual(getattr(ending, field), getattr(wanted, field), name)
                self.assertEqual(ending.fields[: len(wanted.fields)], wanted.fields, name)
            else:
                self.assertEqual(ending, wanted, name)

    def test_upstream_sees_no_emulation(self) -> None:
        """Nothing of the fallback reaches the site."""
        head = request(
            "/ws/;e/cbm?.ksn=9&a",
            (b"X-Accept-Commands", b"ping"),
            (b"X-WebSocket-Extensions", b"x-gw-close"),
            number=None,
        )
        ending, shell = _play(head)
        assert isinstance(ending, Created)
        (sent,) = shell.sent()
        self.assertEqual(sent.target, b"/ws?a")
        self.assertNotIn("x-", " ".join(name.decode().lower() for name, _ in sent.fields))
        self.assertTrue(ending.opening.ping)
        self.assertTrue(ending.extensions.close)
        self.assertEqual(ending.opening.number, 9)


class CreateTests(SynchronousTestCase):
    """What a create must be itself."""

    def test_malformed(self) -> None:
        """Refused before anything is dialled, readable for the page."""
        table = (
            (request(version=None), 400),
            (request(version="wseb-1.1"), 400),
            (request(number=None), 400),
            (request(number="-1"), 400),
            (request(number="1.5"), 400),
            (request(number=str(2**53)), 400),
            (request("/ws/;e/cbm", (b"X-Accept-Commands", b"pong")), 400),
            (request("/ws/;e/cbm", (b"X-WebSocket-Extensions", b"a b")), 400),
            (request(method=b"PUT"), 405),
            (request(method=b"HEAD"), 405),
            (request("/ws/;e/ctm"), 404),
        )
        for head, status in table:
            ending, shell = _play(head)
            assert isinstance(ending, Refuse), head
            self.assertEqual((ending.status, shell.sent()), (status, []), head)

    def test_get(self) -> None:
        """A GET is as good."""
        ending, _ = _play(request(method=b"GET"))
        self.assertIsInstance(ending, Created)

    def test_whose_path(self) -> None:
        """Without the marks of emulation the path is the site's."""
        plain = {"version": None, "number": None}
        for head in (
            request(**plain), request("/ws/;e/ubm/x", **plain), request("/ws/;e/other", **plain),
            request("/ws/;e/cbm", method=b"OPTIONS", **plain), request("/ws", number="3"),
            request("/ws/;e/dbm/a.1.b.c.d", **plain),
        ):  # fmt: skip
            self.assertIs(_play(head)[0], PASSED, head.target)
        self.assertTrue(MARK in request().target)


class IdTests(SynchronousTestCase):
    """Who may show an id: who made it, from where it was made."""

    def setUp(self) -> None:
        ending, _ = _play(request())
        assert isinstance(ending, Created)
        self.id = ending.id

    def transfer(
        self,
        *fields: tuple[bytes, bytes],
        leg: str = "ubm",
        method: bytes = b"POST",
        number: str | None = "4",
        text: str | None = None,
        **more: Any,
    ) -> RequestHead:
        target = f"/ws/;e/{leg}/{text or self.id}"
        return request(
            target, *fields, version=None, token="", method=method, number=number, **more
        )

    def test_own(self) -> None:
        """Up and down, and what they ask."""
        up, _ = _play(self.transfer())
        assert isinstance(up, Upward)
        self.assertEqual((up.id, up.number, up.sound), (self.id, 4, True))
        head = self.transfer(leg="dbm", method=b"GET")
        head = attrs.evolve(head, target=head.target + b"?.ki=p&.kb=1")
        down, _ = _play(head)
        assert isinstance(down, Downward)
        self.assertEqual((down.number, down.wishes.poll, down.wishes.octets), (4, True, 1024))
        self.assertEqual(
            values(down.fields, b"access-control-allow-origin"), [PAGE_ORIGIN.encode()]
        )
        self.assertEqual(values(down.fields, b"cache-control"), [b"no-store, no-transform"])

    def test_comes_in_parts(self) -> None:
        """What is an upstream request for sure; it is never the site's then."""
        for head, wanted in (
            (self.transfer(), True), (self.transfer(number=None), True),
            (self.transfer(text="x"), True), (self.transfer(method=b"PUT"), True),
            (self.transfer(leg="ub"), True), (self.transfer(cookie=b""), True),
            (self.transfer(text="x", number=None), False), (self.transfer(leg="dbm"), False),
            (self.transfer(host=f"www.{SUFFIX}"), False), (self.transfer(host="a.test"), False),
            (self.transfer((b"Access-Control-Request-Method", b"POST"), method=b"OPTIONS"), False),
            (request(), False), (request("/ws"), False),
        ):  # fmt: skip
            self.assertIs(comes_in_parts(context(), head), wanted, head.target)
            if wanted:
                self.assertIsNot(_play(head)[0], PASSED)

    def test_same_origin_get(self) -> None:
        """A GET without Origin counts only as what the browser says that it is."""
        for site, wanted in (
            (b"same-origin", Downward), (b"same-site", Refuse), (b"cross-site", Refuse),
            (b"none", Refuse), (None, Refuse),
        ):  # fmt: skip
            fields = ((b"Sec-Fetch-Site", site),) if site else ()
            head = self.transfer(*fields, leg="dbm", method=b"GET", origin=None)
            self.assertIsInstance(_play(head)[0], wanted, site)

    def test_stolen(self) -> None:
        """Another session, none, another origin, another host, a guess: there is no such id."""
        other, _ = _play(request(cookie=OTHER, token=token_text(Session(ICK_2, DATR_2).pair)))
        assert isinstance(other, Created)
        tossed = SESSION + b"; " + OTHER
        parts = self.id.split(".")
        mixed = ".".join((*parts[:4], other.id.rpartition(".")[2]))
        table: tuple[dict[str, Any], ...] = (
            {"cookie": OTHER}, {"cookie": b""}, {"cookie": tossed}, {"text": other.id},
            {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": None},
            {"origin": collapsed("https://www.example.com")},
            {"host": collapsed("https://www.example.com").removeprefix("https://")},
            {"text": mixed}, {"text": "guess"}, {"text": self.id[:-1] + ("B" if self.id[-1] == "A" else "A")},
            {"text": self.id.replace("0.", "1.", 1)},
        )  # fmt: skip
        for leg, method in (("ubm", b"POST"), ("dbm", b"GET")):
            for change in table:
                for number in ("4", "99", None):
                    ending, _ = _play(
                        self.transfer(leg=leg, method=method, **{"number": number, **change})
                    )
                    if number is None and ending is PASSED:
                        continue  # an id that is none, and no mark: the site's
                    assert isinstance(ending, Refuse), change
                    self.assertEqual((ending.status, ending.event), (404, events.HANDSHAKE_INVALID))
                    self.assertNotIn(self.id, repr(ending))

    def test_sound(self) -> None:
        """Malformed numbers and methods reach the connection: it fails."""
        for leg, method, number in (
            ("ubm", b"GET", "4"), ("ubm", b"PUT", "4"), ("dbm", b"HEAD", "4"),
            ("ubm", b"POST", "x"), ("ubm", b"POST", None), ("dbm", b"GET", "-1"),
        ):  # fmt: skip
            ending, _ = _play(self.transfer(leg=leg, method=method, number=number))
            assert isinstance(ending, Upward | Downward)
            self.assertTrue(ending.number is None or not ending.sound, (leg, method, number))


class ServiceTests(SynchronousTestCase):
    """An id of a service that asks for a login is its person's."""

    def test_person(self) -> None:
        """Another person's, and nobody's, is not there; sessions of sites say nothing here."""
        app, path = "https://app.example", "/services/chat"
        service = service_of("chat", path, app, host=DOMAIN, login=True, backend=ECHO)
        given = attrs.evolve(
            context(), services=Services((service,)), authentication=Authentication(basic=True)
        )
        basic = (b"Authorization", b"Basic YTpi")
        more = {"host": DOMAIN, "origin": app, "token": ""}
        ann, bob = Login("ann", NOW + 100, b"m"), Login("bob", NOW + 100, b"m")

        def asks(head: RequestHead, login: Login | None) -> Ending:
            return _play(head, given, Shell({ConnectService: SocketOpened(), Recall: login}))[0]

        head = request(f"{path}/;e/cbm", basic, **more)
        self.assertEqual(asks(request(f"{path}/;e/cbm", **more), None).status, 401)
        created = asks(head, ann)
        assert isinstance(created, Created)
        target = f"{path}/;e/ubm/{created.id}"
        for cookie, login, wanted in (
            (SESSION, ann, Upward), (OTHER, ann, Upward), (SESSION, bob, Refuse),
        ):  # fmt: skip
            head = request(target, basic, cookie=cookie, version=None, **more)
            self.assertIsInstance(asks(head, login), wanted)
        self.assertEqual(asks(request(target, version=None, **more), None).status, 401)
        head = request(target, basic, version=None, **{**more, "origin": "https://evil.example"})
        self.assertEqual(asks(head, ann).status, 404)


class VerdictTests(SynchronousTestCase):
    """A native attempt that was refused is not made again over the fallback."""

    NONCE = "__gwn=" + "n" * 22

    def native(self, target: str, replies: dict[type, object]) -> Shell:
        head = _as_native(request(target.replace("/ws", "/ws/;e/cbm", 1)))
        kept: list[KeepVerdict] = []
        shell = Shell({KeepVerdict: kept.append, **replies})
        exchange = remembered_exchange(head, context(), websocket_exchange)
        self.ending, self.kept = shell.run(exchange), kept
        return shell

    def test_kept(self) -> None:
        """What policy or the site refused; not what an intermediary made of a handshake."""
        refused = {ConnectSocket: SocketRefused(401, (b"a=1",), ((b"WWW-Authenticate", b"Basic"),))}
        self.native(f"/ws?{self.NONCE}", refused)
        (kept,) = self.kept
        self.assertEqual(
            (kept.refuse.status, kept.refuse.fields), (401, ((b"WWW-Authenticate", b"Basic"),))
        )
        self.assertNotIn("n" * 22, repr(kept))
        self.native("/ws", refused)
        self.assertEqual(self.kept, [])
        self.native("/ws?__gwn=short", refused)
        self.assertEqual(self.kept, [])
        shell = self.native(f"/ws?a&{self.NONCE}", {})
        self.assertEqual(self.kept, [])
        self.assertEqual(shell.sent()[0].target, b"/ws?a")
        head = attrs.evolve(_as_native(request(f"/ws/;e/cbm?{self.NONCE}")), method=b"POST")
        _, shell = play(
            lambda head, context: remembered_exchange(head, context, websocket_exchange), head
        )
        self.assertNotIn("KeepVerdict", shell.kinds())

    def test_recalled(self) -> None:
        """By the same nonce at the same host and path, and only where that was agreed on."""
        refuse = Refuse(409, events.UPSTREAM_FAILED, "no")
        self.native(f"/ws?{self.NONCE}", {ConnectSocket: SocketRefused(409)})
        known = {self.kept[0].key: refuse}
        agreed = (b"X-WebSocket-Extensions", b"x-gw-verdict")
        table = (
            (request(f"/ws/;e/cbm?{self.NONCE}", agreed), True),
            (request(f"/ws/;e/cbm?{self.NONCE}"), False),
            (request(f"/other/;e/cbm?{self.NONCE}", agreed), False),
            (request("/ws/;e/cbm?__gwn=" + "m" * 22, agreed), False),
            (request("/ws/;e/cbm", agreed), False),
        )
        for head, wanted in table:
            shell = Shell({RecallVerdict: lambda need: known.get(need.key)})
            ending, shell = _play(head, None, shell)
            self.assertEqual(isinstance(ending, Refuse), wanted, head.target)
            self.assertEqual(shell.sent() == [], wanted)
            if isinstance(ending, Refuse):
                self.assertEqual(ending.status, 409)
                self.assertEqual(
                    values(ending.fields, b"access-control-allow-origin"), [PAGE_ORIGIN.encode()]
                )


class CorsTests(SynchronousTestCase):
    """Pages of other origins may ask, and read what they are answered."""

    def preflight(self, origin: str, *, names: bytes = b"x-sequence-no", **more: Any) -> Ending:
        fields = (
            (b"Access-Control-Request-Method", b"POST"),
            (b"Access-Control-Request-Headers", names),
        )
        head = request(
            "/ws/;e/cbm", *fields, method=b"OPTIONS", origin=origin, cookie=b"", token="",
            version=None, number=None, **more,
        )  # fmt: skip
        return _play(head)[0]

    def test_preflight(self) -> None:
        """A page of ours by its very origin; nobody else."""
        other = collapsed("https://www.example.com")
        for origin in (PAGE_ORIGIN, other):
            answer = self.preflight(origin)
            assert isinstance(answer, Answer)
            self.assertEqual(answer.status, 204)
            self.assertEqual(
                values(answer.fields, b"access-control-allow-origin"), [origin.encode()]
            )
            self.assertEqual(values(answer.fields, b"access-control-allow-credentials"), [b"true"])
            allowed = values(answer.fields, b"access-control-allow-headers")[0].lower()
            for name in (b"x-websocket-version", b"x-sequence-no", b"x-accept-commands"):
                self.assertIn(name, allowed)
        for origin in ("https://evil.example", "null", SITE):
            refused = self.preflight(origin)
            assert isinstance(refused, Refuse)
            self.assertEqual(refused.status, 403)
            self.assertEqual(values(refused.fields, b"access-control-allow-origin"), [])
        self.assertIs(self.preflight(PAGE_ORIGIN, names=b"x-other"), PASSED)

    def test_preflight_of_an_id(self) -> None:
        """For an id of ours the path is enough."""
        created, _ = _play(request())
        assert isinstance(created, Created)
        head = request(
            f"/ws/;e/dbm/{created.id}", (b"Access-Control-Request-Method", b"GET"),
            method=b"OPTIONS", cookie=b"", token="", version=None, number=None,
        )  # fmt: skip
        self.assertIsInstance(_play(head)[0], Answer)

    def test_digests(self) -> None:
        """A page whose label is a digest reads answers of a process that does not know it yet."""
        page = f"https://{LONG_HOST}"
        known = {NeedOrigin: long_origin(LONG_HOST.partition(".")[0])}
        token = token_text(PAIR, str(LONG))
        created, _ = _play(request(origin=page, token=token), None, Shell(dict(known)))
        assert isinstance(created, Created)
        head = request(
            f"/ws/;e/dbm/{created.id}", method=b"GET", origin=page, token="", version=None
        )
        down, shell = _play(head, None, Shell(dict(known)))
        assert isinstance(down, Downward)
        self.assertIn("NeedOrigin", shell.kinds())
        self.assertEqual(values(down.fields, b"access-control-allow-origin"), [page.encode()])

    def test_answers(self) -> None:
        """What is created and what is refused can be read by who asked, if it is a page."""
        other = collapsed("https://www.example.com")
        refused = {ConnectSocket: SocketRefused(409)}
        for origin, wanted in ((PAGE_ORIGIN, 1), (other, 1), ("https://evil.example", 0)):
            for replies in ({}, refused):
                token = token_text(PAIR, "https://www.example.com") if origin is other else None
                ending, _ = _play(
                    request(origin=origin, token=token),
                    context(access(native=True)),
                    Shell(dict(replies)),
                )
                self.assertIsInstance(ending, Refuse if replies else Created)
                found = values(ending.fields, b"access-control-allow-origin")  # type: ignore[union-attr]
                self.assertEqual(found, [origin.encode()] * wanted, origin)
