"""A response body's way through decoder, scanner and encoder."""

from __future__ import annotations

import gzip
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import UpstreamFault, UpstreamTooLarge
from gateway.rewrite.pipeline import BodyPlan, Pipeline, pipeline_for
from tests.rewrite import cut, run

MARKUP = b"<script>ours</script>"
PAGE = b"<!doctype html><html><head><title>T</title></head><body>" + b"text " * 50
EDITED = PAGE.replace(b"<head>", b"<head>" + MARKUP)


def _pipeline(**plan: object) -> Pipeline:
    found = pipeline_for(BodyPlan(markup=MARKUP, **plan))  # type: ignore[arg-type]
    assert found is not None
    return found


class PipelineTests(SynchronousTestCase):
    """Plans and what they do."""

    def test_nothing_to_do(self) -> None:
        """Without markup there is no pipeline, so every byte passes as it is."""
        for plan in (BodyPlan(), BodyPlan(coding="gzip"), BodyPlan(coding="br", gzip_out=True)):
            self.assertIsNone(pipeline_for(plan))
            self.assertFalse(plan.edits)
        self.assertTrue(BodyPlan(markup=b"").edits)

    def test_codings(self) -> None:
        """Any coding in, plain or gzip out."""
        coded = {None: PAGE, "gzip": gzip.compress(PAGE), "deflate": zlib.compress(PAGE)}
        for coding, data in coded.items():
            self.assertEqual(run(_pipeline(coding=coding), [data]), EDITED, coding)
            out = run(_pipeline(coding=coding, gzip_out=True), [data])
            self.assertEqual(gzip.decompress(out), EDITED, coding)

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 1000), max_size=5), st.booleans())
    def test_any_chunks(self, places: list[int], out: bool) -> None:
        """The result does not depend on the chunks."""
        found = run(_pipeline(coding="gzip", gzip_out=out), cut(gzip.compress(PAGE), places))
        self.assertEqual(gzip.decompress(found) if out else found, EDITED)

    def test_it_streams(self) -> None:
        """What follows the head leaves with its own chunk."""
        pipeline = _pipeline()
        pipeline.feed(b"<head>")
        self.assertEqual(pipeline.feed(b"abc"), b"abc")

    def test_empty(self) -> None:
        """An empty document gets the markup alone."""
        self.assertEqual(run(_pipeline(), []), MARKUP)
        self.assertEqual(gzip.decompress(run(_pipeline(gzip_out=True), [])), MARKUP)

    def test_what_the_decoder_keeps(self) -> None:
        """Octets that only the coding's end sets free go through the scanner as well."""
        for size in range(1 << 18, (1 << 18) + 300, 7):
            coder = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
            data = coder.compress(b" " * size) + coder.flush()
            found = run(_pipeline(coding="deflate", ratio=10**6), [data])
            self.assertEqual(len(found), size + len(MARKUP), size)
            self.assertEqual(found.replace(MARKUP, b""), b" " * size, size)
            self.assertEqual(found.find(MARKUP), 64 * 1024, size)

    def test_faults(self) -> None:
        """A truncated body, a bomb, and a coding that nobody asked for."""
        with self.assertRaises(UpstreamFault):
            run(_pipeline(coding="gzip"), [gzip.compress(PAGE)[:-9]])
        with self.assertRaises(UpstreamTooLarge):
            run(_pipeline(coding="gzip", ratio=1), [gzip.compress(bytes(4_000_000))])
        with self.assertRaises(UpstreamFault):
            _pipeline(coding="br")

    def test_a_plan_shows_no_payload(self) -> None:
        """The markup holds cookies, so repr leaves it out."""
        self.assertNotIn("ours", repr(BodyPlan(markup=MARKUP)))
