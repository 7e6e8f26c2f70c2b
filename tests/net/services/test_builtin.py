"""Built-in backends: pace and bounds through a whole gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.services.builtin import EchoLeg
from gateway.websocket.closing import Ending
from tests.net.raw import until
from tests.net.services import ServiceCase

if TYPE_CHECKING:
    from gateway.net.relay import Relay


class _Relay:
    """Remembers what a leg tells."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def received(self, leg: Any, payload: bytes, *, binary: bool) -> None:
        self.told.append((payload, binary))

    def congested(self, leg: Any) -> None:
        self.told.append("congested")

    def relieved(self, leg: Any) -> None:
        self.told.append("relieved")

    def closed(self, leg: Any, code: int | None, reason: str, *, was_clean: bool) -> None:
        self.told.append((code, reason, was_clean))


class LegTests(SynchronousTestCase):
    """By itself."""

    def test_pace(self) -> None:
        """What cannot be said is not heard: the client's reading stops with its writing."""
        leg, relay = EchoLeg(Clock()), _Relay()
        leg.attach(cast("Relay", relay))
        for step in (leg.pause, leg.pause, leg.resume, leg.resume):
            step()
        self.assertEqual(relay.told, ["congested", "relieved"])

    def test_end(self) -> None:
        """It is told later, and once; nothing is said after it."""
        clock, relay = Clock(), _Relay()
        leg = EchoLeg(clock)
        leg.attach(cast("Relay", relay))
        leg.send(b"x", binary=True)
        leg.end(Ending(1000, "bye"))
        leg.end(Ending(drop=True))
        leg.send(b"y", binary=True)
        self.assertEqual(relay.told, [(b"x", True)])
        clock.advance(1)
        self.assertEqual(relay.told[1:], [(1000, "bye", True)])

    def test_ended_before(self) -> None:
        """One that was dropped before it had a relay says so then."""
        leg, relay = EchoLeg(Clock()), _Relay()
        leg.end(Ending(1001))
        leg.attach(cast("Relay", relay))
        self.assertEqual(relay.told, [(None, "", False)])


class EchoTests(ServiceCase):
    """A client that does not read is not read either."""

    async def test_pace(self) -> None:
        """What waits is bounded, and all of it comes in the end."""
        gateway = await self.with_service("echo:")
        client = await self.open(gateway)
        client.stop_reading()
        client.flood(400)
        await until(lambda: client.congested)
        self.assertLess(client.sent, 20 * 2**20)
        client.read_on()
        await until(lambda: client.received == 400 * 65536, 15)

    async def test_drain(self) -> None:
        """The client is told 1001."""
        gateway = await self.with_service("echo:", drain_websocket_seconds=0.01)
        client = await self.open(gateway)
        await gateway.service.sockets.drain()
        await until(lambda: client.ended)
        self.assertEqual(client.code, 1001)
