"""``Info.plist``: what App Transport Security says, as attributes of access rules."""

from __future__ import annotations

import plistlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.ats import NOBODY, read_ats
from gateway.policy.imported import Imported, Unreadable

AGAINST = {"from": NOBODY}
STRICT = {"minimum-tls": "1.2", "forward-secrecy": True, "allow-insecure-http": False}
WEAK = {"minimum-tls": "1.0", "forward-secrecy": False, "allow-insecure-http": True}


def _read(ats: Any, **more: Any) -> Imported:
    return read_ats(plistlib.dumps({"NSAppTransportSecurity": ats}), "Info.plist", **more)


def _rules(found: Imported) -> list[dict[str, Any]]:
    return [dict(one.values) for one in found.entries]


class ExceptionTests(SynchronousTestCase):
    """The keys, one by one."""

    def test_domains(self) -> None:
        """What a domain's dictionary becomes, and a word of the note about what it does not."""
        tls = "NSExceptionMinimumTLSVersion"
        secrecy = "NSExceptionRequiresForwardSecrecy"
        plain = "NSExceptionAllowsInsecureHTTPLoads"
        table: tuple[tuple[dict[str, Any], dict[str, Any] | None, str], ...] = (
            ({tls: "TLSv1.0"}, {"minimum-tls": "1.0"}, ""),
            ({tls: "TLSv1.3", "NSIncludesSubdomains": True},
             {"subdomains": True, "minimum-tls": "1.3"}, ""),
            ({secrecy: False}, {"forward-secrecy": False}, ""),
            ({secrecy: True, plain: False},
             {"forward-secrecy": True, "allow-insecure-http": False}, ""),
            ({plain: True}, {"allow-insecure-http": True}, "read on the way"),
            ({"NSThirdPartyExceptionAllowsInsecureHTTPLoads": True},
             {"allow-insecure-http": True}, "without that word"),
            ({"NSTemporaryExceptionMinimumTLSVersion": "TLSv1.1"},
             {"minimum-tls": "1.1"}, "without that word"),
            ({tls: "SSLv3"}, None, "expected TLSv1.0 to TLSv1.3"),
            ({tls: 1}, None, "expected TLSv1.0 to TLSv1.3"),
            ({plain: "YES"}, None, "expected a boolean"),
            ({"NSIncludesSubdomains": True}, None, "nothing that differs"),
            ({}, None, "nothing that differs"),
            ({plain: True, "NSRequiresCertificateTransparency": True},
             {"allow-insecure-http": True}, "NSRequiresCertificateTransparency has no equivalent"),
            ({"NSMadeUp": True}, None, "NSMadeUp has no equivalent: it is not known"),
        )  # fmt: skip
        for given_keys, attributes, word in table:
            found = _read({"NSExceptionDomains": {"A.Test.": given_keys}})
            rules = [{"origin": "a.test", **AGAINST, **attributes}] if attributes else []
            self.assertEqual(_rules(found), rules, given_keys)
            self.assertTrue(any(word in note for note in found.notes), found.notes)

    def test_open(self) -> None:
        """On demand the rules open their domains; then that is said."""
        domains = {"a.test": {"NSExceptionMinimumTLSVersion": "TLSv1.1"}}
        found = _read({"NSExceptionDomains": domains}, opens=True)
        self.assertEqual(_rules(found), [{"origin": "a.test", "minimum-tls": "1.1"}])
        self.assertTrue(any("every page" in note for note in found.notes))

    def test_no_hosts(self) -> None:
        """Domains that are none are left out, whatever they try."""
        for domain in ("*.a.test", "a.test:80", "https://a.test", "a b", "", ".", "a..b", '"]\n[x'):
            given_keys = {"NSExceptionAllowsInsecureHTTPLoads": True}
            found = _read({"NSExceptionDomains": {domain: given_keys}})
            self.assertEqual(found.entries, [], domain)
            self.assertTrue(any("not the name of a host" in note for note in found.notes), domain)

    def test_arbitrary_loads(self) -> None:
        """All origins may be weak, and named domains keep the defaults, before the wide rule."""
        domains = {"a.test": {}, "b.test": {"NSExceptionMinimumTLSVersion": "TLSv1.1"}}
        found = _read({"NSAllowsArbitraryLoads": True, "NSExceptionDomains": domains})
        self.assertEqual(
            _rules(found),
            [
                {"origin": "a.test", **AGAINST, **STRICT},
                {"origin": "b.test", **AGAINST, **STRICT, "minimum-tls": "1.1"},
                {"origin": "*", **AGAINST, **WEAK},
            ],
        )
        self.assertEqual(_rules(_read({"NSAllowsArbitraryLoads": False})), [])

    def test_narrower_keys(self) -> None:
        """Where a narrower key stands beside it, the wide one does not count."""
        for key in ("NSAllowsArbitraryLoadsInWebContent", "NSAllowsLocalNetworking"):
            found = _read({"NSAllowsArbitraryLoads": True, key: False})
            self.assertEqual(found.entries, [], key)
            self.assertTrue(any(f"{key} has no equivalent" in note for note in found.notes))

    def test_pinned(self) -> None:
        """Pins are told as lost, with the domains they were for."""
        found = _read({"NSPinnedDomains": {"a.test": {}, "b.test": {}}})
        (note, _) = found.notes
        self.assertIn("no equivalent", note)
        self.assertIn("a.test, b.test", note)


