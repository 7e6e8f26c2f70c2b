"""An operator's JSON Schema made ready: checked, its references followed, its keywords counted.

Regular expressions run in linear time (RE2), and references lead nowhere outside the file.
Imported only where there is a schema: jsonschema may bring large grammars of formats along.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import re2
from jsonschema import (
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    validators,
)
from jsonschema import Draft202012Validator as Newest
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, specification_with

from gateway.websocket.subprotocols.base import Broken
from gateway.websocket.subprotocols.json_text import load
from gateway.websocket.subprotocols.schema import Budget, JsonSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DIALECTS = {
    cls.META_SCHEMA.get("$id", cls.META_SCHEMA.get("id", "")).rstrip("#"): cls
    for cls in (Draft4Validator, Draft6Validator, Draft7Validator, Draft201909Validator, Newest)
}
_PROBES: tuple[Any, ...] = (None, True, 0, "", [], {}, [{}], {"": {}})
_DATA = frozenset({"enum", "const", "default", "examples"})
_EACH = frozenset({"items", "additionalItems", "contains", "propertyNames", "additionalProperties"})
_PAIRS = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_EACH_STEP, _PAIRS_STEP, _UNIQUE_STEP = 16, 1000, 64
"""How much of a message is one step: members that a keyword passes by, pairs that one compares,
and the characters that unique items are compared by.
"""


class Unusable(ValueError):
    """A schema cannot be used; the text says why."""


def compile_schema(source: bytes, name: str) -> JsonSchema:
    """Make a schema from a file's octets; raises ``Unusable``."""
    try:
        schema = load(source.decode("utf-8"))
    except (UnicodeDecodeError, Broken) as error:
        raise Unusable(f"not JSON: {error}") from None
    if not isinstance(schema, dict | bool):
        raise Unusable("expected an object or a boolean")
    wanted = schema.get("$schema") if isinstance(schema, dict) else None
    dialect = Newest if wanted is None else _DIALECTS.get(str(wanted).rstrip("#"))
    if dialect is None:
        raise Unusable("$schema: expected " + ", ".join(_DIALECTS))
    try:
        dialect.check_schema(schema)
    except SchemaError as error:
        where = "/".join(str(part) for part in error.absolute_path) or "the schema"
        raise Unusable(f"{where}: breaks {error.validator} of JSON Schema itself") from None
    except RecursionError:
        raise Unusable("nested too deep") from None
    _check_patterns(schema)
    registry = _check_references(schema, str(wanted) if wanted else None)
    budget = Budget()
    bounded = validators.extend(dialect, _bounded(dialect, budget))
    found = JsonSchema(name, bounded(schema, registry=registry), budget)
    for probe in _PROBES:
        try:
            found.judge(probe)
        except Broken:
            raise Unusable("its references lead in a circle") from None
    return found


def _walk(schema: Any) -> Iterator[dict[str, Any]]:
    """All objects of a schema that may be schemas."""
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(value for key, value in one.items() if key not in _DATA)
        elif isinstance(one, list):
            waiting.extend(one)


def _check_patterns(schema: Any) -> None:
    keys: set[str] = set()
    for one in _walk(schema):
        keys |= one.keys()
        several = one.get("patternProperties")
        patterns = list(several) if isinstance(several, dict) else []
        if isinstance(one.get("pattern"), str):
            patterns.append(one["pattern"])
        for pattern in patterns:
            try:
                _compiled(pattern)
            except re2.error:
                raise Unusable(
                    f"the pattern {pattern!r} is none of RE2, which has no look-around and no "
                    "back-references"
                ) from None
    if {"patternProperties", "unevaluatedProperties"} <= keys:
        raise Unusable("patternProperties beside unevaluatedProperties: not supported here")


