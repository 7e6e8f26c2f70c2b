"""Scripts' cookies: carriers in, sync cookies out, the endpoint, and who may not."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.errors import StoreUnavailable
from gateway.exchange import script_cookies
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Answer,
    Commit,
    Connect,
    NeedBody,
    NeedRows,
    Refuse,
    RequestHead,
    Respond,
    UpstreamHead,
)
from gateway.exchange.websocket import websocket_exchange
from gateway.session.reading import Session
from gateway.session.writing import write_tokens
from tests.cookies import SUFFIXES
from tests.exchange import (
    HOST,
    HTML,
    PAGE_ORIGIN,
    REGISTRABLE,
    SESSION,
    SITE,
    USER,
    Shell,
    access,
    context,
    frame,
    head,
    play,
    values,
)
from tests.rewrite import SECURE, collapsed, origin
from tests.session import DATR, ICK_2, KEYS

TOKENS = write_tokens(KEYS, USER, DATR.generation)
MINE = TOKENS.token(origin(SITE), "shop.example.com").encode()
SITES = TOKENS.token(origin(SITE), REGISTRABLE).encode()
BLOG = "https://blog.example.com"
OPEN = context(access("*"))


def carrier(number: int, text: bytes, token: bytes = MINE) -> bytes:
    """One carrier, as the runtime makes it."""
    return wire.CARRIER_PREFIX + b"%d=%s.%s" % (number, token, quote(text, safe="").encode())


def bringing(request: RequestHead, *crumbs: bytes) -> RequestHead:
    """A request with more cookies in its Cookie header."""
    fields = [one for one in request.fields if one[0] != b"Cookie"]
    return attrs.evolve(
        request, fields=(*fields, (b"Cookie", b"; ".join((SESSION, *crumbs)))), host=request.host
    )


def synced(ending: Any) -> list[Any]:
    """What the sync cookies of an answer say."""
    found = []
    for field in values(ending.fields, b"Set-Cookie"):
        if field.startswith(wire.SYNC_PREFIX) and b"Max-Age=0" not in field:
            pair, _, attributes = field.partition(b";")
            assert attributes == b" Max-Age=60; Priority=Low; Path=/; Secure; SameSite=Lax"
            found.append(json.loads(unquote(pair.partition(b"=")[2].decode())))
    return found


def expired(ending: Any, prefix: bytes = wire.CARRIER_PREFIX) -> list[bytes]:
    """The names of the cookies that an answer ends."""
    return [
        field.partition(b"=")[0]
        for field in values(ending.fields, b"Set-Cookie")
        if field.startswith(prefix) and b"=; Max-Age=0; Path=/; Secure" in field
    ]


def row(name: str, value: str = "1", **more: Any) -> list[Any]:
    """A row of a plain cookie; ``gone``: of one that is over."""
    if more.get("gone"):
        return [name, "", more.get("domain", ""), more.get("path", "/"), 0, 0, "", 0]
    return [name, value, more.get("domain", ""), more.get("path", "/"), None, 0, "lax", 0]


class CarrierTests(SynchronousTestCase):
    """A write travels with the next request, whatever that is."""

    def test_it_goes_upstream_as_a_cookie(self) -> None:
        """Applied before the Cookie header is made; expired and told; never sent itself."""
        for request in (head(), frame(), head(method=b"POST"), head(sec_fetch_dest="image")):
            shell = Shell()
            asked = bringing(request, carrier(5, b"a=1; Path=/"))
            ending, _ = play(http_exchange, asked, context(), shell)
            assert isinstance(ending, Respond)
            (sent,) = shell.sent()
            self.assertEqual(values(sent.fields, b"Cookie"), [b"a=1"])
            self.assertEqual(expired(ending), [wire.CARRIER_PREFIX + b"5"])
            self.assertEqual(synced(ending), [[1, row("a")]])
            self.assertEqual(shell.cookies(), b"a=1")
            self.assertFalse(any(wire.CARRIER_PREFIX in one for _, one in sent.fields))

    def test_the_order(self) -> None:
        """By number, not as they stand; the answer says what is so at last."""
        crumbs = [carrier(10, b"a=3"), carrier(9, b"a=2"), carrier(100, b"b=1"), carrier(8, b"b=0")]
        shell = Shell()
        ending, _ = play(http_exchange, bringing(head(), *crumbs), context(), shell)
        self.assertEqual(set(shell.cookies().split(b"; ")), {b"a=3", b"b=1"})
        self.assertEqual(len(expired(ending)), 4)
        (said,) = synced(ending)
        self.assertCountEqual(said[1:], [row("a", "3"), row("b")])

    def test_sockets(self) -> None:
        """With a handshake, too."""
        shell = Shell()
        request = head(
            "/ws", origin=PAGE_ORIGIN, upgrade="websocket", connection="Upgrade",
            sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==", sec_websocket_version="13",
            sec_fetch_mode="websocket",
        )  # fmt: skip
        asked = bringing(request, carrier(5, b"a=1; Path=/"))
        ending, _ = play(websocket_exchange, asked, context(), shell)
        (sent,) = shell.sent()
        self.assertEqual(values(sent.fields, b"Cookie"), [b"a=1"])
        self.assertEqual((len(expired(ending)), len(synced(ending))), (1, 1))
        foreign = attrs.evolve(
            asked,
            fields=tuple(
                (key, b"https://evil.example" if key == b"origin" else value)
                for key, value in asked.fields
            ),
        )
        _, shell = play(websocket_exchange, foreign, context(access(native=True)))
        self.assertEqual(shell.cookies(), b"")

    def test_where_nothing_goes_upstream(self) -> None:
        """Refusals, bounces and our own endpoints take writes; what caches keep does not."""
        closed = context(access("other.example"))
        for request, rules, taken in (
            (head(), closed, True),
            (head(sec_fetch_dest="document"), context(), True),
            (head(wire.OOPS_PATH), context(), True),
            (head(wire.REPORT_PATH, method=b"POST"), context(), True),
            (head(wire.LABEL_PATH + "?o=https%3A%2F%2Fa_b.example"), context(), False),
            (head(wire.ASSET_PATH + "x.js"), context(), False),
        ):
            shell = Shell()
            ending, _ = play(http_exchange, bringing(request, carrier(5, b"a=1")), rules, shell)
            self.assertEqual(shell.cookies(), b"a=1" if taken else b"", request.target)
            fields = getattr(ending, "fields", ())
            self.assertEqual(len(values(fields, b"Set-Cookie")), 2 * taken, request.target)

    def test_nobodys(self) -> None:
        """Without a session, or from another web site, nothing is taken."""
        table = [
            attrs.evolve(head(session=False), fields=((b"Cookie", carrier(5, b"a=1")),)),
            bringing(head(origin="https://evil.example"), carrier(5, b"a=1")),
        ]
        for request in table:
            ending, shell = play(http_exchange, request, OPEN)
            self.assertEqual((shell.cookies(), shell.notes()), (b"", []))
            self.assertEqual(values(getattr(ending, "fields", ()), b"Set-Cookie"), [])

    def test_non_http(self) -> None:
        """What only responses may do, a script may not; the answer says what is so."""
        for text, said in (
            (b"h=2; Path=/", [row("h", gone=True)]),
            (b"x=1; HttpOnly", [row("x", gone=True)]),
            (b"__Http-x=1; Secure; Path=/", [row("__Http-x", gone=True)]),
            (b"__Host-x=1; Path=/", [row("__Host-x", gone=True)]),
            (b"x=1; Domain=example.com", []),
        ):
            shell = Shell()
            shell.put(b"h=1; Path=/; HttpOnly")
            ending, _ = play(http_exchange, bringing(head(), carrier(5, text)), context(), shell)
            self.assertEqual(shell.cookies(), b"h=1", text)
            self.assertEqual(len(expired(ending)), 1)
            self.assertEqual([one[1:] for one in synced(ending)], [said] if said else [[
                row("x", gone=True, domain="example.com")]])  # fmt: skip

    def test_many(self) -> None:
        """More than a page makes are left for the next request."""
        many = script_cookies.MAX_TAKEN + 3
        shell = Shell()
        crumbs = [carrier(number, b"c%d=1" % number) for number in range(many)]
        ending, _ = play(http_exchange, bringing(head(), *crumbs), context(), shell)
        self.assertEqual(len(shell.cookies().split(b"; ")), script_cookies.MAX_TAKEN)
        self.assertEqual(len(expired(ending)), script_cookies.MAX_TAKEN)

    @settings(deadline=None, max_examples=100)
    @given(st.binary(max_size=60), st.integers(0, 10**17 - 1))
    def test_rubbish(self, text: bytes, number: int) -> None:
        """Whatever stands in a carrier, the request is served."""
        for crumb in (
            wire.CARRIER_PREFIX + b"%d=" % number + text,
            carrier(number, text),
            wire.CARRIER_PREFIX + text,
            wire.SYNC_PREFIX + b"ab=" + text,
        ):
            ending, _ = play(http_exchange, bringing(frame(), crumb))
            self.assertIsInstance(ending, Respond)

    def test_attributes(self) -> None:
        """Of the host alone; in frames of another site they must be partitioned."""
        self.assertEqual(script_cookies.attributes(), b"; Path=/; Secure; SameSite=Lax")
        apart = b"; Path=/; Secure; SameSite=None; Partitioned"
        self.assertEqual(script_cookies.attributes(apart=True), apart)


class ReplayTests(SynchronousTestCase):
    """The same carrier comes with several requests; the bucket knows."""

    def test_late(self) -> None:
        """After a response changed or deleted the cookie, it changes nothing, but is expired."""
        for field, left in ((b"a=2; Path=/", b"a=2"), (b"a=; Path=/; Max-Age=0", b"")):
            shell = Shell({Connect: UpstreamHead(200, b"OK", ((b"Set-Cookie", field),), 5)})
            asked = bringing(head(), carrier(5, b"a=1; Path=/"))
            play(http_exchange, asked, context(), shell)
            del shell.replies[Connect]
            shell.needs.clear()
            ending, _ = play(http_exchange, asked, context(), shell)
            (sent,) = shell.sent()
            self.assertEqual(values(sent.fields, b"Cookie"), [left] if left else [])
            self.assertFalse(any(isinstance(need, Commit) for need in shell.needs))
            # An answer that was lost may have been the one that told.
            said = row("a", "2") if left else row("a", gone=True)
            self.assertEqual((synced(ending), len(expired(ending))), ([[2, said]], 1))

    def test_together(self) -> None:
        """Whoever is later sees in the same commit that it was taken meanwhile."""
        shell = Shell()
        asked = bringing(head(), carrier(5, b"a=1; Path=/"))

        def race(need: Commit) -> bool:
            del shell.replies[Commit]
            play(http_exchange, asked, context(), Shell(rows=shell.rows, versions=shell.versions))
            shell.put(b"a=2; Path=/")
            return shell.commit(need)

        shell.replies[Commit] = race
        ending, _ = play(http_exchange, asked, context(), shell)
        self.assertEqual(shell.cookies(), b"a=2")
        self.assertEqual(synced(ending), [[2, row("a", "2")]])

    def test_the_store_is_away(self) -> None:
        """Nothing is expired that was not taken."""
        for kind in (NeedRows, Commit):
            shell = Shell({kind: StoreUnavailable("away")})
            ending, _ = play(http_exchange, bringing(head(), carrier(5, b"a=1")), context(), shell)
            assert isinstance(ending, Refuse)
            self.assertEqual(values(ending.fields, b"Set-Cookie"), [])


class AttackTests(SynchronousTestCase):
    """Writes without a token for their domain are dropped, counted and expired."""

    def test_table(self) -> None:
        """Another site's or a public suffix's cookie; a forged, another's or another user's token."""
        other = write_tokens(KEYS, Session(ICK_2, DATR).user_keys(KEYS), DATR.generation)
        blog = TOKENS.token(origin(BLOG), REGISTRABLE).encode()
        table = [
            (b"a=1; Domain=evil.example", MINE),
            (b"a=1; Domain=evil.example", SITES),
            (b"a=1; Domain=com", SITES),
            (b"a=1; Domain=example.com", MINE),
            (b"a=1", SITES),
            (b"a=1; Domain=example.com", blog),
            (b"a=1; Domain=shop.example.com; Domain=example.com", MINE),
            (b"a=1", b""),
            (b"a=1", b"A" * 22),
            (b"a=1", MINE[:-1]),
            (b"a=1", other.token(origin(SITE), "shop.example.com").encode()),
        ]
        for text, token in table:
            shell = Shell()
            asked = bringing(head(), carrier(5, text, token), carrier(6, b"good=1"))
            ending, _ = play(http_exchange, asked, context(), shell)
            self.assertEqual(shell.cookies(), b"good=1", (text, token))
            self.assertEqual(shell.notes(), [events.COOKIE_TOKEN])
            self.assertEqual(len(expired(ending)), 2)
            for need in shell.needs:
                self.assertNotIn(MINE.decode(), repr(need))
        # A token for a domain that was nobody's to give is not enough either.
        for domain in ("com", "evil.example"):
            token = TOKENS.token(origin(SITE), domain).encode()
            text = f"a=1; Domain={domain}".encode()
            _, shell = play(http_exchange, bringing(head(), carrier(5, text, token)))
            self.assertEqual((shell.cookies(), shell.notes()), (b"", [events.COOKIE_REJECTED]))

    def test_another_writer(self) -> None:
        """A token of one host is none at another: the writer is the host that is asked."""
        blog = collapsed(BLOG).removeprefix("https://")
        request = bringing(head(host=blog), carrier(5, b"a=1; Domain=example.com", SITES))
        _, shell = play(http_exchange, request)
        self.assertEqual((shell.cookies(), shell.notes()), (b"", [events.COOKIE_TOKEN]))

    def test_secrets(self) -> None:
        """No token and no cookie in the text of what was parsed."""
        writes, passing = script_cookies.read_passing(bringing(head(), carrier(5, b"a=secret")))
        self.assertEqual(len(writes), 1)
        for text in (repr(writes), repr(passing)):
            self.assertNotIn(MINE.decode(), text)
            self.assertNotIn("secret", text)


class SyncTests(SynchronousTestCase):
    """What an answer changes for scripts of its host, they are told."""

    def _answer(self, *fields: bytes, request: RequestHead | None = None, **more: Any) -> Any:
        pairs = tuple((b"Set-Cookie", one) for one in fields)
        shell = more.get("shell") or Shell()
        status = more.get("status", 200)
        shell.replies[Connect] = UpstreamHead(status, b"R", (HTML, *pairs), 5)
        ending, _ = play(http_exchange, request or head(), context(), shell)
        return ending

    def test_what_is_told(self) -> None:
        """Rows on any path, as they are now; what is over; never what is HttpOnly."""
        before = (b"a=1; Path=/", b"h=1; Path=/; HttpOnly", b"d=1; Path=/")
        for fields, said in (
            ((b"a=2; Path=/",), [row("a", "2")]),
            ((b"a=1; Path=/",), None),
            ((b"n=1; Path=/deep",), [row("n", path="/deep")]),
            ((b"n=1; Domain=example.com; Path=/",), [row("n", domain="example.com")]),
            ((b"h=2; Path=/; HttpOnly",), None),
            ((b"a=2; Path=/; HttpOnly",), [row("a", gone=True)]),
            ((b"h=2; Path=/",), [row("h", "2")]),
            ((b"d=; Path=/; Max-Age=0",), [row("d", gone=True)]),
            ((b"a=2; Path=/", b"d=; Path=/; Max-Age=0"), [row("a", "2"), row("d", gone=True)]),
            ((b"x=1; Path=/; Domain=evil.example",), None),
        ):
            shell = Shell()
            shell.put(*before)
            ending = self._answer(*fields, shell=shell)
            self.assertEqual(synced(ending), [[2, *said]] if said else [], fields)

    def test_sizes(self) -> None:
        """Up to 3,000 octets as they travel; then the version alone, and they ask."""
        for size, whole in ((2900, True), (3000, False)):
            (said,) = synced(self._answer(b"a=" + b"x" * size))
            self.assertEqual(said, [1, row("a", "x" * size, path="/")] if whole else 1)
        (said,) = synced(self._answer(b"a=" + "ü; ".encode()[:2] * 600))
        self.assertEqual(said, 1)
        for field in values(self._answer(b"a=" + b"%" * 990).fields, b"Set-Cookie"):
            self.assertLess(len(field.partition(b";")[0]), 3000 + 40)

    def test_text(self) -> None:
        """Whatever octets a value has, the cookie is ASCII without semicolon or space."""
        for value in ("ü€", 'a "b", c', "a%3Bb", "\ufffd"):
            ending = self._answer(b"a=" + value.encode())
            (field,) = values(ending.fields, b"Set-Cookie")
            self.assertRegex(field.partition(b";")[0], rb"\A[!-:<-~]+\Z")
            self.assertEqual(synced(ending), [[1, row("a", value)]])
        self.assertEqual(synced(self._answer(b"a=\xff")), [[1, row("a", "\ufffd")]])

    def test_folding(self) -> None:
        """When many wait, one says it all, as it is now, and they end."""
        shell = Shell()
        shell.put(b"a=now; Path=/", b"z=1; Path=/")
        old = quote(json.dumps([1, row("a", "old"), row("gone", "x")]), safe="")
        waiting = [wire.SYNC_PREFIX + b"%02x=" % at + old.encode() for at in range(6)]
        ending = self._answer(b"b=1; Path=/", request=bringing(head(), *waiting[:5]), shell=shell)
        self.assertEqual(synced(ending), [[2, row("b")]])
        self.assertEqual(expired(ending, wire.SYNC_PREFIX), [])
        request = bringing(head(), *waiting)
        ending = self._answer(b"b=2; Path=/", request=request, shell=shell)
        self.assertEqual(
            synced(ending), [[3, row("a", "now"), row("b", "2"), row("gone", gone=True)]]
        )
        self.assertEqual(len(expired(ending, wire.SYNC_PREFIX)), 6)
        asks = [wire.SYNC_PREFIX + b"%02x=7" % at for at in range(6)]
        ending = self._answer(b"b=3; Path=/", request=bringing(head(), *asks), shell=shell)
        self.assertEqual(synced(ending), [4])
        ending = self._answer(request=request, shell=shell)
        self.assertEqual(values(ending.fields, b"Set-Cookie"), [], "nothing changed")

    def test_an_older_document(self) -> None:
        """A 304 shows a page of an older version: what waits is said anew."""
        shell, etag = Shell(), (b"ETag", b'"e"')
        shell.replies[Connect] = UpstreamHead(200, b"OK", (HTML, etag), 5)
        shell.put(b"a=1; Path=/")
        ending, _ = play(http_exchange, frame(), context(), shell)
        assert isinstance(ending, Respond)
        (ours,) = values(ending.fields, b"ETag")
        shell.replies[Connect] = UpstreamHead(304, b"", (etag,), 0)
        old = wire.SYNC_PREFIX + b"ab=" + quote(json.dumps([9, row("a", "old")]), safe="").encode()
        request = bringing(frame(if_none_match=ours.decode()), old)
        ending, _ = play(http_exchange, request, context(), shell)
        assert isinstance(ending, Respond)
        self.assertEqual((ending.status, synced(ending)), (304, [[1, row("a")]]))
        self.assertEqual(expired(ending, wire.SYNC_PREFIX), [wire.SYNC_PREFIX + b"ab"])

    def test_a_304_that_sets(self) -> None:
        """A sub-resource's 304 tells, too."""
        ending = self._answer(b"a=1; Path=/", status=304)
        self.assertEqual((ending.status, synced(ending)), (304, [[1, row("a")]]))

    def test_nobodys(self) -> None:
        """Without a session nothing is set."""
        ending = self._answer(b"a=1", request=head(session=False))
        self.assertEqual(values(ending.fields, b"Set-Cookie"), [])


