"""Three processes on one store behind one port: no acknowledged cookie is lost by any kill.

The store is a parameter: a class that mixes in ``ManyProcesses`` and says with ``store`` what
stands in its ``[store]`` table runs all of this on another one (``SqliteTests``, ``ValkeyTests``).
"""

from __future__ import annotations

import collections
import contextlib
import http.client
import random
import socket
import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.origins import Origin, collapse
from tests.ops import DOMAIN, temporary
from tests.ports import free_ports
from tests.processes import LONG, PATIENCE, SITE, UNLIMITED, Answer, Gateways, Member, Person, until

SEED = 20_240_811
LANES, NAMES = 8, 4
TOGETHER = 24
KILLED_TOGETHER = (1, 1, 2, 1, 3, 1, 2)
"""How many processes die in each round: eleven kills in all."""
HOSTS = ("one", "two", "three")
DELETED = "; Path=/; Max-Age=0"
QUIET_CODES = {"access.http", "config.dangerous", "session.not-attested", "gateway.ready", None}

Change = dict[str, str | None]
World = dict[str, str]


def apply(change: Change, world: World) -> World:
    """The cookies after a change; None deletes."""
    return {name: value for name, value in {**world, **change}.items() if value is not None}


@attrs.define
class Knowledge:
    """What the cookies of one lane may be by now.

    A change whose answer never came is done as a whole or not at all.  A store behind a
    connection may do it still, until the version of the bucket has moved.
    """

    worlds: list[World] = attrs.field(factory=lambda: [{}])
    _unknown: list[Change] = attrs.field(factory=list)

    def acknowledged(self, change: Change) -> None:
        """It was done; one that sets something has moved the version."""
        if any(change.values()):
            self._unknown = []
        self._set([apply(change, world) for world in self.worlds])

    def unanswered(self, change: Change) -> None:
        """It may have been done."""
        self._unknown.append(change)
        self._set(self.worlds)

    def saw(self, world: World) -> bool:
        """Whether these cookies are right; what they say is known from now on."""
        right = world in self.worlds
        if right:
            self._set([world])
        return right

    def _set(self, worlds: list[World]) -> None:
        for change in self._unknown:
            worlds = [*worlds, *(apply(change, world) for world in worlds)]
        self.worlds = [one for at, one in enumerate(worlds) if one not in worlds[:at]]


@attrs.frozen
class Failure:
    """A request that was not answered, or refused, and when it was on its way.

    A dead process is noticed by what comes next on its connection: that began when the
    connection did.
    """

    began: float
    ended: float
    what: str
    request: str = ""


