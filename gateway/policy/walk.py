"""The decision taken step by step, with what each step answered and what would change it.

``engine.decide`` is the quick way to the same end; this one asks every rule in turn and
keeps what it found, for ``gateway explain``.  Steps that are answered elsewhere are told
by whoever walks (``known``), and so are the addresses that a name resolved to.
"""

from __future__ import annotations

from enum import Enum
from ipaddress import ip_address
from typing import TYPE_CHECKING

import attrs

from gateway.policy import engine, intents
from gateway.policy.addresses import BAD_PORTS, why_closed
from gateway.policy.destinations import AccessRule
from gateway.policy.engine import Ask, Question, from_matches, rule_text
from gateway.policy.steps import TABLE, Row, Step
from gateway.policy.transport import ATTRIBUTES, Transport, transport_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateway.policy.destinations import IntentRule, NavigationRule, Settings
    from gateway.policy.patterns import Pattern, Target

_MOST = 5
"""How many rules that nearly opened it are named."""


class Outcome(Enum):
    """What became of a step."""

    PASSES = "passes"
    REFUSES = "refuses"
    ELSEWHERE = "elsewhere"
    NOT_ASKED = "not asked"


@attrs.frozen
class Answer:
    """One step's answer: the sentence, the rule behind it, and what would change it."""

    outcome: Outcome
    text: str
    rule: str = ""
    change: tuple[str, ...] = ()


@attrs.frozen
class Taken:
    """A step of the table that was taken."""

    row: Row
    answer: Answer


@attrs.frozen
class Found:
    """An address that the destination's name resolves to; ``local``: this machine's own."""

    address: str
    port: int
    local: bool = False


@attrs.frozen
class Walk:
    """All steps that were taken, in order; the last one refuses unless ``allowed``."""

    taken: tuple[Taken, ...]
    transport: Transport

    @property
    def allowed(self) -> bool:
        """Whether no step refused."""
        return all(one.answer.outcome is not Outcome.REFUSES for one in self.taken)

    @property
    def decided(self) -> Taken:
        """The step that decides: the one that refuses, else the destination's."""
        for one in self.taken:
            if one.answer.outcome is Outcome.REFUSES:
                return one
        return next(one for one in self.taken if one.row.step is Step.DESTINATION)


def walk(
    question: Question,
    settings: Settings,
    known: Mapping[Step, Answer] | None = None,
    addresses: Sequence[Found] | None = None,
) -> Walk:
    """Take the steps of the table in order until one refuses."""
    taken = []
    transport = Transport()
    if question.origin is not None and question.ask is not Ask.INTENT:
        target = question.target
        transport = transport_for(
            rule for rule in settings.access if rule.pattern.matches_origin(target)
        )
    for row in TABLE:
        answer = (known or {}).get(row.step)
        if answer is None:
            answer = _answer(row, question, settings, transport, addresses)
        taken.append(Taken(row, answer))
        if answer.outcome is Outcome.REFUSES:
            break
    return Walk(tuple(taken), transport)


def _answer(
    row: Row,
    question: Question,
    settings: Settings,
    transport: Transport,
    addresses: Sequence[Found] | None,
) -> Answer:
    if question.ask is Ask.INTENT and not row.intents:
        return Answer(Outcome.NOT_ASKED, "the gateway does not connect: the device does")
    if row.step is Step.PAGE:
        return _page(question)
    if row.step is Step.OWN_NAMES:
        if question.own_host:
            return Answer(Outcome.REFUSES, engine.OWN_NAME, change=(_NOTHING,))
        return Answer(Outcome.PASSES, "it is another's name")
    if row.step is Step.PORT:
        if question.origin is None:
            return Answer(Outcome.NOT_ASKED, "such a link has no port")
        if question.origin.port in BAD_PORTS:
            return Answer(Outcome.REFUSES, engine.bad_port(question.origin), change=(_NOTHING,))
        return Answer(Outcome.PASSES, f"port {question.origin.port} is not on the list")
    if row.step is Step.DESTINATION:
        return _destination(question, settings)
    if row.step is Step.TRANSPORT:
        return _transport(question, settings, transport)
    if row.step is Step.ADDRESS and addresses is not None:
        return _addresses(addresses, settings)
    if row.step is Step.SUBPROTOCOL and not question.websocket:
        return Answer(Outcome.NOT_ASKED, "this is no WebSocket")
    return Answer(Outcome.ELSEWHERE, f"answered by {row.elsewhere} for each request")


_NOTHING = "nothing: no rule speaks of this"


def _page(question: Question) -> Answer:
    if question.native:
        return Answer(Outcome.PASSES, "no: asked on as a native client, anonymously")
    if question.page is None:
        return Answer(Outcome.PASSES, "yes, a page that is not named: rules with from do not match")
    return Answer(Outcome.PASSES, f"yes, a page of {question.page}")


def _transport(question: Question, settings: Settings, transport: Transport) -> Answer:
    said = ", ".join(_speaking(question, settings))
    if question.origin is None or question.origin.secure:
        secrecy = "with" if transport.tls.forward_secrecy else "also without"
        text = f"TLS {transport.tls.minimum} or newer, {secrecy} forward secrecy"
        return Answer(Outcome.PASSES, text, said)
    if transport.allow_insecure_http:
        return Answer(Outcome.PASSES, "not encrypted, as a rule says", said)
    secure = attrs.evolve(question.origin, scheme="https", port=443)
    change = (
        f'allow-insecure-http = true in an [[access]] rule with origin = "{question.origin}"',
        f"asking for {secure} instead",
    )
    return Answer(Outcome.REFUSES, engine.not_encrypted(question.origin), said, change)


