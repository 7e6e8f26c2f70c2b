"""From settings to the shell."""

from __future__ import annotations

import json
from typing import Any

import attrs
from twisted.trial.unittest import TestCase

from gateway.errors import ConfigurationError
from gateway.exchange.needs import VerifyToken
from gateway.net.telemetry import Silent
from gateway.ops.config import parse_config
from gateway.ops.login import open_logins
from gateway.policy.authentication import Bearer
from tests.ops import Setup, temporary
from tests.policy.test_jwt import NOW, RSA, public, token


class OpenTests(TestCase):
    """What a configuration makes of it."""

    def config(self, extra: str) -> Any:
        """A checked configuration."""
        setup = Setup(temporary(self))
        setup.extra = extra
        return parse_config(setup.text, "test.toml")

    async def test_key_file(self) -> None:
        """Keys of tokens from a file; without the table, no tokens."""
        from twisted.internet import reactor

        path = temporary(self) / "keys.json"
        path.write_text(json.dumps({"keys": [public(RSA, "RS256")]}))
        table = (
            '[authentication.jwt]\nissuer = "https://id.test"\naudience = "gateway"\n'
            f'jwks = "{path}"\n'
        )
        need = VerifyToken(Bearer(token()))
        opened = open_logins(self.config(table), reactor, None, Silent())  # type: ignore[arg-type]
        opened.clock = lambda: NOW
        found = await opened.perform(need)
        self.assertEqual(found.user, "ada")  # type: ignore[attr-defined]
        plain = open_logins(self.config(""), reactor, None, Silent())  # type: ignore[arg-type]
        self.assertIsInstance(await plain.perform(need), str)

    def test_gone_meanwhile(self) -> None:
        """A password file that is bad by now stops the start."""
        config = self.config("")
        login = attrs.evolve(config.login, password_file=temporary(self) / "none")
        with self.assertRaises(ConfigurationError):
            open_logins(attrs.evolve(config, login=login), None, None, Silent())  # type: ignore[arg-type]
