"""What requests make of the jar: SameSite, Partitioned, HSTS, Clear-Site-Data, its limits."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.cookies import rules
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Answer,
    Commit,
    Connect,
    NeedNow,
    NeedOwned,
    RequestHead,
    Respond,
    Touch,
    UpstreamHead,
)
from gateway.exchange.messages import Settings as ExchangeSettings
from gateway.exchange.needs import ConnectSocket
from gateway.exchange.websocket import websocket_exchange
from gateway.origins import long_label
from gateway.session.reading import Session
from tests.exchange import (
    LONG,
    SITE,
    USER,
    Shell,
    access,
    context,
    frame,
    head,
    play,
    token_text,
    values,
)
from tests.rewrite import SECURE, SUFFIX, collapsed, origin
from tests.session import DATR, ICK, NOW

OTHER = collapsed("https://other.example")
SIBLING = collapsed("https://sibling.example.com")
PLAIN = SITE.replace("https:", "http:")
PLAIN_HOST = collapsed(PLAIN).removeprefix("https://")
OPEN = context(access("https://*"), navigation=("https://*",))
FIELDS = (b"s=1; SameSite=Strict", b"l=2; SameSite=Lax", b"d=3", b"n=4; SameSite=None; Secure")


def _by(page: str, request: RequestHead) -> RequestHead:
    """The same request, made by a page of another origin (or the outer frame)."""
    fields = tuple(
        field
        for field in request.fields
        if field[0].lower() not in {b"origin", b"referer", b"sec-fetch-site"}
    )
    more = ((b"Referer", f"{page}/".encode()), (b"Sec-Fetch-Site", b"same-site"))
    return attrs.evolve(request, fields=(*fields, *more))


def _sent(request: RequestHead, shell: Shell, at: int = NOW) -> bytes:
    """The Cookie field that goes upstream."""
    shell.replies[NeedNow] = at
    shell.needs.clear()
    play(http_exchange, request, OPEN, shell)
    (sent,) = shell.sent()
    return b"; ".join(values(sent.fields, b"Cookie"))


def _answers(*fields: tuple[bytes, bytes]) -> Shell:
    return Shell({Connect: UpstreamHead(200, b"OK", fields, 5)})


class SameSiteTests(SynchronousTestCase):
    """Who asks decides which cookies go (RFC 6265bis 5.8.3)."""

    def test_sent(self) -> None:
        """Pages of the site, others, and addresses that came through the outer frame.

        Where a navigation leads is a matter of ``test_places``.
        """
        shell = Shell()
        shell.put(*FIELDS)
        everything, lax, none = b"s=1; l=2; d=3; n=4", b"l=2; d=3; n=4", b"n=4"
        for request, expected in (
            (head(), everything),
            (_by(SIBLING, head()), everything),
            (_by(OTHER, head()), none),
            (frame(), everything),
            (_by(SECURE, frame()), lax),
        ):
            self.assertEqual(_sent(request, shell), expected, request.fields)

    def test_fresh(self) -> None:
        """A cross-site form is not known to be the topmost page's: nothing young goes with it."""
        shell = Shell()
        shell.put(*FIELDS)
        request = _by(OTHER, frame(method=b"POST"))
        for later in (0, 120, 121):
            self.assertEqual(_sent(request, shell, NOW + later), b"n=4")

    def test_a_form_that_the_outer_frame_sends(self) -> None:
        """It counts as its page's, whatever the browser says of who made it."""
        shell = Shell()
        shell.put(*FIELDS)
        request = _by(SECURE, frame(method=b"POST", token=token_text(Session(ICK, DATR).pair)))
        request = attrs.evolve(request, fields=(*request.fields, (b"Origin", SECURE.encode())))
        self.assertEqual(_sent(request, shell), b"s=1; l=2; d=3; n=4")

    def test_typed_or_told(self) -> None:
        """What leads to the outer frame may be anybody's link: the site is not told otherwise."""
        shell = Shell()
        play(http_exchange, _by(SECURE, frame()), OPEN, shell)
        (sent,) = shell.sent()
        self.assertEqual(values(sent.fields, b"Sec-Fetch-Site"), [b"cross-site"])
        self.assertEqual(values(sent.fields, b"Sec-Fetch-Dest"), [b"document"])

    def test_set(self) -> None:
        """A response to a cross-site request of a page's sets only what allows it."""
        for request, expected in (
            (_by(OTHER, head()), b"n=4"),
            (_by(OTHER, frame()), b"s=1; l=2; d=3; n=4"),
        ):
            shell = _answers(*((b"Set-Cookie", field) for field in FIELDS))
            play(http_exchange, request, OPEN, shell)
            self.assertEqual(shell.cookies(), expected)

    def test_partitioned(self) -> None:
        """Another site's page has a jar of its own for them."""
        shell = _answers((b"Set-Cookie", b"p=1; Partitioned; Secure; SameSite=None"))
        play(http_exchange, _by(OTHER, head()), OPEN, shell)
        self.assertEqual(_sent(_by(OTHER, head()), shell), b"p=1")
        third = collapsed("https://third.example")
        del shell.replies[Connect]
        self.assertEqual(_sent(_by(third, head()), shell), b"")
        self.assertEqual(_sent(head(), shell), b"")


