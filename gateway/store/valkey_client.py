"""The client of a Valkey or Redis, and its pipelines: what waits together goes out together."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from typing import Any

import attrs
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError

from gateway.store.interface import STALE_DAYS
from gateway.store.valkey_scripts import Script

Command = tuple[Any, ...]
"""What is sent: a command and its arguments; or a ``Script``, its number of keys, the rest."""
_BATCH = 128
_PIPELINES = 4


@attrs.frozen
class ValkeySettings:
    """Where the store is.

    ``url``: ``redis://[user@]host:port[/db]`` or ``rediss://...``; of sentinels and of a
    cluster several ``host:port``, separated by commas.  ``mode``: ``single``,
    ``sentinel`` (``service`` is the master's name) or ``cluster``.  ``trust``: files of
    CA certificates for ``rediss``, the system's if there is none.  ``timeout``: seconds
    of one operation, reconnecting included.  ``replicas``: how many replicas must have a
    commit before it is acknowledged (not with a cluster).  ``stale_days``: a bucket that
    nobody touched for so long ends by itself.
    """

    url: str
    mode: str = "single"
    service: str = ""
    user: str = ""
    password: str = attrs.field(default="", repr=False)
    trust: tuple[str, ...] = ()
    timeout: float = 5
    replicas: int = 0
    stale_days: int = STALE_DAYS

    @property
    def secure(self) -> bool:
        """Whether it is reached over TLS."""
        return self.url.startswith("rediss://")

    @property
    def _parts(self) -> tuple[str, list[tuple[str, int]], int]:
        """User, addresses and database of the URL; raises ``ValueError``."""
        _, _, rest = self.url.partition("://")
        place, _, database = rest.partition("/")
        user, at, addresses = place.rpartition("@")
        found = []
        for address in addresses.split(","):
            host, _, port = address.rpartition(":")
            found.append((host.strip("[]"), int(port)) if host else (port.strip("[]"), 6379))
        return (user if at else ""), found, int(database or "0")

    @property
    def name(self) -> str:
        """Its addresses, for messages: nothing secret."""
        _, addresses, _ = self._parts
        return "valkey " + ",".join(f"{host}:{port}" for host, port in addresses)

    def client(self) -> Redis | RedisCluster:
        """A client, not connected yet; raises ``OSError`` for a CA file that cannot be read."""
        user, addresses, database = self._parts
        options: dict[str, Any] = {
            "username": self.user or user or None,
            "password": self.password or None,
            "socket_timeout": self.timeout,
            "socket_connect_timeout": self.timeout,
            "protocol": 2,
        }
        if self.secure:
            options |= {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
            if self.trust:
                files = [Path(one).read_text("ascii") for one in self.trust]
                options["ssl_ca_data"] = "\n".join(files)
        once = Retry(NoBackoff(), 0)
        if self.mode == "cluster":
            nodes = [ClusterNode(host, port) for host, port in addresses]
            return RedisCluster(startup_nodes=nodes, retry=once, **options)
        options |= {"db": database, "retry": once}
        if self.mode == "sentinel":
            alone = {key: value for key, value in options.items() if key != "db"}
            sentinels = Sentinel(addresses, sentinel_kwargs=alone, **options)
            master: Redis = sentinels.master_for(self.service)
            return master
        host, port = addresses[0]
        return Redis(host=host, port=port, **options)


class TooFewReplicas(Exception):
    """The replicas that a batch was to wait for do not have it in time."""


class Pipelines:
    """Commands in, futures out: what waits together goes out together.

    ``replicas``: each batch waits for so many, for ``wait`` seconds at most.
    """

    def __init__(self, client: Redis | RedisCluster, *, replicas: int = 0, wait: float = 0) -> None:
        """Send by this client."""
        self._replicas = replicas
        self._wait = int(wait * 1000)
        self._client = client
        self._waiting: deque[tuple[list[Command], asyncio.Future[list[Any]]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    def submit(self, commands: list[Command]) -> asyncio.Future[list[Any]]:
        """Send some commands in one pipeline, in order; errors are among the results."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((commands, done))
        if len(self._running) < _PIPELINES:
            task = asyncio.create_task(self._run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return done

    async def _run(self) -> None:
        while self._waiting:
            batch: list[tuple[list[Command], asyncio.Future[list[Any]]]] = []
            while self._waiting and len(batch) < _BATCH:
                entry = self._waiting.popleft()
                # Who has given up must not be obeyed later.
                if not entry[1].done():
                    batch.append(entry)
            if not batch:
                break
            commands = [command for some, _ in batch for command in some]
            try:
                results = await self._send(commands)
            except Exception as error:  # noqa: BLE001 (whatever it is, nobody may wait for ever)
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
                continue
            at = 0
            for some, done in batch:
                if not done.done():
                    done.set_result(results[at : at + len(some)])
                at += len(some)

    async def _send(self, commands: list[Command], *, by_text: bool = False) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            first = command[0]
            if not isinstance(first, Script):
                pipeline.execute_command(*command)
            elif by_text:
                pipeline.execute_command("EVAL", first.text, *command[1:])
            else:
                pipeline.execute_command("EVALSHA", first.digest, *command[1:])
        if self._replicas:
            pipeline.execute_command("WAIT", self._replicas, self._wait)
        results: list[Any] = await pipeline.execute(raise_on_error=False)
        if self._replicas:
            have = results.pop()
            if not isinstance(have, int):
                raise TooFewReplicas(f"not known how many of {self._replicas} have it") from have
            if have < self._replicas:
                raise TooFewReplicas(f"{have} replicas of {self._replicas}")
        missing = [at for at, result in enumerate(results) if isinstance(result, NoScriptError)]
        if missing:
            # A server that is new knows them after this.
            again = await self._send([commands[at] for at in missing], by_text=True)
            for at, result in zip(missing, again, strict=True):
                results[at] = result
        return results

    async def stop(self) -> None:
        """Wait for what is under way."""
        while self._running:
            await asyncio.wait(self._running)
