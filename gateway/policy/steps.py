"""The decision table: which questions stand between a request and an origin, in order.

Everything that speaks of steps reads them here: ``engine.decide``, ``walk`` and so
``gateway explain``, the ``step`` of each denial in the log, and the table in
docs/policy.md, which ``gateway explain --table`` prints.
"""

from __future__ import annotations

from enum import IntEnum

import attrs

from gateway import events


class Step(IntEnum):
    """The number of each question; what refuses a request names one."""

    CLIENT = 1
    AUTHENTICATION = 2
    LIMITS = 3
    PAGE = 4
    OWN_NAMES = 5
    PORT = 6
    DESTINATION = 7
    TRANSPORT = 8
    ADDRESS = 9
    SUBPROTOCOL = 10


@attrs.frozen
class Row:
    """One step: its question, what the two answers mean, and who answers.

    ``elsewhere`` names the module that answers where it is not the engine; empty: the
    engine itself.  ``status`` and ``event`` are those of a refusal (event empty: the
    module that answers has its own).
    """

    step: Step
    name: str
    question: str
    passes: str
    refuses: str
    status: int
    event: str
    elsewhere: str = ""
    intents: bool = False


TABLE = (
    Row(
        Step.CLIENT,
        "client",
        "Is the client's address in a range that may use this gateway?",
        "asked on",
        "refused, whatever it asks for",
        403,
        "",
        "exchange.admission",
        intents=True,
    ),
    Row(
        Step.AUTHENTICATION,
        "authentication",
        "Where people must log in: has this one?",
        "asked on, as this person",
        "refused with a challenge, or led to the login",
        401,
        "",
        "exchange.authentication",
        intents=True,
    ),
    Row(
        Step.LIMITS,
        "limits",
        "Are client, session and destination below their rates?",
        "asked on",
        "refused, with the seconds to wait",
        429,
        events.LIMIT,
        "exchange.admission",
        intents=True,
    ),
    Row(
        Step.PAGE,
        "page",
        "Does a page of this gateway ask (its session, its token, its Origin)?",
        "asked on, as that page",
        "asked on as a native client: only rules with native = true count",
        403,
        events.NOT_OUR_PAGE,
        "exchange.attesting",
        intents=True,
    ),
    Row(
        Step.OWN_NAMES,
        "own names",
        "Is the destination another's, and no name of the gateway's own?",
        "asked on",
        "refused: the gateway is never its own origin",
        403,
        events.DESTINATION_DENIED,
        intents=True,
    ),
    Row(
        Step.PORT,
        "port",
        "Is the port off the bad-port list of browsers?",
        "asked on",
        "refused: another protocol listens there, and no rule opens it",
        403,
        events.DESTINATION_DENIED,
        intents=True,
    ),
    Row(
        Step.DESTINATION,
        "destination",
        "Does a rule open this URL for what is asked (navigation, access or intent)?",
        "asked on; the first rule that opens it is the deciding one",
        "refused: what no rule opens is closed",
        403,
        events.DESTINATION_DENIED,
        intents=True,
    ),
    Row(
        Step.TRANSPORT,
        "transport",
        "Is the origin encrypted, or does an access rule say allow-insecure-http?",
        "connections keep to the TLS that the access rules of the origin name",
        "refused: what is sent there could be read on the way",
        403,
        events.TRANSPORT_DENIED,
    ),
    Row(
        Step.ADDRESS,
        "address",
        "When connecting: is the address that the name resolves to open?",
        "connected to that very address",
        "answered like a name that does not resolve",
        502,
        events.SSRF_DENIED,
        "policy.addresses, asked by net.resolver",
    ),
    Row(
        Step.SUBPROTOCOL,
        "subprotocol",
        "For a WebSocket: is the site's choice one of those that the page offered?",
        "relayed",
        "closed: neither side could read the other",
        502,
        events.SUBPROTOCOL_VIOLATION,
        "websocket.handshake",
    ),
)
"""Each step once, in order; ``intents``: asked too where only a link leaves the gateway."""

_BY_STEP = {row.step: row for row in TABLE}


def row(step: Step) -> Row:
    """What the table says of a step."""
    return _BY_STEP[step]


_BY_EVENT = {
    events.CSRF_TOKEN: Step.PAGE,
    events.NOT_ATTESTED: Step.PAGE,
    events.NOT_OUR_PAGE: Step.PAGE,
    events.ORIGIN_DENIED: Step.PAGE,
    events.SUBPROTOCOL_VIOLATION: Step.SUBPROTOCOL,
}


def step_of(event: str) -> Step | None:
    """The step whose refusal an event is, for those that name none themselves."""
    return _BY_EVENT.get(event)
