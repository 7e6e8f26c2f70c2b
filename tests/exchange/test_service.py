"""A handshake to a service: who may, with which subprotocol, and what a backend is told."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.errors import LocalFault, UpstreamFault
from gateway.exchange.emulated import Created
from gateway.exchange.emulation import emulation_exchange
from gateway.exchange.inspecting import SubprotocolRule, SubprotocolSettings
from gateway.exchange.messages import (
    Accept,
    Context,
    Ending,
    NeedOrigin,
    NeedRandom,
    Refuse,
    RequestHead,
    Settings,
    Spend,
    UpstreamFailed,
)
from gateway.exchange.needs import (
    ConnectService,
    Recall,
    SocketOpened,
    SocketRefused,
    VerifyPassword,
    VerifyToken,
)
from gateway.exchange.own import own_exchange
from gateway.exchange.service import service_exchange
from gateway.exchange.standing import AskedService
from gateway.policy.authentication import Authentication
from gateway.policy.clients import ClientRange, ClientSettings, Ranges, network_of
from gateway.policy.patterns import parse_pattern
from gateway.policy.rates import Rate
from gateway.policy.services import Backend, Service, Services
from gateway.policy.steps import Step
from gateway.session.login import Login
from gateway.websocket.rules import Mode, ValidationRules
from tests.exchange import (
    LONG,
    LONG_HOST,
    PAGE_ORIGIN,
    SESSION,
    SITE,
    Shell,
    context,
    long_origin,
    play,
    values,
)
from tests.policy.test_services import service as service_of
from tests.rewrite import DOMAIN
from tests.session import NOW
from tests.websocket.test_handshake import KEY

APP = "https://app.example"
PATH = "/services/chat"
WS = Backend("ws", "ws://backend/x")


def _service(*origins: str, **more: Any) -> Service:
    return service_of("chat", PATH, *(origins or (APP,)), host=DOMAIN, where="g.toml:7", **more)


def _with(service: Service, **more: Any) -> Context:
    return attrs.evolve(context(), services=Services((service,)), **more)


def head(
    *,
    origins: tuple[str, ...] = (APP,),
    protocols: str = "",
    method: bytes = b"GET",
    target: bytes = PATH.encode() + b"?q=1&__gw=token",
    version: bytes = b"HTTP/1.1",
    handshake: bool = True,
    client: str = "192.0.2.7",
    fields: tuple[tuple[bytes, bytes], ...] = (),
) -> RequestHead:
    """A handshake of a program or page."""
    given = [(b"Origin", one.encode("latin-1")) for one in origins]
    if handshake:
        given += [
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Key", KEY),
            (b"Sec-WebSocket-Version", b"13"),
        ]
    if protocols:
        given.append((b"Sec-WebSocket-Protocol", protocols.encode()))
    return RequestHead(method, target, version, DOMAIN, (*given, *fields), client)


def _play(
    request: RequestHead, given: Context | Service, replies: dict[type, Any] | None = None
) -> tuple[Ending, Shell]:
    shell = Shell({ConnectService: _choice, **(replies or {})})
    here = _with(given) if isinstance(given, Service) else given
    return play(service_exchange, request, here, shell)


def _choice(need: ConnectService) -> SocketOpened:
    return SocketOpened(need.subprotocols[0] if need.subprotocols else None)


def _asked(shell: Shell) -> ConnectService:
    return next(need for need in shell.needs if isinstance(need, ConnectService))


class OriginTests(SynchronousTestCase):
    """The page, or the program, that asks."""

    def test_table(self) -> None:
        """Refused by default; patterns, null and native open; what is told is the site's own."""
        many = (APP, APP)
        table: list[tuple[str, tuple[str, ...], Service, str | bool | None]] = [
            ("allowed", (APP,), _service(), APP),
            ("another", ("https://evil.example",), _service(), False),
            ("none", (), _service(), False),
            ("none, native", (), _service(native=True), None),
            ("another, native", ("https://evil.example",), _service(native=True), False),
            ("two", many, _service(native=True), False),
            ("null", ("null",), _service("*"), False),
            ("null by name", ("null",), _service(null=True), "null"),
            ("null, native", ("null",), _service(native=True), False),
            ("junk", ("\xff\x80",), _service("*"), False),
            ("page of ours", (PAGE_ORIGIN,), _service(SITE), SITE),
            ("page of ours, by our name", (PAGE_ORIGIN,), _service(PAGE_ORIGIN), False),
            ("an app's", ("ionic://localhost",), _service("ionic://localhost"),
             "ionic://localhost"),
        ]  # fmt: skip
        for name, origins, service, wanted in table:
            ending, shell = _play(head(origins=origins), service)
            if wanted is False:
                assert isinstance(ending, Refuse), name
                told = (ending.status, ending.event, ending.step, ending.rule)
                self.assertEqual(
                    told, (403, events.ORIGIN_DENIED, Step.PAGE, "service chat g.toml:7"), name
                )
                self.assertEqual(shell.kinds(), "", name)
            else:
                self.assertIsInstance(ending, Accept, name)
                self.assertEqual(_asked(shell).page_origin, wanted, name)