@attrs.define
class Storm:
    """What the lanes and the one who kills share."""

    gateways: Gateways
    over: threading.Event = attrs.field(factory=threading.Event)
    wrong: list[str] = attrs.field(factory=list)
    taken: bool = False
    """Whether somebody has the token."""
    answered: collections.Counter[int] = attrs.field(factory=collections.Counter)
    failures: list[Failure] = attrs.field(factory=list)
    kills: list[tuple[float, float]] = attrs.field(factory=list)
    """From when to when not all processes were ready."""
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def count(self, status: int) -> None:
        """Count an answer."""
        with self._lock:
            self.answered[status] += 1

    @property
    def progress(self) -> int:
        """How many requests were answered."""
        with self._lock:
            return sum(self.answered.values())

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more were answered, or something went wrong."""
        goal = self.progress + count
        until(lambda: self.progress >= goal or bool(self.wrong), f"{count} more answers")

    def kill(self, victims: list[Member]) -> None:
        """Kill, start again, wait."""
        began = time.monotonic()
        for member in victims:
            member.kill()
        for member in victims:
            member.start()
        for member in victims:
            member.wait_until_ready()
        self.kills.append((began, time.monotonic()))

    def unexplained(self, reasons: dict[str, str]) -> list[tuple[Failure, str | None]]:
        """Failures of which no kill is the reason, and what was logged of each refusal."""
        return [
            (one, reasons.get(one.request))
            for one in self.failures
            if not any(one.began <= end and start <= one.ended for start, end in self.kills)
        ]


class Lane(threading.Thread):
    """A tab that changes cookies of its own names, one request after the other.

    Sometimes it takes the token too: it sets its own and deletes all others in one answer.
    Of tokens there is never more than one, nor none once the first was taken.
    """

    def __init__(self, storm: Storm, number: int, person: Person) -> None:
        """Odd lanes have Domain cookies and go to all hosts, even ones stay on their own."""
        super().__init__(daemon=True)
        self._storm = storm
        self._person = person
        self._choose = random.Random(f"{SEED}-{number}")
        self._count = 0
        self.number = number
        self.hosts = HOSTS if number % 2 else (HOSTS[number // 2 % len(HOSTS)],)
        self._rest = f"; Path=/{f'; Domain={SITE}' if number % 2 else ''}"
        self._names = [f"lane{number}{letter}" for letter in "abcdefgh"[:NAMES]]
        self.knowledge = Knowledge()
        self._taken = 0
        self.history: collections.deque[str] = collections.deque(maxlen=12)

    def _take(self) -> list[str]:
        """The fields that take the token: whoever decides on old rows leaves two."""
        ends = (f"; Path=/; Domain={SITE}", DELETED + f"; Domain={SITE}")
        return [
            f"token{number}={self._count if number == self.number else ''}"
            f"{ends[number != self.number]}"
            for number in range(LANES)
        ]

    def check(self, answer: Answer, *, taken: bool) -> None:
        """Whether the site had got what it should; ``taken``: somebody had the token before."""
        mine = {name: value for name, value in answer.cookies.items() if name in self._names}
        assert self.knowledge.saw(mine), f"saw {mine}, not of {self.knowledge.worlds}"
        tokens = {name: int(one) for name, one in answer.cookies.items() if name[:5] == "token"}
        assert len(tokens) == 1 or not (taken or tokens), f"tokens {tokens}"
        own = tokens.get(f"token{self.number}", self._taken)
        assert own >= self._taken, f"token {tokens}, not since {self._taken}"

    def run(self) -> None:
        """Ask until the storm is over."""
        try:
            while not self._storm.over.is_set() and not self._storm.wrong:
                change = self._next_change()
                # A request that was not answered is asked again, or left as it is.
                while not self._ask(change) and self._choose.random() < 0.5:
                    self.history.append("again:")
        except Exception as error:
            self._storm.wrong.append(f"lane {self.number}: {error!r} after {[*self.history]}")
        finally:
            self._person.close()

    def _next_change(self) -> Change:
        self._count += 1
        many = self._choose.choice((0, 1, 1, 1, 2, NAMES))
        return {
            name: None if self._choose.random() < 0.3 else f"{self.number}.{self._count}"
            for name in self._choose.sample(self._names, many)
        }

    def _ask(self, change: Change) -> bool:
        """One request; whether its headers came.  What the site had got is checked first."""
        host = self._choose.choice(self.hosts)
        fields = [
            f"{name}={value or ''}{self._rest if value else self._rest + '; Max-Age=0'}"
            for name, value in change.items()
        ]
        takes, keep = self._choose.random() < 0.2, self._choose.random() < 0.4
        fields += self._take() if takes else []
        storm, knowledge = self._storm, self.knowledge
        taken = storm.taken
        began = time.monotonic()
        self.history.append(f"{began:.3f} {host} {change}{' takes' * takes}")
        try:
            answer = self._person.fetch(storm.gateways.port, host, "/", *fields, keep=keep)
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            knowledge.unanswered(change)
            storm.failures.append(Failure(self._person.opened, time.monotonic(), repr(error)))
            self.history.append(f"{time.monotonic():.3f} {error!r}")
            return False
        storm.count(answer.status)
        request = answer.headers.get(wire.REQUEST_ID_HEADER.decode(), "")
        self.history.append(f"{time.monotonic():.3f} {answer.status} {request}")
        if answer.status in {502, 503}:
            knowledge.unanswered(change)
            storm.failures.append(Failure(began, time.monotonic(), f"{answer.status}", request))
            return False
        if answer.status != 200:
            raise AssertionError(f"status {answer.status}")
        if answer.body is not None:
            self.check(answer, taken=taken)
        else:
            storm.failures.append(Failure(self._person.opened, time.monotonic(), "half an answer"))
        knowledge.acknowledged(change)
        if takes:
            storm.taken, self._taken = True, self._count
        return True


class ManyProcesses:
    """Mix into a ``SynchronousTestCase`` that has ``store``.

    ``store`` runs first in ``setUp``, so what it starts may stop in an ``addCleanup`` of its
    own: by then all processes are dead.  For a server on a port it is two lines: start it,
    ``return f'url = "redis://127.0.0.1:{port}/0"'``; ``check_store`` may look into it after.
    """

    def store(self) -> str:
        """The lines of the ``[store]`` table, once what they name runs."""
        raise NotImplementedError

    def check_store(self) -> None:
        """Look at the store itself when all processes are dead."""

    def setUp(self: Any) -> None:
        """Three processes, and somebody with a session."""
        self.folder = temporary(self)
        self.gateways = Gateways(self, self.folder, self.store())
        self.gateways.start()
        self.ports = [member.port for member in self.gateways.members]
        self.person = self.gateways.bootstrap(self.ports[0])

    def lines(self: Any) -> list[dict[str, Any]]:
        """What all processes logged."""
        return [line for member in self.gateways.members for line in member.lines()]

    def test_kills(self: Any) -> None:
        """Parallel changes of one person's cookies and ``kill -9``: what was acknowledged is there."""
        storm = Storm(self.gateways)
        lanes = [Lane(storm, number, self.person.again()) for number in range(LANES)]
        choose = random.Random(SEED)
        for lane in lanes:
            lane.start()
        storm.wait_for_more(150)  # nobody dies yet: no request may fail
        for count in KILLED_TOGETHER:
            storm.wait_for_more(choose.randrange(20, 60))
            if storm.wrong:
                break
            storm.kill(choose.sample(self.gateways.members, count))
        storm.wait_for_more(100)
        storm.over.set()
        for lane in lanes:
            lane.join(PATIENCE)
            self.assertFalse(lane.is_alive(), f"lane {lane.number} hangs")
        served = [member.served for member in self.gateways.members]
        what = collections.Counter(one.what.partition("(")[0] for one in storm.failures)
        kills = sum(KILLED_TOGETHER)
        print(f"{kills} kills, answers {dict(storm.answered)} of {served}, not done {dict(what)}")
        self.assertEqual(storm.wrong, [])
        refusals = [line for line in self.lines() if line.get("status") in {502, 503}]
        reasons = {line["request"]: line["detail"] for line in refusals if "detail" in line}
        self.assertEqual(storm.unexplained(reasons), [])
        self.assertTrue(all(served), served)
        for lane in lanes:
            for host in lane.hosts:
                answers = [self.person.fetch(port, host, "/") for port in self.ports]
                for answer in answers:
                    self.assertEqual(answer.cookies, answers[0].cookies)
                    lane.check(answer, taken=True)
        for member in self.gateways.members:
            member.kill()
        lines = [line for line in self.lines() if line.get("code") != "store.failed"]
        self.assertEqual({line.get("code") for line in lines} - QUIET_CODES, set())
        loud = [line for line in lines if line.get("level", "error") in {"error", "critical"}]
        self.assertEqual(loud, [])
        self.check_store()

    def test_settle_together(self: Any) -> None:
        """Whoever brings one offer to several processes in the same instant: one gets it."""
        tabs = 2 * len(self.ports)
        for _ in range(10):
            person = Person(self.gateways, "")
            first = person.own(self.ports[0], wire.BOOTSTRAP_PATH, b'{"apart": true}')
            content, barrier = first.body or b"", threading.Barrier(tabs)

            def bring(number: int) -> Answer:
                barrier.wait(PATIENCE)
                return Person(self.gateways, "").settle(self.ports[number % 3], content)

            with ThreadPoolExecutor(tabs) as pool:
                answers = list(pool.map(bring, range(tabs)))
            statuses = collections.Counter(answer.status for answer in answers)
            self.assertEqual(statuses, {200: 1, 409: tabs - 1})
            for answer in answers:
                cookies = answer.headers.get_all("Set-Cookie", [])
                self.assertEqual(len(cookies), 2 if answer.status == 200 else 0)
            for port in self.ports:
                self.assertEqual(person.settle(port, content).status, 409)
        codes = collections.Counter(line.get("code") for line in self.lines())
        self.assertEqual(codes["session.settle"], 10 * (tabs - 1 + len(self.ports)))

    def test_together(self: Any) -> None:
        """Answers of one site that come at the same time may all set cookies."""
        statuses: list[int] = []
        for port in (self.ports[0], self.gateways.port):
            self.gateways.site.together = threading.Barrier(TOGETHER)

            def tab(number: int) -> int:
                cookie = f"{number}={port}; Path=/"
                return self.person.again().fetch(port, "one", "/together", cookie).status

            with ThreadPoolExecutor(TOGETHER) as tabs:
                found = list(tabs.map(tab, range(TOGETHER)))
            seen = self.person.fetch(port, "one", "/").cookies
            done = {str(number): str(port) for number, status in enumerate(found) if status == 200}
            self.assertEqual({name: seen.get(name) for name in done}, done)
            statuses += found
        self.assertEqual(set(statuses), {200})

    def test_session(self: Any) -> None:
        """A session of one process is one at all, and its restore text opens at all."""
        answer = self.person.own(self.ports[1], wire.BOOTSTRAP_PATH, b"{}")
        person, given = self.person.with_cookies(answer), answer.json
        self.assertNotEqual(person.cookies, self.person.cookies)
        for port in self.ports:
            checked = person.own(port, wire.CHECK_PATH, b'{"ickt": "%s"}' % given["ickt"].encode())
            self.assertEqual((checked.status, checked.json), (200, {"ok": True}))
            self.assertEqual(person.with_cookies(checked).cookies, person.cookies)
            restored = Person(self.gateways, "").own(
                port, wire.RESTORE_PATH, b'{"restore": "%s"}' % given["restore"].encode()
            )
            self.assertEqual(restored.status, 200)
            self.assertEqual(person.with_cookies(restored).cookies, person.cookies)

    def test_next_request(self: Any) -> None:
        """What one process was told the others know in the very next request."""
        fetch = self.person.fetch
        for first in self.ports:
            for second in self.ports:
                value = f"{first}-{second}"
                self.assertEqual(fetch(first, "one", "/", f"told={value}; Path=/").status, 200)
                self.assertEqual(fetch(second, "one", "/").cookies, {"told": value})
                self.assertEqual(fetch(second, "one", "/", f"told={DELETED}").status, 200)
                self.assertEqual(fetch(first, "one", "/").cookies, {})

    def test_long_label(self: Any) -> None:
        """A digest that was proved at one process is known at all, and after their end."""
        origin = Origin("http", f"{LONG}.{SITE}", 80)
        proof = f"/?{wire.ORIGIN_PARAMETER}=http%3A%2F%2F{origin.host}"
        self.assertTrue(collapse(origin).startswith("x-"))
        self.assertEqual(self.person.fetch(self.ports[1], LONG, "/").status, 404)
        self.assertEqual(self.person.fetch(self.ports[0], LONG, proof, "a=1").status, 200)
        for member in self.gateways.members[:2]:
            member.kill()
            member.start()
            member.wait_until_ready()
        for port in self.ports:
            self.assertEqual(self.person.fetch(port, LONG, "/").cookies, {"a": "1"})


