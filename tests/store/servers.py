"""Real servers for the tests of ``gateway.store.valkey``: on loopback, in folders that go.

- ``Single``: one server that syncs every write to the disk.
- ``Guarded``: TLS only, and a user with no more rights than ``RIGHTS``.
- ``Watched``: a master, its replica, and a sentinel that decides alone and fast.
- ``Cluster``: three masters.

A server ends with the test that owns it, with the process at the latest (``shared`` ones),
and with a process that was killed (``setpriv``).  Ports are taken below those that systems
hand out by themselves, so that a server that was killed finds its own free again.
"""

from __future__ import annotations

import atexit
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway.demo.ca import LocalCa
from tests.ops import until
from tests.ports import HOST, free_ports

SERVICE = "jar"
USER, PASSWORD = "gateway", "a-password-that-nobody-may-see"
# Every command that the store sends by itself or from a script: an operator's ACL line.
COMMANDS = (
    "eval", "evalsha", "scan", "get", "set", "del", "expire", "pexpire",
    "hget", "hgetall", "hkeys", "hset", "hdel", "hexists", "hincrby", "hlen", "hmget",
    "zadd", "zcard", "zpopmin", "zrangebyscore", "zrem",
)  # fmt: skip
KEYS = "gw:*"
_ATTEMPTS = 5
ONCE = Retry(NoBackoff(), 0)
_BASICS = (
    f"bind {HOST}", "protected-mode no", "daemonize no", 'save ""', "appendonly yes",
    "appendfsync always", "auto-aof-rewrite-percentage 0", "repl-diskless-sync-delay 0",
    "repl-ping-replica-period 1", "latency-tracking no",
)  # fmt: skip


class PortTaken(Exception):
    """Somebody was faster; other ports will do."""


def program(name: str) -> str:
    """Where a program of Debian's is; tests that need it fail where it is missing."""
    packages = {"redis-cli": "redis-tools", "setpriv": "util-linux"}
    found = shutil.which(name)
    if found is None:
        package = packages.get(name, name)
        raise FileNotFoundError(f"{name} is missing: apt-get install {package} (Debian)")
    return found


