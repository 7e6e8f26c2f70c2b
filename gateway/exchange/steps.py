"""The steps that HTTP and WebSocket share: origin, session, gate, policy, jar."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TYPE_CHECKING, TypeVar

import attrs

from gateway import events, wire
from gateway.cookies import rules
from gateway.cookies.jar import MAX_FIELDS, Jar, Received, open_jar, overflow
from gateway.cookies.same_site import SAFE_METHODS, Access, is_same_site, site_of
from gateway.cookies.seal import NONCE_SIZE
from gateway.errors import LabelError, Refusal, StoreUnavailable
from gateway.exchange import outgoing
from gateway.exchange.messages import (
    Commit,
    Context,
    Hold,
    LetGo,
    Need,
    NeedNow,
    NeedOrigin,
    NeedOwned,
    NeedRandom,
    NeedRows,
    Note,
    Owned,
    RememberOrigin,
    RequestHead,
    Rows,
    Touch,
    ask,
)
from gateway.origins import HostKind, Origin, is_long, parse, parse_origin
from gateway.policy.engine import Decision, Question, decide
from gateway.rewrite import headers, media
from gateway.rewrite.headers import get, get_all
from gateway.rewrite.parameters import parameter, strip_own_parameters
from gateway.session.bootstrap import expire_duplicates
from gateway.session.reading import Reading, read_session
from gateway.session.tokens import open_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.cookies.rules import Cookie
    from gateway.cookies.seal import UserKeys

# Full stop, slash, backslash, semicolon, and the per cent sign of what is encoded twice.
_ENCODED = re.compile(r"%(2[eEfF5]|3[bB]|5[cC])")
_DECODINGS = 2
# Segments that the URL standard resolves; what it would drop from between counts as nothing.
_DOTS = re.compile(rb"[/\\][\t\n\r]*(?:(?:\.|%2[eE])[\t\n\r]*){1,2}(?:[/\\]|\Z)")
_ODD = re.compile(r"[%;\\]|//")
_PARAMETERS = re.compile(r";[^/]*+")
_SLASHES = re.compile(r"//+")
_T = TypeVar("_T")
Step = Generator[Need, object, _T]


@attrs.frozen
class Addressed:
    """A request whose host named an origin; ``target`` as the site is to see it.

    ``proved``: the request proved the digest of a long label that was not known here.
    """

    origin: Origin
    target: bytes = attrs.field(repr=False)
    proved: bool = False

    @property
    def path(self) -> bytes:
        """The path of the target, without query."""
        return self.target.partition(b"?")[0]

    @property
    def url(self) -> str:
        """The absolute original URL."""
        return f"{self.origin}{self.target.decode('latin-1')}"


def address(head: RequestHead, context: Context) -> Step[Addressed]:
    """Origin step: from host and target to origin and the site's own target.

    Raises ``LabelError`` for a label that names nothing that is known here.
    """
    _, label = context.codec.classify(head.host)
    target = strip_own_parameters(head.target.decode("latin-1"))
    origin: Origin | None = None
    if is_long(label):
        target, origin = context.codec.split_origin_parameter(label, target)
    proved = origin is not None and not context.codec.knows(label)
    yield from _learn_labels(head, label if origin is None else None, context)
    if origin is None:
        origin = context.codec.expand_label(label)
    target = outgoing.target_for(target, head, origin, context)
    return Addressed(origin, target.encode("latin-1"), proved)


def remember(addressed: Addressed, context: Context) -> Step[None]:
    """Keep a digest that was proved, once the policy has opened its origin."""
    if addressed.proved:
        yield RememberOrigin(addressed.origin)
        context.codec.learn(addressed.origin)


def learn_labels(head: RequestHead, context: Context) -> Step[None]:
    """Look up whose digests Origin and Referer name, where the host is no site's."""
    yield from _learn_labels(head, None, context)


