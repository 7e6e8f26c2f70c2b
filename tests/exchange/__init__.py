"""Tests of the exchanges, and a shell that plays the other side as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from gateway import wire
from gateway.cookies import rules
from gateway.cookies.jar import Received, open_jar
from gateway.errors import GatewayError
from gateway.exchange.messages import (
    Commit,
    Connect,
    Consume,
    Context,
    Ending,
    Exchange,
    Forget,
    Hold,
    LetGo,
    Need,
    NeedBody,
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
    Settings,
    Spend,
    Touch,
    UpstreamHead,
)
from gateway.exchange.needs import ConnectSocket, Forward, MayReport, Reported, SocketOpened
from gateway.origins import Origin, long_label
from gateway.policy import destinations
from gateway.policy.destinations import AccessRule, NavigationRule
from gateway.policy.patterns import parse_pattern
from gateway.rewrite.parameters import with_parameter
from gateway.session.reading import Session
from gateway.session.tokens import Token, seal_token
from tests.cookies import SUFFIXES, at
from tests.rewrite import SUFFIX, codec, collapsed, origin
from tests.session import DATR, ICK, KEYS, NOW

if TYPE_CHECKING:
    from collections.abc import Callable

SAFE = (b"GET", b"HEAD", b"OPTIONS")
SITE = "https://shop.example.com"
PAGE_ORIGIN = collapsed(SITE)
HOST = PAGE_ORIGIN.removeprefix("https://")
USER = Session(ICK, DATR).user_keys(KEYS)
REGISTRABLE = "example.com"
BUCKET = USER.bucket(REGISTRABLE)
SESSION = b"; ".join(
    (wire.ICK_COOKIE + b"=" + ICK.cookie_value(), wire.DATR_COOKIE + b"=" + DATR.text)
)
LONG = origin("https://under_score.example.com")
LONG_HOST = f"{long_label(LONG)}{SUFFIX}"
WORKER = b"/*ours*/;"
HTML = (b"Content-Type", b"text/html; charset=utf-8")


def access(text: str = "*", *, page: str = "", **more: Any) -> AccessRule:
    """One access rule."""
    return AccessRule(parse_pattern(text), page=parse_pattern(page) if page else None, **more)


def context(
    *rules: AccessRule, navigation: tuple[str, ...] | None = None, attempts: int = 3
) -> Context:
    """A fresh context; by default ``SITE`` and what is below its domain may be shown."""
    if navigation is None:
        navigation = () if rules else ("*://*.example.com",)
    policy = destinations.Settings(
        navigation=tuple(NavigationRule(parse_pattern(text)) for text in navigation),
        access=rules,
    )
    return Context(
        codec=codec(),
        keys=KEYS,
        suffixes=SUFFIXES,
        policy=policy,
        runtime_path=f"{wire.ASSET_PATH}runtime.js",
        runtime_digest="sha256-rUnT1me=",
        rare_path=f"{wire.ASSET_PATH}rare.js",
        rare_digest="sha256-rAre=",
        worker_path=f"{wire.ASSET_PATH}worker.js",
        worker_source=WORKER,
        settings=Settings(commit_attempts=attempts),
    )


def token_text(pair: bytes = b"", page: str = SITE, issued_at: int = NOW) -> str:
    """A token as pages carry it."""
    return seal_token(KEYS, KEYS.newest, Token(pair, page, "", issued_at), b"t" * 12)


def head(
    target: str = "/p",
    *,
    method: bytes = b"GET",
    host: str = HOST,
    session: bool = True,
    token: str | None = None,
    **fields: str,
) -> RequestHead:
    """A request of a page of ours at ``SITE``, unless its fields say otherwise.

    ``token``: a text of one's own, "" for none; by default the one that such a page has.
    """
    if token is None and host == HOST and (method not in SAFE or "upgrade" in fields):
        token = token_text(b"" if not session else Session(ICK, DATR).pair)
    if token:
        target = with_parameter(target, wire.TOKEN_PARAMETER, token)
    given = {"sec_fetch_site": "same-origin", "sec_fetch_dest": "empty", "sec_fetch_mode": "cors"}
    pairs = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in (given | fields).items()
        if value
    ]
    if session:
        pairs.append((b"Cookie", SESSION))
    return RequestHead(method, target.encode("latin-1"), b"HTTP/1.1", host, tuple(pairs))


def frame(target: str = "/p", **more: Any) -> RequestHead:
    """A request for the document of a frame."""
    return head(target, **{"sec_fetch_dest": "iframe", "sec_fetch_mode": "navigate", **more})


@attrs.define
class Shell:
    """The other side of an exchange: a table from the kind of a need to its reply.

    A reply that can be called is called with the need; an error is thrown, as ``drive``
    does.  ``needs`` remembers what was asked, in order.
    """

    replies: dict[type, Any] = attrs.field(factory=dict)
    rows: dict[tuple[bytes, bytes], dict[bytes, Any]] = attrs.field(factory=dict)
    versions: dict[tuple[bytes, bytes], int] = attrs.field(factory=dict)
    needs: list[Need] = attrs.field(factory=list)
    random: int = 0
    consumed: set[bytes] = attrs.field(factory=set)

    def run(self, exchange: Exchange) -> Ending:
        """Drive the exchange to its ending."""
        try:
            need = next(exchange)
            while True:
                self.needs.append(need)
                try:
                    reply = self._perform(need)
                except GatewayError as error:
                    need = exchange.throw(error)
                else:
                    need = exchange.send(reply)
        except StopIteration as stop:
            ending: Ending = stop.value
            return ending
        finally:
            exchange.close()

    def _perform(self, need: Need) -> object:
        reply = self.replies.get(type(need), self._default)
        if isinstance(reply, GatewayError):
            raise reply
        return reply(need) if callable(reply) else reply

    def _default(self, need: Need) -> object:
        match need:
            case NeedNow():
                return NOW
            case NeedRandom(size):
                self.random += 1
                return bytes([self.random]) * size
            case NeedRows(owner, bucket):
                key = (owner, bucket)
                return self.bucket(key)
            case NeedOwned(owner):
                return Owned({key[1]: self.bucket(key) for key in self.rows if key[0] == owner})
            case Touch(change):
                key = (change.owner, change.bucket)
                if self.versions.get(key, 0) == change.version:
                    self.rows[key].update({row.index: row for row in change.puts})
                return None
            case Commit():
                return self.commit(need)
            case Connect():
                return UpstreamHead(200, b"OK", (HTML,), 5)
            case ConnectSocket():
                return SocketOpened()
            case Forget(owner):
                for key in [key for key in self.rows if key[0] == owner]:
                    del self.rows[key]
                return None
            case NeedBody():
                return b""
            case Consume(nonce):
                fresh = nonce not in self.consumed
                self.consumed.add(nonce)
                return fresh
            case Spend():
                return 0.0
            case MayReport():
                return True
            case NeedOrigin() | RememberOrigin() | Note() | Hold() | LetGo():
                return None
            case Reported() | Forward():
                return None
        raise AssertionError(need)

    def bucket(self, key: tuple[bytes, bytes]) -> Rows:
        """One bucket as a store gives it."""
        total = sum(len(rows) for (owner, _), rows in self.rows.items() if owner == key[0])
        return Rows(self.versions.get(key, 0), tuple(self.rows.get(key, {}).values()), total)

    def commit(self, need: Commit) -> bool:
        """Change a bucket as the store does: only if its version is the one that was read."""
        key = (need.owner, need.bucket)
        if self.versions.get(key, 0) != need.version:
            return False
        rows = self.rows.setdefault(key, {})
        rows.update({row.index: row for row in need.puts})
        for index in need.deletes:
            rows.pop(index, None)
        self.versions[key] = need.version + 1
        return True

    def put(self, *set_cookies: bytes, url: str = f"{SITE}/") -> None:
        """Have the site set these cookies beforehand, or another tab meanwhile."""
        key = (USER.owner, BUCKET)
        version = self.versions.get(key, 0)
        jar = open_jar(USER, REGISTRABLE, tuple(self.rows.get(key, {}).values()))
        change, _ = jar.receive(
            Received(set_cookies), *at(url), NOW, SUFFIXES, lambda size: b"p" * size
        )
        assert self.commit(Commit(*key, version, change.puts, change.deletes))

    def cookies(self, url: str = f"{SITE}/") -> bytes:
        """What the jar now sends to a URL."""
        rows = tuple(self.rows.get((USER.owner, BUCKET), {}).values())
        return rules.cookie_string(open_jar(USER, REGISTRABLE, rows).sent(*at(url), NOW))

    def kinds(self) -> str:
        """The kinds of needs, in order, as words."""
        return " ".join(type(need).__name__ for need in self.needs)

    def notes(self) -> list[str]:
        """The security events."""
        return [need.event for need in self.needs if isinstance(need, Note)]

    def sent(self) -> list[Connect | ConnectSocket]:
        """What went upstream."""
        return [need for need in self.needs if isinstance(need, Connect | ConnectSocket)]


def play(
    exchange: Callable[[RequestHead, Context], Exchange],
    request: RequestHead,
    given: Context | None = None,
    shell: Shell | None = None,
) -> tuple[Ending, Shell]:
    """Drive one exchange; the ending and the shell with all that it was asked."""
    shell = shell or Shell()
    return shell.run(exchange(request, given or context())), shell


def values(fields: tuple[tuple[bytes, bytes], ...], name: bytes) -> list[bytes]:
    """All values of a field."""
    return [value for key, value in fields if key.lower() == name.lower()]


def long_origin(label: str) -> Callable[[NeedOrigin], Origin | None]:
    """A store that knows one digest."""
    return lambda need: LONG if need.label == label else None
