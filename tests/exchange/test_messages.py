"""The values that an exchange and its shell pass to and fro."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import GatewayError, LocalFault, Refusal, StoreUnavailable, UpstreamTimeout
from gateway.exchange.messages import (
    Accept,
    Answer,
    Commit,
    Connect,
    NeedNow,
    NeedRows,
    Refuse,
    RequestHead,
    Respond,
    Scripts,
    UpstreamHead,
    ask,
    refusal,
)
from gateway.exchange.needs import ConnectSocket, SocketOpened
from gateway.exchange.steps import Addressed
from gateway.policy.sites import SiteOptions
from gateway.policy.transport import Transport
from tests.exchange import SITE, context
from tests.rewrite import SECURE, collapsed, origin

SECRET = b"s3cret"
FIELDS = ((b"Cookie", SECRET),)
IDENTITY = Scripts(
    "/own.js", "sha256-oWn=", "/own-rare.js", "sha256-oWnRaRe=", "/own-worker.js", b"/*own*/;"
)


class MessageTests(SynchronousTestCase):
    """Requests, needs and endings."""

    def test_path(self) -> None:
        """The target without its query."""
        for target, path in ((b"/", b"/"), (b"/a?b?c", b"/a"), (b"?x", b""), (b"*", b"*")):
            head = RequestHead(b"GET", target, b"HTTP/1.1", "h", ())
            self.assertEqual(head.path, path, target)

    def test_logged_path(self) -> None:
        """A log shows a plain path alone: no query, no fragment, no other form of target."""
        for target, path in {
            b"/a?s3cret": "/a",
            b"/a#s3cret": "/a",
            b"/\xe9": "/\xe9",
            b"": "-",
            b"*": "-",
            b"https://s3cret.example/": "-",
            b"?s3cret": "-",
        }.items():
            head = RequestHead(b"GET", target, b"HTTP/1.1", "h", ())
            self.assertEqual(head.logged_path, path, target)

    def test_ask(self) -> None:
        """A reply of the right kind comes back; another is a fault of the gateway's own."""
        asking = ask(NeedNow(), int)
        self.assertEqual(next(asking), NeedNow())
        with self.assertRaises(StopIteration) as caught:
            asking.send(5)
        self.assertEqual(caught.exception.value, 5)
        for reply in (None, "5", b"5"):
            asking = ask(NeedNow(), int)
            next(asking)
            with self.assertRaises(LocalFault):
                asking.send(reply)

    def test_refusal(self) -> None:
        """Status, event and title are the error's kind's; what it says is for the log."""
        for error in (
            GatewayError("x"), Refusal("x"), StoreUnavailable("x"), UpstreamTimeout("x"),
        ):  # fmt: skip
            wanted = Refuse(error.status, error.event, error.title, "x")
            self.assertEqual(refusal(error), wanted)
            self.assertNotIn("x", wanted.title.split())

    def test_runtime(self) -> None:
        """The scripts are on one host for all pages; what a page asks for is on its own."""
        for site in (SITE, "https://other.example"):
            source = context().runtime(origin(site))
            self.assertEqual(source.url, f"{SECURE}/.gateway/assets/runtime.js")
            self.assertEqual(source.rare_url, f"{SECURE}/.gateway/assets/rare.js")
            self.assertEqual((source.digest, source.rare), ("sha256-rUnT1me=", "sha256-rAre="))
            self.assertEqual(source.own, collapsed(site) + "/.gateway/")

    def test_runtime_for_sockets(self) -> None:
        """The part for sockets that do not get through is known by its digest, a site's, too."""
        self.assertEqual(context().runtime(origin(SITE)).socket, "")
        given = attrs.evolve(context(), socket_digest="sha256-sOcket=", identity=IDENTITY)
        for one in (given, given.for_site(SiteOptions(rewrite_location=True))):
            source = one.runtime(origin(SITE))
            self.assertEqual(source.socket, "sha256-sOcket=")
            self.assertEqual(source.digests[2:], ("sha256-sOcket=",))

    def test_site(self) -> None:
        """A site's pages have their own runtime where the operator chose so, and where there is one."""
        chosen = SiteOptions(rewrite_location=True)
        plain = context()
        own = attrs.evolve(plain, identity=IDENTITY)
        for given, options, wanted in (
            (plain, SiteOptions(), plain),
            (plain, chosen, plain),
            (own, SiteOptions(), own),
        ):
            self.assertIs(given.for_site(options), wanted)
        found = own.for_site(chosen)
        source = found.runtime(origin(SITE))
        self.assertEqual(source.url, SECURE + IDENTITY.runtime_path)
        self.assertEqual(source.rare_url, SECURE + IDENTITY.rare_path)
        self.assertEqual((source.digest, source.rare), ("sha256-oWn=", "sha256-oWnRaRe="))
        self.assertEqual((found.worker_path, found.worker_source), ("/own-worker.js", b"/*own*/;"))
        self.assertEqual(found.policy, plain.policy)

    def test_nothing_secret_is_shown(self) -> None:
        """No repr shows fields, targets with queries, offers, owners or bodies."""
        shop, transport = origin(SITE), Transport()
        for value in (
            RequestHead(b"GET", SECRET, b"HTTP/1.1", "h", FIELDS),
            Addressed(shop, SECRET),
            Refuse(403, "event", "title", fields=FIELDS),
            Accept("", FIELDS),
            NeedRows(SECRET, SECRET),
            Commit(SECRET, SECRET, 1, (), (SECRET,)),
            Connect(shop, transport, b"GET", SECRET, FIELDS),
            ConnectSocket(shop, transport, SECRET, None, (SECRET.decode(),), FIELDS),
            UpstreamHead(200, b"OK", FIELDS),
            SocketOpened(SECRET.decode(), (SECRET,)),
            Respond(200, b"OK", FIELDS),
            Answer(200, FIELDS, SECRET),
            Accept(SECRET.decode()),
        ):
            self.assertNotIn("s3cret", repr(value), type(value).__name__)
