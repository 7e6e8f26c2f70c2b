"""Allow-lists, and what asks for more than they open."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.destinations import (
    filter_fault,
    pattern_fault,
    stomp_allowed,
    topic_allowed,
    unshared,
    uri_allowed,
)

LEVEL = st.sampled_from(("a", "b", "", "$s"))
FILTER = st.lists(st.one_of(LEVEL, st.just("+")), min_size=1, max_size=4)


def _matches(pattern: str, topic: str) -> bool:
    """MQTT 4.7 read another way: as a regular expression."""
    if pattern[:1] in {"+", "#"} and topic[:1] == "$":
        return False
    parts = ["[^/]*" if one == "+" else re.escape(one) for one in pattern.split("/")]
    if pattern.rsplit("/", maxsplit=1)[-1] == "#":
        head = "/".join(parts[:-1])
        return re.match(f"{head}(/.*)?\\Z" if len(parts) > 1 else ".*", topic) is not None
    return re.match("/".join(parts) + r"\Z", topic) is not None


class TopicTests(SynchronousTestCase):
    """MQTT."""

    def test_table(self) -> None:
        """A subscription is open if all that it can match is."""
        for pattern, asked, wanted in (
            ("a/b", "a/b", True),
            ("a/b", "a/c", False),
            ("a/+", "a/b", True),
            ("a/+", "a/+", True),
            ("a/+", "a/#", False),
            ("a/+", "a/b/c", False),
            ("a/+", "a", False),
            ("a/b", "a/+", False),
            ("a/#", "a/#", True),
            ("a/#", "a", True),
            ("a/#", "a/+/c", True),
            ("a/#", "ab", False),
            ("a/#", "#", False),
            ("a/#", "+/b", False),
            ("+/b", "a/b", True),
            ("+/b", "+/b", True),
            ("#", "#", True),
            ("#", "a/b", True),
            ("#", "+", True),
            ("#", "$SYS/x", False),
            ("+/x", "$SYS/x", False),
            ("$SYS/#", "$SYS/x", True),
            ("+", "#", False),
            ("+/+", "#", False),
            ("+/#", "#", False),
            ("/a", "a", False),
            ("/+", "/", True),
        ):
            self.assertEqual(topic_allowed(asked, [pattern]), wanted, (pattern, asked))
        self.assertFalse(topic_allowed("a", []))
        self.assertTrue(topic_allowed("a", ["b", "a"]))

    @settings(deadline=None, max_examples=300)
    @given(FILTER, st.booleans(), FILTER, st.booleans(), st.lists(LEVEL, min_size=1, max_size=5))
    def test_covered_means_covered(
        self, pattern: list[str], rest: bool, asked: list[str], more: bool, topic: list[str]
    ) -> None:
        """No topic matches an allowed subscription and not the pattern."""
        allow = "/".join([*pattern, "#"] if rest else pattern)
        wanted = "/".join([*asked, "#"] if more else asked)
        name = "/".join(topic)
        if topic_allowed(wanted, [allow]) and _matches(wanted, name):
            self.assertTrue(_matches(allow, name), (allow, wanted, name))
        if not {"+", "#"} & set(name):
            self.assertEqual(topic_allowed(name, [allow]), _matches(allow, name))

    def test_filters(self) -> None:
        """MQTT 4.7.1: wildcards stand alone in their level, # in the last."""
        for text in ("a", "/", "+", "#", "+/a/#", "a//b", "/+"):
            self.assertEqual(filter_fault(text), "", text)
        for text in ("", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/b#"):
            self.assertNotEqual(filter_fault(text), "", text)

    def test_shared(self) -> None:
        """The filter inside is what counts."""
        for text, wanted in (
            ("a/b", "a/b"),
            ("$share/g/a/+", "a/+"),
            ("$share/g//a", "/a"),
            ("$share/g", None),
            ("$share/g/", None),
            ("$share//a", None),
            ("$share/+/a", None),
            ("$share/g#/a", None),
            ("$shared/g/a", "$shared/g/a"),
        ):
            self.assertEqual(unshared(text), wanted, text)


class StompTests(SynchronousTestCase):
    """Destinations with dots and slashes, and what brokers read into them."""

    def test_table(self) -> None:
        """``*`` is one part, ``**`` the rest; a broker's wildcard needs one as wide."""
        for pattern, asked, wanted in (
            ("/queue/a", "/queue/a", True),
            ("/queue/a", "/queue/b", False),
            ("/queue/a", "/queue.a", False),
            ("/queue/*", "/queue/a", True),
            ("/queue/*", "/queue/a.b", False),
            ("/queue/*", "/queue/a/b", False),
            ("/queue/*", "/queue", False),
            ("/queue/**", "/queue/a.b/c", True),
            ("/topic/a.*", "/topic/a.b", True),
            ("/topic/a.*", "/topic/a.*", True),
            ("/topic/a.*", "/topic/a.#", False),
            ("/topic/a.*", "/topic/a.>", False),
            ("/topic/a.*", "/topic/a.%23", False),
            ("/topic/a.*", "/topic/a.b*", False),
            ("/topic/a.**", "/topic/a.#", True),
            ("/topic/a.**", "/topic/#", False),
            ("/topic/a.b", "/topic/a.*", False),
            ("/topic/#", "/topic/#", True),
            ("/queue/**", "/queue/a,/topic/b", False),
            ("/queue/**", "/queue/a,/queue/b", True),
            ("/queue/*", ",".join(["/queue/a"] * 64), True),
            ("/queue/*", ",".join(["/queue/a"] * 65), False),
            ("/queue/*", "/queue/a?x=y", False),
            ("/queue/a?x=y", "/queue/a?x=y", True),
        ):
            self.assertEqual(stomp_allowed(asked, [pattern]), wanted, (pattern, asked))


class UriTests(SynchronousTestCase):
    """WAMP, with its ways to match."""

    def test_table(self) -> None:
        """A prefix ends anywhere; an empty part of a wildcard is any one."""
        for pattern, asked, match, wanted in (
            ("com.app.*", "com.app.x", "exact", True),
            ("com.app.*", "com.app.x.y", "exact", False),
            ("com.app.**", "com.app.x.y", "exact", True),
            ("com.app.**", "com.app", "prefix", False),
            ("com.app.**", "com.app.", "prefix", True),
            ("com.app.**", "com.app.x", "prefix", True),
            ("com.app.*", "com.app.x", "prefix", False),
            ("com.app.*", "com.app.", "wildcard", True),
            ("com.app.*", "com..x", "wildcard", False),
            ("com.*.x", "com..x", "wildcard", True),
            ("com.app.x", "com.app.x", "regex", False),
        ):
            found = uri_allowed(asked, [pattern], match)
            self.assertEqual(found, wanted, (pattern, asked, match))


class PatternTests(SynchronousTestCase):
    """What may stand in a configuration."""

    def test_table(self) -> None:
        """Wildcards stand alone."""
        for name, pattern, fine in (
            ("mqtt", "a/+/#", True),
            ("mqtt", "a#", False),
            ("v12.stomp", "/queue/*/x.**", True),
            ("v12.stomp", "/queue/**/x", False),
            ("v12.stomp", "/queue/a*", False),
            ("wamp.2.json", "com.*.x", True),
            ("wamp.2.json", "com.a/b*", False),
        ):
            self.assertEqual(pattern_fault(name, pattern) == "", fine, (name, pattern))
