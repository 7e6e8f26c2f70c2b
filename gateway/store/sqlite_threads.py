"""Threads with a SQLite connection each: jobs in, Deferreds out, many in one transaction."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.errors import StoreUnavailable

_T = TypeVar("_T")
_Job = tuple[Callable[[sqlite3.Connection], Any], "Deferred[Any]"]
_BATCH = 256


class Worker:
    """A thread with a connection that runs jobs, those that wait in one transaction."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], reactor: Any, name: str) -> None:
        """Make it; ``connect`` runs in the thread."""
        self._connect = connect
        self._reactor = reactor
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._closed = False
        self._ended: Deferred[None]

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, job: Callable[[sqlite3.Connection], _T]) -> Deferred[_T]:
        """Have a job done; its failure is ``StoreUnavailable``."""
        done: Deferred[_T] = Deferred()
        if self._closed:
            done.errback(Failure(StoreUnavailable("the store is closed")))
        else:
            self._jobs.put((job, done))
        return done

    def stop(self) -> Deferred[None]:
        """Run what was accepted, then end the thread."""
        ended: Deferred[None] = Deferred()
        if self._closed:
            ended.errback(Failure(StoreUnavailable("the store is closed")))
        else:
            self._closed = True
            self._ended = ended
            self._jobs.put(None)
        return ended

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        last = False
        while not last:
            batch: list[_Job] = []
            job = self._jobs.get()
            while job is not None:
                batch.append(job)
                if len(batch) == _BATCH:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            last = job is None
            if not batch:
                break
            try:
                # Without a connection nobody may wait for ever, and the next job tries again.
                connection = connection or self._connect()
                results = self._execute(connection, batch)
            except Exception as error:  # noqa: BLE001 (the thread must outlive every job)
                results = [Failure(StoreUnavailable(f"sqlite: {error}"))] * len(batch)
            self._reactor.callFromThread(_answer, batch, results)
        if connection is not None:
            connection.close()
        self._reactor.callFromThread(self._ended.callback, None)

    def _execute(self, connection: sqlite3.Connection, batch: list[_Job]) -> list[Any]:
        try:
            connection.execute("begin immediate")
            results = [job(connection) for job, _ in batch]
            connection.execute("commit")
        except Exception as error:  # noqa: BLE001 (the thread must outlive every job)
            if connection.in_transaction:
                connection.execute("rollback")
            if len(batch) > 1:
                # One job's fault must not be the others': each by itself.
                return [self._execute(connection, [job])[0] for job in batch]
            return [Failure(StoreUnavailable(f"sqlite: {error}"))]
        return results


class Reader(Worker):
    """The same for reads, which need no transaction of their own."""

    def _execute(self, connection: sqlite3.Connection, batch: list[_Job]) -> list[Any]:
        results: list[Any] = []
        for job, _ in batch:
            try:
                results.append(job(connection))
            except Exception as error:  # noqa: BLE001 (the same)
                results.append(Failure(StoreUnavailable(f"sqlite: {error}")))
        return results


def _answer(batch: list[_Job], results: list[Any]) -> None:
    for (_, done), result in zip(batch, results, strict=True):
        if isinstance(result, Failure):
            done.errback(result)
        else:
            done.callback(result)
