"""``[authentication]``: what it makes, and every fault in it."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import ConfigurationError
from gateway.ops.config import Config, parse_config
from gateway.policy.authentication import Authentication, JwtRules, OidcRules
from gateway.policy.lockout import Lockout, Rule
from tests.ops import Setup, temporary
from tests.policy.test_passwords import HASH


class ConfigTests(SynchronousTestCase):
    """Tables."""

    def setUp(self) -> None:
        """Files that are there."""
        self.setup = Setup(temporary(self))
        self.folder = self.setup.folder
        self.file("passwords", f"ada:{HASH}\n")
        self.file("secret", "s3cret\n")
        self.file("keys", "{}")

    def file(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Make one."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def parse(self, extra: str) -> Config:
        """Check a configuration; ``%`` stands for the folder."""
        self.setup.extra = extra.replace("%", str(self.folder))
        return parse_config(self.setup.text, "t.toml")

    def test_off(self) -> None:
        """Nobody is asked without the table."""
        config = self.parse("")
        self.assertIsNone(config.login.rules)
        self.assertEqual(config.warnings, ())

    def test_whole(self) -> None:
        """Every key lands where it belongs."""
        config = self.parse(
            """
[authentication]
realm = "House"
password-file = "%/passwords"
native = "open"
anonymous = "same-address"
session-seconds = 1
cache-seconds = 2
threads = 3
waiting = 4
[authentication.lockout]
free = 5
first-seconds = 6
bound-seconds = 7
address-free = 8
user-free = 9
forget-seconds = 10
known-seconds = 11
[authentication.jwt]
issuer = "i"
audience = "a"
jwks = "%/keys"
algorithms = ["ES384"]
user-claim = "email"
leeway-seconds = 0
fresh-seconds = 12
minimum-seconds = 13
[authentication.oidc]
issuer = "https://id.test/tenant"
client-id = "c"
client-secret-file = "%/secret"
scopes = ["openid", "email"]
user-claim = "email"
"""
        )
        login = config.login
        self.assertEqual(
            login.rules,
            Authentication(
                "House",
                basic=True,
                jwt=JwtRules("i", "a", ("ES384",), "email", 0),
                oidc=OidcRules(
                    "https://id.test/tenant", "c", ("openid", "email"), user_claim="email"
                ),
                native_open=True,
                anonymous_near=True,
                session_seconds=1,
                lockout=Lockout(Rule(5, 6, 7), Rule(8, 6, 7), 9, 10, 11),
            ),
        )
        numbers = (login.cache_seconds, login.threads, login.waiting)
        self.assertEqual(numbers, (2, 3, 4))
        self.assertEqual((login.keys_fresh_seconds, login.keys_minimum_seconds), (12, 13))
        self.assertEqual(login.client_secret, "s3cret")
        self.assertNotIn("s3cret", repr(config))
        self.assertEqual(len([one for one in config.warnings if "authentication" in one]), 2)

    def test_faults(self) -> None:
        """Each names its key; none quotes a secret."""
        self.file("open", f"ada:{HASH}\n", 0o644)
        self.file("bad", "ada:s3cret\n")
        self.file("empty", "")
        jwt = '[authentication.jwt]\nissuer = "i"\naudience = "a"\njwks = "%/keys"\n'
        oidc = '[authentication.oidc]\nissuer = "https://i.test"\nclient-id = "c"\n'
        table = {
            "[authentication]": "authentication: nobody could sign in",
            '[authentication]\nrealm = "x"': "authentication: nobody could sign in",
            "authentication = 1": "authentication: found 1, expected a table",
            '[authentication]\npassword-file = "%/none"': "authentication.password-file: found",
            '[authentication]\npassword-file = "%/open"': "mode is 0644",
            '[authentication]\npassword-file = "%/bad"': "line 1: expected an argon2id hash",
            '[authentication]\npassword-file = "a\\u0000b"': "authentication.password-file:",
            '[authentication]\npasword-file = "x"': 'did you mean "password-file"?',
            '[authentication]\nrealm = "a\\"b"\npassword-file = "%/passwords"': "printable ASCII",
            '[authentication]\nnative = "yes"\npassword-file = "%/passwords"': '"closed" or "open"',
            "[authentication.jwt]": "authentication.jwt.issuer: missing",
            '[authentication.jwt]\nissuer = "i"\naudience = "a"': "jwt.jwks: missing",
            jwt.replace("%/keys", "%/none"): "jwt.jwks: found",
            jwt.replace("%/keys", "http://id.test/"): 'expected an "https://" URL',
            jwt + 'algorithms = ["none"]': "jwt.algorithms: found",
            jwt + 'algorithms = ["HS256"]': "jwt.algorithms: found",
            jwt + "algorithms = []": "expected at least one",
            "[authentication.oidc]": "authentication.oidc.client-id: missing",
            oidc.replace("https", "http"): 'expected an "https://" URL',
            oidc + 'scopes = ["email"]': 'expected "openid" among them',
            oidc + 'scopes = ["openid x"]': "a scope's name",
            oidc + 'client-secret-file = "%/none"': "cannot be read",
            oidc + 'client-secret-file = "%/empty"': "without a secret",
        }
        for extra, wanted in table.items():
            if extra.startswith("authentication ="):
                self.setup.top, extra = extra, ""
            with self.assertRaises(ConfigurationError, msg=extra) as caught:
                self.parse(extra)
            self.setup.top = ""
            found = "\n".join(caught.exception.faults)
            self.assertIn(wanted.replace("%", str(self.folder)), found, extra)
            self.assertNotIn("s3cret", found)
            self.assertTrue(all(one.startswith("t.toml: ") for one in caught.exception.faults))
