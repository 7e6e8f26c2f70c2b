"""Which validator is for which name."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.rules import Mode, ValidationRules
from gateway.websocket.subprotocols.base import Both
from gateway.websocket.subprotocols.registry import KNOWN, WITH_DESTINATIONS, validator_for
from gateway.websocket.subprotocols.schema import BySchema
from gateway.websocket.subprotocols.schema_compiler import compile_schema


class RegistryTests(SynchronousTestCase):
    """Names as IANA and the projects have them."""

    def test_each_has_one_of_its_own(self) -> None:
        """A new one for each connection; names are case-sensitive."""
        for name in KNOWN:
            first, second = (validator_for(name, ValidationRules(Mode.ENFORCE)) for _ in "ab")
            self.assertIsNotNone(first, name)
            self.assertIsNot(first, second)
            self.assertIsNone(validator_for(name.upper(), ValidationRules(Mode.ENFORCE)))
        self.assertLess(WITH_DESTINATIONS, KNOWN | {"x"})

    def test_schemas(self) -> None:
        """Alone where nothing else is known, else behind what is; also without a subprotocol."""
        rules = ValidationRules(Mode.ENFORCE, from_client=compile_schema(b"{}", "x"))
        self.assertIsInstance(validator_for("app.v1", rules), BySchema)
        self.assertIsInstance(validator_for(None, rules), BySchema)
        self.assertIsInstance(validator_for("v12.stomp", rules), Both)
