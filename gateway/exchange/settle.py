"""The two steps that give a session to a browser without localStorage (protocols, section 6).

Nothing of a request becomes part of a session: the offer is minted here, and step 2 takes
only what was sealed here, once in all processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import events
from gateway.exchange import steps
from gateway.exchange.messages import Consume, Context, NeedRandom, Note, RequestHead, ask
from gateway.rewrite.headers import get_all
from gateway.session import settle
from gateway.session.bootstrap import session_cookies

if TYPE_CHECKING:
    from gateway.exchange.steps import Step


def offer(context: Context) -> Step[settle.Offer]:
    """Step 1: a new session, always."""
    noise = yield from ask(NeedRandom(settle.RANDOM_NEEDED), bytes)
    now = yield from steps.now()
    return settle.offer(context.keys, noise, now, context.settings.settle_seconds)


def offer_again(head: RequestHead, context: Context) -> Step[settle.Offer | None]:
    """Step 1 for the session that this browser had; None if it kept none that opens."""
    noise = yield from ask(NeedRandom(settle.AGAIN_NEEDED), bytes)
    now = yield from steps.now()
    seconds = context.settings.settle_seconds
    made = settle.offer_again(context.keys, get_all(head.fields, b"cookie"), noise, now, seconds)
    if made is None:
        yield Note(events.SESSION_RESTORE, "the restore cookie did not open")
    return made


def take(text: bytes, nonce: bytes, context: Context) -> Step[tuple[bytes, bytes] | None]:
    """Step 2: the session's Set-Cookie fields for the one request that comes first."""
    now = yield from steps.now()
    taken = settle.take(context.keys, text, nonce, now)
    if taken is None:
        yield Note(events.SESSION_SETTLE, "text and nonce are not ours, not a pair, or over")
        return None
    if not (yield from ask(Consume(b"settle:" + taken.nonce, taken.expires), bool)):
        yield Note(events.SESSION_SETTLE, "the nonce came a second time")
        return None
    return session_cookies(taken.ick, taken.datr, context.codec.cookie_domain, apart=True)
