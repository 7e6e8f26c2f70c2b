"""Cookies between the jar and scripts: carriers in, sync cookies out (protocols, section 5).

What a script writes travels as a carrier cookie with whatever request comes next; it is
applied before the jar is asked what goes upstream, and expired in the answer.  What an
answer changes for the scripts of its host goes back as a sync cookie: a version of the
bucket and rows of that version, or the version alone where they are too many.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

import attrs

from gateway import events, wire
from gateway.cookies.jar import Received
from gateway.cookies.same_site import SAME, Access, site_of
from gateway.cookies.syntax import Invalid, SameSite, parse_set_cookie
from gateway.exchange import steps
from gateway.exchange.messages import (
    Answer,
    Context,
    NeedBody,
    NeedRandom,
    Note,
    Refuse,
    RequestHead,
    ask,
)
from gateway.rewrite import headers
from gateway.rewrite.parameters import parameter
from gateway.session.writing import write_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.cookies.jar import Jar
    from gateway.cookies.rules import Cookie
    from gateway.exchange.messages import Ending
    from gateway.exchange.steps import Addressed, Opened, Step
    from gateway.origins import Origin
    from gateway.session.reading import Reading, Session
    from gateway.session.writing import WriteTokens

MAX_TAKEN = 32
"""Writes that one request may bring; a page makes eight carriers at most."""
MAX_SYNC = 3000
"""Octets of a sync cookie's value; what is more is asked for."""
MAX_SYNCS = 6
"""So many sync cookies wait before one is made of them."""
SYNC_SECONDS = 60
_CARRIER = re.compile(re.escape(wire.CARRIER_PREFIX) + rb"([0-9]{1,17})=([!-~]*)\Z")
_SYNC = re.compile(re.escape(wire.SYNC_PREFIX) + rb"([0-9a-f]{1,32})=([!-~]*)\Z")
_LINE = re.compile(rb"([0-9]{1,17}) ([\w-]*) ([!-~]+)\Z")
_PATH = re.compile(rb"/[!-~]{0,4096}\Z")
# What a cookie's value may hold as it is; the runtime writes carriers so, too.
_PLAIN = "!\"#$&'()*+,/:<=>?@[\\]^`{|}~"
_NAMES = {
    SameSite.DEFAULT: "lax",
    SameSite.LAX: "lax",
    SameSite.STRICT: "strict",
    SameSite.NONE: "none",
}
Row = list[Any]
"""Name, value, domain ("": the host alone), path, expiry, Secure, SameSite, Partitioned."""
Key = tuple[str, str, str, bool]


@attrs.frozen
class Write:
    """One write of a script: its number, its token, and the cookie as it was written."""

    number: int
    token: bytes = attrs.field(repr=False)
    text: bytes = attrs.field(repr=False)


def attributes(*, apart: bool = False) -> bytes:
    """The attributes of carriers and sync cookies; ``apart``: in frames of another site."""
    same_site = b"SameSite=None; Partitioned" if apart else b"SameSite=Lax"
    return b"; Path=/; Secure; " + same_site


def script_access(origin: Origin, context: Context) -> Access:
    """How documents of an origin stand to its own cookies."""
    return Access(partition=site_of(origin, context.suffixes))


def tokens_of(session: Session, jar: Jar, origin: Origin, context: Context) -> dict[str, str]:
    """The write tokens of a document of ``origin``."""
    made = _tokens(session, jar, context)
    return made.all_of(origin, context.suffixes)


def _tokens(session: Session, jar: Jar, context: Context) -> WriteTokens:
    return write_tokens(context.keys, jar.keys, session.datr.generation)


class View:
    """Cookies as scripts see them, in the order of ``document.cookie``."""

    def __init__(self, cookies: Iterable[Cookie]) -> None:
        """Make rows of cookies that are visible to script."""
        self.rows = {_key_of(row): row for row in map(_row, cookies)}

    def payload(self, write: dict[str, str]) -> dict[str, object]:
        """What a document is told, but the version."""
        return {"cookies": list(self.rows.values()), "write": write}

    def ends_before(self, moment: int) -> bool:
        """Whether one of them is over before then."""
        return any(row[4] is not None and row[4] < moment for row in self.rows.values())

    def differences(self, other: View) -> set[Key]:
        """The keys of what is not the same in both."""
        keys = self.rows.keys() | other.rows.keys()
        return {key for key in keys if self.rows.get(key) != other.rows.get(key)}

    def stated(self, keys: set[Key]) -> list[Row]:
        """The rows of these keys; what is not there is expired."""
        found = [row for key, row in self.rows.items() if key in keys]
        gone = sorted(key for key in keys if key not in self.rows)
        return found + [[n, "", domain, path, 0, 0, "", int(p)] for n, domain, path, p in gone]