class SourceTests(SynchronousTestCase):
    """Files that are none."""

    def test_unreadable(self) -> None:
        """Each says what is wrong."""
        entity = (
            b'<!DOCTYPE plist [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            b"<plist><dict><key>&x;</key><true/></dict></plist>"
        )
        for source, word in (
            (b"", "not a property list"),
            (b"<plist>", "not a property list"),
            (b"<plist><dict><key>x</dict></plist>", "not a property list"),
            (entity, "not a property list"),
            (b"bplist00" + b"\xff" * 40, "not a property list"),
            (plistlib.dumps(["x"]), "no dictionary"),
            (plistlib.dumps({"NSAppTransportSecurity": "x"}), "expected a dictionary"),
            (b"<plist>" + b" " * 2**20, "larger"),
        ):
            with self.assertRaises(Unreadable) as caught:
                read_ats(source, "Info.plist")
            self.assertIn(word, str(caught.exception), source[:60])

    def test_forms(self) -> None:
        """XML and binary lists say the same; one without the key says nothing."""
        ats = {"NSExceptionDomains": {"a.test": {"NSExceptionMinimumTLSVersion": "TLSv1.1"}}}
        for form in (plistlib.FMT_XML, plistlib.FMT_BINARY):
            source = plistlib.dumps({"NSAppTransportSecurity": ats}, fmt=form)
            self.assertEqual(len(read_ats(source, "Info.plist").entries), 1)
        found = read_ats(plistlib.dumps({"CFBundleName": "x"}), "Info.plist")
        self.assertEqual(found.entries, [])
        self.assertIn("there is no exception in it", found.notes[0])

    def test_odd_values(self) -> None:
        """Values of the wrong kind are told, not believed."""
        for ats in (
            {"NSExceptionDomains": "x"},
            {"NSExceptionDomains": {"a.test": "x"}},
            {"NSAllowsArbitraryLoads": "YES"},
            {"NSPinnedDomains": 1},
        ):
            found = _read(ats)
            self.assertEqual(found.entries, [], ats)
            self.assertTrue(any("found" in note or "pinned" in note for note in found.notes), ats)

    @settings(deadline=None, max_examples=200)
    @given(
        st.binary(max_size=60).map(lambda tail: b"bplist00" + tail)
        | st.binary(max_size=60)
        | st.recursive(
            st.booleans() | st.text("abNSx.", max_size=9) | st.integers(-9, 9),
            lambda inner: st.dictionaries(
                st.sampled_from(
                    ["NSExceptionDomains", "NSAllowsArbitraryLoads", "a.test", "x y",
                     "NSPinnedDomains", "NSIncludesSubdomains", "NSExceptionMinimumTLSVersion"]
                ),
                inner,
                max_size=4,
            ),
        ).map(lambda ats: plistlib.dumps({"NSAppTransportSecurity": ats}))
    )  # fmt: skip
    def test_anything(self, source: bytes) -> None:
        """Any octets are read or said to be unreadable."""
        try:
            found = read_ats(source, "Info.plist")
        except Unreadable as error:
            self.assertTrue(str(error))
        else:
            self.assertTrue(found.toml())