class SharedRates:
    """Mix into a ``SynchronousTestCase`` that has ``store``: limits that two processes share."""

    def setUp(self: Any) -> None:
        """Two processes, and two people."""
        self.folder = temporary(self)
        extra = "[rates]\nsession-burst = 20\nsession-per-second = 0.01\n"
        self.gateways = Gateways(self, self.folder, self.store(), 2, extra)
        self.gateways.start()
        self.ports = [member.port for member in self.gateways.members]

    def test_one_bucket(self: Any) -> None:
        """What one spent the other knows: at most a chunk each goes beyond, and only for one."""
        people = [self.gateways.bootstrap(self.ports[0]) for _ in range(2)]

        def ask(person: Person, times: int) -> list[Answer]:
            return [person.fetch(self.ports[at % 2], "one", "/") for at in range(times)]

        statuses = [answer.status for answer in ask(people[0], 30)]
        self.assertLessEqual(set(statuses), {200, 429})
        self.assertIn(statuses.count(200), range(20, 23))
        for answer in ask(people[0], 2):
            self.assertEqual(answer.status, 429)
            # A token in 100 s, and those that the other process had on credit.
            self.assertIn(int(answer.headers["Retry-After"]), range(90, 301))
        self.assertEqual([answer.status for answer in ask(people[1], 8)], [200] * 8)
        for member in self.gateways.members:
            member.kill()
        codes = collections.Counter(
            line.get("code") for member in self.gateways.members for line in member.lines()
        )
        self.assertGreaterEqual(codes["rate.limited"], 9)
        self.assertEqual(codes["rate.unshared"], 0)


