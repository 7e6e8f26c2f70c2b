"""A request to a rewrite host: the order of its needs, its gates and its endings."""

from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.errors import StoreUnavailable, UpstreamFault, UpstreamTimeout
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Answer,
    Commit,
    Connect,
    Context,
    Ending,
    NeedOrigin,
    NeedRows,
    Refuse,
    RequestHead,
    Respond,
    ServeAsset,
    UpstreamFailed,
    UpstreamHead,
)
from gateway.policy.destinations import AccessRule
from gateway.policy.steps import Step
from tests.exchange import (
    LONG_HOST,
    PAGE_ORIGIN,
    SESSION,
    SITE,
    Shell,
    access,
    context,
    frame,
    head,
    long_origin,
    play,
    values,
)
from tests.rewrite import SECURE, SUFFIX, collapsed
from tests.session import ICK_2

TOSSED = SESSION + b"; " + wire.ICK_COOKIE + b"=" + ICK_2.cookie_value()
CROSS = {"sec_fetch_site": "cross-site", "origin": "https://evil.example"}
NATIVE = {"sec_fetch_site": "", "sec_fetch_dest": "", "sec_fetch_mode": ""}


def _play(
    request: RequestHead, given_context: Context | None = None, shell: Shell | None = None
) -> tuple[Ending, Shell]:
    return play(http_exchange, request, given_context, shell)


def _upstream(*fields: tuple[bytes, bytes], status: int = 200, length: int | None = 5) -> Shell:
    return Shell({Connect: UpstreamHead(status, b"R", fields, length)})


def _tossed(request: RequestHead) -> RequestHead:
    fields = tuple(field for field in request.fields if field[0] != b"Cookie")
    return attrs.evolve(request, fields=(*fields, (b"Cookie", TOSSED)))


class OrderTests(SynchronousTestCase):
    """What is asked for, in which order."""

    def test_needs(self) -> None:
        """No Connect before policy and jar; the commit before the response."""
        plain, setting = Shell(), _upstream((b"Set-Cookie", b"a=1"))
        commits = "NeedRows NeedNow Connect NeedNow NeedRandom Commit NeedRandom"
        nobody = context(access("other.example"))
        table: list[tuple[str, RequestHead, Context, Shell, str, type]] = [
            ("plain", head(), context(), plain, "NeedRows NeedNow Connect", Respond),
            ("cookies", head(), context(), setting, commits, Respond),
            ("anonymous", head(session=False), context(), _upstream((b"Set-Cookie", b"a=1")),
             "NeedNow Connect", Respond),
            ("closed", head(), nobody, Shell(), "", Refuse),
            ("closed to anonymous", head(session=False), nobody, Shell(), "", Refuse),
            ("top", head(sec_fetch_dest="document"), context(), Shell(), "", Answer),
            ("no page", head(session=False, **CROSS), context(), Shell(), "", Refuse),
            ("duplicates", _tossed(head()), context(), Shell(), "Note NeedNow Connect", Respond),
            ("no label", head(host="junk" + SUFFIX), context(), Shell(), "", Refuse),
            ("digest", head(host=LONG_HOST), context(), Shell(), "NeedOrigin", Refuse),
            ("known digest", head(host=LONG_HOST), context(),
             Shell({NeedOrigin: long_origin(LONG_HOST.partition(".")[0])}),
             "NeedOrigin NeedRows NeedNow Connect", Respond),
            ("proof", head("/?__gwo=https%3A%2F%2Funder_score.example.com", host=LONG_HOST),
             context(), Shell(), "RememberOrigin NeedRows NeedNow Connect", Respond),
            ("no path", head("*"), context(), Shell(), "", Refuse),
        ]  # fmt: skip
        for name, request, given_context, shell, wanted, kind in table:
            ending, _ = _play(request, given_context, shell)
            self.assertEqual((shell.kinds(), type(ending)), (wanted, kind), name)

    def test_faults(self) -> None:
        """Each failure is a refusal with its own status; nothing of it is told."""
        table = [
            ({Connect: UpstreamFailed(UpstreamTimeout("x"))}, 504, events.UPSTREAM_FAILED),
            ({Connect: UpstreamFault("x")}, 502, events.UPSTREAM_FAILED),
            ({NeedRows: StoreUnavailable("x")}, 503, events.STORE_FAILED),
            ({NeedRows: None}, 500, events.INTERNAL),
        ]
        for replies, status, event in table:
            ending, _ = _play(head(), shell=Shell(replies))
            assert isinstance(ending, Refuse)
            self.assertEqual((ending.status, ending.event), (status, event))

    def test_without_the_store_nothing_is_sent(self) -> None:
        """A request that needs a jar fails closed."""
        _, shell = _play(head(), shell=Shell({NeedRows: StoreUnavailable("x")}))
        self.assertEqual(shell.sent(), [])

    def test_the_commit_must_succeed(self) -> None:
        """No response leaves whose cookies are not stored."""
        for reply in (False, StoreUnavailable("x")):
            shell = _upstream((b"Set-Cookie", b"a=1"))
            shell.replies[Commit] = reply
            ending, _ = _play(head(), shell=shell)
            assert isinstance(ending, Refuse)
            self.assertEqual((ending.status, ending.event), (503, events.STORE_FAILED))

    def test_conflict(self) -> None:
        """Decided again on fresh rows, and both responses' cookies stay."""
        shell = _upstream((b"Set-Cookie", b"ours=1"))

        def race(need: Commit) -> bool:
            del shell.replies[Commit]
            shell.put(b"theirs=1")
            return shell.commit(need)

        shell.replies[Commit] = race
        ending, _ = _play(head(), shell=shell)
        self.assertIsInstance(ending, Respond)
        self.assertEqual(set(shell.cookies().split(b"; ")), {b"ours=1", b"theirs=1"})
        order = (
            "NeedRows NeedNow Connect NeedNow NeedRandom Commit "
            "Hold NeedRows NeedNow NeedRandom Commit LetGo NeedRandom"
        )
        self.assertEqual(shell.kinds(), order)


