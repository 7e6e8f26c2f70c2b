"""Rules brought over from another system's file, and how they are written as TOML.

``cordova`` and ``ats`` read; what has no equivalent here is a note, never dropped.  Every
rule that is written was parsed first, so that a configuration takes it.
"""

from __future__ import annotations

import json
import re
import reprlib

import attrs

from gateway.policy.intents import parse_intent
from gateway.policy.patterns import parse_pattern

LARGEST = 1 << 20
"""Octets of a source; a real one has a few thousand."""

Value = str | bool


class Unreadable(ValueError):
    """The source cannot be read at all; the text says why."""


@attrs.frozen
class Entry:
    """One table to write; ``values`` in order, ``about`` where it is from."""

    table: str
    values: tuple[tuple[str, Value], ...]
    about: str = ""


@attrs.define
class Imported:
    """What was found: rules, each once, and notes about what is not or differs."""

    title: str = ""
    entries: list[Entry] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)

    def add(self, table: str, about: str, values: dict[str, Value]) -> bool:
        """Add a rule unless it is there; a pattern that is none here becomes a note."""
        first = next(iter(values.values()))
        try:
            if table == "allow-intent":
                parse_intent(str(first))
            else:
                _check_web(str(first))
        except ValueError as error:
            self.note(f"{about}: left out: {error}")
            return False
        entry = Entry(table, tuple(values.items()), about)
        if all((one.table, one.values) != (entry.table, entry.values) for one in self.entries):
            self.entries.append(entry)
        return True

    def note(self, text: str) -> None:
        """Add a note, once, as one printable line."""
        line = one_line(text)
        if line not in self.notes:
            self.notes.append(line)

    def toml(self) -> str:
        """The rules and, as comments, the notes: to append to a configuration."""
        lines = [f"# {one_line(self.title)}"]
        lines += [f"# note: {note}" for note in self.notes]
        for entry in self.entries:
            lines += ["", f"# {one_line(entry.about)}", f"[[{entry.table}]]"]
            lines += [f"{key} = {_literal(value)}" for key, value in entry.values]
        return "\n".join(lines) + "\n"


_SCHEME = re.compile(r"([A-Za-z][A-Za-z+-]*):")
_WEB = frozenset({"http", "https", "ws", "wss"})


def _check_web(text: str) -> None:
    """Raise ``ValueError`` unless a pattern is one of requests, read as its author's system does.

    There "data:*" is a scheme; ``parse_pattern`` would take it for a host and its port.
    """
    scheme = _SCHEME.match(text)
    if scheme is not None and scheme[1].lower() not in _WEB:
        raise ValueError(f"{scheme[1]}: is no scheme that the gateway fetches")
    parse_pattern(text)


def one_line(text: str) -> str:
    """Text as a comment and a terminal can show it."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


# A plist may name one list many times over: its whole repr would grow with a power of that.
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 3, 60, 60


def shown(value: object) -> str:
    """A value from a source as a note quotes it, short."""
    text = _SHORT.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
