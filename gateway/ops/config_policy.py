"""``[[allow-intent]]``, and what else of the rules is read apart from ``config``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.ops import schema
from gateway.ops.schema import Fault, Key, Table, Tables
from gateway.policy.destinations import IntentRule
from gateway.policy.intents import parse_intent
from gateway.policy.patterns import Pattern, parse_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable


def pattern(value: Any) -> Pattern:
    """A pattern of web URLs."""
    try:
        return parse_pattern(schema.text(value))
    except ValueError as error:
        raise Fault(f"a pattern ({error})") from None


def page_pattern(value: Any) -> Pattern:
    """A pattern of origins, in ``from``: which pages a rule is for."""
    text = schema.text(value)
    found = pattern(text.removesuffix("/"))
    if found.path is not None:
        raise Fault(f"a pattern of pages' origins, without a path ({text!r} has one)")
    return found


def _intent(value: Any) -> Pattern:
    try:
        return parse_intent(schema.text(value))
    except ValueError as error:
        raise Fault(f'a pattern of links such as "tel:*" ({error})') from None


INTENTS = Tables(Table({"href": Key(_intent, required=True), "from": Key(page_pattern)}))


def intent_rules(rows: Iterable[dict[str, Any]]) -> tuple[IntentRule, ...]:
    """The rules of ``[[allow-intent]]``."""
    return tuple(IntentRule(row["href"], row["where"], row["from"]) for row in rows)


def intent_warnings(rules: Iterable[IntentRule]) -> list[str]:
    """What is dangerous and was asked for all the same."""
    return [
        f"{rule.where}: allow-intent hands every kind of link to the device"
        for rule in rules
        if rule.pattern.schemes is None and rule.pattern.opens_everything
    ]
