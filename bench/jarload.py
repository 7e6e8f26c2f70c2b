"""The process that ``python -m bench jar`` measures: ``FOLDER PORT PID SECONDS``."""

from __future__ import annotations

import itertools
import os
import random
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from publicsuffixlist import PublicSuffixList
from twisted.internet.defer import gatherResults

from bench import figures, stores
from bench.common import BenchError
from bench.stores import Measured, Server
from gateway.cookies import rules
from gateway.cookies.jar import Received, open_jar
from gateway.cookies.rules import Cookie
from gateway.cookies.same_site import SAME
from gateway.cookies.seal import Row, derive_user_keys
from gateway.cookies.suffixes import Suffixes
from gateway.cookies.syntax import SameSite
from gateway.exchange.messages import Commit
from gateway.origins import Origin
from gateway.store.opening import StoreSettings, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from gateway.store.interface import Store

_USERS, _SITES, _COOKIES = 5, 100, 20
_NOW = 1_790_000_000
_PATH = b"/account/orders"
_PEPPER = os.urandom(32)
_SUFFIXES = Suffixes(PublicSuffixList())
_MANY = 50
_SELECT = (
    "select v.version, (select total from owners o where o.owner = v.owner), "
    "c.idx, c.expires_day, c.sealed from versions v left join "
    "cookies c on c.owner = v.owner and c.bucket = v.bucket "
    "where v.owner = ? and v.bucket = ?"
)


@attrs.define
class Place:
    """One site of one user: what a request knows, and the version its bucket is at."""

    ick: bytes
    origin: Origin
    version: int = 1