class LongLabelTests(SynchronousTestCase):
    """A page of a site whose label is a digest."""

    def test_learned(self) -> None:
        """The store knows whose it is; who is nobody's is refused, even where all may."""
        origins = (f"https://{LONG_HOST}",)
        for known, wanted in ((long_origin(LONG_HOST.partition(".")[0]), str(LONG)), (None, None)):
            ending, shell = _play(head(origins=origins), _service("*"), {NeedOrigin: known})
            if wanted is None:
                assert isinstance(ending, Refuse)
                self.assertEqual((ending.status, shell.kinds()), (403, "NeedOrigin"))
            else:
                self.assertEqual(_asked(shell).page_origin, wanted)


class HandshakeTests(SynchronousTestCase):
    """RFC 6455's rules are those of every WebSocket here."""

    def test_table(self) -> None:
        """Who asks in another way is told, by words and fields, and nothing is dialled."""
        wrong = (b"Sec-WebSocket-Version", b"8")
        table: list[tuple[str, RequestHead, int, bytes]] = [
            ("a browser's GET", head(handshake=False), 426, b"Upgrade"),
            ("HTTP/2", head(version=b"HTTP/2"), 426, b"Upgrade"),
            ("a POST", head(method=b"POST"), 405, b"Allow"),
            ("another version", head(fields=(wrong,)), 426, b"Sec-WebSocket-Version"),
            ("two of a subprotocol", head(protocols="a, a"), 400, b""),
        ]
        for name, request, status, field in table:
            ending, shell = _play(request, _service())
            assert isinstance(ending, Refuse), name
            self.assertEqual(ending.status, status, name)
            self.assertIn("service chat", ending.detail, name)
            self.assertTrue(not field or values(ending.fields, field), name)
            self.assertEqual(shell.kinds(), "", name)

    def test_another_path(self) -> None:
        """Is no service."""
        ending, _ = _play(head(target=b"/services/chat/x"), _service())
        assert isinstance(ending, Refuse)
        self.assertEqual(ending.status, 404)

    def test_subprotocols(self) -> None:
        """What is offered goes on in order, less what is not allowed; the choice must be in it."""
        any_, some = _service(), _service(subprotocols=("b", "c"))
        must = _service(subprotocols=("b", "c"), required=True)
        table: list[tuple[Service, str, Any, tuple[str, ...] | int, str | None]] = [
            (any_, "", _choice, (), None),
            (any_, "a, b", _choice, ("a", "b"), "a"),
            (some, "a, c, b", _choice, ("c", "b"), "c"),
            (some, "a", _choice, (), None),
            (some, "a, b", SocketOpened("a"), 502, None),
            (some, "b", SocketOpened(None), ("b",), None),
            (must, "", _choice, 400, None),
            (must, "a", _choice, 400, None),
            (must, "a, b", _choice, ("b",), "b"),
            (must, "b", SocketOpened(None), 502, None),
        ]
        for service, protocols, reply, wanted, chosen in table:
            ending, shell = _play(head(protocols=protocols), service, {ConnectService: reply})
            case = (service.subprotocols, protocols)
            if isinstance(wanted, int):
                assert isinstance(ending, Refuse), case
                self.assertEqual(ending.status, wanted, case)
                self.assertEqual(ending.event, events.SUBPROTOCOL_VIOLATION, case)
            else:
                assert isinstance(ending, Accept), case
                self.assertEqual(_asked(shell).subprotocols, wanted, case)
                self.assertEqual(ending.subprotocol, chosen, case)