class HstsTests(SynchronousTestCase):
    """What a site said is kept for each person, and applied before anything goes upstream."""

    def _learned(self, field: bytes = b"max-age=1000") -> Shell:
        shell = _answers((b"Strict-Transport-Security", field))
        play(http_exchange, head(), context(), shell)
        del shell.replies[Connect]
        shell.needs.clear()
        return shell

    def _plain(self, shell: Shell, at: int = NOW, **more: str) -> tuple[object, Shell]:
        shell.replies[NeedNow] = at
        request = head("/p?q", host=PLAIN_HOST, **more)
        given = context(attrs.evolve(access("http://*"), allow_insecure_http=True))
        return play(http_exchange, request, given, shell)

    def test_upgraded(self) -> None:
        """A plain address is led to its secure twin; nothing is asked of the plain one."""
        shell = self._learned()
        ending, _ = self._plain(shell)
        assert isinstance(ending, Answer)
        self.assertEqual((ending.status, shell.sent()), (307, []))
        self.assertEqual(values(ending.fields, b"Location"), [f"{collapsed(SITE)}/p?q".encode()])
        self.assertEqual(values(ending.fields, b"Access-Control-Allow-Origin"), [])
        ending, _ = self._plain(shell, origin=OTHER)
        assert isinstance(ending, Answer)
        self.assertEqual(values(ending.fields, b"Access-Control-Allow-Origin"), [OTHER.encode()])

    def test_upgraded_by_a_digest(self) -> None:
        """An origin whose label is a digest is named whole: the next request may be another's."""
        plain = origin("http://under_score.example.com")
        secure_host, plain_host = (f"{long_label(one)}{SUFFIX}" for one in (LONG, plain))
        shell = _answers((b"Strict-Transport-Security", b"max-age=1000"))
        known = context(attrs.evolve(access("http://*"), allow_insecure_http=True))
        play(http_exchange, head(f"/?__gwo={LONG}", host=secure_host), context(), shell)
        ending, _ = play(http_exchange, head(f"/p?__gwo={plain}", host=plain_host), known, shell)
        assert isinstance(ending, Answer)
        self.assertEqual(ending.status, 307)
        (location,) = values(ending.fields, b"Location")
        self.assertTrue(location.startswith(f"https://{secure_host}/p?__gwo=".encode()), location)

    def test_not_upgraded(self) -> None:
        """When its time is over, when nothing was said, and for nobody else."""
        ending, _ = self._plain(self._learned(), NOW + 1000)
        self.assertIsInstance(ending, Respond)
        for field in (b"nonsense", b"max-age=0"):
            ending, _ = self._plain(self._learned(field))
            self.assertIsInstance(ending, Respond, field)
        shell = self._learned()
        request = head("/p", host=PLAIN_HOST, session=False)
        given = context(attrs.evolve(access("http://*"), allow_insecure_http=True))
        ending, _ = play(http_exchange, request, given, shell)
        self.assertIsInstance(ending, Respond)

    def test_sockets(self) -> None:
        """A plain WebSocket is dialled at the secure origin."""
        shell = self._learned()
        given = context(
            attrs.evolve(access("http://*"), allow_insecure_http=True), access("https://*")
        )
        request = head(
            "/ws", host=PLAIN_HOST, origin=collapsed(SITE), upgrade="websocket",
            token=token_text(Session(ICK, DATR).pair),
            connection="Upgrade", sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==",
            sec_websocket_version="13", sec_fetch_mode="websocket",
        )  # fmt: skip
        play(websocket_exchange, request, given, shell)
        (dialled,) = [need for need in shell.needs if isinstance(need, ConnectSocket)]
        self.assertEqual(str(dialled.origin), SITE)


