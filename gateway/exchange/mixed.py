"""What a secure page asks of a host that is not encrypted (Mixed Content, level 2).

To browsers every address here is https, so that they stop nothing.  As they would directly,
images, audio and video are asked for from the encrypted host instead, and everything else is
refused, whatever ``allow-insecure-http`` opens to people and to pages that are not encrypted.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import attrs

from gateway import events
from gateway.exchange.messages import Refuse
from gateway.policy.steps import Step
from gateway.rewrite import headers

if TYPE_CHECKING:
    from gateway.exchange.messages import Context, RequestHead
    from gateway.exchange.steps import Addressed
    from gateway.origins import Origin

_UPGRADED = frozenset({"image", "audio", "video"})


def upgraded(head: RequestHead, addressed: Addressed, context: Context) -> Origin | Refuse | None:
    """The origin to be asked instead, or why nobody is; None: the request goes on.

    Navigations go on: a frame's and the topmost page's are one to browsers here.
    """
    origin = addressed.origin
    who = headers.initiator(head.fields, origin, context.codec)
    mode = headers.get(head.fields, b"sec-fetch-mode")
    if origin.secure or mode in {None, "navigate"} or is_trustworthy(origin.host):
        return None
    if not isinstance(who, headers.Page) or not who.origin.secure:
        return None
    if headers.get(head.fields, b"sec-fetch-dest") in _UPGRADED:
        port = 443 if origin.port == 80 else origin.port
        return attrs.evolve(origin, scheme="https", port=port)
    return Refuse(
        403,
        events.TRANSPORT_DENIED,
        "A page that is encrypted asked a host that is not",
        f"{origin} is not encrypted, and {who.origin}, which asked, is",
        Step.TRANSPORT,
        cut=True,
    )


def is_trustworthy(host: str) -> bool:
    """Whether what goes to a host stays on the machine (Secure Contexts, 3.1)."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