class AdmissionTests(SynchronousTestCase):
    """Clients, limits and logins."""

    rules = Authentication(basic=True)
    login = Login("ann é", NOW + 100, b"mark")

    def test_clients(self) -> None:
        """Ranges come first."""
        closed = ClientSettings(deny=Ranges((ClientRange(network_of("192.0.2.0/24"), "g:1"),)))
        ending, shell = _play(head(), _with(_service(), clients=closed))
        assert isinstance(ending, Refuse)
        self.assertEqual(
            (ending.status, ending.rule, shell.kinds()),
            (403, "clients.deny '192.0.2.0/24' g:1", ""),
        )

    def test_rate(self) -> None:
        """A service's own bucket is asked when everything else is fine."""
        service = _service(rate=Rate(5, 1))
        ending, shell = _play(head(), service, {Spend: 2.5})
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.status, values(ending.fields, b"Retry-After")), (429, [b"3"]))
        self.assertEqual(shell.kinds(), "Spend")
        self.assertEqual(_play(head(), service)[1].kinds(), "Spend ConnectService")
        self.assertEqual(_play(head(origins=()), service)[1].kinds(), "")

    def test_login(self) -> None:
        """A challenge for nobody; a password or token lets in; the name goes on where it is asked."""
        service = _service(login=True, backend=WS, principal_field="X-User")
        basic = (b"Authorization", b"Basic YTpi")
        given = _with(service, authentication=self.rules)
        ending, _ = _play(head(), given)
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.status, ending.event), (401, events.LOGIN_REQUIRED))
        self.assertTrue(values(ending.fields, b"WWW-Authenticate"))
        ending, shell = _play(head(fields=(basic,)), given, {Recall: self.login})
        assert isinstance(ending, Accept)
        told = _asked(shell).fields
        self.assertEqual(values(told, b"X-User"), [b"ann%20%C3%A9"])
        self.assertEqual(values(told, b"Authorization"), [])
        assert isinstance(ending.asked, AskedService)
        self.assertEqual(ending.asked.login, self.login)
        wrong = {Recall: None, VerifyPassword: b"", VerifyToken: "no"}
        bearer = (b"Authorization", b"Bearer abc")
        del wrong[VerifyPassword]
        ending, _ = _play(head(fields=(bearer,)), given, wrong)
        assert isinstance(ending, Refuse)
        self.assertEqual(ending.status, 401)

    def test_without_login(self) -> None:
        """Authorization is the backend's where the gateway has no use for it."""
        basic = (b"Authorization", b"Basic YTpi")
        for rules, wanted in ((None, [b"Basic YTpi"]), (self.rules, [])):
            given = _with(_service(backend=WS), authentication=rules)
            _, shell = _play(head(fields=(basic,)), given)
            self.assertEqual(values(_asked(shell).fields, b"authorization"), wanted)


class BackendTests(SynchronousTestCase):
    """What is dialled, and what its answers become."""

    def test_told(self) -> None:
        """A WebSocket backend sees who browses; nobody sees cookies; streams have no fields."""
        fields = ((b"Cookie", SESSION), (b"User-Agent", b"ua"), (b"X-User", b"root"))
        _, shell = _play(head(fields=fields), _service(backend=WS, principal_field="X-User"))
        need = _asked(shell)
        self.assertEqual(need.fields, ((b"User-Agent", b"ua"),))
        self.assertEqual(need.query, b"?q=1")
        _, shell = _play(head(fields=fields), _service())
        self.assertEqual(_asked(shell).fields, ())

    def test_down(self) -> None:
        """A backend that cannot be reached is 503 with a time, whatever the reason."""
        late = UpstreamFault("x")
        late.fields = ((b"Retry-After", b"7"),)
        table: list[tuple[Any, int, list[bytes]]] = [
            (UpstreamFailed(UpstreamFault("x")), 503, [b"1"]),
            (UpstreamFailed(late), 503, [b"7"]),
            (UpstreamFailed(LocalFault("x")), 500, []),
            (SocketRefused(404), 404, []),
            (SocketRefused(503, fields=((b"Retry-After", b"9"),)), 503, [b"9"]),
        ]
        for reply, status, wait in table:
            ending, _ = _play(head(), _service(), {ConnectService: reply})
            assert isinstance(ending, Refuse), reply
            self.assertEqual((ending.status, values(ending.fields, b"Retry-After")),
                             (status, wait), reply)  # fmt: skip
            self.assertIn("service chat", ending.detail)
            self.assertNotIn("127.0.0.1", ending.title)