class OnSqlite:
    """The embedded store."""

    def store(self: Any) -> str:
        """A file beside the configuration."""
        self.file: Path = self.folder / "gateway.db"
        return f'url = "sqlite:///{self.file}"'

    def check_store(self: Any) -> None:
        """The file is whole."""
        database = sqlite3.connect(self.file)
        self.addCleanup(database.close)
        self.assertEqual(database.execute("pragma integrity_check").fetchone(), ("ok",))


class OnValkey:
    """A server that the processes share, as those of several machines do."""

    def store(self: Any) -> str:
        """A server of the test's own."""
        (port,) = free_ports(1)
        command = ("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "")
        server = subprocess.Popen(
            (*command, "--dir", str(self.folder), "--loglevel", "warning"),
            stdout=subprocess.DEVNULL,
        )
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        address = ("127.0.0.1", port)

        def answers() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(address, 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            return False

        until(answers, "the server answers")
        return f'url = "redis://127.0.0.1:{port}/0"'


class SqliteTests(OnSqlite, ManyProcesses, SynchronousTestCase):
    """On the embedded store."""


class ValkeyTests(OnValkey, ManyProcesses, SynchronousTestCase):
    """On a server."""


class SqliteRatesTests(OnSqlite, SharedRates, SynchronousTestCase):
    """Limits on the embedded store."""


class ValkeyRatesTests(OnValkey, SharedRates, SynchronousTestCase):
    """Limits on a server."""


SERVICE = """[[service]]
name = "echo"
accept = "/echo"
connect = "echo:"
allow-origins = ["https://app.example"]
"""


class EmulationTests(SynchronousTestCase):
    """The fallback at two processes: each request may come to either."""

    def setUp(self) -> None:
        folder = temporary(self)
        store = f'url = "sqlite:///{folder}/gateway.db"'
        self.gateways = Gateways(self, folder, store, count=2, extra=UNLIMITED + SERVICE)
        self.gateways.start()
        self.ports = [member.port for member in self.gateways.members]

    def ask(
        self, at: int, target: str, number: int, method: str = "POST", body: bytes = b""
    ) -> tuple[int, bytes]:
        """One request to one of the processes, as a page of the service's makes it."""
        fields = {"X-Sequence-No": str(number), "Origin": "https://app.example"}
        if ";e/cb" in target:
            fields["X-WebSocket-Version"] = "wseb-1.0"
        person = Person(self.gateways, "")
        answer = person._ask(self.ports[at], DOMAIN, target, fields, method, body)
        return answer.status, answer.body or b""

    def create(self, at: int) -> tuple[str, str]:
        """The targets of a new connection's upstream and downstream."""
        status, body = self.ask(at, "/echo/;e/cbm", 0)
        self.assertEqual(status, 201, body)
        up, down = (urlsplit(url).path for url in body.decode().split())
        return up, down

    def echoed(self, at: int, up: str, down: str, number: int) -> None:
        """One message there and back."""
        frame, reconnect = b"\x81\x04echo", b"\x0101\xff"
        self.assertEqual(self.ask(at, up, number, body=frame + reconnect), (200, b""))
        found = self.ask(at, f"{down}?.ki=p", number, "GET")
        self.assertEqual(found, (200, frame + reconnect))

    def test_two_processes(self) -> None:
        """By turns at both; a killed process is a lost connection, and one that starts again, too."""
        first, second = self.create(0), self.create(1)
        for number in range(1, 5):
            self.echoed(number % 2, *first, number)
            self.echoed(1 - number % 2, *second, number)
        self.gateways.members[0].kill()
        self.assertEqual(self.ask(1, first[0], 5, body=b"\x0101\xff")[0], 404)
        self.assertEqual(self.ask(1, f"{first[1]}?.ki=p", 5, "GET")[0], 404)
        self.echoed(1, *second, 5)
        self.gateways.members[0].start()
        self.gateways.members[0].wait_until_ready()
        self.assertEqual(self.ask(0, first[0], 5, body=b"\x0101\xff")[0], 404)
        self.echoed(0, *second, 6)
        left = list((self.gateways.members[0]._config.parent / "nodes").iterdir())
        self.assertEqual(len(left), 2, "what the killed one left is swept away")
