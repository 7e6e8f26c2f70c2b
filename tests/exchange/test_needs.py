"""What is asked for reports and logins shows nothing secret."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.exchange.messages import Connect
from gateway.exchange.needs import (
    Forward,
    Keep,
    Recall,
    Redeem,
    VerifyPassword,
)
from gateway.policy.transport import Transport
from gateway.session.login import Login
from tests.exchange import SITE
from tests.rewrite import origin

SECRET = "s3cret"


class NeedTests(SynchronousTestCase):
    """Needs are values that may get into a traceback."""

    def test_nothing_secret_is_shown(self) -> None:
        """No repr shows bodies, keys, names with passwords, codes or verifiers."""
        octets = SECRET.encode()
        connect = Connect(origin(SITE), Transport(), b"POST", octets, ())
        for value in (
            Forward(connect, octets),
            Recall(octets),
            Keep(octets, Login("somebody", 1)),
            VerifyPassword(SECRET, SECRET),
            Redeem(SECRET, SECRET, "https://gw.example/", SECRET),
        ):
            self.assertNotIn(SECRET, repr(value), type(value).__name__)