class ClearTests(SynchronousTestCase):
    """Clear-Site-Data."""

    def test_cookies(self) -> None:
        """``cookies`` and ``*`` empty the site's rows, after what the same response set."""
        for value, expected in (
            (b'"cookies"', b""),
            (b'"*"', b""),
            (b'"cache", "cookies"', b""),
            (b'"cache"', b"old=1; new=2"),
            (b"cookies", b"old=1; new=2"),
        ):
            shell = _answers((b"Clear-Site-Data", value), (b"Set-Cookie", b"new=2; Path=/"))
            shell.put(b"old=1; Path=/", b"up=3; Domain=example.com; Path=/x")
            play(http_exchange, head(), context(), shell)
            self.assertEqual(shell.cookies(), expected, value)

    def test_what_another_page_sees_as_partitioned_stays(self) -> None:
        """Only what the response's own page can reach is cleared."""
        shell = _answers((b"Set-Cookie", b"p=1; Partitioned; Secure; SameSite=None; Path=/"))
        play(http_exchange, _by(OTHER, head()), OPEN, shell)
        shell.replies[Connect] = UpstreamHead(200, b"OK", ((b"Clear-Site-Data", b'"cookies"'),), 5)
        play(http_exchange, head(), context(), shell)
        self.assertEqual(_sent(_by(OTHER, head()), shell), b"p=1")


class LimitTests(SynchronousTestCase):
    """Last access, and a whole jar's bound."""

    def test_touch(self) -> None:
        """Written when it is older than configured; the request does not wait for it."""
        shell = Shell()
        shell.put(b"a=1; Path=/", b"b=2; Path=/other")
        for later, touched in ((59, 0), (60, 1), (61, 0), (130, 1)):
            shell.needs.clear()
            _sent(head(), shell, NOW + later)
            found = [need for need in shell.needs if isinstance(need, Touch)]
            self.assertEqual(sum(len(one.change.puts) for one in found), touched, later)
            self.assertFalse(any(isinstance(need, Commit) for need in shell.needs))

    def test_hosts_leave_room_for_cookies(self) -> None:
        """What is no cookie fills half of a jar at most: a site may have ever new hosts."""
        self.patch(rules, "MAX_PER_JAR", 10)
        self.patch(rules, "JAR_AFTER_PURGE", 6)
        shell = Shell()
        shell.put(b"old=1; Path=/")
        field = (b"Strict-Transport-Security", b"max-age=1000")
        for number in range(14):
            shell.replies[Connect] = UpstreamHead(200, b"OK", (field,), 5)
            host = collapsed(f"https://h{number}.example.com").removeprefix("https://")
            play(http_exchange, head(host=host), context(), shell)
        shell.replies[Connect] = UpstreamHead(200, b"OK", ((b"Set-Cookie", b"new=1; Path=/"),), 5)
        play(http_exchange, head(), context(), shell)
        (rows,) = shell.rows.values()
        self.assertEqual(shell.cookies(), b"old=1; new=1")
        self.assertLessEqual(len(rows), 10)

    def test_a_full_jar(self) -> None:
        """One cookie too many, and the least recently used of all buckets go."""
        self.patch(rules, "MAX_PER_JAR", 10)
        self.patch(rules, "JAR_AFTER_PURGE", 6)
        shell = Shell()
        shell.put(*(b"old%d=1; Path=/" % number for number in range(10)))
        moved = {}
        for (owner, bucket), rows in shell.rows.items():
            moved[owner, bytes(8)] = {}  # an empty bucket of another site
            moved[owner, bucket] = rows
        shell.rows = moved
        shell.replies[Connect] = UpstreamHead(200, b"OK", ((b"Set-Cookie", b"new=1; Path=/"),), 5)
        shell.replies[NeedNow] = NOW + 7
        play(http_exchange, head(), context(), shell)
        self.assertEqual(len(shell.cookies().split(b"; ")), 6)
        self.assertIn(b"new=1", shell.cookies())
        self.assertEqual(shell.notes(), [events.JAR_PURGED])
        self.assertEqual(
            [need.owner for need in shell.needs if isinstance(need, NeedOwned)], [USER.owner]
        )

    def test_settings(self) -> None:
        """A minute and a hundred attempts, as documented."""
        self.assertEqual(
            (ExchangeSettings().access_seconds, ExchangeSettings().commit_attempts), (60, 100)
        )