def _check_references(schema: Any, dialect: str | None) -> Registry[Any]:
    """Follow every reference once; there is nothing to be had from outside."""
    specification = specification_with(dialect, default=DRAFT202012) if dialect else DRAFT202012
    resource = Resource.from_contents(schema, default_specification=specification)
    registry: Registry[Any] = Registry().with_resource(resource.id() or "", resource).crawl()
    waiting = [(resource, registry.resolver(resource.id() or ""))]
    try:
        while waiting:
            one, resolver = waiting.pop()
            if isinstance(one.contents, dict):
                for key in ("$ref", "$dynamicRef"):
                    target = one.contents.get(key)
                    if isinstance(target, str):
                        resolver.lookup(target)
            waiting += [(below, resolver.in_subresource(below)) for below in one.subresources()]
    except Unresolvable as error:
        raise Unusable(f"the reference {error.ref!r} leads to nothing in this file") from None
    return registry


_COMPILED: dict[str, Any] = {}


def _compiled(pattern: str) -> Any:
    found = _COMPILED.get(pattern)
    if found is None:
        options = re2.Options()
        options.log_errors = False
        found = _COMPILED[pattern] = re2.compile(pattern, options=options)
    return found


def _found(pattern: Any, text: str) -> bool:
    try:
        return pattern.search(text) is not None
    except UnicodeEncodeError:  # half a surrogate pair, which is no text
        return False


def _bounded(dialect: Any, budget: Budget) -> dict[str, Any]:
    """All keywords of a dialect, each counted, those that could take long made anew."""
    own: dict[str, Callable[..., Iterator[ValidationError]]] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": functools.partial(_unique_items, budget),
    }

    def counted(name: str, keyword: Callable[..., Any]) -> Callable[..., Iterator[ValidationError]]:
        def judged(
            validator: Any, value: Any, instance: Any, schema: Any
        ) -> Iterator[ValidationError]:
            budget.spend(1 + (len(value) // 8 if isinstance(value, list) else 0))
            if isinstance(instance, list | dict):
                budget.spend(_cost(name, value, len(instance)))
            yield from keyword(validator, value, instance, schema) or ()

        return judged

    return {
        name: counted(name, own.get(name, keyword))
        for name, keyword in dialect.VALIDATORS.items()
        if name != "format"
    }


def _cost(name: str, value: Any, members: int) -> int:
    """The steps that a keyword takes besides those of what it applies to its members."""
    if name in _PAIRS:
        return members * members // _PAIRS_STEP
    return members // _EACH_STEP if name in _EACH and isinstance(value, dict) else 0


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    del schema
    if validator.is_type(instance, "string") and not _found(_compiled(pattern), instance):
        yield ValidationError("does not match")


def _pattern_properties(
    validator: Any, patterns: dict[str, Any], instance: Any, schema: Any
) -> Iterator[ValidationError]:
    del schema
    if not validator.is_type(instance, "object"):
        return
    for pattern, below in patterns.items():
        compiled = _compiled(pattern)
        for key, value in instance.items():
            if _found(compiled, key):
                yield from validator.descend(value, below, path=key, schema_path=pattern)


def _additional_properties(
    validator: Any, below: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    known = schema.get("properties", {})
    patterns = [_compiled(pattern) for pattern in schema.get("patternProperties", {})]
    for key, value in instance.items():
        if key in known or any(_found(pattern, key) for pattern in patterns):
            continue
        if below is False:
            yield ValidationError("unexpected")
        else:
            yield from validator.descend(value, below, path=key)


def _unique_items(
    budget: Budget,
    validator: Any,
    wanted: object,
    instance: Any,
    schema: Any,
) -> Iterator[ValidationError]:
    del schema
    if wanted and validator.is_type(instance, "array"):
        seen = set()
        for one in instance:
            text = json.dumps(_plain(one), sort_keys=True)
            budget.spend(len(text) // _UNIQUE_STEP)
            seen.add(text)
        if len(seen) != len(instance):
            yield ValidationError("not unique")


def _plain(value: Any) -> Any:
    """A value in which equal numbers are the same."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
