"""The loop between an exchange and what performs its needs."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import GatewayError, StoreUnavailable, UpstreamFault
from gateway.exchange.messages import NeedNow, NeedRandom, Refuse, refusal
from gateway.net.drive import drive

ENDING = Refuse(404, "x", "t")


class DriveTests(SynchronousTestCase):
    """Replies go in, errors are thrown in, the ending comes out."""

    timeout = 20

    def test_replies(self) -> None:
        """Each need is performed in its turn and its reply given back."""
        asked: list[Any] = []

        def exchange() -> Any:
            now = yield NeedNow()
            noise = yield NeedRandom(now)
            asked.append(noise)
            return ENDING

        async def perform(need: Any) -> object:
            asked.append(need)
            return 7 if isinstance(need, NeedNow) else b"noise"

        done = Deferred.fromCoroutine(drive(exchange(), perform))
        self.assertIs(self.successResultOf(done), ENDING)
        self.assertEqual(asked, [NeedNow(), NeedRandom(7), b"noise"])

    def test_no_needs(self) -> None:
        """An exchange may know its ending at once."""

        def exchange() -> Any:
            yield from ()
            return ENDING

        done = Deferred.fromCoroutine(drive(exchange(), None))  # type: ignore[arg-type]
        self.assertIs(self.successResultOf(done), ENDING)

    def test_errors_are_thrown_in(self) -> None:
        """The exchange decides what an error becomes, and may go on after it."""

        def exchange() -> Any:
            try:
                yield NeedNow()
            except StoreUnavailable:
                try:
                    yield NeedNow()
                except GatewayError as error:
                    return refusal(error)
            return None

        errors: list[GatewayError] = [UpstreamFault("two"), StoreUnavailable("one")]

        async def perform(need: Any) -> object:
            raise errors.pop()

        done = Deferred.fromCoroutine(drive(exchange(), perform))
        self.assertEqual(self.successResultOf(done).status, 502)

    def test_other_errors(self) -> None:
        """A bug and a cancellation are not the exchange's to see; it is closed."""
        for error in (ZeroDivisionError, CancelledError):
            ended = []

            def exchange() -> Any:
                try:
                    yield NeedNow()
                except Exception:
                    ended.append("seen")
                finally:
                    ended.append("closed")
                return ENDING

            async def perform(need: Any) -> object:
                raise error

            done = Deferred.fromCoroutine(drive(exchange(), perform))
            self.failureResultOf(done, error)
            self.assertEqual(ended, ["closed"])

    def test_unhandled_error(self) -> None:
        """An error that the exchange does not turn into an ending propagates."""

        def exchange() -> Any:
            yield NeedNow()
            return ENDING

        async def perform(need: Any) -> object:
            raise UpstreamFault("x")

        self.failureResultOf(Deferred.fromCoroutine(drive(exchange(), perform)), UpstreamFault)