def _row(cookie: Cookie) -> Row:
    name, value, path = (
        one.decode("utf-8", "replace") for one in (cookie.name, cookie.value, cookie.path)
    )
    domain = "" if cookie.host_only else cookie.domain
    same_site, partitioned = _NAMES[cookie.same_site], int(bool(cookie.partition))
    return [name, value, domain, path, cookie.expires, int(cookie.secure), same_site, partitioned]


def _key_of(row: Row) -> Key:
    return row[0], row[2], row[3], bool(row[7])


@attrs.define
class Passing:
    """What one request brings from scripts and brings back to them.

    ``opened``: the jar after the writes were applied, where there were any.  ``before`` and
    ``after``: as the request's answer found and left it.
    """

    origin: Origin | None = None
    access: Access = SAME
    carriers: tuple[bytes, ...] = ()
    syncs: dict[bytes, bytes] = attrs.field(factory=dict, repr=False)
    opened: Opened | None = None
    now: int = 0
    touched: set[Key] = attrs.field(factory=set, repr=False)
    before: Jar | None = None
    after: Opened | None = None
    restates: bool = False
    apart: bool = False

    def found(self, jar: Jar | None, now: int) -> None:
        """Note the jar as the request found it; the first time counts."""
        if self.before is None:
            self.before, self.now = jar, now

    def left(self, opened: Opened | None, *, unchanged: bool = False) -> None:
        """Note the jar as the answer left it; ``unchanged``: the document is an older one."""
        self.after = opened
        self.restates = unchanged

    def fields(self) -> Step[list[tuple[bytes, bytes]]]:
        """The Set-Cookie fields of the answer: what changed first, then the carriers' end."""
        made: list[bytes] = []
        after, origin = self.after or self.opened, self.origin
        if after is not None and origin is not None:
            view = View(after.jar.shown(origin, None, self.now, self.access))
            keys = set(self.touched)
            if self.before is not None and self.before is not after.jar:
                before = View(self.before.shown(origin, None, self.now, self.access))
                keys |= view.differences(before)
            folds = (keys and len(self.syncs) >= MAX_SYNCS) or (self.restates and self.syncs)
            whole = True
            if folds:
                for value in self.syncs.values():
                    whole = _stated_keys(value, keys) and whole
                made += [
                    name + b"=; Max-Age=0" + attributes(apart=self.apart) for name in self.syncs
                ]
            if keys or not whole:
                noise = yield from ask(NeedRandom(8), bytes)
                value = _sync_value(after.version, view.stated(keys) if whole else None)
                made.insert(0, wire.SYNC_PREFIX + noise.hex().encode("ascii") + b"=" + value
                    + b"; Max-Age=%d; Priority=Low" % SYNC_SECONDS + attributes(apart=self.apart))  # fmt: skip
        made += [name + b"=; Max-Age=0" + attributes(apart=self.apart) for name in self.carriers]
        return [(b"Set-Cookie", one) for one in made]


def _sync_value(version: int, rows: list[Row] | None) -> bytes:
    """The value of a sync cookie: rows as of a version, or the version alone."""
    if rows is not None:
        text = json.dumps([version, *rows], ensure_ascii=False, separators=(",", ":"))
        value = quote_from_bytes(text.encode("utf-8"), safe=_PLAIN).encode("ascii")
        if len(value) <= MAX_SYNC:
            return value
    return b"%d" % version


def _stated_keys(value: bytes, keys: set[Key]) -> bool:
    """Add the keys of what a sync cookie states; False where it states none."""
    try:
        _, *rows = json.loads(unquote(value.decode("ascii")))
        keys |= {_key_of(row) for row in rows if all(isinstance(row[at], str) for at in (0, 2, 3))}
    except (ValueError, TypeError, LookupError, RecursionError):
        return False
    return True


def read_passing(head: RequestHead) -> tuple[list[Write], Passing]:
    """The carriers and sync cookies of a request."""
    writes: list[Write] = []
    names: list[bytes] = []
    syncs: dict[bytes, bytes] = {}
    for field in headers.get_all(head.fields, b"cookie"):
        if wire.CARRIER_PREFIX not in field and wire.SYNC_PREFIX not in field:
            continue
        for part in field.split(b";"):
            crumb = part.strip(b" \t")
            if found := _CARRIER.match(crumb):
                names.append(crumb.partition(b"=")[0])
                token, _, text = found[2].partition(b".")
                writes.append(Write(int(found[1]), token, unquote_to_bytes(text)))
            elif found := _SYNC.match(crumb):
                syncs[crumb.partition(b"=")[0]] = found[2]
    return writes[:MAX_TAKEN], Passing(carriers=tuple(names[:MAX_TAKEN]), syncs=syncs)


