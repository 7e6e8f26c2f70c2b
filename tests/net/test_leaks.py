"""Leaks by site: counted, and bounded whatever comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.leaks import OTHERS, Leaks

SITES, HOSTS = 3, 2


def _take(leaks: Leaks, site: str, host: str = "x.test", directive: str = "img-src") -> bool:
    return leaks.take(site, directive, host, 7.5, sites=SITES, hosts=HOSTS)


class LeaksTests(SynchronousTestCase):
    """The table."""

    def test_one_site(self) -> None:
        """How often, under which directives, and which hosts; the most frequent first."""
        leaks = Leaks()
        for host, directive in (
            ("a.test", "img-src"),
            ("b.test", "connect-src"),
            ("b.test", "img-src"),
        ):
            self.assertTrue(_take(leaks, "https://site.test", host, directive))
        self.assertEqual(
            leaks.shown(),
            [
                {
                    "site": "https://site.test",
                    "count": 3,
                    "last": 7,
                    "directives": {"img-src": 2, "connect-src": 1},
                    "hosts": {"b.test": 2, "a.test": 1},
                }
            ],
        )
        self.assertEqual(leaks.counts(), {"https://site.test": 3})

    def test_hosts_bounded(self) -> None:
        """What there is no room for is one entry."""
        leaks = Leaks()
        for host in "abcda":
            _take(leaks, "s", host)
        self.assertEqual(leaks.shown()[0]["hosts"], {"a": 2, "b": 1, OTHERS: 2})

    def test_sites_bounded(self) -> None:
        """The one that was not heard of for longest goes, and its count stays with the others."""
        leaks = Leaks()
        fitted = [_take(leaks, site) for site in "aabcadd"]
        self.assertEqual(fitted, [True] * 5 + [False, True])
        self.assertEqual(leaks.counts(), {"c": 1, "a": 3, "d": 2, OTHERS: 1})

    def test_none_wanted(self) -> None:
        """Bound 0: all are the others', and no name is kept."""
        leaks = Leaks()
        self.assertFalse(leaks.take("a", "img-src", "x", 0, sites=0, hosts=0))
        self.assertEqual((leaks.counts(), leaks.shown()), ({OTHERS: 1}, []))

    @given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz")), max_size=60))
    def test_nothing_is_lost(self, taken: list[tuple[str, str]]) -> None:
        """All counts together are what came; the bounds hold."""
        leaks = Leaks()
        for site, host in taken:
            _take(leaks, site, host)
        self.assertEqual(sum(leaks.counts().values()), len(taken))
        rows = leaks.shown()
        self.assertLessEqual(len(rows), SITES)
        for row in rows:
            self.assertLessEqual(len(row["hosts"]), HOSTS + 1)
            self.assertEqual(sum(row["hosts"].values()), row["count"])
            self.assertEqual(sum(row["directives"].values()), row["count"])