class EndpointTests(SynchronousTestCase):
    """``/.gateway/cookies``."""

    def _ask(self, target: str = "", body: bytes | None = None, *crumbs: bytes, **more: Any) -> Any:
        shell = more.pop("shell", None) or Shell()
        method = b"GET" if body is None else b"POST"
        shell.replies[NeedBody] = body or b""
        request = head(wire.COOKIES_PATH + target, method=more.pop("method", method), **more)
        if more.get("session", True):
            request = bringing(request, *crumbs)
        ending, _ = play(http_exchange, request, context(), shell)
        self.assertEqual(shell.sent(), [], "never upstream")
        return ending

    def test_get(self) -> None:
        """Rows, tokens and version; of every path or of one; kept by nobody."""
        shell = Shell()
        shell.put(b"a=1; Path=/", b"h=1; Path=/; HttpOnly", b"d=1; Path=/deep")
        ending = self._ask(shell=shell)
        self.assertEqual(values(ending.fields, b"Cache-Control"), [b"no-store"])
        write = TOKENS.all_of(origin(SITE), SUFFIXES)
        deep = row("d", path="/deep")
        self.assertEqual(
            json.loads(ending.body), {"cookies": [deep, row("a")], "write": write, "at": 1}
        )
        for path, rows in (("%2F", [row("a")]), ("/deep/er", [deep, row("a")])):
            content = json.loads(self._ask(f"?path={path}", shell=shell).body)
            self.assertEqual(content["cookies"], rows)
        self.assertEqual(values(ending.fields, b"Set-Cookie"), [])

    def test_post(self) -> None:
        """Lines and carriers in one order; the answer has what is so then."""
        lines = (b"9 %s a=%%31%%3B%%20Path=/" % MINE, b"11 %s b=3" % MINE, b"not a line", b"")
        crumbs = (carrier(10, b"b=2; Path=/"), carrier(8, b"a=0; Path=/"))
        shell = Shell()
        ending = self._ask("", b"\n".join(lines), *crumbs, shell=shell)
        self.assertEqual(shell.cookies(), b"a=1; b=3")
        content = json.loads(ending.body)
        self.assertEqual(content["cookies"], [row("a"), row("b", "3")])
        self.assertEqual((len(expired(ending)), len(synced(ending))), (2, 1))
        shell = Shell()
        self._ask("", b"9 %s a=1; Domain=example.com\n10 x b=1" % MINE, shell=shell)
        self.assertEqual((shell.cookies(), shell.notes()), (b"", [events.COOKIE_TOKEN]))

    def test_anonymous(self) -> None:
        """There is nothing to see and nothing to write."""
        ending = self._ask("", b"1 x a=1", session=False)
        self.assertEqual(json.loads(ending.body), {"cookies": [], "write": {}, "at": 0})

    def test_who_may_ask(self) -> None:
        """A page of this very host; browsers without Fetch Metadata say it by Origin or Referer."""
        blog = collapsed(BLOG)
        table: list[tuple[dict[str, str], int]] = [
            ({}, 200),
            ({"origin": PAGE_ORIGIN}, 200),
            ({"sec_fetch_site": "", "origin": PAGE_ORIGIN}, 200),
            ({"sec_fetch_site": "", "referer": PAGE_ORIGIN + "/x"}, 200),
            ({"sec_fetch_site": ""}, 403),
            ({"sec_fetch_site": "", "origin": "null"}, 403),
            ({"sec_fetch_site": "", "origin": blog}, 403),
            ({"sec_fetch_site": "", "origin": SECURE}, 403),
            ({"sec_fetch_site": "same-site", "origin": blog}, 403),
            ({"sec_fetch_site": "same-site", "origin": PAGE_ORIGIN}, 403),
            ({"sec_fetch_site": "cross-site", "origin": "https://evil.example"}, 403),
            ({"sec_fetch_site": "none"}, 403),
        ]
        for fields, status in table:
            for body in (None, b"9 %s a=1" % MINE):
                shell = Shell()
                ending = self._ask("", body, shell=shell, **fields)
                assert isinstance(ending, Answer | Refuse)
                self.assertEqual(ending.status, status, fields)
                self.assertEqual(bool(shell.cookies()), status == 200 and body is not None)

    def test_what_is_asked_wrongly(self) -> None:
        """Another method, no path."""
        self.assertEqual(self._ask(method=b"PUT").status, 405)
        for path in ("x", "", "%2F%00", "%2F%20", "/" + "x" * 5000, "http:%2F%2Fx"):
            self.assertEqual(self._ask(f"?path={path}").status, 400, path)

    def test_host(self) -> None:
        """On rewrite hosts alone."""
        self.assertEqual(HOST, PAGE_ORIGIN.removeprefix("https://"))
        ending, _ = play(http_exchange, head(wire.COOKIES_PATH, host="x-y.0.gw.example.org"))
        assert isinstance(ending, Refuse)
        self.assertEqual(ending.status, 404)
