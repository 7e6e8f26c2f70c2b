"""What the validators' tests share: streams written down, cut anywhere, judged."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gateway.websocket.inspection import Direction, Inspection, Message, inspection_for
from gateway.websocket.rules import Mode, ValidationRules

C, S = Direction.FROM_CLIENT, Direction.TO_CLIENT
Step = tuple[Direction, bytes | str]
OBSERVE = ValidationRules(Mode.OBSERVE)


def made(name: str, rules: ValidationRules = OBSERVE, **changes: Any) -> Inspection:
    """An inspection that goes on after a violation."""
    import attrs

    found = inspection_for(name, attrs.evolve(rules, **changes))
    assert found is not None
    found.begin(0.0)
    return found


def send(
    inspection: Inspection, direction: Direction, payload: bytes | str, now: float = 0.0
) -> str:
    """The rule that a message breaks, empty if none; text is a text message."""
    binary = isinstance(payload, bytes)
    octets = payload if isinstance(payload, bytes) else payload.encode()
    action = inspection.inspect(Message(direction, octets, binary), now)
    return action.reason


def rules_of(name: str, steps: list[Step], **changes: Any) -> list[str]:
    """Every rule that a stream breaks, in order."""
    inspection = made(name, **changes)
    found = [send(inspection, direction, payload) for direction, payload in steps]
    return [rule for rule in found if rule]


def at_every_boundary(name: str, steps: list[Step], **changes: Any) -> list[tuple[int, str]]:
    """A stream with each of its messages cut in two, wherever that can be; what is refused."""
    wrong = []
    for number, (direction, payload) in enumerate(steps):
        for at in range(1, len(payload)):
            cut = [*steps[:number], (direction, payload[:at]), (direction, payload[at:])]
            wrong += [
                (at, rule) for rule in rules_of(name, [*cut, *steps[number + 1 :]], **changes)
            ]
    return wrong


def octet_by_octet(steps: list[Step]) -> list[Step]:
    """A stream with a message for each octet."""
    return [
        (direction, payload[at : at + 1])
        for direction, payload in steps
        for at in range(len(payload))
    ]


def together(steps: list[Step]) -> list[Step]:
    """A stream in which neighbours of one direction share a message."""
    found: list[Any] = []
    for direction, payload in steps:
        if found and found[-1][0] is direction:
            found[-1] = (direction, found[-1][1] + payload)
        else:
            found.append((direction, payload))
    return found


def anything(*pieces: bytes) -> st.SearchStrategy[list[tuple[Direction, bytes, bool]]]:
    """Messages of any octets, mixed with pieces of what the protocol has."""
    octets = st.lists(st.one_of(st.binary(max_size=12), st.sampled_from(pieces)), max_size=6)
    return st.lists(
        st.tuples(st.sampled_from((C, S)), octets.map(b"".join), st.booleans()), max_size=8
    )


def never_raises(name: str, messages: list[tuple[Direction, bytes, bool]], **changes: Any) -> None:
    """A validator answers whatever comes; what it lets an exception be is found here."""
    inspection = made(name, **changes)
    validator = inspection._validator
    for number, (direction, payload, binary) in enumerate(messages):
        verdict = validator.check(Message(direction, payload, binary), float(number))
        validator.deadline()
        validator.expired(float(number))
        if verdict is not None:
            assert verdict.close_code in {1002, 1003, 1007, 1008} or verdict.close_code >= 4400
            assert len(verdict.rule) < 40
            if verdict.final:
                break
