"""Whether a client is let in at all, and how often: one place for HTTP and WebSocket.

Whose request it is → client ranges → limit of the client → limit of the session → limit of
the destination.  The first two are asked for whatever host a request names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import events
from gateway.exchange.messages import Context, Refuse, RequestHead, Spend, ask
from gateway.policy import rates
from gateway.policy.clients import address_of, block_of, decide_client
from gateway.policy.forwarded import client_of
from gateway.rewrite.headers import get_all

if TYPE_CHECKING:
    from gateway.exchange.messages import Ending
    from gateway.exchange.steps import Step
    from gateway.origins import Origin
    from gateway.policy.rates import Rate
    from gateway.policy.services import Service
    from gateway.session.reading import Reading

_KEY = "rates"


def identified(head: RequestHead, context: Context) -> tuple[RequestHead, str]:
    """The request with the client's own address where a trusted balancer tells it, and a note."""
    settings = context.forwarded
    if not settings.trusted:
        return head, ""
    values = get_all(head.fields, settings.field.encode("ascii"))
    told = client_of(head.client, values, settings)
    return attrs.evolve(head, client=told.address), told.note


def admit(head: RequestHead, context: Context) -> Step[Ending | None]:
    """Client step, the first of every exchange: ranges, then the client's limit."""
    decision = decide_client(head.client, context.clients)
    if not decision.allowed:
        title = "This gateway is not open to your network"
        return Refuse(403, decision.event, title, decision.reason, rule=decision.rule)
    if address_of(head.client) is None:
        return None  # those of a Unix socket would all share one bucket
    return (yield from _spend(rates.CLIENT, block_of(head.client).encode("ascii"), context))


def admit_session(reading: Reading, context: Context) -> Step[Refuse | None]:
    """The session's limit; nobody's request has the client's alone."""
    if reading.session is None or context.rates.session is None:
        return None
    return (yield from _spend(rates.SESSION, reading.session.pair, context))


def admit_destination(origin: Origin, context: Context) -> Step[Refuse | None]:
    """The limit of the site that a request is about to be sent to, of all people together."""
    if context.rates.destination is None:
        return None
    name = context.suffixes.registrable(origin.host).encode("ascii", "replace")
    return (yield from _spend(rates.DESTINATION, name, context))


def admit_to_service(service: Service, context: Context) -> Step[Refuse | None]:
    """The limit of a service's handshakes, of all people together."""
    return (yield from _spend(rates.SERVICE, service.name.encode(), context, service.rate))


def _spend(
    kind: str, name: bytes, context: Context, own: Rate | None = None
) -> Step[Refuse | None]:
    rate = context.rates.of(kind) if kind in rates.KINDS else own
    if rate is None:
        return None
    secret = context.keys.key(_KEY, context.keys.newest)
    wait = yield from ask(Spend(kind, rates.bucket_key(secret, kind, name), rate), float)
    if not wait:
        return None
    title = "There were too many requests from your network"
    if kind == rates.SESSION:
        title = "There were too many requests from this browser"
    elif kind == rates.DESTINATION:
        title = "This site is asked for too often just now"
    elif kind == rates.SERVICE:
        title = "This service is asked for too often just now"
    return Refuse(
        429,
        events.RATE_LIMITED,
        title,
        f"[rates] {kind}: a token in {wait:.1f} s",
        fields=((b"Retry-After", rates.retry_after(wait)),),
    )