def _learn_labels(head: RequestHead, label: str | None, context: Context) -> Step[None]:
    """Look up the digests that host, Origin and Referer name and nobody proved yet."""
    labels = [label] if label is not None else []
    named = parse_origin(get(head.fields, b"origin") or "")
    referer = get(head.fields, b"referer")
    found = parse(referer) if referer else None
    for page in (named, found[0] if found is not None else None):
        if page is not None:
            kind, other = context.codec.classify(page.host)
            labels += [other] if kind is HostKind.REWRITE else []
    for one in labels:
        if not context.codec.knows(one):
            origin = yield NeedOrigin(one)
            if isinstance(origin, Origin):
                context.codec.learn(origin)
            elif one == label:
                raise LabelError("the digest of a long label is not known here")


def now() -> Step[int]:
    """The time in epoch seconds, as the shell tells it."""
    return (yield from ask(NeedNow(), int))


def session(head: RequestHead, context: Context) -> Step[Reading]:
    """Session step: which session the request carries, with its security events."""
    text = parameter(head.target.decode("latin-1"), wire.TOKEN_PARAMETER)
    token = None if text is None else open_token(context.keys, text)
    reading = read_session(get_all(head.fields, b"cookie"), context.keys, token)
    reading = attrs.evolve(reading, token_given=text is not None)
    if reading.duplicated:
        yield Note(events.SESSION_FIXATION, "several session cookies of one name")
    elif reading.invalid:
        yield Note(events.SESSION_INVALID, "a session cookie that is not ours")
    return reading


def duplicate_expiry(
    reading: Reading, head: RequestHead, context: Context
) -> list[tuple[bytes, bytes]]:
    """The Set-Cookie fields that end tossed duplicates; empty where there are none."""
    if not reading.duplicated:
        return []
    domain = context.codec.cookie_domain
    host = head.host.rpartition(":")[0] or head.host
    apart = context.codec.is_apart
    fields = expire_duplicates(head.path.decode("latin-1"), host, domain, apart=apart)
    return [(b"Set-Cookie", field) for field in fields]


def policy(question: Question, context: Context) -> Decision:
    """Policy step; the gateway's own names are looked at here, where they are known."""
    if question.origin is not None and context.codec.is_own(question.origin.host):
        question = attrs.evolve(question, own_host=True)
    return decide(question, context.policy)


def intent(url: str, page: Origin | None, context: Context) -> tuple[str, Decision]:
    """Policy step for a link that would leave the gateway for the device.

    The text is the one spelling that may be performed when the decision allows it: a
    browser must be given nothing else.
    """
    question = Question.intent(url, page)
    return question.href, policy(question, context)


def policy_at(question: Question, addressed: Addressed, context: Context) -> Decision:
    """Policy step for a request: every way in which its path can be read must be open.

    The target goes upstream as it came, and servers differ about encoded slashes and dots
    and about parameters of segments; a rule with a path must hold for each reading.
    Raises ``Refusal`` for a target that no URL has: what is judged must be what is sent,
    and browsers resolve dot segments before they ask.
    """
    if addressed.target[:1] != b"/" or b"#" in addressed.target:
        raise Refusal("the request target is not a path")
    if _DOTS.search(addressed.path) is not None:
        raise Refusal("the request target has dot segments")
    decision = None
    for target in readings(addressed.target.decode("latin-1")):
        found = parse(f"{addressed.origin}{target}")
        if found is None:
            raise Refusal("the request target is not a path")
        decision = policy(attrs.evolve(question, path=found[1].pathname), context)
        if not decision.allowed:
            break
    if decision is None:
        raise Refusal("the request target cannot be read")
    return decision


def readings(target: str) -> list[str]:
    """A target as it stands and, where those differ, as lax servers read it.

    They decode once or (one behind another) twice, leave out parameters of segments before
    or after that, and merge slashes before they resolve dots: nginx does, WHATWG does not.
    """
    path = target.partition("?")[0]
    if _ODD.search(path) is None:
        return [path]
    found = {path: None}  # a set that keeps its order
    level = [path]
    for _ in range(_DECODINGS + 1):
        level += [_PARAMETERS.sub("", one.replace("\\", "/")) for one in level]
        found.update(dict.fromkeys(level))
        level = [_ENCODED.sub(_decoded, one) for one in dict.fromkeys(level)]
    merged = [_SLASHES.sub("/", one.replace("\\", "/")) for one in found]
    return list(dict.fromkeys([*found, *merged]))


