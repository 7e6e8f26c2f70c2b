"""Which configuration keys there are, what each holds, and its default.

A schema is a tree of ``Table``, ``Tables`` (``[[...]]``) and ``Key``; reading a document
against it collects every fault instead of stopping at the first.
"""

from __future__ import annotations

import difflib
import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import attrs


class Fault(ValueError):
    """A value is not what its key holds; the text says what is expected."""


Check = Callable[[Any], Any]
_STRING = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"")


@attrs.frozen
class Key:
    """A leaf: ``check`` turns what TOML gives into the value, or raises ``Fault``."""

    check: Check
    default: Any = None
    required: bool = False


@attrs.frozen
class Table:
    """A table of named things."""

    entries: dict[str, Key | Table | Tables]


@attrs.frozen
class Tables:
    """An array of tables, each of the same shape."""

    each: Table


@attrs.define
class Reader:
    """Reads a document against a schema; ``faults`` are lines ready to print."""

    name: str
    text: str
    faults: list[str] = attrs.field(factory=list)

    def fault(self, path: str, what: str) -> None:
        """Add a fault at a key path."""
        line = f"{self.name}: {path}: {what}"
        self.faults.append("".join(char if char.isprintable() else "?" for char in line))

    def table(self, schema: Table, document: Any, path: str = "") -> dict[str, Any]:
        """Read one table; missing entries get their defaults."""
        if not isinstance(document, dict):
            self.fault(path, f"found {show(document)}, expected a table")
            document = {}
        for key in document:
            if key not in schema.entries:
                near = difflib.get_close_matches(key, schema.entries, 1, 0.6)
                hint = f' (did you mean "{near[0]}"?)' if near else ""
                known = ", ".join(sorted(schema.entries))
                self.fault(_join(path, key), f"unknown key, expected one of {known}{hint}")
        return {
            key.replace("-", "_"): self._entry(entry, document, key, _join(path, key))
            for key, entry in schema.entries.items()
        }

    def _entry(
        self, entry: Key | Table | Tables, document: dict[str, Any], key: str, path: str
    ) -> Any:
        if isinstance(entry, Table):
            return self.table(entry, document.get(key, {}), path)
        if isinstance(entry, Tables):
            return self._tables(entry, document.get(key, []), key, path)
        if key not in document:
            if entry.required:
                self.fault(path, "missing, it has no default")
            return entry.default
        try:
            return entry.check(document[key])
        except Fault as fault:
            self.fault(path, f"found {show(document[key])}, expected {fault}")
            return entry.default

    def _tables(self, entry: Tables, items: Any, key: str, path: str) -> list[dict[str, Any]]:
        if not isinstance(items, list):
            self.fault(path, f"found {show(items)}, expected [[{path}]] tables")
            return []
        rows = []
        lines = self._lines_of(path)
        for number, item in enumerate(items):
            row = self.table(entry.each, item, f"{path}[{number + 1}]")
            row["where"] = f"{self.name}:{lines[number]}" if number < len(lines) else self.name
            rows.append(row)
        del key
        return rows

    def _lines_of(self, path: str) -> list[int]:
        """The line numbers of the ``[[path]]`` headers, in order, or of ``path = [{...}]``."""
        lines = self.text.splitlines()
        found = [
            number
            for number, line in enumerate(lines, 1)
            if "".join(line.partition("#")[0].split()) == f"[[{path}]]"
        ]
        begins = (
            number
            for number, line in enumerate(lines)
            if "".join(line.partition("=")[:2]).replace(" ", "") == f"{path}="
        )
        for start in () if found else itertools.islice(begins, 1):
            for number, line in enumerate(lines[start:], start + 1):
                found += [number] * _STRING.sub("", line).partition("#")[0].count("{")
        return found


def show(value: Any) -> str:
    """A value as an error quotes it, short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def text(value: Any) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value:
        raise Fault("a text")
    return value


def flag(value: Any) -> bool:
    """A boolean."""
    if not isinstance(value, bool):
        raise Fault("true or false")
    return value


def number(low: int, high: int) -> Check:
    """A whole number within bounds."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Fault(f"a whole number from {low} to {high}")
        return value

    return check


def choice(*options: str) -> Check:
    """One of some texts."""

    def check(value: Any) -> str:
        if value not in options:
            raise Fault(" or ".join(f'"{option}"' for option in options))
        return str(value)

    return check


def list_of(each: Check) -> Check:
    """An array whose items each pass a check."""

    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Fault("an array")
        found = []
        for item in value:
            try:
                found.append(each(item))
            except Fault as fault:
                raise Fault(f"each item to be {fault}, but {show(item)} is not") from None
        return tuple(found)

    return check