def _speaking(question: Question, settings: Settings) -> Iterator[str]:
    """The rules that speak about connections to this origin, and of what."""
    target = question.target
    for rule in settings.access:
        if rule.pattern.matches_origin(target):
            names = [name for name in ATTRIBUTES if getattr(rule, name) not in {None, ()}]
            if not rule.allow_insecure_http and "allow_insecure_http" in names:
                names.remove("allow_insecure_http")
            if names:
                what = ", ".join(name.replace("_", "-") for name in names)
                yield f"{rule_text('access', rule)} ({what})"


def _addresses(addresses: Sequence[Found], settings: Settings) -> Answer:
    said, change = [], []
    for one in addresses:
        why = why_closed(one.address, one.port, settings.addresses, is_local=one.local)
        said.append(f"{one.address}: {why or 'open'}")
        if why is not None and why != "the gateway itself":
            change.append(f'upstream.allow-private = ["{_network(one.address)}"]')
    text = "; ".join(said) or "the name has no address"
    if not all(text.endswith(": open") for text in said):
        return Answer(Outcome.REFUSES, text, change=tuple(change) or (_NOTHING,))
    return Answer(Outcome.PASSES, text)


def _network(address: str) -> str:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return f"{found}/{found.max_prefixlen}"


# The destination step: every rule is asked, in the order of the configuration.


@attrs.frozen
class _Asked:
    """A rule and why it does not open what is asked; no reasons: it does."""

    text: str
    why: tuple[str, ...]


def _destination(question: Question, settings: Settings) -> Answer:
    target = question.target
    never = engine.never_opened(question, target)
    if never:
        return Answer(Outcome.REFUSES, never, change=(_NOTHING,))
    asked = list(_ask_all(question, target, settings))
    opening = [one.text for one in asked if not one.why]
    if opening:
        rest = opening[1:]
        more = f" and {len(rest) - _MOST} more" if len(rest) > _MOST else ""
        less = f"without this rule it is opened by {', '.join(rest[:_MOST])}{more}"
        if not rest:
            less = "without this rule it is closed"
        return Answer(Outcome.PASSES, "a rule opens it", opening[0], (less,))
    near = [
        f"{one.text}, but it {one.why[0]}"
        for one in asked
        if len(one.why) == 1 and one.why[0] != _ELSE
    ]
    more = f" (and {len(near) - _MOST} more rules like these)" if len(near) > _MOST else ""
    change = (*near[:_MOST], f"a rule: {_suggestion(question, target)}{more}")
    return Answer(Outcome.REFUSES, engine.nothing_opens(question, target), change=change)


def _suggestion(question: Question, target: Target) -> str:
    if question.ask is Ask.INTENT:
        return f'[[allow-intent]] href = "{question.origin or f"{target.scheme}:*"}"'
    plain = question.origin is not None and not question.origin.secure
    insecure = ", allow-insecure-http = true" if plain else ""
    if question.native:
        return f'[[access]] origin = "{question.origin}", native = true{insecure}'
    if question.ask is Ask.NAVIGATION:
        more = f', and [[access]] origin = "{question.origin}"{insecure}' if plain else ""
        return f'[[allow-navigation]] href = "{question.origin}"{more}'
    return f'[[access]] origin = "{question.origin}"{insecure}'


def _ask_all(question: Question, target: Target, settings: Settings) -> Iterator[_Asked]:
    """Each rule of the kinds that can open this or nearly do."""
    intent = question.ask is Ask.INTENT
    if intent:
        for link in settings.intents:
            why = ["is not for native clients"] if question.native else []
            yield _asked(
                "allow-intent", link, [*why, *_link_misses(link.pattern, target)], question
            )
        return
    for frame in settings.navigation:
        why = ["is not for native clients"] if question.native else []
        yield _asked("allow-navigation", frame, [*why, *_misses(frame.pattern, target)], question)
    for rule in settings.access:
        why = []
        if question.native and not rule.native:
            why = ["does not say native = true"]
        elif not question.native and question.ask is Ask.NAVIGATION:
            why = ["opens requests, not navigation"]
        yield _asked("access", rule, [*why, *_misses(rule.pattern, target)], question)


def _asked(
    kind: str, rule: AccessRule | IntentRule | NavigationRule, why: list[str], question: Question
) -> _Asked:
    if not from_matches(rule, question.page) and rule.page is not None:
        why.append(f"is only for pages of {rule.page.text!r}")
    return _Asked(rule_text(kind, rule), tuple(why))


def _misses(pattern: Pattern, target: Target) -> list[str]:
    """Which parts of a pattern do not fit a request."""
    if pattern.matches(target):
        return []
    bare = attrs.evolve(pattern, host=None, port=None, path=None)
    scheme = [] if bare.matches(target) else ["is for another scheme"]
    return scheme + _place_misses(pattern, target)


def _link_misses(pattern: Pattern, target: Target) -> list[str]:
    if intents.opens(pattern, target):
        return []
    bare = attrs.evolve(pattern, host=None, port=None, path=None)
    scheme = [] if intents.opens(bare, target) else ["is for another scheme"]
    return scheme + _place_misses(pattern, target)


_ELSE = "is for another host"


def _place_misses(pattern: Pattern, target: Target) -> list[str]:
    found = []
    if not attrs.evolve(pattern, port=None, path=None).matches_place(target):
        found.append(_ELSE)
    if pattern.port not in {None, target.port}:
        found.append(f"is for port {pattern.port}")
    if not attrs.evolve(pattern, host=None, port=None).matches_place(target):
        found.append("is for other paths")
    return found
