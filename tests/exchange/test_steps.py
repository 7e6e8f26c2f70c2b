"""The steps that HTTP and WebSocket share: origin, session, policy, jar."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.cookies.jar import Received
from gateway.cookies.same_site import SAME
from gateway.errors import LabelError, Refusal, StoreUnavailable
from gateway.exchange import steps
from gateway.exchange.messages import Commit, Context, NeedOrigin, NeedRows, RequestHead
from gateway.policy.engine import Ask, Question
from gateway.policy.steps import Step
from tests.exchange import (
    BUCKET,
    HOST,
    LONG,
    LONG_HOST,
    SESSION,
    SITE,
    USER,
    Shell,
    context,
    head,
    long_origin,
)
from tests.rewrite import SUFFIX, codec, origin
from tests.session import DATR_2, ICK_2

PROOF = f"{wire.ORIGIN_PARAMETER}=https%3A%2F%2Funder_score.example.com"
LABEL = LONG_HOST.removesuffix(SUFFIX)


def _run(step: Generator[Any, Any, Any], shell: Shell | None = None) -> Any:
    return (shell or Shell()).run(step)


def _address(
    request: RequestHead, given_context: Context | None = None, shell: Shell | None = None
) -> steps.Addressed:
    return _run(steps.address(request, given_context or context()), shell)  # type: ignore[no-any-return]


class AddressTests(SynchronousTestCase):
    """From host and target to the origin and the site's own target."""

    def test_short_labels(self) -> None:
        """The label says all; nothing is asked."""
        for host, wanted in {
            HOST: SITE,
            HOST.upper(): SITE,
            f"{HOST}:443": SITE,
            f"http8080-a--b-example{SUFFIX}": "http://a-b.example:8080",
        }.items():
            shell = Shell()
            found = _address(head("/a/b?c=d", host=host), shell=shell)
            self.assertEqual(found, steps.Addressed(origin(wanted), b"/a/b?c=d"), host)
            self.assertEqual((found.path, found.url), (b"/a/b", f"{wanted}/a/b?c=d"))
            self.assertEqual(shell.needs, [])

    def test_unknown_labels(self) -> None:
        """A label that no origin collapses to is a 404, never a guess."""
        for label in ("junk", "https-", "https443-a-example", "ftp-a-example", "x-short", "0"):
            with self.assertRaises(LabelError, msg=label) as caught:
                _address(head(host=label + SUFFIX))
            self.assertEqual(caught.exception.status, 404)

    def test_the_token_is_stripped(self) -> None:
        """The site's target has no parameter of ours."""
        found = _address(head("/a?x=1&__gw=T&y=2"))
        self.assertEqual(found.target, b"/a?x=1&y=2")

    def test_a_proved_digest(self) -> None:
        """The parameter proves the label; it is stripped, and remembered when that is asked."""
        given_context, shell = context(), Shell()
        found = _address(head(f"/a?{PROOF}&b=c", host=LONG_HOST), given_context, shell)
        self.assertEqual(found, steps.Addressed(LONG, b"/a?b=c", proved=True))
        self.assertEqual(shell.kinds(), "")
        for _ in steps.remember(found, given_context):
            pass
        for target in (f"/a?{PROOF}", "/a"):
            shell = Shell()
            found = _address(head(target, host=LONG_HOST), given_context, shell)
            self.assertEqual((found.origin, found.target, shell.needs), (LONG, b"/a", []), target)

    def test_a_stored_digest(self) -> None:
        """Without a proof the store is asked, once."""
        given_context, shell = context(), Shell({NeedOrigin: long_origin(LABEL)})
        self.assertEqual(_address(head(host=LONG_HOST), given_context, shell).origin, LONG)
        self.assertEqual(shell.needs, [NeedOrigin(LABEL)])
        shell = Shell()
        _address(head(host=LONG_HOST), given_context, shell)
        self.assertEqual(shell.needs, [])

    def test_an_unknown_digest(self) -> None:
        """Nobody knows it, or the parameter proves another's: 404, and nothing is remembered."""
        for target in ("/", f"/?{wire.ORIGIN_PARAMETER}=https%3A%2F%2Fother.example", "/?__gwo="):
            shell = Shell()
            with self.assertRaises(LabelError, msg=target) as caught:
                _address(head(target, host=LONG_HOST), shell=shell)
            self.assertEqual(caught.exception.status, 404)
            self.assertEqual(shell.kinds(), "NeedOrigin", target)

    def test_the_parameter_is_the_sites_elsewhere(self) -> None:
        """On a short label the name is not ours."""
        self.assertEqual(_address(head(f"/a?{PROOF}")).target, f"/a?{PROOF}".encode())

    def test_digests_of_the_initiator(self) -> None:
        """A digest in Origin or Referer is looked up; an unknown one there is no fault."""
        for fields in ({"origin": f"https://{LONG_HOST}"}, {"referer": f"https://{LONG_HOST}/x"}):
            for reply, wanted in ((long_origin(LABEL), LONG), (None, None)):
                given_context, shell = context(), Shell({NeedOrigin: reply})
                self.assertEqual(
                    _address(head(**fields), given_context, shell).origin, origin(SITE)
                )
                self.assertEqual(shell.needs, [NeedOrigin(LABEL)], fields)
                found = given_context.codec.expand_origin(f"https://{LONG_HOST}")
                self.assertEqual(found, wanted)

    @settings(deadline=None)
    @given(st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=30), st.booleans())
    def test_any_target(self, text: str, is_long: bool) -> None:
        """Any octets of a target are addressed or refused, and none is lost."""
        shell = Shell({NeedOrigin: long_origin(LABEL)})
        found = _address(head("/" + text, host=LONG_HOST if is_long else HOST), shell=shell)
        if "__gw" not in text:
            self.assertEqual(found.target.decode("latin-1"), "/" + text)
        try:
            steps.policy_at(Question(found.origin), found, context())
        except Refusal as error:
            self.assertEqual(error.status, 403)

    def test_targets_that_are_no_paths(self) -> None:
        """They are refused before any rule is asked."""
        for target in (b"", b"*", b"http://a.example/", b"a", b"/a#b"):
            with self.assertRaises(Refusal, msg=target):
                steps.policy_at(Question(LONG), steps.Addressed(LONG, target), context())

    def test_dot_segments(self) -> None:
        """What is judged is what is sent: nothing that a URL parser would take away."""
        rules = context(navigation=("*",))
        for path in (
            "/..", "/a/../b", "/./a", "/a/.", "/%2e%2E/a", "/.%2e", "/a/%2e/", "/a\\..\\b",
            "/a/.\t./b", "/\t../a", "/public//../admin",
        ):  # fmt: skip
            addressed = steps.Addressed(origin(SITE), path.encode())
            for question in (
                Question(origin(SITE)),
                Question(origin(SITE), ask=Ask.ACCESS, websocket=True),
            ):
                with self.assertRaises(Refusal, msg=path):
                    steps.policy_at(question, addressed, rules)
        for path in ("/...", "/a..b", "/.a/", "/..a", "/a.", "/a?b=/../c", "/a/..%2fb", "//a"):
            addressed = steps.Addressed(origin(SITE), path.encode())
            self.assertTrue(steps.policy_at(Question(origin(SITE)), addressed, rules).allowed, path)

    def test_gateway_paths(self) -> None:
        """Only what is below the gateway's own directory."""
        for path, wanted in (
            (b"/.gateway/label", True),
            (b"/.gateway", False),
            (b"/a/.gateway/", False),
        ):
            self.assertEqual(steps.is_gateway_path(path), wanted, path)

    def test_own_names_are_no_upstream(self) -> None:
        """Whatever the rules, the policy is told that a name is the gateway's."""
        for url in ("https://gw.example.org", f"https://x{SUFFIX}", "https://gw.example.org:81"):
            decision = steps.policy(Question(origin(url)), context(navigation=("*",)))
            self.assertEqual((decision.allowed, decision.step), (False, Step.OWN_NAMES), url)