class Server:
    """One process; ``start`` it again after ``kill``: folder and port stay."""

    def __init__(self, folder: Path, port: int, *lines: str, **client: Any) -> None:
        """Write the configuration; ``client`` is how the harness connects."""
        self.folder, self.port = folder, port
        self._client = client
        self._process: subprocess.Popen[bytes] | None = None
        self._sentinel = any(line.startswith("sentinel ") for line in lines)
        folder.mkdir(parents=True)
        self._log = folder / "log"
        basics = _BASICS[:3] if self._sentinel else _BASICS
        listen = () if client.get("ssl") else (f"port {port}",)
        where = (f"dir {folder}", f"logfile {self._log}")
        self._config = folder / "redis.conf"
        self._config.write_text("\n".join((*basics, *where, *listen, *lines, "")))

    @property
    def address(self) -> str:
        """Host and port, as they stand in a URL."""
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> str:
        """What the server wrote, for the message of a test that fails."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    @contextmanager
    def admin(self) -> Iterator[Any]:
        """A connection of the harness's own, with all rights; blocking."""
        client = redis.Redis(HOST, self.port, socket_timeout=10, retry=ONCE, **self._client)
        with client:
            yield client

    def info(self, section: str) -> dict[str, Any]:
        """One section of INFO."""
        with self.admin() as client:
            found: dict[str, Any] = client.info(section)
        return found

    def role(self) -> str:
        """What it takes itself for; nothing while it cannot say (a failover ends connections)."""
        try:
            return str(self.info("replication")["role"])
        except redis.ConnectionError:
            return ""

    def connections(self) -> list[dict[str, str]]:
        """Those of clients: not the harness's own, not a sentinel's, not a replica's."""
        with self.admin() as client:
            own, found = str(client.client_id()), client.client_list(_type="normal")
        return [
            one for one in found if one["id"] != own and not one["name"].startswith("sentinel-")
        ]

    def answers(self) -> bool:
        """Whether it accepts commands by now; an error if it ended."""
        if self._process is None or self._process.poll() is not None:
            if "Address already in use" in self.log:
                raise PortTaken(self.address)
            raise AssertionError(f"redis-server ended by itself:\n{self.log[-2000:]}")
        try:
            with self.admin() as client:
                client.ping()
                # Another server may have been faster, and answers on our port.
                return bool(client.info("server")["process_id"] == self._process.pid)
        except (redis.ConnectionError, redis.TimeoutError):  # also while it loads its data
            return False

    def launch(self) -> None:
        """Start the process, and do not wait for it."""
        command = [program("setpriv"), "--pdeathsig", "KILL", program("redis-server")]
        mode = ["--sentinel"] if self._sentinel else []
        self._process = subprocess.Popen(
            [*command, str(self._config), *mode],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        await until(self.answers)

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone; stopped ones too."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def pause(self) -> None:
        """Let it answer nothing, connections staying open."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)


class Setup:
    """Some servers and the settings by which a store reaches them."""

    ports: ClassVar[int] = 1
    servers: list[Server]

    def __init__(self) -> None:
        """Nothing runs yet."""
        self.servers = []
        self.folder = Path()

    async def start(self) -> None:
        """Start all, on other ports if somebody took one meanwhile."""
        for attempt in range(_ATTEMPTS):
            self.folder = Path(tempfile.mkdtemp(prefix="gateway-valkey-"))
            try:
                await self.begin(free_ports(self.ports))
            except BaseException as error:
                self.stop()
                if not isinstance(error, PortTaken) or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    async def begin(self, ports: list[int]) -> None:
        """Make and start the servers in ``self.folder``."""
        raise NotImplementedError

    def add(self, port: int, *lines: str, **client: Any) -> Server:
        """Make a server that ends with this set-up; not started."""
        server = Server(self.folder / str(port), port, *lines, **client)
        self.servers.append(server)
        return server

    def stop(self) -> None:
        """End all and remove what they wrote."""
        for server in self.servers:
            server.kill()
        self.servers = []
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments of ``ValkeySettings``."""
        raise NotImplementedError

    @property
    def masters(self) -> list[Server]:
        """The servers that hold keys and accept writes."""
        return self.servers

    def empty(self) -> None:
        """Delete all keys and forget all scripts and statistics."""
        for server in self.masters:
            with server.admin() as client:
                client.flushall()
                client.script_flush()
                client.config_resetstat()

    def lifetimes(self) -> dict[bytes, int]:
        """All keys of all masters (of database 0) and their TTL in milliseconds, -1 for none."""
        found = {}
        for server in self.masters:
            with server.admin() as client:
                for key in client.scan_iter(count=1000):
                    found[key] = client.pttl(key)
        return found


class Single(Setup):
    """One server."""

    async def begin(self, ports: list[int]) -> None:
        """Start it."""
        await self.add(ports[0]).start()

    @property
    def settings(self) -> dict[str, Any]:
        """See ``Setup.settings``."""
        return {"url": f"redis://{self.servers[0].address}/0"}


class Guarded(Setup):
    """One server with TLS, where the gateway's user may do what it must and nothing else."""

    async def begin(self, ports: list[int]) -> None:
        """Issue the certificate, write the users, start it."""
        self.ca = LocalCa(self.folder / "ca")
        issued = self.ca.issue("valkey", (HOST,))
        secret = secrets.token_hex(16)
        rights = " ".join(f"+{command}" for command in COMMANDS)
        server = self.add(
            ports[0],
            "port 0",
            f"tls-port {ports[0]}",
            f"tls-cert-file {issued.certificate}",
            f"tls-key-file {issued.key}",
            f"tls-ca-cert-file {self.ca.certificate_file}",
            "tls-auth-clients no",
            "user default off resetpass -@all",
            f"user {USER} on >{PASSWORD} resetchannels resetkeys ~{KEYS} -@all {rights}",
            f"user harness on >{secret} ~* &* +@all",
            ssl=True,
            ssl_ca_certs=str(self.ca.certificate_file),
            username="harness",
            password=secret,
        )
        await server.start()

    @property
    def settings(self) -> dict[str, Any]:
        """See ``Setup.settings``."""
        return {
            "url": f"rediss://{self.servers[0].address}/0",
            "user": USER,
            "password": PASSWORD,
            "trust": (str(self.ca.certificate_file),),
        }


class Watched(Setup):
    """A master, a replica, and one sentinel whose word is enough."""

    ports = 3

    async def begin(self, ports: list[int]) -> None:
        """Start them in the order in which they find each other at once."""
        self.master = self.add(ports[0])
        self.replica = self.add(ports[1], f"replicaof {HOST} {ports[0]}")
        self.sentinel = self.add(
            ports[2],
            f"sentinel monitor {SERVICE} {HOST} {ports[0]} 1",
            f"sentinel down-after-milliseconds {SERVICE} 500",
            f"sentinel failover-timeout {SERVICE} 3000",
        )
        await self.master.start()
        await self.replica.start()
        await until(lambda: self.replica.info("replication")["master_link_status"] == "up")
        await self.sentinel.start()
        await until(self.complete)

    def complete(self) -> bool:
        """Whether the sentinel knows of a replica that could take over."""
        with self.sentinel.admin() as client:
            # Asked raw: redis-py's own parser stumbles over a replica not yet known well.
            found = client.sentinel_slaves(SERVICE)
        usable = [
            one for one in found if one.get("master-link-status") == "ok" and not one["is_sdown"]
        ]
        return len(usable) == 1

    def current(self) -> Server:
        """The server that the sentinel calls master now."""
        with self.sentinel.admin() as client:
            address = client.sentinel_get_master_addr_by_name(SERVICE)
        port = int(address[1])
        return next(server for server in self.servers if server.port == port)

    def replicated(self) -> bool:
        """Whether everything that was written before is at the replica too."""
        with self.master.admin() as client, client.client() as one:
            one.set("harness", secrets.token_hex(4), ex=60)
            return bool(one.wait(1, 5000) >= 1)

    @property
    def masters(self) -> list[Server]:
        """See ``Setup.masters``."""
        return [self.current()]

    @property
    def settings(self) -> dict[str, Any]:
        """See ``Setup.settings``."""
        url = f"redis://{self.sentinel.address}/0"
        return {"url": url, "mode": "sentinel", "service": SERVICE}


class Cluster(Setup):
    """Three masters that share the slots; one that is away takes only its own with it."""

    ports = 6

    async def begin(self, ports: list[int]) -> None:
        """Start three servers and make a cluster of them."""
        for port, bus in zip(ports[:3], ports[3:], strict=True):
            server = self.add(
                port,
                "cluster-enabled yes",
                f"cluster-port {bus}",
                "cluster-node-timeout 2000",
                "cluster-require-full-coverage no",
            )
            await server.start()
        addresses = [server.address for server in self.servers]
        self.command("create", *addresses, "--cluster-yes")
        await until(lambda: all(map(self.complete, self.servers)))

    def move(self, slot: int, source: Server, goal: Server) -> None:
        """Hand a slot with its keys from one master to another."""
        names = []
        for server in (source, goal):
            with server.admin() as client:
                names.append(client.execute_command("CLUSTER", "MYID").decode())
        self._assign(goal, slot, "IMPORTING", names[0])
        self._assign(source, slot, "MIGRATING", names[1])
        with source.admin() as client:
            keys = client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1_000_000)
            if keys:
                where = (HOST, goal.port, "", 0, 10_000)
                client.execute_command("MIGRATE", *where, "KEYS", *keys)
        for server in (goal, source, *self.servers):
            self._assign(server, slot, "NODE", names[1])

    @staticmethod
    def _assign(server: Server, slot: int, *state: str) -> None:
        with server.admin() as client:
            client.execute_command("CLUSTER", "SETSLOT", slot, *state)

    def command(self, *arguments: str) -> str:
        """``redis-cli --cluster``."""
        done = subprocess.run(
            [program("redis-cli"), "--cluster", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"redis-cli --cluster {arguments[0]}:\n{done.stdout[-2000:]}")
        return done.stdout

    @staticmethod
    def complete(server: Server) -> bool:
        """Whether a server sees all slots served."""
        with server.admin() as client:
            found = client.execute_command("CLUSTER", "INFO")
        text = found.decode() if isinstance(found, bytes) else str(found)
        for wanted in ("cluster_state", "cluster_slots_ok", "cluster_known_nodes"):
            if wanted not in text:
                raise AssertionError(text)
        values = found if isinstance(found, dict) else _fields(text)
        return (
            values["cluster_state"] == "ok"
            and int(values["cluster_slots_ok"]) == 16384
            and int(values["cluster_known_nodes"]) == 3
        )

    @property
    def settings(self) -> dict[str, Any]:
        """See ``Setup.settings``."""
        hosts = ",".join(server.address for server in self.servers)
        return {"url": f"redis://{hosts}/0", "mode": "cluster"}


def _fields(text: str) -> dict[str, str]:
    pairs = (line.strip().partition(":") for line in text.splitlines())
    return {name: value for name, _, value in pairs}


_S = TypeVar("_S", bound=Setup)
_shared: dict[type[Setup], Setup] = {}


async def shared(kind: type[_S]) -> _S:
    """One of a kind for all tests that leave it running; emptied now."""
    setup = _shared.get(kind)
    if setup is None:
        setup = kind()
        await setup.start()
        _shared[kind] = setup
        atexit.register(setup.stop)
    setup.empty()
    assert isinstance(setup, kind)
    return setup


async def private(case: Any, kind: type[_S]) -> _S:
    """One of a kind for a test that does something to it; gone after the test."""
    setup = kind()
    case.addCleanup(setup.stop)
    await setup.start()
    return setup
