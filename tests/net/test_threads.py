"""The threads in which large bodies are edited."""

from __future__ import annotations

import threading
import time
from typing import Any

from twisted.internet.defer import DeferredList, gatherResults
from twisted.trial.unittest import TestCase

from gateway.net.threads import Threads


class ThreadsTests(TestCase):
    """A few threads beside the reactor's own."""

    timeout = 20

    def make(self, count: int = 2) -> Threads:
        """Threads that end with the test."""
        from twisted.internet import reactor

        threads = Threads(reactor, count)
        self.addCleanup(threads.stop)
        return threads

    async def test_result(self) -> None:
        """Work is done elsewhere, its result comes here."""
        threads, seen = self.make(), []

        def work(one: int, two: int) -> int:
            seen.append(threading.get_ident())
            return one + two

        found = threads.run(work, 1, 2).addCallback(lambda sum_: (sum_, threading.get_ident()))
        self.assertEqual(await found, (3, threading.get_ident()))
        self.assertNotEqual(seen, [threading.get_ident()])

    async def test_error(self) -> None:
        """An error comes here as well, and the thread lives on."""
        threads = self.make(1)

        def work() -> None:
            raise ValueError("x")

        for _ in range(3):
            await self.assertFailure(threads.run(work), ValueError)
        self.assertEqual(await threads.run(lambda: 1), 1)

    async def test_no_more_than(self) -> None:
        """So many at a time; the rest waits its turn."""
        threads, now, most = self.make(2), 0, 0
        lock = threading.Lock()

        def work() -> None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.02)
            with lock:
                now -= 1

        await gatherResults([threads.run(work) for _ in range(8)])
        self.assertEqual((now, most), (0, 2))

    async def test_resize(self) -> None:
        """Another number, before the first work or while there is some."""
        for started in (False, True):
            threads = self.make(1)
            if started:
                await threads.run(lambda: None)
            threads.resize(2)
            both = threading.Barrier(2)
            await gatherResults([threads.run(both.wait, 10) for _ in range(2)])
            threads.resize(1)
            self.assertEqual(await threads.run(lambda: 1), 1)

    def test_none_before_the_first(self) -> None:
        """What is never used starts nothing."""
        before = threading.active_count()
        self.make(8)
        self.assertEqual(threading.active_count(), before)

    async def test_stop(self) -> None:
        """The threads end, with what they were doing; saying so twice is safe."""
        threads, done, before = self.make(), [], set(threading.enumerate())

        def work() -> None:
            time.sleep(0.05)
            done.append(1)

        waiting = threads.run(work)
        self.assertGreater(len(set(threading.enumerate()) - before), 0)
        threads.stop()
        threads.stop()
        self.assertEqual(done, [1])
        self.assertEqual(set(threading.enumerate()) - before, set())
        await DeferredList([waiting], consumeErrors=True)

    async def test_with_the_reactor(self) -> None:
        """They stop when the reactor does, and leave it alone when they stop before."""
        from twisted.internet import reactor

        class Triggers:
            running = True

            def __init__(self) -> None:
                self.added: list[Any] = []
                self.removed: list[Any] = []

            def addSystemEventTrigger(self, *given: Any) -> Any:
                self.added.append(given)
                return given

            def removeSystemEventTrigger(self, trigger: Any) -> None:
                self.removed.append(trigger)

            def __getattr__(self, name: str) -> Any:
                return getattr(reactor, name)

        triggers = Triggers()
        threads = Threads(triggers, 1)
        await threads.run(int)
        await threads.run(int)
        self.assertEqual(triggers.added, [("during", "shutdown", threads.stop)])
        threads.stop()
        self.assertEqual(triggers.removed, triggers.added)
