"""``[[allow-intent]]``, and what else of the rules is read apart from ``config``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.ops import schema
from gateway.ops.schema import Fault, Key, Table, Tables
from gateway.policy.destinations import IntentRule
from gateway.policy.intents import parse_intent
from gateway.policy.patterns import Pattern, parse_pattern
from gateway.policy.sites import SiteOptions, SiteRule

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


SITE = {"reverse-map": Key(schema.flag, default=True)}
"""What rules of either kind say about the site they open."""
NAVIGATION = Tables(
    Table(
        {
            "href": Key(pattern, required=True),
            "from": Key(page_pattern),
            "rewrite-location": Key(schema.flag, default=False),
            **SITE,
        }
    )
)
INTENTS = Tables(Table({"href": Key(_intent, required=True), "from": Key(page_pattern)}))


def site_rules(rows: Iterable[dict[str, Any]], reader: schema.Reader) -> tuple[SiteRule, ...]:
    """What rows of ``[[allow-navigation]]`` say of whole sites."""
    found = []
    for number, row in enumerate(rows, 1):
        href: Pattern | None = row["href"]
        if href is None or not row["rewrite_location"]:
            continue
        if href.path is not None:
            reader.fault(
                f"allow-navigation[{number}].rewrite-location",
                "found true, expected an href without a path: "
                "pages of one origin reach into each other",
            )
        found.append(SiteRule(href, SiteOptions(rewrite_location=True), row["where"]))
    return tuple(found)


def site_warnings(rules: Iterable[SiteRule]) -> list[str]:
    """What costs more than it may be worth."""
    return [
        f"{rule.where}: rewrite-location edits the scripts of every site"
        for rule in rules
        if rule.pattern.opens_everything
    ]


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
