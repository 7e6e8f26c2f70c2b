"""Same-site and cross-site, and what SameSite makes of it (RFC 6265bis 5.2, 5.7, 5.8)."""

from __future__ import annotations

import itertools

from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies import rules
from gateway.cookies.same_site import SAME, Access, is_same_site, site_of
from gateway.cookies.syntax import Invalid, SameSite, parse_set_cookie
from tests.cookies import NOW, SUFFIXES, at

SITE = "https://a.example.com/"
CROSS = Access(same_site=False)
LINK = Access(same_site=False, top_level=True)
POST = Access(same_site=False, top_level=True, safe=False)
DEFAULT, NONE, LAX, STRICT = SameSite.DEFAULT, SameSite.NONE, SameSite.LAX, SameSite.STRICT


class SiteTests(SynchronousTestCase):
    """Which requests are same-site."""

    def test_sites(self) -> None:
        """Scheme and registrable domain; hosts without one, and addresses, are their own."""
        for url, site in (
            ("https://a.b.example.co.uk:8443/", "https://example.co.uk"),
            ("http://example.co.uk/", "http://example.co.uk"),
            ("https://co.uk/", "https://co.uk"),
            ("https://me.github.io/", "https://me.github.io"),
            ("https://127.0.0.1/", "https://127.0.0.1"),
            ("https://[::1]/", "https://[::1]"),
            ("http://localhost:8080/", "http://localhost"),
        ):
            self.assertEqual(site_of(at(url)[0], SUFFIXES), site, url)

    def test_chains(self) -> None:
        """Initiator, every redirecting URL and target must be of one site."""
        for initiator, redirects, same in (
            (None, [], True),
            ("https://b.example.com/", [], True),
            ("https://example.com:8443/", [], True),
            ("http://a.example.com/", [], False),
            ("https://example.org/", [], False),
            ("https://example.com.evil.example/", [], False),
            ("https://b.example.com/", ["https://c.example.com/"], True),
            ("https://b.example.com/", ["https://example.org/"], False),
            ("https://b.example.com/", ["https://c.example.com/", "http://example.com/"], False),
            (None, ["https://example.org/"], False),
        ):
            by = None if initiator is None else at(initiator)[0]
            hops = [at(hop)[0] for hop in redirects]
            got = is_same_site(at(SITE)[0], by, hops, SUFFIXES)
            self.assertEqual(got, same, (initiator, redirects))


class SendTests(SynchronousTestCase):
    """Section 5.8.3."""

    def test_table(self) -> None:
        """Each flag in each kind of request, for a cookie that is fresh and one that is not."""
        table = {
            # who asks: (Strict, Lax, Default fresh, Default old, None)
            "same": (SAME, False, (1, 1, 1, 1, 1)),
            "script of the site": (SAME, True, (1, 1, 1, 1, 1)),
            "sub-resource": (CROSS, False, (0, 0, 0, 0, 1)),
            "link": (LINK, False, (0, 1, 1, 1, 1)),
            "form": (POST, False, (0, 0, 1, 0, 1)),
            "script of a strange frame": (LINK, True, (0, 0, 0, 0, 1)),
        }
        cookies = [(STRICT, 0), (LAX, 0), (DEFAULT, 120), (DEFAULT, 121), (NONE, 0)]
        for name, (access, script, expected) in table.items():
            got = tuple(
                int(access.sends(flag, NOW - age, NOW, to_script=script)) for flag, age in cookies
            )
            self.assertEqual(got, expected, name)

    def test_in_a_jar(self) -> None:
        """``visible`` asks it."""
        jar = []
        for field in (b"s=1; SameSite=Strict", b"n=2; SameSite=None; Secure", b"d=3"):
            parsed = parse_set_cookie(field, NOW)
            assert not isinstance(parsed, Invalid)
            made = rules.admit(parsed, *at(SITE), NOW, SUFFIXES)
            assert not isinstance(made, Invalid)
            jar.append(made)
        for access, expected in ((SAME, b"s=1; n=2; d=3"), (LINK, b"n=2; d=3"), (CROSS, b"n=2")):
            found = rules.visible(jar, *at(SITE), NOW, access=access)
            self.assertEqual(rules.cookie_string(found), expected)


class StoreTests(SynchronousTestCase):
    """Section 5.7, steps 18 and 19."""

    def test_table(self) -> None:
        """What a cross-site response may set; a script never sets for a strange site."""
        for (flag, access), script in itertools.product(
            itertools.product(SameSite, (SAME, CROSS, LINK, POST)), (False, True)
        ):
            expected = access.same_site or flag is NONE or (access.top_level and not script)
            self.assertEqual(access.stores(flag, from_script=script), expected, (flag, access))

    def test_admit(self) -> None:
        """The step is told."""
        for field, access, step in (
            (b"a=1; SameSite=Lax", CROSS, "5.7.18"),
            (b"a=1; SameSite=Strict", CROSS, "5.7.18"),
            (b"a=1", CROSS, "5.7.18"),
            (b"a=1; SameSite=None", SAME, "5.7.19"),
            (b"a=1; SameSite=None", CROSS, "5.7.19"),
            (b"a=1; SameSite=None; Secure", CROSS, None),
            (b"a=1; SameSite=Strict", POST, None),
        ):
            parsed = parse_set_cookie(field, NOW)
            assert not isinstance(parsed, Invalid)
            got = rules.admit(parsed, *at(SITE), NOW, SUFFIXES, access=access)
            self.assertEqual(got.step if isinstance(got, Invalid) else None, step, field)


class PartitionTests(SynchronousTestCase):
    """Partitioned cookies (CHIPS): one jar for each topmost site."""

    def _set(self, field: bytes, partition: str) -> rules.Cookie | Invalid:
        parsed = parse_set_cookie(field, NOW)
        assert not isinstance(parsed, Invalid)
        access = Access(same_site=False, top_level=True, partition=partition)
        return rules.admit(parsed, *at(SITE), NOW, SUFFIXES, access=access)

    def test_keyed(self) -> None:
        """Each partition sees its own and what has none; one name is several cookies."""
        fields = (b"a=1; Secure; Partitioned", b"a=2; Secure; Partitioned", b"b=3; Secure")
        sites = ("https://one.example", "https://two.example", "https://one.example")
        jar = [self._set(field, site) for field, site in zip(fields, sites, strict=True)]
        self.assertEqual(len({one.identity for one in jar}), 3)
        for site, expected in zip(sites[:2], (b"a=1; b=3", b"a=2; b=3"), strict=True):
            found = rules.visible(jar, *at(SITE), NOW, access=Access(partition=site))
            self.assertEqual(rules.cookie_string(found), expected)
        self.assertEqual(rules.cookie_string(rules.visible(jar, *at(SITE), NOW)), b"b=3")

    def test_secure(self) -> None:
        """Without Secure it is refused, not kept for all."""
        self.assertIsInstance(self._set(b"a=1; Partitioned", "https://one.example"), Invalid)

    def test_quota(self) -> None:
        """180 cookies and 10 KiB for a partition, whatever the others have."""

        def fill(site: str, count: int, size: int) -> list[rules.Cookie]:
            return [
                self._set(b"c%d=%s; Secure; Partitioned" % (n, b"v" * size), site)
                for n in range(count)
            ]

        one, two = fill("https://one.example", 200, 1), fill("https://two.example", 30, 1000)
        gone = rules.evict([*one, *two], NOW)
        self.assertEqual(sum(cookie in one for cookie in gone), 20)
        self.assertEqual(sum(cookie in two for cookie in gone), 20)