class SessionTests(SynchronousTestCase):
    """Which session a request carries."""

    def _with(self, cookie: bytes) -> tuple[Any, list[str], list[bytes]]:
        request = RequestHead(b"GET", b"/a/b", b"HTTP/1.1", HOST, ((b"cookie", cookie),))
        shell = Shell()
        reading = _run(steps.session(request, context()), shell)
        expiry = steps.duplicate_expiry(reading, request, context())
        assert all(name == b"Set-Cookie" for name, _ in expiry)
        return reading, shell.notes(), [value for _, value in expiry]

    def test_table(self) -> None:
        """A pair is a session; duplicates make it anonymous, an event, and are expired."""
        tossed = SESSION + b"; " + wire.ICK_COOKIE + b"=" + ICK_2.cookie_value()
        tossed_datr = SESSION + b"; " + wire.DATR_COOKIE + b"=" + DATR_2.text
        table: list[tuple[bytes, bool, list[str], bool]] = [
            (SESSION, True, [], False),
            (SESSION + b"; " + SESSION, True, [], False),
            (b"", False, [], False),
            (b"a=b", False, [], False),
            (tossed, False, [events.SESSION_FIXATION], True),
            (tossed_datr, False, [events.SESSION_FIXATION], True),
            (wire.ICK_COOKIE + b"=junk", False, [events.SESSION_INVALID], False),
            (SESSION + b"; " + wire.ICK_COOKIE + b"=junk", True, [events.SESSION_INVALID], False),
        ]
        for cookie, is_session, notes, expires in table:
            reading, found, expiry = self._with(cookie)
            self.assertEqual(reading.session is not None, is_session, cookie)
            self.assertEqual(found, notes, cookie)
            self.assertEqual(bool(expiry), expires, cookie)

    def test_where_duplicates_end(self) -> None:
        """At each path prefix and each level, with and without the port in Host."""
        cookie = SESSION + b"; " + wire.ICK_COOKIE + b"=" + ICK_2.cookie_value()
        for host in (HOST, f"{HOST}:8443"):
            request = RequestHead(b"GET", b"/a/b?q", b"HTTP/1.1", host, ((b"Cookie", cookie),))
            reading = _run(steps.session(request, context()))
            found = {value for _, value in steps.duplicate_expiry(reading, request, context())}
            for name in wire.OWN_COOKIES:
                for path in (b"/", b"/a", b"/a/", b"/a/b"):
                    for level in (HOST, SUFFIX[1:], codec().domain):
                        where = b"=; Path=" + path + b"; Domain=" + level.encode()
                        wanted = name + where + b"; Max-Age=0; Secure; HttpOnly"
                        self.assertIn(wanted, found, host)


