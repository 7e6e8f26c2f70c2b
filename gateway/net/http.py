"""Serves one client: runs the exchange of its host and carries out the ending."""

from __future__ import annotations

import os
import time
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError

from gateway import events, wire
from gateway.errors import GatewayError, LocalFault, UpstreamTooLarge
from gateway.exchange import admission
from gateway.exchange.emulated import EMULATED, VERDICTS
from gateway.exchange.emulation import comes_in_parts, emulation_exchange, remembered_exchange
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Accept,
    Commit,
    Connect,
    Consume,
    Context,
    Ending,
    Exchange,
    Forget,
    Hold,
    LetGo,
    Need,
    NeedBody,
    NeedNow,
    NeedOrigin,
    NeedOwned,
    NeedRandom,
    NeedRows,
    Note,
    Owned,
    Refuse,
    Respond,
    Serve,
    ServeAsset,
    Spend,
    StoreNeed,
    Touch,
    UpstreamFailed,
)
from gateway.exchange.needs import (
    ConnectService,
    ConnectSocket,
    LoginNeed,
    MayReport,
    Reported,
    ReportNeed,
)
from gateway.exchange.own import own_exchange
from gateway.exchange.service import service_exchange
from gateway.exchange.websocket import websocket_exchange
from gateway.net.body import BodyPipe, ClientStalled
from gateway.net.client import SizedProducer
from gateway.net.drive import declined, drive, watch
from gateway.net.edits import Edits
from gateway.net.emulating import Emulations
from gateway.net.holds import Holds
from gateway.net.leaks import OTHERS
from gateway.net.ledger import Place
from gateway.net.login import Logins
from gateway.net.rates import Rates
from gateway.net.reports import Collector
from gateway.net.services.backends import Backends
from gateway.net.threads import Threads
from gateway.net.uploads import producer_for
from gateway.origins import HostKind, collapse, parse_origin
from gateway.pages.languages import language_of, languages_of
from gateway.pages.portal import Asked
from gateway.policy.steps import step_of
from gateway.rewrite.headers import get, own_fields
from gateway.websocket.emulation.request import MARK, is_create
from gateway.websocket.handshake import is_handshake

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.net.client import Client
    from gateway.net.settings import Limits
    from gateway.net.sockets import DialledSocket, Sockets
    from gateway.net.telemetry import Telemetry
    from gateway.net.upstream import Upstream, UpstreamResponse
    from gateway.pages.render import Pages, Rendered
    from gateway.rewrite.headers import Fields
    from gateway.store.interface import Store

_DAY = 86400


class Handler:
    """Everything that serving a client needs; one from each reload to the next."""

    def __init__(
        self,
        reactor: Any,
        limits: Limits,
        store: Store,
        upstream: Upstream,
        sockets: Sockets,
        pages: Pages,
        telemetry: Telemetry,
        context: Context,
    ) -> None:
        """A reload makes another; what was begun with this one ends with it."""
        self.early = partial(comes_in_parts, context)
        self.logins = Logins(reactor, dict)
        self.reactor = reactor
        self.limits = limits
        self.store = store
        self.upstream = upstream
        self.sockets = sockets
        self.pages = pages
        self.telemetry = telemetry
        self.context = context
        self.threads = Threads(reactor, limits.rewrite_threads)
        self.edits = Edits(limits.edit_cache_bytes, telemetry)
        self.holds = Holds()
        self.emulations = Emulations(reactor, sockets, telemetry)
        self.rates = Rates(reactor, store, telemetry)
        self.collector = Collector(reactor, limits, upstream, telemetry)
        self.backends = Backends(reactor, context.services, upstream, telemetry)

    def follow(self, old: Handler) -> None:
        """Take what is the process's and not a configuration's from the one before.

        What remembers from one request to another belongs here; a reload forgets the rest.
        """
        old.threads.resize(self.limits.rewrite_threads)
        self.threads, self.holds, self.rates = old.threads, old.holds, old.rates
        old.edits.resize(self.limits.edit_cache_bytes)
        self.edits = old.edits
        self.emulations = old.emulations
        self.collector = old.collector
        self.collector.use(self.limits, self.upstream)
        self.logins.follow(old.logins)
        self.backends.follow(old.backends)

    async def serve(self, client: Client) -> None:
        """Serve one client from its head to the end of its answer."""
        request_id = os.urandom(8).hex()
        began = self.reactor.seconds()
        client.head, note = admission.identified(client.head, self.context)
        run = _Run(self, client, request_id)
        run.note(note)
        failure = ""
        try:
            ending = await drive(run.exchange(), run.perform)
            failure = await run.carry_out(ending)
        except CancelledError:
            failure = "client left"
        finally:
            run.discard()
            if not client.upgraded:
                self._log(client, request_id, began, failure)

    def _log(self, client: Client, request_id: str, began: float, failure: str) -> None:
        seconds = self.reactor.seconds() - began
        head = client.head
        self.telemetry.access(
            events.ACCESS,
            request=request_id,
            kind=client.kind,
            client=head.client,
            method=head.method.decode("latin-1"),
            host=head.host,
            path=head.logged_path,
            status=client.status,
            sent=client.bytes_sent,
            received=client.bytes_received,
            seconds=round(seconds, 4),
            failure=failure or None,
        )
        status = str(client.status) if client.status < 600 else "other"
        self.telemetry.count("gateway_http_requests_total", kind=client.kind, status=status)
        self.telemetry.observe("gateway_http_request_seconds", seconds, kind=client.kind)