class InspectionTests(SynchronousTestCase):
    """What is asked of messages: a rule's, else the service's own mode, else that of all."""

    def test_modes(self) -> None:
        """The first rule that names the service, or the page, decides."""
        observe = ValidationRules(Mode.OBSERVE)
        named = SubprotocolRule(observe, services=("chat",))
        of_page = SubprotocolRule(observe, pages=(parse_pattern(APP),))
        other = SubprotocolRule(observe, services=("other",))
        table: list[tuple[str, tuple[SubprotocolRule, ...], Mode | None]] = [
            ("", (), None),
            ("enforce", (), Mode.ENFORCE),
            ("enforce", (other,), Mode.ENFORCE),
            ("enforce", (named,), Mode.OBSERVE),
            ("", (of_page,), Mode.OBSERVE),
        ]
        for validation, rules, wanted in table:
            settings = Settings(subprotocols=SubprotocolSettings(rules=rules))
            given = _with(_service(validation=validation), settings=settings)
            ending, _ = _play(head(protocols="v12.stomp"), given)
            assert isinstance(ending, Accept)
            found = ending.inspection
            self.assertEqual(None if found is None else found.mode, wanted, validation)

    def test_required(self) -> None:
        """A rule that asks for another subprotocol than was agreed on refuses."""
        rule = SubprotocolRule(ValidationRules(), ("v12.stomp",), services=("chat",), required=True)
        settings = Settings(subprotocols=SubprotocolSettings(rules=(rule,)))
        given = _with(_service(), settings=settings)
        self.assertIsInstance(_play(head(protocols="v12.stomp"), given)[0], Accept)
        ending, _ = _play(head(protocols="mqtt"), given)
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.status, ending.event), (403, events.SUBPROTOCOL_VIOLATION))


class EmulatedTests(SynchronousTestCase):
    """The same question asked in another way gets the same answer."""

    @settings(deadline=None, max_examples=60)
    @given(
        st.sampled_from([(), (APP,), ("null",), ("https://evil.example",), (PAGE_ORIGIN,)]),
        st.lists(st.sampled_from("abc"), unique=True, max_size=3),
        st.builds(
            _service,
            st.sampled_from([APP, SITE, "*"]),
            native=st.booleans(),
            null=st.booleans(),
            required=st.booleans(),
            subprotocols=st.sampled_from([(), ("a",), ("b", "c")]),
        ),
        st.sampled_from([_choice, SocketOpened(None), SocketOpened("a"), SocketRefused(403)]),
    )
    def test_same(
        self, origins: tuple[str, ...], protocols: list[str], service: Service, reply: Any
    ) -> None:
        """Status, rule, choice and what is dialled are equal."""
        if service.required and not service.subprotocols:
            service = attrs.evolve(service, required=False)
        native, one = _play(
            head(origins=origins, protocols=", ".join(protocols)),
            service,
            {ConnectService: reply},
        )
        fields = ((b"X-WebSocket-Version", b"wseb-1.0"), (b"X-Sequence-No", b"1"))
        if protocols:
            fields += ((b"X-WebSocket-Protocol", ", ".join(protocols).encode()),)
        create = head(
            origins=origins,
            method=b"POST",
            handshake=False,
            target=PATH.encode() + b"/;e/cbm?q=1",
            fields=fields,
        )
        shell = Shell({ConnectService: reply})
        given = _with(service)
        emulated = shell.run(emulation_exchange(create, given, own_exchange(create, given)))
        if isinstance(emulated, Created):
            self.assertEqual(emulated.accept, native)
        else:
            assert isinstance(emulated, Refuse)
            self.assertEqual(attrs.evolve(emulated, fields=()), attrs.evolve(native, fields=()))
        self.assertEqual(one.needs, [need for need in shell.needs if type(need) is not NeedRandom])
