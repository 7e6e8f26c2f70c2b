"""What a page's script sees of an origin that cannot be reached: what a browser shows of it.

Loaded directly, such an origin has no answer: ``fetch`` rejects, XMLHttpRequest has an error, an
EventSource tries again later.  Applications go by that: they show what they kept, or wait for
the network.  A 502 of ours would be taken for the site's own word.  A document's place gets our
page instead, which tells a person what is the matter; a service worker that asked for it learns
from a header that there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import wire
from gateway.errors import UpstreamFault, UpstreamTooLarge
from gateway.exchange.messages import refusal
from gateway.rewrite import headers

if TYPE_CHECKING:
    from gateway.errors import GatewayError
    from gateway.exchange.messages import Refuse, RequestHead


def ending(error: GatewayError, head: RequestHead) -> Refuse:
    """The refusal that an error stands for, cut where a browser would have no answer either."""
    refuse = refusal(error)
    if not isinstance(error, UpstreamFault) or isinstance(error, UpstreamTooLarge):
        return refuse
    if headers.get(head.fields, b"sec-fetch-mode") == "navigate":
        return attrs.evolve(refuse, fields=((wire.UNREACHED_HEADER, b"1"),))
    by_script = headers.get(head.fields, b"sec-fetch-dest") == "empty"
    return attrs.evolve(refuse, cut=by_script)