def take(
    head: RequestHead,
    addressed: Addressed,
    reading: Reading,
    context: Context,
    more: Sequence[Write] = (),
) -> Step[Passing]:
    """Apply what scripts of the host wrote, before anything else asks for the jar."""
    if reading.session is None:
        return Passing()
    writes, passing = read_passing(head)
    passing.origin, passing.apart = addressed.origin, context.codec.is_apart
    passing.access = script_access(addressed.origin, context)
    writes += more
    if not writes:
        return passing
    opened = yield from steps.read_jar(reading, addressed.origin, context)
    if opened is None:
        return passing
    passing.now = yield from steps.now()
    tokens = _tokens(reading.session, opened.jar, context)
    taken = []
    for write in sorted(writes, key=_number):
        domain = _target(write.text, addressed.origin, passing, context)
        if tokens.verifies(write.token, addressed.origin, domain):
            taken.append(write)
    if len(taken) < len(writes):
        count = len(writes) - len(taken)
        yield Note(events.COOKIE_TOKEN, f"{count} writes without a token for their domain")
    received = Received(
        tuple(write.text for write in taken),
        from_script=True,
        numbers=tuple(write.number for write in taken),
    )
    # A write names its path; one that does not was not made by the runtime.
    root = attrs.evolve(addressed, target=b"/")
    passing.opened = yield from steps.receive_cookies(
        opened, received, root, passing.access, context
    )
    return passing


def _number(write: Write) -> int:
    return write.number


def _target(text: bytes, origin: Origin, passing: Passing, context: Context) -> str:
    """The domain that a write is for; what it is about is to be stated in the answer."""
    parsed = parse_set_cookie(text, passing.now)
    if isinstance(parsed, Invalid):
        return origin.host
    domain = (parsed.domain or b"").decode("latin-1")
    path = parsed.path if parsed.path and parsed.path.startswith(b"/") else b"/"
    name, place = parsed.name.decode("utf-8", "replace"), path.decode("utf-8", "replace")
    domains = {domain}
    if domain == origin.host and context.suffixes.is_public(domain):
        domains.add("")  # on a public suffix it is the host's own
    passing.touched |= {(name, one, place, parsed.partitioned) for one in domains}
    return domain if domain.isascii() and domain else origin.host


def endpoint(
    head: RequestHead, addressed: Addressed, reading: Reading, context: Context
) -> Step[tuple[Ending, Passing]]:
    """``/.gateway/cookies``: what scripts of this host see; POST brings writes first."""
    if head.method not in {b"GET", b"POST"}:
        title = "This is not how cookies are asked for"
        allow = ((b"Allow", b"GET, POST"),)
        return Refuse(405, events.ORIGIN_DENIED, title, fields=allow), Passing()
    if not _is_own(head, addressed, context):
        title = "This is only for pages of this very host"
        return Refuse(403, events.ORIGIN_DENIED, title, "cookies, by another origin"), Passing()
    given = parameter(head.target.decode("latin-1"), "path")
    path = None if given is None else unquote_to_bytes(given)
    if path is not None and not _PATH.match(path):
        return Refuse(400, events.ORIGIN_DENIED, "This is not a path"), Passing()
    more: list[Write] = []
    if head.method == b"POST":
        body = yield from ask(NeedBody(), bytes)
        found = [_LINE.match(line) for line in body.split(b"\n")[:MAX_TAKEN]]
        more = [
            Write(int(one[1]), one[2], unquote_to_bytes(one[3])) for one in found if one is not None
        ]
    passing = yield from take(head, addressed, reading, context, more)
    content: dict[str, object] = {"cookies": [], "write": {}, "at": 0}
    opened = passing.opened or (yield from steps.read_jar(reading, addressed.origin, context))
    if opened is not None and reading.session is not None:
        moment = passing.now or (yield from steps.now())
        shown = opened.jar.shown(addressed.origin, path, moment, passing.access)
        write = tokens_of(reading.session, opened.jar, addressed.origin, context)
        content = View(shown).payload(write) | {"at": opened.version}
    fields = (
        (b"Content-Type", b"application/json"),
        (b"Cache-Control", b"no-store"),
        (b"X-Content-Type-Options", b"nosniff"),
    )
    return Answer(200, fields, json.dumps(content).encode("ascii")), passing


def _is_own(head: RequestHead, addressed: Addressed, context: Context) -> bool:
    """Whether a page or worker of the very host asks."""
    site = headers.get(head.fields, b"sec-fetch-site")
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    told = isinstance(who, headers.Page) and who.origin == addressed.origin
    return told and site in {None, "same-origin"}
