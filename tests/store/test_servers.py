"""The harness itself: each set-up starts, does what its tests rely on, and ends."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from typing import Any
from unittest import mock

import redis
import redis.asyncio
from twisted.internet import asyncioreactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.ops import is_listening, until
from tests.store import servers
from tests.store.servers import Cluster, Guarded, Setup, Single, Watched, private, shared


def _from_asyncio(work: Coroutine[Any, Any, Any]) -> Deferred[Any]:
    """Run it on the reactor's loop, which need not run yet when a test begins."""
    from twisted.internet import reactor

    return Deferred.fromFuture(reactor._asyncioEventloop.create_task(work))


class LifeTests(TestCase):
    """Servers that are killed, paused, and that end."""

    timeout = 60

    async def test_reactor(self) -> None:
        """The tests run on the asyncio reactor, so that redis.asyncio works inside of it."""
        from twisted.internet import reactor

        self.assertIsInstance(reactor, asyncioreactor.AsyncioSelectorReactor)
        setup = await shared(Single)

        async def ask() -> Any:
            async with redis.asyncio.from_url(setup.settings["url"]) as client:
                await client.set("a", b"1")
                return await client.get("a")

        self.assertEqual(await _from_asyncio(ask()), b"1")

    async def test_kill(self) -> None:
        """A server that was killed comes back on its port with what was acknowledged."""
        setup = await private(self, Single)
        server = setup.servers[0]
        for number in range(3):
            with server.admin() as client:
                client.set("a", number)
            server.kill()
            self.assertFalse(is_listening(server.port))
            await server.start()
            with server.admin() as client:
                self.assertEqual(client.get("a"), b"%d" % number)
                self.assertEqual(client.config_get("appendfsync")["appendfsync"], "always")

    async def test_pause(self) -> None:
        """A server that is paused accepts connections and answers nothing until it goes on."""
        setup = await private(self, Single)
        server = setup.servers[0]
        server.pause()
        client = redis.Redis(servers.HOST, server.port, socket_timeout=0.2, retry=servers.ONCE)
        with client, self.assertRaises(redis.TimeoutError):
            client.ping()
        server.resume()
        await until(server.answers)

    async def test_end(self) -> None:
        """After the end there is neither a process nor a folder, paused servers included."""
        setup = Single()
        await setup.start()
        server = setup.servers[0]
        process = server._process.pid
        server.pause()
        setup.stop()
        self.assertFalse(setup.folder.exists())
        self.assertRaises(ProcessLookupError, os.kill, process, 0)

    async def test_port_taken(self) -> None:
        """Where somebody took the port meanwhile the set-up takes another."""
        first = await private(self, Single)
        taken = first.servers[0].port
        wanted = [[taken], servers.free_ports(1)]
        with mock.patch.object(servers, "free_ports", lambda _: wanted.pop(0)):
            second = await private(self, Single)
        self.assertNotEqual(second.servers[0].port, taken)
        self.assertEqual(wanted, [])

    async def test_empty(self) -> None:
        """Each test finds the shared servers empty."""
        for kind in (Single, Guarded, Watched, Cluster):
            setup: Setup = await shared(kind)
            for server in setup.masters:
                with server.admin() as client:
                    key = next(f"k{n}" for n in range(99) if self._here(client, f"k{n}", kind))
                    client.set(key, "1", px=60_000)
            self.assertEqual(len(setup.lifetimes()), len(setup.masters))
            self.assertTrue(all(50_000 < left <= 60_000 for left in setup.lifetimes().values()))
            self.assertIs(await shared(kind), setup)
            self.assertEqual(setup.lifetimes(), {})

    def _here(self, client: Any, key: str, kind: type[Setup]) -> bool:
        if kind is not Cluster:
            return True
        try:
            client.get(key)
        except redis.ResponseError:
            return False
        return True


class KindTests(TestCase):
    """What each set-up promises."""

    timeout = 60

    async def test_guarded(self) -> None:
        """No plain text, no default user, no wrong password, and no administration."""
        setup = await shared(Guarded)
        port, ca = setup.servers[0].port, setup.settings["trust"][0]
        good = {"username": servers.USER, "password": servers.PASSWORD}
        for error, options in (
            (redis.ConnectionError, good),
            (redis.ConnectionError, {"ssl": True, **good}),
            (redis.AuthenticationError, {"ssl": True, "ssl_ca_certs": ca}),
            (
                redis.AuthenticationError,
                {"ssl": True, "ssl_ca_certs": ca, **good, "password": "wrong"},
            ),
        ):
            options = {"socket_timeout": 5, "retry": servers.ONCE, **options}
            with redis.Redis(servers.HOST, port, **options) as client:
                with self.assertRaises(error, msg=str(options)):
                    client.execute_command("PING")
        with redis.Redis(servers.HOST, port, ssl=True, ssl_ca_certs=ca, **good) as client:
            self.assertIsNone(client.execute_command("HGET", "gw:a", "b"))
            for refused in (
                ("FLUSHALL",),
                ("CONFIG", "GET", "*"),
                ("MGET", "gw:a"),
                ("HGET", "a", "b"),
            ):
                with self.assertRaises(redis.exceptions.NoPermissionError):
                    client.execute_command(*refused)

    async def test_watched(self) -> None:
        """Where the master dies the replica takes over, with what WAIT waited for."""
        setup = await private(self, Watched)
        self.assertIs(setup.current(), setup.master)
        with setup.master.admin() as client:
            client.set("a", "1")
        self.assertTrue(setup.replicated())
        setup.master.kill()
        await until(lambda: setup.current() is setup.replica)
        await until(lambda: setup.replica.role() == "master")
        with setup.replica.admin() as client:
            self.assertEqual(client.get("a"), b"1")
            client.set("a", "2")

    async def test_cluster(self) -> None:
        """Keys without a common tag are on several masters, and each master has its slots."""
        setup = await shared(Cluster)

        async def fill() -> None:
            hosts = [
                redis.asyncio.cluster.ClusterNode(servers.HOST, server.port)
                for server in setup.servers
            ]
            async with redis.asyncio.RedisCluster(startup_nodes=hosts) as client:
                for number in range(30):
                    await client.set(f"k{number}", "1")

        await _from_asyncio(fill())
        for server in setup.servers:
            with server.admin() as client:
                self.assertGreater(client.dbsize(), 0)
        self.assertEqual(len(setup.lifetimes()), 30)


class MissingTests(SynchronousTestCase):
    """A machine without the server."""

    timeout = 60

    def test_missing(self) -> None:
        """The error names Debian's package."""
        with mock.patch("shutil.which", lambda _: None):
            for name, package in (("redis-server", "redis-server"), ("redis-cli", "redis-tools")):
                error = self.assertRaises(FileNotFoundError, servers.program, name)
                self.assertIn(f"apt-get install {package}", str(error))
