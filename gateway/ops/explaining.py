"""The decision about one request in words, as ``gateway explain`` and the operator's page say it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import attrs

from gateway.exchange.steps import readings
from gateway.net.resolver import is_own_address, lookup_static
from gateway.ops.explaining_service import asker_of, service_at, tell_service, walk_service
from gateway.origins import parse, parse_any
from gateway.policy.addresses import forms
from gateway.policy.clients import address_of, decide_client
from gateway.policy.engine import Ask, Question, event_of
from gateway.policy.steps import TABLE, Step
from gateway.policy.walk import Answer, Found, Outcome, Walk, walk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.ops.config import Config
    from gateway.origins import Codec, Origin

KINDS = ("navigation", "intent", "access", "websocket")
"""What can be asked."""
_MARKS = {
    Outcome.PASSES: "passes",
    Outcome.REFUSES: "REFUSES",
    Outcome.ELSEWHERE: "-",
    Outcome.NOT_ASKED: "-",
}


@attrs.frozen
class Explained:
    """An answer: ``told`` as JSON has it, ``lines`` for people."""

    told: dict[str, Any]
    lines: list[str]


def explained(
    config: Config,
    url: str,
    kind: str = "navigation",
    page: str | None = None,
    client: str | None = None,
    *,
    native: bool = False,
    addresses: Sequence[str] = (),
    looks_up: bool = False,
) -> Explained | list[str]:
    """Explain one request of a configuration, or say what is wrong with the question.

    ``kind`` is one of ``KINDS``; ``page``: the origin that asks; ``addresses``: what the name
    resolves to, instead of looking it up, which ``looks_up`` does here and now.
    """
    faults = [
        f"{name}: {text!r} is not an address" for name, text in bad_addresses(client, addresses)
    ]
    service = None if kind == "intent" or faults else service_at(url, config)
    if service is not None:
        asker = asker_of(page, config.codec)
        taken = walk_service(service, asker, known_of(client, config), native=native)
        about = tell_service(url, service, asker, taken, client, native=native)
        about["steps"] = steps_told(taken)
        return Explained(about, lines(about, taken))
    asked, fault = read_question(url, kind, page, config.codec, native=native)
    faults += [fault] if fault else []
    if faults or asked is None:
        return faults
    known = known_of(client, config)
    walked = walk_readings(url, asked, config, known, None)
    if walked.allowed and (looks_up or addresses):
        found, note = look_up(asked, addresses, config)
        if note:
            known[Step.ADDRESS] = Answer(Outcome.ELSEWHERE, note)
        walked = walk_readings(url, asked, config, known, found)
    told = tell(url, kind, asked, walked, client)
    return Explained(told, lines(told, walked))


def known_of(client: str | None, config: Config) -> dict[Step, Answer]:
    """Answers of steps that are not the engine's, by what is asked about the client."""
    if client is None:
        return {}
    told = decide_client(client, config.admission.clients)
    if told.allowed:
        return {Step.CLIENT: Answer(Outcome.PASSES, told.reason, told.rule)}
    change = ("clients.allow or clients.deny, which say who may use the gateway",)
    return {Step.CLIENT: Answer(Outcome.REFUSES, told.reason, told.rule, change)}


def bad_addresses(client: str | None, addresses: Sequence[str]) -> list[tuple[str, str]]:
    """Options whose text is no address, with the text."""
    given = [("--address", one) for one in addresses]
    if client is not None:
        given.append(("--client", client))
    return [(name, text) for name, text in given if address_of(text) is None]


def read_question(
    url: str, kind: str, page: str | None, codec: Codec, *, native: bool
) -> tuple[Question | None, str]:
    """The question that a person asks, or what is wrong with it."""
    asker, fault = _read_page(page, codec)
    if fault:
        return None, fault
    if kind == "intent":
        if parse_any(url) is None:
            return None, f"{url!r} is not a URL"
        question = attrs.evolve(Question.intent(url, asker), native=native)
        own = question.origin is not None and codec.is_own(question.origin.host)
        return attrs.evolve(question, own_host=own), ""
    found = parse(url)
    if found is None:
        expected = "expected an http, https, ws or wss URL (or --as intent)"
        return None, f"found {url!r}, {expected}"
    origin, parsed = found
    socket_url = parsed.protocol.startswith("ws")
    if kind == "navigation" and socket_url:
        return None, f"{url!r} is a WebSocket's, which nobody navigates to (--as websocket)"
    question = Question(
        origin,
        parsed.pathname,
        Ask.NAVIGATION if kind == "navigation" else Ask.ACCESS,
        websocket=socket_url or kind == "websocket",
        page=asker,
        native=native,
        own_host=codec.is_own(origin.host),
    )
    return question, ""