def _decoded(found: re.Match[str]) -> str:
    return chr(int(found.group(1), 16))


@attrs.frozen
class Opened:
    """An opened bucket, the version it was read at, and how many rows its owner has."""

    jar: Jar
    version: int
    total: int


@attrs.frozen
class Place:
    """Where a navigation leads, as far as that is proved (``exchange.places``).

    ``topmost`` None: nothing tells.  ``site``: the top-level site of one that is nested,
    where that is known.  ``by_person``: the address was typed.
    """

    topmost: bool | None = None
    site: str = ""
    by_person: bool = False


UNPLACED = Place()
"""Nothing tells where it leads."""


def access(
    head: RequestHead, addressed: Addressed, context: Context, place: Place = UNPLACED
) -> Access:
    """How a request stands to the page that made it, as far as anybody told.

    An address in the outer frame may be anybody's link; only what is proved to have been
    typed is the person's own.  Only what is proved to be the topmost page's navigation
    counts as one.  A navigation by the same site is taken for one within that site; where
    the topmost page's site is not known otherwise, the site of the page that asks stands
    in (protocols, section 4).
    """
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    page = who.origin if isinstance(who, headers.Page) else None
    handshake = get(head.fields, b"upgrade") is not None
    navigates = not handshake and get(head.fields, b"sec-fetch-mode") in {"navigate", None}
    topmost = navigates and place.topmost is True
    same_site = page is not None and is_same_site(addressed.origin, page, (), context.suffixes)
    partition = site_of(addressed.origin, context.suffixes)
    if not topmost and not (navigates and same_site):
        # An opaque origin serialises so; nothing else has that partition.
        partition = "null" if page is None else site_of(page, context.suffixes)
        partition = place.site or partition
    return Access(
        same_site=same_site or (navigates and place.by_person),
        top_level=topmost,
        safe=head.method in SAFE_METHODS,
        partition=partition,
    )


def read_jar(reading: Reading, origin: Origin, context: Context) -> Step[Opened | None]:
    """Jar step: the opened bucket of the origin's domain; None: anonymous."""
    if reading.session is None:
        return None
    keys = reading.session.user_keys(context.keys)
    registrable = context.suffixes.registrable(origin.host)
    return (yield from _open(keys, registrable))


def _open(keys: UserKeys, registrable: str) -> Step[Opened]:
    rows = yield from ask(NeedRows(keys.owner, keys.bucket(registrable)), Rows)
    jar = open_jar(keys, registrable, rows.rows)
    if jar.damaged:
        yield Note(events.ROW_DAMAGED, f"{jar.damaged} rows did not open")
    return Opened(jar, rows.version, rows.total)


def secure_instead(opened: Opened | None, origin: Origin, now: int) -> Origin | None:
    """The origin that HSTS puts in the place of a plain one (RFC 6797, section 8.3)."""
    if opened is None or not opened.jar.upgrades(origin, now):
        return None
    return Origin("https", origin.host, 443 if origin.port == 80 else origin.port)


def send_cookies(
    opened: Opened, addressed: Addressed, access: Access, now: int, context: Context
) -> Step[tuple[bytes, Opened]]:
    """The Cookie header of a request (may be empty); last accesses are noted."""
    jar = opened.jar
    sent = jar.sent(addressed.origin, addressed.path, now, access, context.suffixes)
    jar = yield from _touch(opened, sent, now, context)
    return rules.cookie_string(sent), attrs.evolve(opened, jar=jar)


