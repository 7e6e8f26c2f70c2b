"""``gateway keys``: show, rotate, retire, through the real command."""

from __future__ import annotations

import os
import stat
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from gateway.cli.keys import by_generation
from gateway.cookies.seal import owner_tag
from gateway.ops.keyfile import load, load_or_create
from gateway.session.attestation import Mode, mint_datr
from gateway.session.keys import Ick, ServerKeys
from gateway.session.reading import Session
from gateway.store.interface import Store
from gateway.store.sqlite import SqliteStore
from gateway.store.valkey import ValkeyStore
from gateway.store.valkey_client import ValkeySettings
from tests.cli import gateway
from tests.ops import Setup, temporary
from tests.session import NOW
from tests.store.contract import put, row
from tests.store.servers import Single, shared


class CountTests(SynchronousTestCase):
    """Owners by prefix become jars by generation."""

    def test_table(self) -> None:
        """Named ones by their name, up to the newest; what names none is of generation 1."""
        one, two, three, four, high = b"\0\1", b"\0\2", b"\0\3", b"\0\4", b"\xff\xff"
        table: list[tuple[dict[bytes, int], tuple[int, ...], dict[int, int], int]] = [
            ({}, (1,), {1: 0}, 0),
            ({one: 1, two: 2, high: 3, b"\0\0": 4}, (1,), {1: 10}, 0),
            ({two: 2, three: 3, high: 5}, (1, 2), {1: 8, 2: 2}, 0),
            ({two: 2, three: 3, high: 5}, (1, 3), {1: 5, 3: 3}, 2),
            ({two: 2, three: 3, four: 4, high: 5}, (3,), {3: 3}, 11),
            ({two: 2, three: 3, four: 4}, (2, 4), {2: 2, 4: 4}, 3),
            ({two: 2, high: 5}, (0, 1, 2), {0: 5, 1: 5, 2: 2}, 0),
            ({b"\0\0": 6, two: 2, high: 5}, (65_536,), {65_536: 6}, 7),
            ({two: 2, high: 5}, (1, 65_538), {1: 0, 65_538: 2}, 5),
            ({two: 2, b"\xc9\xff": 5}, (2, 999_999_999), {2: 2, 999_999_999: 5}, 0),
        ]
        for prefixes, generations, live, retired in table:
            found = by_generation(prefixes, generations)
            self.assertEqual(found, (live, retired), (prefixes, generations))

    @settings(deadline=None)
    @given(
        st.dictionaries(st.integers(2, 200), st.integers(1, 99)),
        st.sets(st.integers(2, 200), min_size=1),
    )
    def test_all_are_counted(self, jars: dict[int, int], live: set[int]) -> None:
        """With tags alone each live generation has its jars, and nobody is lost or counted twice."""
        generations = tuple(sorted(live))
        prefixes = {owner_tag(one): count for one, count in jars.items()}
        counts, retired = by_generation(prefixes, generations)
        self.assertEqual(counts, {one: jars.get(one, 0) for one in generations})
        self.assertEqual(sum(counts.values()) + retired, sum(jars.values()))