def _read_page(page: str | None, codec: Codec) -> tuple[Origin | None, str]:
    if page is None:
        return None, ""
    found = parse(page)
    if found is None:
        return None, f'--from: found {page!r}, expected an origin such as "https://a.example"'
    if codec.is_own(found[0].host):
        site = codec.expand_origin(f"https://{found[0].netloc}")
        if site is None:
            return None, f"--from: {page!r} is the gateway's own and no site's page"
        return site, ""
    return found[0], ""


def look_up(
    question: Question, given: Sequence[str], config: Config
) -> tuple[list[Found] | None, str]:
    """The addresses that would be connected to; and a note where there are none."""
    origin = question.origin
    if origin is None or question.ask is Ask.INTENT or question.own_host:
        return None, ""
    host, port = lookup_static(config.net.hosts, origin.host, origin.port)
    host = host.strip("[]")
    addresses = list(given)
    if not addresses:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            return None, f"{host} cannot be looked up from here ({type(error).__name__})"
        addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    return [Found(one, port, any(map(is_own_address, forms(one)))) for one in addresses], ""


def walk_readings(
    url: str,
    question: Question,
    config: Config,
    known: Mapping[Step, Answer],
    found: Sequence[Found] | None,
) -> Walk:
    """Walk for each way in which the path can be read, as the exchange asks; all must pass."""
    settings = attrs.evolve(
        config.policy, addresses=attrs.evolve(config.policy.addresses, own=_own(config))
    )
    if question.origin is None or question.ask is Ask.INTENT:
        return walk(question, settings, known, found)
    parsed = parse_any(url)
    walked = None
    for target in readings((parsed.pathname if parsed else "/") or "/"):
        read = parse(f"{question.origin}{target}")
        if read is None:
            break
        walked = walk(attrs.evolve(question, path=read[1].pathname), settings, known, found)
        if not walked.allowed:
            return walked
    return walked or walk(question, settings, known, found)


def _own(config: Config) -> frozenset[tuple[str, int]]:
    """What this configuration listens on, as far as its endpoints name it."""
    own = set()
    for endpoint in (*config.listen, *config.redirect_listen, *config.admin_listen):
        kind, *rest = endpoint.replace("\\:", "%").split(":")
        if kind in {"tcp", "tcp6"} and rest and rest[0].removeprefix("port=").isdigit():
            named = [one.partition("=")[2] for one in rest if one.startswith("interface=")]
            host = named[0].replace("%", ":") if named else "0.0.0.0"  # noqa: S104 (a name of all)
            own.add((host, int(rest[0].removeprefix("port="))))
    return frozenset(own)


def tell(
    url: str, kind: str, question: Question, walked: Walk, client: str | None
) -> dict[str, Any]:
    """All that was found, as JSON has it."""
    decided = walked.decided
    return {
        "url": url,
        "as": kind,
        "from": str(question.page) if question.page else None,
        "client": client,
        "native": question.native,
        "allowed": walked.allowed,
        "step": int(decided.row.step),
        "name": decided.row.name,
        "reason": decided.answer.text,
        "rule": decided.answer.rule,
        "status": None if walked.allowed else decided.row.status,
        "event": None if walked.allowed else event_of(decided.row.step, question),
        "change": list(decided.answer.change),
        "transport": _transport(walked, question),
        "steps": steps_told(walked),
    }


def steps_told(walked: Walk) -> list[dict[str, Any]]:
    """The steps that were taken, as JSON has them."""
    return [
        {
            "step": int(one.row.step),
            "name": one.row.name,
            "question": one.row.question,
            "outcome": one.answer.outcome.value,
            "answer": one.answer.text,
            "rule": one.answer.rule,
        }
        for one in walked.taken
    ]


def _transport(walked: Walk, question: Question) -> dict[str, Any] | None:
    if not walked.allowed or question.origin is None or question.ask is Ask.INTENT:
        return None
    tls = walked.transport.tls
    if not question.origin.secure:
        return {"encrypted": False, "where": walked.transport.where}
    return {"encrypted": True, "minimum-tls": tls.minimum, "forward-secrecy": tls.forward_secrecy}


def lines(told: dict[str, Any], walked: Walk) -> list[str]:
    """The same for people."""
    asker = f" by a page of {told['from']}" if told["from"] else ""
    asker += " by a native client" if told["native"] else ""
    found = [f"{told['url']} as {told['as']}{asker}"]
    width = max(len(row.name) for row in TABLE)
    for one in walked.taken:
        mark = _MARKS[one.answer.outcome]
        found.append(f"{int(one.row.step):3} {one.row.name:{width}}  {mark:7}  {one.answer.text}")
        if one.answer.rule:
            found.append(f"{'':{width + 15}}{one.answer.rule}")
    verdict = "allowed" if told["allowed"] else f"denied ({told['status']}, {told['event']})"
    found.append(f"{verdict} by step {told['step']}, {told['name']}")
    if told["change"]:
        found.append("what would change it:")
        found += [f"  - {one}" for one in told["change"]]
    return found