def _touch(opened: Opened, sent: list[Cookie], now: int, context: Context) -> Step[Jar]:
    jar, seconds = opened.jar, context.settings.access_seconds
    stale = len(rules.touched(sent, now, seconds))
    if not stale:
        return jar
    noise = yield from ask(NeedRandom(NONCE_SIZE * stale), bytes)
    rows, after = jar.touch(sent, now, _slices(noise), seconds=seconds)
    yield Touch(Commit(jar.keys.owner, jar.bucket, opened.version, rows))
    return after


def receive_cookies(
    opened: Opened | None,
    received: Received,
    addressed: Addressed,
    access: Access,
    context: Context,
) -> Step[Opened | None]:
    """Apply what a response says to the jar, and commit it before its headers go out.

    Returns the jar as it is then, with its version.  Decided again on fresh rows as long as
    somebody else was faster; raises ``StoreUnavailable`` when that never ends.
    """
    if opened is None:
        return None
    if received.is_empty:
        return opened
    received = attrs.evolve(received, set_cookies=received.set_cookies[: MAX_FIELDS + 1])
    for attempt in range(context.settings.commit_attempts):
        jar = opened.jar
        moment = yield from now()
        noise = yield from ask(NeedRandom(NONCE_SIZE * (len(received.set_cookies) + 3)), bytes)
        change, after = jar.receive(
            received,
            addressed.origin,
            addressed.path,
            moment,
            context.suffixes,
            _slices(noise),
            access,
        )
        if attempt == 0:  # a conflict does not tell a refused cookie again
            refused = [verdict for verdict in change.verdicts if not verdict.stored]
            if refused:
                first = f"{refused[0].step} {refused[0].reason}".strip()
                yield Note(events.COOKIE_REJECTED, f"{len(refused)} refused; the first: {first}")
        done = change.is_empty
        if not done:
            owner, bucket = jar.keys.owner, jar.bucket
            commit = Commit(owner, bucket, opened.version, change.puts, change.deletes)
            done = yield from ask(commit, bool)
        if done:
            if attempt:
                yield LetGo()
            grown = len(after.cookies) - len(jar.cookies)
            if opened.total + grown > rules.MAX_PER_JAR:
                yield from _purge_jar(jar.keys, moment)
            version = opened.version + (not change.is_empty)
            return Opened(after, version, opened.total + max(grown, 0))
        if attempt == 0:
            # A page's many answers come together: from here on one after another, or each
            # would be decided as often as there are others.
            yield Hold(jar.keys.owner, jar.bucket)
        opened = yield from _open(jar.keys, jar.registrable)
    raise StoreUnavailable("a bucket kept changing under a commit")


def _purge_jar(keys: UserKeys, moment: int) -> Step[None]:
    """Bring a jar that is too full back into its bounds; whoever was faster did it."""
    owned = yield from ask(NeedOwned(keys.owner), Owned)
    rows = {bucket: found.rows for bucket, found in owned.buckets.items()}
    gone = overflow(keys, rows, moment)
    for bucket, indexes in gone.items():
        yield from ask(
            Commit(keys.owner, bucket, owned.buckets[bucket].version, deletes=indexes), bool
        )
    if gone:
        yield Note(events.JAR_PURGED, f"{sum(map(len, gone.values()))} rows")


def _slices(noise: bytes) -> Callable[[int], bytes]:
    """Hand out the octets of ``noise`` once each."""
    position = 0

    def take(size: int) -> bytes:
        nonlocal position
        position += size
        if position > len(noise):
            raise StoreUnavailable("not enough randomness was asked for")
        return noise[position - size : position]

    return take


def wants_document(head: RequestHead) -> bool:
    """Whether a document or frame is asked for: such an answer may be edited."""
    return media.wants_document(
        get(head.fields, b"sec-fetch-dest"),
        get(head.fields, b"sec-fetch-mode"),
        get(head.fields, b"accept"),
    )


def is_gateway_path(path: bytes) -> bool:
    """Whether a path on a rewrite host belongs to the gateway."""
    return path.startswith(wire.GATEWAY_PATH.encode("ascii"))
