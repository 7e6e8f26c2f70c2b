"""``[subprotocols]`` and ``[[subprotocol-rule]]``: what is asked of WebSockets' messages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from gateway.exchange.inspecting import SubprotocolRule, SubprotocolSettings
from gateway.net.settings import Limits
from gateway.ops import schema
from gateway.ops.config_policy import page_pattern, pattern
from gateway.ops.schema import Fault, Key, Table, Tables
from gateway.policy.patterns import Pattern
from gateway.websocket.rules import Mode, ValidationRules
from gateway.websocket.subprotocols.destinations import pattern_fault
from gateway.websocket.subprotocols.registry import KNOWN, WITH_DESTINATIONS

if TYPE_CHECKING:
    from gateway.websocket.subprotocols.schema import JsonSchema

MODES = tuple(mode.value for mode in Mode)
MODE = schema.choice(*MODES)
"""``off``, ``observe`` or ``enforce``; services have the same key."""


def _pages(value: Any) -> tuple[Pattern, ...]:
    if isinstance(value, list):
        return schema.list_of(page_pattern)(value)  # type: ignore[no-any-return]
    return (page_pattern(value),)


def _token(value: Any) -> str:
    found = schema.text(value)
    if not found.isascii() or not found.isprintable() or set(found) & set(' ",;'):
        raise Fault("the name of a subprotocol")
    return found


def _schema(value: Any) -> JsonSchema:
    # Only who has a schema waits for what reads it.
    from gateway.websocket.subprotocols.schema_compiler import (  # noqa: PLC0415
        Unusable,
        compile_schema,
    )

    name = schema.text(value)
    try:
        return compile_schema(Path(name).read_bytes(), name)
    except (OSError, ValueError) as error:
        said = str(error) if isinstance(error, Unusable) else type(error).__name__
        raise Fault(f"a file with a JSON Schema ({said})") from None


SUBPROTOCOLS = Table({"validation": Key(MODE, "off")})
RULES = Tables(
    Table(
        {
            "subprotocols": Key(schema.list_of(_token), ()),
            "from": Key(_pages, ()),
            "to": Key(pattern),
            "services": Key(schema.list_of(schema.text), ()),
            "validation": Key(MODE, "enforce"),
            "required": Key(schema.flag, default=False),
            "publish": Key(schema.list_of(schema.text)),
            "subscribe": Key(schema.list_of(schema.text)),
            "schema-from-client": Key(_schema),
            "schema-to-client": Key(_schema),
        }
    )
)


def read(values: dict[str, Any], reader: schema.Reader) -> SubprotocolSettings:
    """What the two tables say together; adds faults that no key has alone."""
    limits = Limits(**values["limits"])
    default = ValidationRules(
        Mode(values["subprotocols"]["validation"]),
        init_seconds=limits.subprotocol_init_seconds,
        ids=limits.subprotocol_ids,
        message_bytes=limits.websocket_message_bytes,
    )
    found = []
    services = {row["name"] for row in values["service"]}
    for number, row in enumerate(values["subprotocol_rule"], 1):
        _check(row, f"subprotocol-rule[{number}]", services, reader)
        rules = attrs.evolve(
            default,
            mode=Mode(row["validation"]),
            publish=row["publish"],
            subscribe=row["subscribe"],
            names=row["subprotocols"],
            from_client=row["schema_from_client"],
            to_client=row["schema_to_client"],
        )
        found.append(
            SubprotocolRule(
                rules,
                row["subprotocols"],
                row["from"],
                row["to"],
                row["services"],
                row["required"],
                row["where"],
            )
        )
    return SubprotocolSettings(default, tuple(found))


def _check(row: dict[str, Any], path: str, services: set[str], reader: schema.Reader) -> None:
    names = row["subprotocols"]
    for name in row["services"]:
        if name not in services:
            known = ", ".join(sorted(one for one in services if one)) or "none"
            expected = f"expected the name of a [[service]] (there is {known})"
            reader.fault(f"{path}.services", f'found "{name}", {expected}')
    if row["required"] and not names:
        reader.fault(f"{path}.required", "found true, expected subprotocols to be required")
    for key in ("publish", "subscribe"):
        if row[key] is None:
            continue
        if not names or not set(names) <= WITH_DESTINATIONS:
            known = ", ".join(sorted(WITH_DESTINATIONS))
            reader.fault(f"{path}.{key}", f"expected subprotocols of those that have it: {known}")
            continue
        for text in row[key]:
            wrong = {one for name in names if (one := pattern_fault(name, text))}
            if wrong:
                said = f"found {schema.show(text)}, where {' and '.join(sorted(wrong))}"
                reader.fault(f"{path}.{key}", said)


def warnings(settings: SubprotocolSettings) -> list[str]:
    """What protects less than it seems to."""
    found = []
    for rule in settings.rules:
        lists = rule.rules.publish is not None or rule.rules.subscribe is not None
        if lists and rule.rules.mode is not Mode.ENFORCE:
            found.append(
                f"{rule.where}: subprotocol-rule has lists of destinations and does not enforce them"
            )
        elif lists and not rule.required:
            found.append(
                f"{rule.where}: subprotocol-rule: a page can offer another subprotocol, or none, "
                "and so is not held to it (required = true)"
            )
        unknown = sorted(set(rule.subprotocols) - KNOWN)
        if unknown and rule.rules.mode is not Mode.OFF and not rule.rules.has_schema:
            found.append(f"{rule.where}: nothing is known of {', '.join(unknown)}: not looked into")
    return found
