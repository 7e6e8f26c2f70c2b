"""``gateway store``: check, purge, migrate."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from gateway.cli.store import copy, survey
from gateway.demo.ca import LocalCa
from gateway.store.sqlite import SqliteStore
from tests.cli import gateway
from tests.cookies import DAY, KEYS, NOW, admitted
from tests.ops import temporary
from tests.store.contract import OWNER, put

TODAY = NOW // DAY
BUCKET = KEYS.bucket("example.com")


def sealed(number: int, *, days: int = 100):
    """A row as the jar makes it; it is over in so many days."""
    cookie = admitted(b"c%d=v; Max-Age=%d" % (number, abs(days) * DAY))
    row = KEYS.seal(BUCKET, "example.com", cookie, b"n" * 12)
    return type(row)(row.index, TODAY + days, row.sealed)


class StoreCommandTests(TestCase):
    """On files."""

    timeout = 120

    def setUp(self) -> None:
        """Have a folder and a certificate."""
        self.folder = temporary(self)
        self.issued = LocalCa(self.folder / "ca").issue("gateway", ["gw.test"])

    def config(self, name: str) -> Path:
        """A configuration with a store of this name."""
        path = self.folder / f"{name}.toml"
        path.write_text(
            f'domain = "gw.test"\n[tls]\ncertificate = "{self.issued.certificate}"\n'
            f'key = "{self.issued.key}"\n[store]\nurl = "sqlite:///{self.folder}/{name}.db"\n'
        )
        return path

    def store(self, name: str) -> SqliteStore:
        """That store, open."""
        from twisted.internet import reactor

        store = SqliteStore(self.folder / f"{name}.db", reactor)
        store.start()
        self.addCleanup(lambda: store.stop().addErrback(lambda _: None))
        return store

    async def _filled(self) -> SqliteStore:
        store = self.store("one")
        for number in range(250):
            change = put(0, sealed(number), sealed(number + 1000), bucket=b"%08d" % number)
            self.assertTrue(await store.commit(change))
        await store.commit(put(0, sealed(7, days=-9000), bucket=b"oldoldol", owner=b"x" * 16))
        await store.remember_origin("x-a", "https://a.example", TODAY)
        await store.consume(b"nonce", TODAY + 9000)
        return store

    async def test_survey(self) -> None:
        """Counts, formats, and what is wrong."""
        store = await self._filled()
        found = await survey(store, TODAY)
        self.assertEqual(
            {key: found[key] for key in ("owners", "buckets", "rows", "over", "largest")},
            {"owners": 2, "buckets": 251, "rows": 501, "over": 1, "largest": 500},
        )
        self.assertEqual(found["formats"], {"2: AES_256_GCM_SIV": 501})
        self.assertEqual(found["faults"], [])

    async def test_copy(self) -> None:
        """Every bucket with its version, labels, and nonces that stay worth nothing."""
        store, other = await self._filled(), self.store("two")
        await store.commit(put(1, sealed(9), bucket=b"%08d" % 3))
        for _ in range(2):  # it may be repeated
            counts = await copy(store, other)
            self.assertEqual(counts, {"buckets": 251, "rows": 502, "origins": 1, "nonces": 1})
        for number in (0, 3, 249):
            bucket = b"%08d" % number
            here, there = await store.read(OWNER, bucket), await other.read(OWNER, bucket)
            self.assertEqual(here, there)
            self.assertEqual(here.total, there.total)
        self.assertEqual(await other.origin("x-a"), "https://a.example")
        self.assertIs(await other.consume(b"nonce", TODAY), False)
        self.assertEqual(await other.faults(), [])

    async def test_commands(self) -> None:
        """The same from the command line."""
        store = await self._filled()
        await store.stop()
        one, two = str(self.config("one")), str(self.config("two"))
        done = gateway("store", "check", "--config", one, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout)["rows"], 501)
        self.assertIn("501 rows", gateway("store", "check", "--config", one).stdout)
        done = gateway("store", "purge", "--config", one)
        self.assertEqual((done.returncode, done.stdout), (0, "1 rows\n"))
        done = gateway("store", "migrate", "--config", one, "--to", two)
        self.assertEqual(done.stdout, "251 buckets, 500 rows, 1 origins, 1 nonces\n")
        self.assertIn("500 rows", gateway("store", "check", "--config", two).stdout)
        done = gateway("store", "migrate", "--config", one, "--to", one)
        self.assertEqual(done.returncode, 2)

    def test_faults(self) -> Deferred[None]:
        """Rows of no format, and counts that are wrong, are told; status 1."""

        async def run() -> None:
            store = await self._filled()
            await store.stop()
            with sqlite3.connect(self.folder / "one.db") as connection:
                connection.execute("update cookies set sealed = x'ff00' where bucket = '00000005'")
                connection.execute("update owners set total = 7")
            connection.close()
            config = str(self.config("one"))
            with sqlite3.connect(self.folder / "one.db") as connection:
                connection.execute(
                    "update cookies set sealed = x'ff00' where idx in (select idx from cookies limit 3)"
                )
            connection.close()
            done = gateway("store", "check", "--config", config)
            self.assertEqual(done.returncode, 1)
            told = done.stderr.splitlines()
            self.assertEqual(told[0], "fault: 2 owners whose rows are counted wrongly")
            self.assertRegex(told[1], r"^fault: [0-9]+ rows of no format that is known here$")
            (self.folder / "one.db").write_text("no database\n" * 1000)
            done = gateway("store", "check", "--config", config)
            self.assertEqual(done.returncode, 1)
            self.assertIn("one.db", done.stderr)

        return Deferred.fromCoroutine(run())