class _Run:
    """One client's exchange: performs its needs, carries out its ending."""

    def __init__(self, handler: Handler, client: Client, request_id: str) -> None:
        self._handler = handler
        self._client = client
        self._id = request_id
        self._context = handler.context.at(client.head.host)
        self._response: UpstreamResponse | None = None
        self._socket: DialledSocket | None = None
        self._held: tuple[bytes, bytes] | None = None
        self._hinted = False
        self._emulated: bool | None = None
        """Of a request for a WebSocket: whether it is for an emulated one."""

    def exchange(self) -> Exchange:
        head = self._client.head
        kind, _ = self._context.codec.classify(head.host)
        self._client.kind = kind.value
        native = is_handshake(head.version, head.fields)
        creates = is_create(head.target, head.fields)
        hurried = self._handler.sockets.hurry() if native or creates else None
        if native or creates:
            self._emulated = creates and not native
        if hurried is not None:
            return declined(hurried)
        if self._context.services.at(head.host, head.path.decode("latin-1")) is not None:
            return remembered_exchange(head, self._context, service_exchange)
        if kind is HostKind.REWRITE and native:
            return remembered_exchange(head, self._context, websocket_exchange)
        site = own_exchange if kind is not HostKind.REWRITE else http_exchange
        otherwise = site(head, self._context)
        if MARK in head.target:
            return emulation_exchange(head, self._context, otherwise)
        return otherwise

    def _leads_to(self, *, emulated: bool) -> Place:
        """Where a handshake leads, whether it is allowed or not."""
        head, context = self._client.head, self._context
        service = context.services.at(head.host, head.path.decode("latin-1"))
        if service is not None:
            return Place.of(f"service:{service.name}", emulated=emulated)
        return Place.of(str(context.codec.origin_at(head.host) or OTHERS), emulated=emulated)

    # --- needs --------------------------------------------------------------------

    async def perform(self, need: Need) -> object:
        """Do what an exchange asks for and return the reply."""
        if isinstance(need, NeedNow):
            return int(self._handler.logins.clock())
        if isinstance(need, NeedRandom):
            return os.urandom(need.size)
        if isinstance(need, Connect):
            return await self._connect(need)
        if isinstance(need, ConnectSocket | ConnectService):
            return await self._connect_socket(need)
        if isinstance(need, Spend):
            seconds = self._context.rates.store_seconds
            return await self._handler.rates.spend(need, seconds)
        if isinstance(need, Note):
            self._event(need.event, need.detail, step=need.step or None, rule=need.rule or None)
            return None
        if isinstance(need, ReportNeed):
            return self._report(need)
        if isinstance(need, NeedBody):
            bound = getattr(self._handler.limits, need.limit.replace("-", "_"))
            return self._client.read_body(bound, need.limit)
        if isinstance(need, VERDICTS):
            return await self._handler.emulations.verdict(need, self._handler.limits)
        if isinstance(need, LoginNeed):
            return await self._handler.logins.perform(need)
        return await self._ask_store(need)

    def _report(self, need: ReportNeed) -> object:
        collector = self._handler.collector
        if isinstance(need, MayReport):
            return collector.may_report(self._client.head.client)
        if isinstance(need, Reported):
            collector.take(need)
        else:
            collector.forward(need)
        return None

    async def _ask_store(self, need: StoreNeed) -> object:
        store = self._handler.store
        if isinstance(need, NeedRows):
            return await store.read(need.owner, need.bucket)
        if isinstance(need, Commit):
            return await store.commit(need)
        if isinstance(need, Touch):
            watch(store.touch(need.change).addErrback(lambda _: None))
            return None
        if isinstance(need, Hold):
            await self._hold((need.owner, need.bucket))
            return None
        if isinstance(need, LetGo):
            self._let_go()
            return None
        if isinstance(need, NeedOwned):
            return Owned(await store.owned(need.owner))
        if isinstance(need, Consume):
            return await store.consume(need.nonce, need.expires // _DAY + 1)
        if isinstance(need, Forget):
            await store.forget(need.owner)
            return None
        if isinstance(need, NeedOrigin):
            text = await store.origin(need.label)
            origin = parse_origin(text) if text is not None else None
            return origin if origin is not None and collapse(origin) == need.label else None
        day = int(time.time()) // _DAY
        await store.remember_origin(collapse(need.origin), str(need.origin), day)
        return None

    async def _connect(self, need: Connect) -> object:
        began = self._handler.reactor.seconds()
        outcome = "answered"
        if self._response is not None:
            self._response.discard()  # an answer that was asked for again
            self._response = None
        try:
            body = await producer_for(self._client, need.body, self._handler.threads)
            if isinstance(body, SizedProducer):
                self._handler.telemetry.count("gateway_bodies_mapped_total")
            self._response = await self._handler.upstream.request(need, body, self._hints(need))
        except GatewayError as error:
            outcome = type(error).__name__
            return UpstreamFailed(error)
        finally:
            telemetry = self._handler.telemetry
            telemetry.count("gateway_upstream_requests_total", outcome=outcome)
            telemetry.observe(
                "gateway_upstream_first_byte_seconds", self._handler.reactor.seconds() - began
            )
        length = self._response.head.length
        if length is not None and length > self._handler.limits.response_body_bytes:
            self._response.discard()
            return UpstreamFailed(
                UpstreamTooLarge("[limits] response-body-bytes is less than what was declared")
            )
        return self._response.head

    def _hints(self, need: Connect) -> Callable[[Fields], None] | None:
        """What passes an origin's early hints on; once, also if it is asked again."""
        early = need.early
        if early is None or self._hinted:
            return None

        def tell(fields: Fields) -> None:
            self._hinted = True
            if self._client.early(early.fields(fields)):
                self._handler.telemetry.count("gateway_early_hints_total")

        return tell

    async def _connect_socket(self, need: ConnectSocket | ConnectService) -> object:
        handler = self._handler
        try:
            if isinstance(need, ConnectService):
                sockets, upstream = handler.sockets, handler.upstream
                self._socket = await handler.backends.dial(need, sockets, upstream)
            else:
                self._socket = await handler.sockets.dial(need, handler.upstream)
        except GatewayError as error:
            return UpstreamFailed(error)
        return self._socket.answer

    def discard(self) -> None:
        """Drop what an ending did not use."""
        self._let_go()
        if self._response is not None:
            self._response.discard()
        if self._socket is not None:
            self._socket.discard()

    async def _hold(self, key: tuple[bytes, bytes]) -> None:
        self._let_go()
        await self._handler.holds.take(key)
        self._held = key

    def _let_go(self) -> None:
        if self._held is not None:
            self._handler.holds.give(self._held)
            self._held = None

    def note(self, detail: str) -> None:
        """Tell why a balancer's word for the client's address could not be taken, if so."""
        if detail:
            self._event(events.FORWARDED, detail)

    def _event(self, code: str, detail: str, **fields: object) -> None:
        head = self._client.head
        self._handler.telemetry.event(
            code, detail=detail, request=self._id, client=head.client, host=head.host, **fields
        )

    # --- endings ------------------------------------------------------------------

    async def carry_out(self, ending: Ending) -> str:
        """Answer; returns what went wrong on the way, for the access line."""
        if not isinstance(ending, EMULATED):
            await self._client.until_whole()
        if isinstance(ending, Respond):
            return await self._respond(ending)
        if isinstance(ending, Accept):
            self._accept(ending)
        elif isinstance(ending, EMULATED):
            socket, self._socket = self._socket, None
            handler = self._handler
            return await handler.emulations.carry_out(
                ending, self._client, handler.limits, self._short, socket, self._id
            )
        elif isinstance(ending, Refuse):
            self._refuse(ending)
        elif isinstance(ending, Serve):
            page = self._handler.pages.page(
                ending.page,
                self._language(),
                Asked(ending.query, ending.category, ending.start),
                languages_of(get(self._client.head.fields, b"accept-language")),
            )
            self._page(page)
        elif isinstance(ending, ServeAsset):
            asset = self._handler.pages.asset(ending.name)
            if asset is None:
                self._refuse(Refuse(404, events.HOST_UNKNOWN, "There is no such file"))
            else:
                self._page(asset)
        else:
            self._short(ending.status, ending.fields, ending.body)
        return ""

    def _page(self, page: Rendered) -> None:
        packed = page.packed(get(self._client.head.fields, b"accept-encoding"))
        self._short(200, packed.fields, packed.body)

    def _short(self, status: int, fields: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        more = [(wire.REQUEST_ID_HEADER, self._id.encode("ascii"))]
        if status != 204:  # RFC 9110, section 8.6: there it says nothing
            more.append((b"Content-Length", b"%d" % len(body)))
        self._client.whole(status, (*fields, *own_fields(), *more), body)

    def _refuse(self, refuse: Refuse) -> None:
        self._event(
            refuse.event,
            refuse.detail or refuse.title,
            step=refuse.step or step_of(refuse.event),
            rule=refuse.rule or None,
            status=refuse.status,
        )
        if self._emulated is not None:
            place = self._leads_to(emulated=self._emulated)
            self._handler.sockets.refused(place, refuse)
        if refuse.cut:
            self._client.status = refuse.status  # for the log: nothing is sent
            self._client.abort()
            return
        fields = self._client.head.fields
        page = self._handler.pages.refusal(
            refuse.status,
            refuse.title,
            self._id,
            get(fields, b"accept") or "",
            self._language(),
            framed=get(fields, b"sec-fetch-dest") in {"iframe", "frame"},
            outside=refuse.outside,
            site=refuse.site,
        )
        self._short(refuse.status, (*page.fields, *refuse.fields), page.body)

    def _language(self) -> str:
        return language_of(get(self._client.head.fields, b"accept-language"))

    async def _respond(self, ending: Respond) -> str:
        response = self._response
        if response is None:
            raise LocalFault("an exchange responded without an upstream response")
        client = self._client
        request_id = (wire.REQUEST_ID_HEADER, self._id.encode("ascii"))
        if ending.status == HTTPStatus.RESET_CONTENT:
            # It has no body, whatever an origin sends: over HTTP/2 browsers would read one.
            response.discard()
            client.start(ending.status, ending.reason, (*ending.fields, request_id))
            client.finish()
            return ""
        pipe = BodyPipe(
            client,
            self._handler.edits.pipeline(ending.plan),
            self._handler.limits,
            self._handler.reactor,
            self._handler.threads,
        )
        client.start(ending.status, ending.reason, (*ending.fields, request_id))
        response.deliver(pipe)
        try:
            await pipe.done
        except GatewayError as error:
            self._event(
                events.LIMIT if isinstance(error, ClientStalled) else error.event, str(error)
            )
            client.abort()
            return type(error).__name__
        except Exception as error:  # noqa: BLE001 (the client left: nobody to tell)
            return type(error).__name__
        client.finish()
        return ""

    def _accept(self, ending: Accept) -> None:
        socket, self._socket = self._socket, None
        if socket is None:
            raise LocalFault("an exchange accepted without an upstream socket")
        if self._client.is_gone:
            socket.discard()
            return
        self._handler.sockets.accept(self._client, socket, ending, self._id)
