"""What pages send, in the site's own names: queries, bodies and fields (rewriting, "Headers").

One rule for HTTP and handshakes, with one switch for each site (``reverse-map``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.policy.forwarded import told
from gateway.policy.patterns import Target
from gateway.rewrite.outgoing_forms import body_plan, is_signed, map_target

if TYPE_CHECKING:
    from gateway.exchange.messages import Context, RequestHead
    from gateway.origins import Origin
    from gateway.rewrite.outgoing_forms import Outgoing


def maps_back(origin: Origin, context: Context) -> bool:
    """Whether addresses in what is sent to an origin are expanded."""
    return context.policy.maps_back(Target(origin.scheme, origin.host, origin.port))


def target_for(target: str, head: RequestHead, origin: Origin, context: Context) -> str:
    """A request target as the origin is to see it."""
    if "?" not in target:
        return target
    mapped = map_target(target, context.codec, origin)
    if mapped == target or is_signed(head.fields) or not maps_back(origin, context):
        return target
    return mapped


def body_for(head: RequestHead, origin: Origin, context: Context) -> Outgoing | None:
    """What is to be done to the body of a request; None: nothing."""
    if not head.has_body:
        return None
    limit = context.settings.outgoing_field_bytes
    plan = body_plan(head.fields, context.codec, origin, limit)
    return plan if plan is not None and maps_back(origin, context) else None


def forwarded(head: RequestHead, context: Context) -> list[tuple[bytes, bytes]]:
    """What an operator may have sites told of who asks; nothing unless he does."""
    value = told(head.client) if context.forwarded.tells else None
    return [] if value is None else [(b"Forwarded", value)]
