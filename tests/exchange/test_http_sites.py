"""What the operator chose for a site, in what its pages and workers are given."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.exchange.http import http_exchange
from gateway.exchange.messages import Connect, Context, RequestHead, Respond, Scripts, UpstreamHead
from gateway.policy.destinations import Settings
from gateway.policy.patterns import parse_pattern
from gateway.policy.sites import SiteOptions, SiteRule
from tests.exchange import HTML, SITE, WORKER, Shell, access, context, frame, head
from tests.rewrite import SECURE

OWN = Scripts("/own.js", "sha256-oWn=", "/own-rare.js", "sha256-oWnRaRe=", "/w.js", b"/*own*/;")
CHOSEN = SiteOptions(rewrite_location=True)
OTHER = "https://other.example.com"


def _context(*sites: str) -> Context:
    made = context(access(), navigation=("*",))
    rules = tuple(SiteRule(parse_pattern(site), CHOSEN) for site in sites)
    policy: Settings = attrs.evolve(made.policy, sites=rules)
    return attrs.evolve(made, policy=policy, identity=OWN)


def _respond(request: RequestHead, used: Context, kind: bytes = HTML[1]) -> Respond:
    shell = Shell({Connect: UpstreamHead(200, b"OK", ((b"Content-Type", kind),), 5)})
    ending = shell.run(http_exchange(request, used))
    if not isinstance(ending, Respond):
        raise AssertionError(ending)
    return ending


class SiteTests(SynchronousTestCase):
    """``rewrite-location``."""

    def test_document(self) -> None:
        """Its runtime is another, and the page's policies and validator know that."""
        for sites, own in (((SITE,), True), ((), False), ((OTHER,), False)):
            ending = _respond(frame(), _context(*sites))
            markup = ending.plan.markup
            self.assertEqual(SECURE.encode() + b"/own.js" in markup, own, sites)
            self.assertEqual(b"sha256-oWn=" in markup, own)
            self.assertEqual(b"/own-rare.js" in markup, own)
            self.assertEqual(b"/own.js" in ending.plan.frame_markup, own)

    def test_worker(self) -> None:
        """So is what stands before its workers' scripts."""
        request = head(sec_fetch_dest="worker", sec_fetch_mode="same-origin")
        for sites, own in (((SITE,), b"/*own*/;"), ((), WORKER)):
            ending = _respond(request, _context(*sites), b"text/javascript")
            self.assertEqual(ending.plan.preamble, own)
            self.assertEqual(ending.plan.module_preamble == b'import"/w.js";', own != WORKER)
