"""The operator's own JSON protocols: each message is judged by a JSON Schema.

What judging can cost is bounded, whatever the messages are: each application of a keyword
counts towards a bound, as do octets and depth of a message; ``schema_compiler`` does the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from gateway.websocket.subprotocols.base import (
    POLICY,
    Base,
    Direction,
    Message,
    broken,
    text_of,
)
from gateway.websocket.subprotocols.json_text import load

if TYPE_CHECKING:
    from gateway.websocket.rules import ValidationRules

MOST_BYTES, MOST_STEPS = 1024 * 1024, 20_000


class Endless(Exception):
    """A message needs more steps than one may."""


@attrs.define(eq=False)
class Budget:
    """How many steps are left of judging one message."""

    left: int = 0

    def spend(self, steps: int = 1) -> None:
        """Take some; raises ``Endless`` when there are none."""
        self.left -= steps
        if self.left < 0:
            raise Endless


@attrs.frozen(eq=False, repr=False)
class JsonSchema:
    """A schema, ready to judge; ``name`` is what an operator calls it."""

    name: str
    _validator: Any
    _budget: Budget

    def __repr__(self) -> str:
        """Its name alone."""
        return f"<JsonSchema {self.name}>"

    def judge(self, value: Any) -> str | None:
        """Which keyword a value breaks; None: it is as described.  Raises ``Broken``."""
        self._budget.left = MOST_STEPS
        try:
            error = next(self._validator.iter_errors(value), None)
        except (Endless, RecursionError):
            raise broken("schema-steps", "judging it takes too long", POLICY) from None
        except ArithmeticError:
            raise broken("schema", "a number out of all bounds", POLICY) from None
        return None if error is None else str(error.validator or "false")


class BySchema(Base):
    """Messages of one connection, each way by its schema; a way without one is open."""

    def __init__(self, rules: ValidationRules) -> None:
        """The rules have at least one."""
        self._schemas = {
            Direction.FROM_CLIENT: rules.from_client,
            Direction.TO_CLIENT: rules.to_client,
        }

    def read(self, message: Message, now: float) -> None:
        """Judge one message."""
        del now
        schema = self._schemas[message.direction]
        if schema is None:
            return
        if len(message.payload) > MOST_BYTES:
            raise broken("schema-size", "larger than what is judged", POLICY)
        keyword = schema.judge(load(text_of(message)))
        if keyword is not None:
            raise broken("schema", f"not as the schema says: {keyword}", POLICY)