def _cookies(host: str, chance: random.Random) -> list[Cookie]:
    """Twenty cookies that go with a request for ``_PATH`` of ``www.<host>``."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    made = []
    for at in range(_COOKIES):
        name = f"{at:x}" + "".join(chance.choices(letters, k=chance.randint(4, 20) - 2))
        host_only = at % 5 < 3
        made.append(
            Cookie(
                name=f"n{name}".encode("ascii"),
                value="".join(chance.choices(letters, k=chance.randint(16, 150))).encode("ascii"),
                domain=f"www.{host}" if host_only else host,
                host_only=host_only,
                path=b"/account" if at % 10 == 9 else b"/",
                secure=at % 3 > 0,
                http_only=at % 2 == 0,
                same_site=(SameSite.LAX, SameSite.DEFAULT, SameSite.NONE, SameSite.STRICT)[at % 4]
                if at % 3
                else SameSite.DEFAULT,
                expires=None if at % 4 == 0 else _NOW + 86400 * chance.randint(1, 399),
                created=_NOW - chance.randint(1, 86400),
                accessed=_NOW,
                serial=at,
            )
        )
    return made


async def _fill(opened: list[Store], chance: random.Random) -> list[Place]:
    """Some users with whole jars in each store; the places in random order."""
    places = []
    for _ in range(_USERS):
        ick = os.urandom(32)
        keys = derive_user_keys(ick, _PEPPER, 1)
        sites = [
            f"{chance.choice(('shop', 'news', 'my-bank', 'forum'))}{at}."
            f"{chance.choice(('com', 'org', 'co.uk', 'de'))}"
            for at in range(_SITES)
        ]
        for site in sites:
            bucket = keys.bucket(site)
            rows = tuple(
                keys.seal(bucket, site, one, os.urandom(12)) for one in _cookies(site, chance)
            )
            whole = (keys.owner, bucket, 1, rows)
            await gatherResults([store.restore(whole) for store in opened])
            places.append(Place(ick, Origin("https", f"www.{site}", 443)))
    chance.shuffle(places)
    return places


def _site(place: Place) -> str:
    return _SUFFIXES.registrable(place.origin.host)


async def _look_up(store: Store, place: Place) -> None:
    """What a request with a session does for its Cookie header."""
    keys = derive_user_keys(place.ick, _PEPPER, 1)
    site = _site(place)
    found = await store.read(keys.owner, keys.bucket(site))
    sent = open_jar(keys, site, found.rows).sent(place.origin, _PATH, _NOW, SAME, _SUFFIXES)
    if rules.cookie_string(sent).count(b"; ") != _COOKIES - 1:
        raise BenchError("not all of the 20 cookies are visible")


def _pure(one: Callable[[Place], object], places: list[Place], seconds: float) -> float:
    """Microseconds of CPU of a function without a store: the median of three."""

    def every() -> int:
        for place in places:
            one(place)
        return len(places)

    found = [stores.loop(every, seconds) for _ in range(stores.ROUNDS)]
    return stores.median_by_cpu(found).rate.micros


def _bare(path: Path, places: list[Place], seconds: float) -> Measured:
    """The same select by sqlite3 and the same AEADs bare, in one thread."""
    connection = sqlite3.connect(path, isolation_level=None)
    names = []
    for place in places:
        keys = derive_user_keys(place.ick, _PEPPER, 1)
        names.append((keys.owner, keys.bucket(_site(place))))
    aead, place = AESGCMSIV(os.urandom(32)), os.urandom(42)
    nonce = os.urandom(12)
    texts = {size: aead.encrypt(nonce, bytes(size), place) for size in range(0, 1024, 64)}
    turn = itertools.cycle(names)

    def one() -> int:
        for row in connection.execute(_SELECT, next(turn)).fetchall():
            aead.decrypt(nonce, texts[len(row[4]) - 30], place)
        return 1

    found = stores.loop(one, seconds)
    connection.close()
    return found


def _parts(places: list[Place], seconds: float) -> tuple[float, float, float]:
    """Derive, open (with the AEAD's key, which is derived by then), judge."""
    rows: dict[int, tuple[Row, ...]] = {}
    jars = {}
    for place in places:
        keys, site = derive_user_keys(place.ick, _PEPPER, 1), _site(place)
        chance = random.Random(id(place))
        rows[id(place)] = tuple(
            keys.seal(keys.bucket(site), site, one, os.urandom(12))
            for one in _cookies(site, chance)
        )
        jars[id(place)] = open_jar(keys, site, rows[id(place)])

    def derive(place: Place) -> Any:
        keys = derive_user_keys(place.ick, _PEPPER, 1)
        keys.bucket(_site(place))
        return keys

    def derive_and_open(place: Place) -> None:
        open_jar(derive(place), _site(place), rows[id(place)])

    def judge(place: Place) -> None:
        rules.cookie_string(jars[id(place)].sent(place.origin, _PATH, _NOW, SAME, _SUFFIXES))

    derived = _pure(derive, places, seconds)
    return derived, _pure(derive_and_open, places, seconds) - derived, _pure(judge, places, seconds)


class Bench:
    """Stores that hold the same jars, and what is measured on them."""

    def __init__(self, folder: Path, server: Server, seconds: float) -> None:
        """Open both."""
        # The reactor is installed by now, and not before.
        from twisted.internet import reactor  # noqa: PLC0415

        self.path = folder / "gateway.db"
        self.server, self.seconds = server, seconds
        self.stores = {
            "SQLite": open_store(StoreSettings(f"sqlite:///{self.path}"), reactor),
            "Valkey": open_store(StoreSettings(server.url), reactor),
        }
        for store in self.stores.values():
            store.start()
        self.places: list[Place] = []

    async def run(self) -> None:
        """Fill, measure, tell, clean up."""
        self.places = await _fill(list(self.stores.values()), random.Random(20))
        await self.look_ups()
        await self.receipts()
        for store in self.stores.values():
            await store.stop()

    async def in_turn(
        self, one: Callable[[Store, Place], Coroutine[Any, Any, None]], at_once: tuple[int, ...]
    ) -> dict[tuple[str, int], Measured]:
        """Something done at each store, by each number at once: medians by CPU."""
        found: dict[tuple[str, int], list[Measured]] = {}
        for _ in range(stores.ROUNDS):
            for name, store in self.stores.items():
                pid = self.server.pid if name == "Valkey" else 0
                for count in at_once:
                    turns = [itertools.cycle(self.places[at::count]) for at in range(count)]

                    async def each(at: int, store: Store = store, turns: list[Any] = turns) -> None:
                        await one(store, next(turns[at]))

                    rate = await stores.repeat(each, count, self.seconds, pid)
                    found.setdefault((name, count), []).append(rate)
        return {key: stores.median_by_cpu(rates) for key, rates in found.items()}

    async def look_ups(self) -> None:
        """The table of look-ups."""

        async def read(store: Store, place: Place) -> None:
            await store.read(*names[id(place)])

        names = {}
        for place in self.places:
            keys = derive_user_keys(place.ick, _PEPPER, 1)
            names[id(place)] = (keys.owner, keys.bucket(_site(place)))
        bare = stores.median_by_cpu(
            [_bare(self.path, self.places, self.seconds) for _ in range(stores.ROUNDS)]
        )
        derive, opened, judge = _parts(self.places[:200], self.seconds / 2)
        whole = await self.in_turn(_look_up, (1, _MANY))
        alone = await self.in_turn(read, (1, _MANY))
        number = figures.number
        rows = [
            ["bare: select of sqlite3, 20 AEADs", number(bare.rate.per_cpu_second),
             number(bare.rate.micros), "1.00x", "", "", "", "", ""],
        ]  # fmt: skip
        for (name, count), found in whole.items():
            rate = found.rate
            server = number(found.server_micros) if name == "Valkey" else ""
            rows.append(
                [f"{name}, {_at_once(count)}", number(rate.per_cpu_second), number(rate.micros),
                 figures.times(rate.micros / bare.rate.micros), number(derive),
                 number(alone[name, count].rate.micros), number(opened), number(judge), server]
            )  # fmt: skip
        header = ["20 cookies, all visible", "look-ups/CPU-s", "CPU us", "x bare"]
        header += ["derive", "read", "open", "judge", "server's us"]
        stores.tell("jar: a look-up in a jar of 2,000 cookies of 100 sites", header, rows)

    async def receipts(self) -> None:
        """The table of what a Set-Cookie costs."""
        jars: dict[int, Any] = {}
        numbers = itertools.count()
        for place in self.places:
            keys, site = derive_user_keys(place.ick, _PEPPER, 1), _site(place)
            found = await self.stores["SQLite"].read(keys.owner, keys.bucket(site))
            jars[id(place)] = open_jar(keys, site, found.rows)
        versions: dict[tuple[int, int], int] = {}

        def receive(place: Place) -> Any:
            jar = jars[id(place)]
            cookie = jar.cookies[0]
            domain = b"" if cookie.host_only else b"; Domain=" + cookie.domain.encode("ascii")
            field = b"%s=%d-a-token-that-is-new-in-each-answer%s; Path=%s; Secure; HttpOnly" % (
                cookie.name, next(numbers), domain, cookie.path,
            )  # fmt: skip
            received = Received((field + b"; SameSite=Lax; Max-Age=31536000",))
            change, _ = jar.receive(received, place.origin, _PATH, _NOW + 1, _SUFFIXES, os.urandom)
            if len(change.puts) != 1 or change.deletes:
                raise BenchError("a Set-Cookie does not change one row")
            return change

        async def commit(store: Store, place: Place) -> None:
            jar, change = jars[id(place)], receive(place)
            key = (id(store), id(place))
            version = versions.get(key, 1)
            done = await store.commit(
                Commit(jar.keys.owner, jar.bucket, version, change.puts, change.deletes)
            )
            stores.expect(true=done)
            versions[key] = version + 1

        some = self.places[:200]
        rows_of = {
            id(place): jars[id(place)].keys.seal(
                jars[id(place)].bucket, _site(place), jars[id(place)].cookies[1], os.urandom(12)
            )
            for place in some
        }

        def seal(place: Place) -> None:
            jar = jars[id(place)]
            jar.keys.seal(jar.bucket, jar.registrable, jar.cookies[1], os.urandom(12))

        def unseal(place: Place) -> None:
            jar = jars[id(place)]
            jar.keys.open(jar.bucket, rows_of[id(place)])

        number = figures.number
        rows = [
            ["open one row", number(_pure(unseal, some, self.seconds / 2)), "", "", ""],
            ["seal one row", number(_pure(seal, some, self.seconds / 2)), "", "", ""],
            ["receive: parse, admit, store, seal",
             number(_pure(receive, some, self.seconds / 2)), "", "", ""],
        ]  # fmt: skip
        for (name, count), found in (await self.in_turn(commit, (1, _MANY))).items():
            rate = found.rate
            server = number(found.server_micros) if name == "Valkey" else ""
            rows.append(
                [f"receive and commit, {name}, {_at_once(count)}", number(rate.micros),
                 number(rate.per_cpu_second), number(rate.per_second), server]
            )  # fmt: skip
        header = ["one Set-Cookie of 20 cookies", "CPU us", "per CPU-s", "per s", "server's us"]
        stores.tell("jar: one Set-Cookie, the jar being open", header, rows)


def _at_once(count: int) -> str:
    return "one at a time" if count == 1 else f"{count} at a time"


def main() -> None:
    """Measure on the reactor."""
    folder, port, pid, seconds = sys.argv[1:]
    server = Server(int(pid), int(port))
    stores.drive(lambda: Bench(Path(folder), server, float(seconds)).run())


if __name__ == "__main__":
    main()