class KeysCommandTests(TestCase):
    """On files."""

    timeout = 300

    def setUp(self) -> None:
        """A configuration, and keys as a first start makes them."""
        self.setup = Setup(temporary(self))
        self.config = str(self.setup.write())
        self.path = self.setup.folder / "var" / "gateway.keys"
        self.database = self.setup.folder / "var" / "gateway.db"
        load_or_create(self.path)
        self.said = ""

    def _keys(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = gateway("keys", *arguments, "--config", self.config)
        self.said += done.stdout + done.stderr
        return done

    def _refused(self, *arguments: str) -> str:
        """What it says when it changes nothing."""
        before = self.path.read_bytes() if self.path.exists() else None
        done = self._keys(*arguments)
        self.assertEqual(done.returncode, 1, done)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(self.path.read_bytes() if self.path.exists() else None, before)
        return done.stdout + done.stderr

    async def _fill(self, jars: dict[int, int], store: Store | None = None) -> None:
        """Have so many people of each generation, as sessions make them."""
        from twisted.internet import reactor

        keys = load(self.path)
        store = store or SqliteStore(self.database, reactor)
        store.start()
        try:
            for generation, many in jars.items():
                ring = ServerKeys({generation: keys._roots[generation]})
                for _ in range(many):
                    datr = mint_datr(ring, os.urandom(16), NOW, Mode.FULL)
                    owner = Session(Ick(os.urandom(32)), datr).user_keys(ring).owner
                    self.assertTrue(await store.commit(put(0, row(1), row(2), owner=owner)))
        finally:
            await store.stop()

    def test_life(self) -> Deferred[None]:
        """Show, rotate twice, see who has what, retire one; no secret is printed."""

        async def run() -> None:
            self.assertEqual(
                self._keys("show").stdout,
                f"{self.path}\ngeneration 1, the newest: about 0 jars\n",
            )
            self.assertFalse(self.database.exists(), "looking makes no store")
            for newest in (2, 3):
                done = self._keys("rotate")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                first, second = done.stdout.splitlines()
                self.assertIn(f"generation {newest} is there, and the newest", first)
                self.assertRegex(second, "a reload .SIGHUP. or at their next start: reload all")
            secrets = {one.split()[1] for one in self.path.read_text().splitlines()[1:]}
            self.assertEqual(len(secrets), 3)
            await self._fill({1: 5, 2: 3, 3: 2})
            table = (
                f"{self.path}\ngeneration 1: about 5 jars\n"
                "generation 2: about 3 jars\ngeneration 3, the newest: about 2 jars\n"
            )
            self.assertEqual(self._keys("show").stdout, table)
            told = self._refused("retire", "2")
            self.assertRegex(told, "Retiring generation 2 ends about 3 jars: .*signed out")
            self.assertRegex(told, "Nothing was changed. .*--yes")
            self.assertEqual(self._keys("show").stdout, table)
            done = self._keys("retire", "2", "--yes")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            warning, after, restart = done.stdout.splitlines()
            self.assertRegex(warning, "ends about 3 jars.*purge takes them by age")
            self.assertEqual(after, f"{self.path}: generation 2 is retired.")
            self.assertIn("next start", restart)
            self.assertEqual(load(self.path).generations, (1, 3))
            self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
            shown = self._keys("show").stdout.splitlines()
            self.assertEqual(shown[1], "generation 1: about 5 jars")
            self.assertRegex(shown[3], r"^retired ones: about 3 jars .*nobody can open")
            done = self._keys("retire", "1", "--yes")
            self.assertIn("ends about 5 jars", done.stdout)
            shown = self._keys("show").stdout.splitlines()
            self.assertEqual(shown[1], "generation 3, the newest: about 2 jars")
            self.assertIn("about 8 jars", shown[2])
            for secret in secrets:
                for at in range(0, 40, 4):
                    self.assertNotIn(secret[at : at + 8], self.said)

        return Deferred.fromCoroutine(run())

    def test_refused(self) -> None:
        """The newest, the only one, one that is not there; ``--yes`` makes none better."""
        self.assertIn("is the only one", self._refused("retire", "1", "--yes"))
        self._keys("rotate")
        self.assertIn("is the newest", self._refused("retire", "2", "--yes"))
        self.assertIn("no generation 7, only 1, 2", self._refused("retire", "7", "--yes"))
        for words in (("retire",), ("retire", "-1", "--yes")):
            self.assertEqual(self._keys(*words).returncode, 2, words)

    def test_no_keys(self) -> None:
        """Without a file nothing is made; a damaged one or an open one is said by name."""
        self.path.unlink()
        for words in (("show",), ("rotate",), ("retire", "1", "--yes")):
            self.assertIn(str(self.path), self._refused(*words))
        self.assertFalse(self.path.exists())
        self.path.write_text("gateway-keys-1\n1 S3cret\n")
        self.path.chmod(0o600)
        for words in (("show",), ("rotate",)):
            told = self._refused(*words)
            self.assertIn("line 2", told)
            self.assertNotIn("S3cret", told)
        self.path.chmod(0o644)
        self.assertIn("mode is 0644", self._refused("show"))

    def test_store_away(self) -> None:
        """Without the store generations are shown; none is retired uncounted."""
        self._keys("rotate")
        self.database.write_text("no database\n" * 1000)
        for store, name in ((self.setup.store, "gateway.db"), ("redis://127.0.0.1:1", "valkey")):
            self.setup.store = store
            self.setup.write()
            told = self._refused("show")
            self.assertIn("generation 2, the newest: an unknown number of jars", told)
            self.assertIn(name, told)
            told = self._refused("retire", "1", "--yes")
            self.assertIn(name, told)
            self.assertIn("Nothing was changed", told)

    async def test_valkey(self) -> None:
        """Jars on a server are counted as those in a file are."""
        from twisted.internet import reactor

        servers = await shared(Single)
        self._keys("rotate")
        await self._fill({1: 3, 2: 4}, ValkeyStore(ValkeySettings(**servers.settings), reactor))
        self.setup.store = servers.settings["url"]
        self.setup.write()
        shown = self._keys("show").stdout.splitlines()
        self.assertEqual(
            shown[1:], ["generation 1: about 3 jars", "generation 2, the newest: about 4 jars"]
        )
        checked = gateway("store", "check", "--config", self.config)
        self.assertIn("7 owners, 7 buckets", checked.stdout, checked)

    def test_memory(self) -> None:
        """Jars in a gateway's memory are not for another process to count."""
        self._keys("rotate")
        self.setup.store = "memory:"
        self.setup.write()
        self.assertIn("generation 1: an unknown number of jars", self._keys("show").stdout)
        self.assertIn("ends an unknown number of jars", self._refused("retire", "1"))
        self.assertEqual(self._keys("retire", "1", "--yes").returncode, 0)
        self.assertEqual(load(self.path).generations, (2,))
