"""``[content]`` and ``[[content-policy]]``: what pages may do, as the operator says."""

from __future__ import annotations

from typing import Any

import attrs

from gateway.ops import schema
from gateway.ops.schema import Check, Fault, Key, Table, Tables
from gateway.policy.content import ContentRule
from gateway.policy.patterns import Pattern, parse_pattern
from gateway.rewrite.csp_grammar import (
    DIRECTIVES,
    Malformed,
    Policy,
    check_directive,
    parse_policy,
)


@attrs.frozen
class ContentSettings:
    """What was read; ``warnings`` name what is dangerous or of no use."""

    webrtc: bool = False
    forward_reports: bool = True
    report_samples: bool = False
    strict: bool = False
    rules: tuple[ContentRule, ...] = ()
    warnings: tuple[str, ...] = ()


def _site(value: Any) -> Pattern:
    try:
        pattern = parse_pattern(schema.text(value))
    except ValueError as error:
        raise Fault(f"a pattern ({error})") from None
    if pattern.path is not None:
        raise Fault("a site without a path: pages of one origin reach into each other")
    return pattern


def _policy(value: Any) -> Policy:
    try:
        return parse_policy(schema.text(value))
    except Malformed as error:
        raise Fault(f"a policy of CSP 3 ({error})") from None


def _directive(name: str) -> Check:
    def check(value: Any) -> tuple[str, ...]:
        words = value.split() if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise Fault("a text, or an array of sources")
        try:
            return check_directive(name, words)
        except Malformed as error:
            raise Fault(f"what CSP 3 has there ({error})") from None

    return check


CONTENT = Table(
    {
        "webrtc": Key(schema.flag, default=False),
        "forward-reports": Key(schema.flag, default=True),
        "report-samples": Key(schema.flag, default=False),
        "strict": Key(schema.flag, default=False),
    }
)
POLICIES = Tables(
    Table(
        {
            "site": Key(_site, required=True),
            "policy": Key(_policy),
            "report-only": Key(schema.flag, default=False),
            "directives": Table({name: Key(_directive(name)) for name in DIRECTIVES}),
        }
    )
)


def read_content(values: dict[str, Any], reader: schema.Reader) -> ContentSettings:
    """What the two tables say together; adds faults that no key has alone."""
    content = values["content"]
    rules, warnings = [], []
    if content["webrtc"]:
        warnings.append("content.webrtc: WebRTC of pages goes past the gateway and tells addresses")
    if content["report_samples"]:
        warnings.append("content.report-samples: parts of what pages hold are shown to operators")
    for number, row in enumerate(values["content_policy"], 1):
        path = f"content-policy[{number}]"
        policy = _joined(row, path, reader)
        if policy is None or row["site"] is None:
            continue
        rules.append(ContentRule(row["site"], str(policy), row["report_only"], row["where"]))
        warnings += [f"{row['where']}: content-policy {one}" for one in _doubts(policy, row)]
    return ContentSettings(
        content["webrtc"],
        content["forward_reports"],
        content["report_samples"],
        content["strict"],
        tuple(rules),
        tuple(warnings),
    )


def _joined(row: dict[str, Any], path: str, reader: schema.Reader) -> Policy | None:
    """The policy of one table, of its text and its single directives."""
    found: dict[str, tuple[str, ...]] = dict(row["policy"].directives if row["policy"] else ())
    for name in DIRECTIVES:
        given = row["directives"][name.replace("-", "_")]
        if given is None:
            continue
        if name in found:
            reader.fault(f"{path}.directives.{name}", "is in policy, too; expected it once")
        found[name] = given
    if not found:
        if not any(one.startswith(f"{reader.name}: {path}.") for one in reader.faults):
            reader.fault(path, "missing, it has no directive: expected policy or directives")
        return None
    return Policy(tuple(found.items()))


def _doubts(policy: Policy, row: dict[str, Any]) -> list[str]:
    found = []
    if policy.has_nonce:
        found.append("has a nonce, which every page can read and use: it protects nothing")
    sandbox = policy.get("sandbox")
    if sandbox is not None and row["report_only"]:
        found.append("has sandbox, which browsers ignore where a policy only reports")
    elif sandbox is not None and "allow-scripts" not in [one.lower() for one in sandbox]:
        found.append("has sandbox without allow-scripts: no page of the site runs script")
    return found
