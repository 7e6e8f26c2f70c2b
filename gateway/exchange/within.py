"""What documents with an opaque origin ask for: frames that are sandboxed, and what is in them.

Browsers send with their requests neither Referer nor the session's cookies, and no ``Origin``
but ``null``, as with those of any other web site's such frames.  Two things tell that the
gateway's outer frame is around them.  A cookie of the partition that the outer frame's site
has for documents of other sites (CHIPS), and opaque ones are of none: the outer frame has it
set by a sandboxed frame of its own, and no other site's page can have it sent.  Where
requests have no cookies at all, as of ``fetch``, the token of a page, which the runtime puts
on them.  Either way the request counts for nobody, and gets no jar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import wire
from gateway.exchange import steps
from gateway.exchange.messages import Answer
from gateway.rewrite import headers

if TYPE_CHECKING:
    from gateway.exchange.messages import Context, RequestHead
    from gateway.exchange.steps import Step
    from gateway.session.reading import Reading

_BODY = b'<!doctype html><title>.</title><img src="%s" alt="">' % wire.WITHIN_PATH.encode("ascii")
_FIELDS = ((b"Cache-Control", b"no-store"), (b"X-Content-Type-Options", b"nosniff"))


def frame(head: RequestHead, context: Context) -> Answer:
    """``/.gateway/within``: the outer frame's sandboxed frame, and the image in it.

    Each sets the cookie, which says nothing of anybody, for as long as the browser runs: the
    image where it goes with what opaque documents ask for, the frame where it goes with what
    leads a sandboxed frame itself to another page.
    """
    codec = context.codec
    where = f"=1; Domain={codec.cookie_domain}; Path=/".encode("ascii")
    kind = b"; Secure; HttpOnly; SameSite=None; Partitioned"
    fields = (*_FIELDS, (b"Set-Cookie", wire.WITHIN_COOKIE + where + kind))
    if headers.get(head.fields, b"sec-fetch-dest") == "image":
        return Answer(204, fields)
    policy = (
        "default-src 'none'; img-src 'self'; sandbox; base-uri 'none'; form-action 'none';"
        f" frame-ancestors {codec.secure_origin}"
    )
    more = (
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"Content-Security-Policy", policy.encode("ascii")),
    )
    return Answer(200, (*fields, *more), _BODY)


def is_ours(head: RequestHead, reading: Reading, context: Context) -> Step[bool]:
    """Whether a page in one of the gateway's windows asks, whatever its origin."""
    if headers.is_page_of_ours(head.fields, context.codec):
        return True
    if reading.token is None or not headers.is_of_an_opaque_origin(head.fields):
        return False
    now = yield from steps.now()
    return abs(now - reading.token.issued_at) <= context.settings.token_seconds


def is_unasked(head: RequestHead, reading: Reading) -> bool:
    """Whether the outer frame is not to ask for a page's proof: nobody's, in a sandboxed frame.

    It has no session that could be another's.
    """
    return reading.session is None and headers.is_of_an_opaque_origin(head.fields)
