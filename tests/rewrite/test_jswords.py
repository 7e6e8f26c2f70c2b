"""Words in their places; ``test_jslexer`` has whole scripts."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite import jslexer, jstokens


class PlaceTests(SynchronousTestCase):
    """One word, by what stands around it."""

    def test_roles(self) -> None:
        """The role of ``location`` between two texts; None: it stays."""
        for before, after, role in (
            ("", "", jstokens.LOCATION), ("a.", "", jstokens.LOCATION), ("a.#", "", None),
            ("x = {", "}", jstokens.LOCATION + jstokens.SHORTHAND), ("x = {", ": 1}", None), ("x = {", "() {}}", None),
            ("x = {", " = 1}", jstokens.LOCATION + jstokens.SHORTHAND), ("", ": 1", None), ("break ", "", None),
            ("import {", "} from 'x'", jstokens.LOCATION + jstokens.IMPORTED),
            ("import {", " as a} from 'x'", None), ("import {a as ", "} from 'x'", jstokens.LOCATION),
            ("export {", "}", jstokens.LOCATION + jstokens.EXPORTED), ("export {", " as a}", jstokens.LOCATION),
            ("export {a as ", "}", None), ("export {", "} from 'x'", None), ("super.", "", None), ("delete a.", "", None),
        ):  # fmt: skip
            text = f"{before}location{after}"
            found = [
                one for one in jslexer.find(text.encode()) or () if one[2] != jstokens.SPECIFIER
            ]
            at = len(before)
            self.assertEqual(found, [] if role is None else [(at, at + 8, role)], text)