class GateTests(SynchronousTestCase):
    """Who is served, and where others are sent."""

    def test_bounce(self) -> None:
        """A document at the top goes into the outer frame, its URL kept; nothing is asked."""
        table = [
            (head("/p?q=1&r", sec_fetch_dest="document"), f"{SITE}/p?q=1&r"),
            (head("/?a&__gw=T", sec_fetch_dest="document"), f"{SITE}/?a"),
            (
                head("/", sec_fetch_dest="document", session=False, **CROSS | {"origin": ""}),
                f"{SITE}/",
            ),
            (head("/", method=b"HEAD", sec_fetch_dest="document"), f"{SITE}/"),
            (head("/x", session=False, accept="text/html", **NATIVE), f"{SITE}/x"),
            (head("/", session=False, **NATIVE | {"sec_fetch_mode": "navigate"}), f"{SITE}/"),
        ]
        for request, url in table:
            ending, shell = _play(request)
            assert isinstance(ending, Answer), request
            self.assertEqual((ending.status, shell.sent()), (302, []))
            self.assertEqual(values(ending.fields, b"Location"), [f"{SECURE}/#{url}".encode()])
            self.assertEqual(values(ending.fields, b"Cache-Control"), [b"no-store"])

    def test_no_bounce(self) -> None:
        """Frames and what is not safe are never bounced."""
        for request in (
            frame(),
            frame(method=b"POST"),
        ):
            self.assertIsInstance(_play(request)[0], Respond, request.method)

    def test_what_is_sent_at_the_top_is_refused(self) -> None:
        """A form that posts out of the frames reaches no origin."""
        ending, shell = _play(head(sec_fetch_dest="document", method=b"POST"))
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.status, shell.sent()), (403, []))

    def test_without_fetch_metadata(self) -> None:
        """An old browser's document is bounced unless a page of ours asked for it."""
        old = head(accept="text/html,*/*", **NATIVE)
        self.assertIsInstance(_play(old)[0], Answer)
        asked = head(accept="text/html,*/*", referer=SECURE + "/", **NATIVE)
        self.assertIsInstance(_play(asked)[0], Respond)

    def test_methods_that_never_pass(self) -> None:
        """CONNECT and TRACE are no business of a page's."""
        for method in (b"CONNECT", b"TRACE", b"TRACK"):
            ending, shell = _play(head(method=method))
            assert isinstance(ending, Refuse)
            self.assertEqual((ending.status, shell.sent()), (405, []))

    def test_statuses_that_are_none(self) -> None:
        """An origin cannot choose a status of other than three digits; those of no class pass."""
        for status in (600, 999):
            ending, _ = _play(head(), shell=_upstream(status=status))
            assert isinstance(ending, Respond)
            self.assertEqual(ending.status, status)
        for status in (-5, 0, 99, 101, 1000, 10001):
            ending, _ = _play(head(), shell=_upstream(status=status))
            assert isinstance(ending, Refuse), status
            self.assertEqual(ending.status, 502)

    def test_every_reading_of_a_path_must_be_open(self) -> None:
        """A rule with a path holds for servers that decode slashes and dots as well."""
        rules = context(access("https://shop.example.com/public/*"))
        for target in (
            "/public/a", "/public/a%20b", "/public/a;b", "/public//a", "/public/a%2fb%3bc",
            "/public/100%25", "/public/?../..%2f",
        ):  # fmt: skip
            self.assertIsInstance(_play(head(target), rules)[0], Respond, target)
        for target in (
            "/secret", "/public/../secret", "/public/..%2fsecret", "/public/%2e%2e%2fsecret",
            "/public/..%5csecret", "/public/..;/secret", "/public/x#/../../secret",
            "/public//..%2fsecret", "/public//../secret", "/public/x//..%2f..%2fsecret",
            "/public//%2e%2e%2fsecret", "/public/x%2f%2f..%2f..%2fsecret",
            "/public/..%3b/secret", "/public/..%3Ba=b%2fsecret", "/public/..;%2fx/secret",
            "/public/%252e%252e/secret", "/public/%252E%252e%252fsecret",
            "/public/..%253b/secret", "/public/..%255csecret", "/public//..\\secret",
            "/public/;x/;y/..%2f..%2fsecret", "/public/\\..%2f..%2fsecret",
        ):  # fmt: skip
            ending, shell = _play(head(target), rules)
            self.assertIsInstance(ending, Refuse, target)
            self.assertEqual(shell.sent(), [], target)

    def test_clients_that_are_no_page_of_ours(self) -> None:
        """Without a session and a page they are served by a native rule alone."""
        rules = {
            "none": context(navigation=("*",)),
            "access": context(access("*")),
            "native": context(access("*", native=True)),
            "native elsewhere": context(access("other.example", native=True), access("*")),
        }
        curl = head(session=False, accept="*/*", **NATIVE)
        for request in (curl, head(session=False, **CROSS), attrs.evolve(curl, method=b"POST")):
            for name, given_context in rules.items():
                ending, shell = _play(request, given_context)
                if name == "native":
                    self.assertIsInstance(ending, Respond)
                    judged = "NeedNow " if request.method == b"POST" else ""
                    self.assertEqual(shell.kinds(), f"{judged}NeedNow Connect")
                    continue
                assert isinstance(ending, Refuse), name
                self.assertEqual((ending.status, ending.event), (403, events.NOT_OUR_PAGE), name)
                self.assertEqual(shell.sent(), [], name)

    def test_anonymous_pages(self) -> None:
        """A page of ours without a session is served, without a jar."""
        other = collapsed("https://www.example.com")
        for fields in (
            {},
            {"sec_fetch_site": "", "origin": other},
            {"sec_fetch_site": "same-site"},
        ):
            shell = _upstream((b"Set-Cookie", b"a=1"))
            shell.put(b"known=1")
            ending, _ = _play(head(session=False, **fields), shell=shell)
            self.assertIsInstance(ending, Respond, fields)
            (sent,) = shell.sent()
            self.assertEqual(values(sent.fields, b"Cookie"), [])
            self.assertEqual(shell.kinds(), "NeedNow Connect")

    def test_another_web_site_never_gets_the_jar(self) -> None:
        """An Origin that is not ours makes a request anonymous, session cookie or not."""
        for method in (b"GET", b"POST"):
            shell = _upstream((b"Set-Cookie", b"a=1"))
            shell.put(b"known=1")
            rules = context(access("*", native=True), access("*"), navigation=("*",))
            _play(head(method=method, **CROSS), rules, shell)
            for sent in shell.sent():
                self.assertEqual(values(sent.fields, b"Cookie"), [])
            self.assertNotIn("NeedRows", shell.kinds())
            self.assertNotIn("Commit", shell.kinds())

    def test_policy(self) -> None:
        """The kind of request and the page that makes it decide; a refusal says which rule."""
        here = access("*.example.com", page="https://shop.example.com")
        elsewhere = access("*.example.com", page="https://other.example")
        table: list[tuple[RequestHead, tuple[AccessRule, ...], tuple[str, ...], bool]] = [
            (head(), (), ("*",), True),
            (head(), (access(),), (), True),
            (frame(), (access(),), (), False),
            (frame(), (), ("*",), True),
            (head(sec_fetch_mode="navigate"), (access(),), (), False),
            (head(**NATIVE), (access(),), (), False),
            (head(), (here,), (), True),
            (head(), (elsewhere,), (), False),
            (head(origin=collapsed("https://other.example")), (elsewhere,), (), True),
            (head(**CROSS), (here,), (), False),
            (head(**NATIVE | {"sec_fetch_dest": "image"}), (here,), (), False),
        ]
        for number, (request, rules, navigation, allowed) in enumerate(table):
            ending, shell = _play(request, context(*rules, navigation=navigation))
            self.assertEqual(isinstance(ending, Respond), allowed, number)
            self.assertEqual(bool(shell.sent()), allowed, number)
            if isinstance(ending, Refuse):
                self.assertEqual((ending.status, ending.step), (403, Step.DESTINATION), number)
                known = {events.DESTINATION_DENIED, events.NOT_OUR_PAGE}
                self.assertIn(ending.event, known, number)

    def test_paths_of_rules(self) -> None:
        """Dot segments are refused; the site gets the raw target."""
        given_context = context(access("https://shop.example.com/open/*"))
        for target, allowed in {
            "/open/a": True,
            "/open/../closed": False,
            "/open/%2e%2e/closed": False,
            "/closed/../open/x": False,
            "/open/a%2f..;x//b": True,
            "/closed": False,
        }.items():
            ending, shell = _play(head(target), given_context)
            self.assertEqual(isinstance(ending, Respond), allowed, target)
            if allowed:
                self.assertEqual([need.target for need in shell.sent()], [target.encode()])

    def test_plain_http(self) -> None:
        """Unencrypted origins need their own rule."""
        plain = f"http-shop-example-com{SUFFIX}"
        ending, shell = _play(head(host=plain), context(access()))
        assert isinstance(ending, Refuse)
        self.assertEqual((ending.step, ending.event), (Step.TRANSPORT, events.TRANSPORT_DENIED))
        self.assertEqual(shell.sent(), [])
        ending, shell = _play(head(host=plain), context(access(allow_insecure_http=True)))
        self.assertIsInstance(ending, Respond)
        self.assertTrue(shell.sent()[0].transport.allow_insecure_http)

    def test_own_names(self) -> None:
        """The gateway is never its own upstream."""
        for host in ("https-gw-example-org", "https-www-0-gw-example-org"):
            ending, shell = _play(head(host=host + SUFFIX), context(navigation=("*",)))
            assert isinstance(ending, Refuse), host
            self.assertEqual(
                (ending.status, ending.step, shell.sent()), (403, Step.OWN_NAMES, []), host
            )

    def test_gateway_paths(self) -> None:
        """They are answered here, whatever the origin's policy, and never go upstream."""
        closed = context(access("other.example"))
        table: list[tuple[str, type]] = [
            ("/.gateway/assets/runtime.js", ServeAsset),
            ("/.gateway/bootstrap", Refuse),
            ("/.gateway/nothing", Refuse),
        ]
        for target, kind in table:
            for given_context in (closed, context()):
                ending, shell = _play(head(target), given_context)
                self.assertIsInstance(ending, kind, target)
                self.assertEqual(shell.sent(), [], target)

    @settings(deadline=None)
    @given(
        st.sampled_from((b"GET", b"POST", b"HEAD", b"OPTIONS", b"X")),
        st.sampled_from(("", "document", "iframe", "empty", "image", "junk")),
        st.sampled_from(("", "navigate", "cors", "no-cors")),
        st.sampled_from(("", "same-origin", "same-site", "cross-site", "none")),
        st.sampled_from(("", "null", PAGE_ORIGIN, SECURE, "https://evil.example")),
        st.booleans(),
        st.booleans(),
    )
    def test_closed_is_closed(
        self, method: bytes, dest: str, mode: str, site: str, who: str, session: bool, toss: bool
    ) -> None:
        """Where no rule opens a destination, no request whatever reaches it or a jar."""
        fields = {"sec_fetch_dest": dest, "sec_fetch_mode": mode, "sec_fetch_site": site}
        request = head(method=method, session=session, origin=who, **fields)
        ending, shell = _play(
            _tossed(request) if toss else request, context(access("other.example", native=True))
        )
        self.assertEqual(shell.sent(), [])
        self.assertNotIn("NeedRows", shell.kinds())
        self.assertIsInstance(ending, Refuse | Answer)


class DuplicateTests(SynchronousTestCase):
    """Several session cookies: somebody tossed one."""

    def _expired(self, ending: Ending) -> bool:
        assert isinstance(ending, Respond | Answer | Refuse)
        found = values(ending.fields, b"Set-Cookie")
        return any(b"__Http-ick=; Path=/;" in one for one in found)

    def test_answers(self) -> None:
        """Anonymous, an event, and expired, however the request ends."""
        table: list[tuple[RequestHead, Context]] = [
            (head(), context()),
            (frame(), context()),
            (head(sec_fetch_dest="document"), context()),
            (head(), context(access("other.example"))),
        ]
        for request, given_context in table:
            ending, shell = _play(_tossed(request), given_context)
            self.assertTrue(self._expired(ending), ending)
            self.assertEqual(shell.notes(), [events.SESSION_FIXATION])
            self.assertNotIn("NeedRows", shell.kinds())
            ending, shell = _play(request, given_context)
            self.assertFalse(self._expired(ending), ending)

    def test_failures(self) -> None:
        """Also when the upstream fails."""
        shell = Shell({Connect: UpstreamFailed(UpstreamFault("x"))})
        self.assertTrue(self._expired(_play(_tossed(head()), shell=shell)[0]))