class CookieTests(SynchronousTestCase):
    """Reading and committing the jar."""

    def _receive(self, shell: Shell, *fields: bytes, attempts: int = 3) -> Any:
        given_context, addressed = context(attempts=attempts), steps.Addressed(origin(SITE), b"/")

        def both() -> Generator[Any, Any, Any]:
            reading = yield from steps.session(head(), given_context)
            opened = yield from steps.read_jar(reading, addressed.origin, given_context)
            return (
                yield from steps.receive_cookies(
                    opened, Received(fields), addressed, SAME, given_context
                )
            )

        return _run(both(), shell)

    def test_anonymous(self) -> None:
        """Without a session no jar is read and nothing is stored."""

        def both() -> Generator[Any, Any, Any]:
            request = head(session=False)
            reading = yield from steps.session(request, context())
            opened = yield from steps.read_jar(reading, origin(SITE), context())
            addressed = steps.Addressed(origin(SITE), b"/")
            after = yield from steps.receive_cookies(
                opened, Received((b"a=1",)), addressed, SAME, context()
            )
            return opened, after

        shell = Shell()
        self.assertEqual((_run(both(), shell), shell.needs), ((None, None), []))

    def test_the_bucket(self) -> None:
        """It is the user's, for the registrable domain of the origin."""
        shell = Shell()
        self._receive(shell)
        self.assertEqual(shell.needs, [NeedRows(USER.owner, BUCKET)])

    def test_committed(self) -> None:
        """One commit for all fields; what was refused is an event."""
        shell = Shell()
        after = self._receive(shell, b"a=1", b"b=2; Domain=evil.example", b"c=3")
        self.assertEqual(len(after.jar.cookies), 2)
        self.assertEqual(shell.cookies(), b"a=1; c=3")
        self.assertEqual(shell.notes(), [events.COOKIE_REJECTED])
        self.assertEqual(shell.kinds(), "NeedRows NeedNow NeedRandom Note Commit")

    def test_nothing_to_commit(self) -> None:
        """Refused fields alone change no bucket."""
        shell = Shell()
        self._receive(shell, b"b=2; Domain=evil.example")
        self.assertNotIn("Commit", shell.kinds())

    def test_conflict(self) -> None:
        """Somebody else was faster: decided again on fresh rows, and nothing is lost."""
        shell = Shell()
        shell.put(b"old=1")

        def race(need: Commit) -> bool:
            shell.replies.clear()
            shell.put(b"theirs=1", b"a=theirs")
            return shell.commit(need)

        shell.replies[Commit] = race
        after = self._receive(shell, b"a=ours")
        self.assertEqual(set(shell.cookies().split(b"; ")), {b"old=1", b"theirs=1", b"a=ours"})
        self.assertEqual({cookie.name for cookie in after.jar.cookies}, {b"old", b"theirs", b"a"})
        commits = [need for need in shell.needs if isinstance(need, Commit)]
        self.assertEqual([need.version for need in commits], [1, 2])
        nonces = {row.sealed[2:14] for need in commits for row in need.puts}
        self.assertEqual(len(nonces), 2, "a nonce was used twice")

    def test_endless_conflict(self) -> None:
        """After so many attempts the request fails closed."""
        shell = Shell({Commit: False})
        self.assertRaises(StoreUnavailable, self._receive, shell, b"a=1", attempts=3)
        self.assertEqual(sum(isinstance(need, Commit) for need in shell.needs), 3)

    def test_an_event_is_told_once(self) -> None:
        """A conflict does not count a refused cookie again."""
        shell = Shell({Commit: False})
        fields = (b"a=1", b"b=2; Domain=evil.example")
        self.assertRaises(StoreUnavailable, self._receive, shell, *fields)
        self.assertEqual(shell.notes(), [events.COOKIE_REJECTED])

    def test_damaged_rows(self) -> None:
        """They are absent, and an event."""
        shell = Shell()
        shell.put(b"a=1", b"b=2")
        (rows,) = shell.rows.values()
        first, second = rows
        rows[first] = type(rows[first])(
            rows[first].index, rows[first].expires_day, rows[second].sealed
        )
        after = self._receive(shell)
        self.assertEqual(len(after.jar.cookies), 1)
        self.assertEqual(shell.notes(), [events.ROW_DAMAGED])

    def test_the_store_is_away(self) -> None:
        """Its error goes through to whoever refuses."""
        for kind in (NeedRows, Commit):
            shell = Shell({kind: StoreUnavailable("x")})
            self.assertRaises(StoreUnavailable, self._receive, shell, b"a=1")
