"""The decision about a handshake to a service in words, by the steps of the same table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from gateway import events
from gateway.origins import parse, parse_origin
from gateway.policy.services import NULL, WEBSOCKETS
from gateway.policy.steps import TABLE, Step
from gateway.policy.walk import Answer, Outcome, Taken, Walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.ops.config import Config
    from gateway.origins import Codec, Origin
    from gateway.policy.services import Service

_PAGES = "allow-origins of {}: add {} if its pages are to use it"
_NATIVE = "native = true of {}, if programs are to use it"


@attrs.frozen
class Asker:
    """Who asks: an Origin as a handshake has it, None for a program without one."""

    origin: str | None
    page: Origin | None = None

    @property
    def shown(self) -> str:
        """How it is told of: a site by its own name."""
        return str(self.page) if self.page is not None else self.origin or ""


def service_at(url: str, config: Config) -> Service | None:
    """The service that a URL leads to, if it leads to one."""
    found = parse(url)
    if found is None:
        return None
    return config.services.at(found[0].host, found[1].pathname)


def asker_of(page: str | None, codec: Codec) -> Asker:
    """Who asks, by what a person typed: an origin, a page's URL, an app's scheme, ``null``."""
    if page is None:
        return Asker(None)
    found = parse(page)
    text = page.rstrip("/") if found is None else str(found[0])
    ours = codec.expand_origin(text)
    return Asker(text, ours)


def walk_service(
    service: Service, asker: Asker, known: Mapping[Step, Answer], *, native: bool
) -> Walk:
    """Take the steps of a handshake to a service until one refuses."""
    own = {
        Step.AUTHENTICATION: _login(service),
        Step.LIMITS: _limits(service),
        Step.PAGE: _page(service, asker, native=native),
        Step.OWN_NAMES: Answer(Outcome.NOT_ASKED, "a service is an address of the gateway's own"),
        Step.PORT: Answer(Outcome.NOT_ASKED, "the operator named it"),
        Step.DESTINATION: Answer(
            Outcome.PASSES,
            f"service {service.name} leads to {service.backend.text}",
            f"[[service]] {service.where}",
        ),
        Step.TRANSPORT: _transport(service),
        Step.ADDRESS: Answer(Outcome.NOT_ASKED, "whatever it resolves to, the operator named it"),
        Step.SUBPROTOCOL: _subprotocols(service),
    }
    taken = []
    for row in TABLE:
        answer = known.get(row.step) or own.get(row.step)
        if answer is None:
            answer = Answer(Outcome.ELSEWHERE, f"told by {row.elsewhere}")
        taken.append(Taken(row, answer))
        if answer.outcome is Outcome.REFUSES:
            break
    return Walk(tuple(taken), service.transport)


def _login(service: Service) -> Answer:
    if not service.login:
        return Answer(Outcome.PASSES, "this service asks nobody to sign in")
    return Answer(Outcome.ELSEWHERE, "who is not signed in gets a challenge (401)", service.where)


def _limits(service: Service) -> Answer:
    said = []
    if service.rate is not None:
        said.append(f"{service.rate.per_second:g} handshakes a second")
    if service.bounds.connections is not None:
        said.append(f"{service.bounds.connections} WebSockets at once")
    own = ", ".join(said) or "none of its own"
    return Answer(Outcome.ELSEWHERE, f"limits of the client, and of the service: {own}")


def _page(service: Service, asker: Asker, *, native: bool) -> Answer:
    where = f"[[service]] {service.where}"
    name = f"service {service.name}"
    if asker.origin is None:
        if service.native:
            return Answer(Outcome.PASSES, "a program may leave Origin out", where)
        hints = (_NATIVE.format(name), *(() if native else ("--from ORIGIN",)))
        return Answer(Outcome.REFUSES, "a handshake without Origin", where, hints)
    if service.admits(asker.origin, asker.page):
        return Answer(Outcome.PASSES, f"allow-origins has {asker.shown}", where)
    if asker.origin == NULL:
        hint = 'allow-origins of it, with "null" by its name: any page can be one'
        return Answer(Outcome.REFUSES, "a page without an origin", where, (hint,))
    sound = parse_origin(asker.origin) is not None or "://" in asker.origin
    change = (_PAGES.format(name, asker.shown),) if sound else ()
    return Answer(Outcome.REFUSES, f"allow-origins has nothing for {asker.shown}", where, change)


def _transport(service: Service) -> Answer:
    backend = service.backend.source or service.backend
    if backend.origin is None:
        return Answer(Outcome.NOT_ASKED, "nothing goes over a network")
    if not backend.origin.secure:
        return Answer(Outcome.PASSES, "not encrypted, as the operator says", service.where)
    return Answer(Outcome.PASSES, service.transport.tls.words)


def _subprotocols(service: Service) -> Answer:
    some = ", ".join(service.subprotocols) or "any"
    must = "one of them is required" if service.required else "none is required"
    chooser = "the backend" if service.backend.kind in WEBSOCKETS else "the gateway"
    return Answer(Outcome.ELSEWHERE, f"allowed: {some}; {must}; {chooser} chooses", service.where)


def tell_service(
    url: str, service: Service, asker: Asker, walked: Walk, client: str | None, *, native: bool
) -> dict[str, Any]:
    """All that was found, as JSON has it, with the keys that any explanation has."""
    decided = walked.decided
    secure = service.backend.origin is not None and service.backend.origin.secure
    tls = service.transport.tls
    transport: dict[str, Any] | None = {"encrypted": False, "where": service.where}
    if secure:
        transport = {
            "encrypted": True,
            "minimum-tls": tls.minimum,
            "forward-secrecy": tls.forward_secrecy,
        }
    event = events.ORIGIN_DENIED if decided.row.step is Step.PAGE else decided.row.event
    return {
        "url": url,
        "as": "service",
        "service": service.name,
        "from": asker.shown or None,
        "client": client,
        "native": native,
        "allowed": walked.allowed,
        "step": int(decided.row.step),
        "name": decided.row.name,
        "reason": decided.answer.text,
        "rule": decided.answer.rule,
        "status": None if walked.allowed else decided.row.status,
        "event": None if walked.allowed else event,
        "change": list(decided.answer.change),
        "transport": transport if walked.allowed else None,
    }
