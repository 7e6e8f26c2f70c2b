"""The one tree of errors.

::

    GatewayError               status, close_code and event hints on each
    ├── LocalFault             ours: a bug, a full disk (500 / 1011)
    │   └── StoreUnavailable   the jar cannot be read or written (503 / 1013)
    ├── UpstreamFault          theirs: DNS, TLS, protocol (502 / 1014 is not ours to send)
    │   ├── TransportRefused   it was reached, but not as the policy wants it (502)
    │   └── UpstreamTimeout    (504)
    ├── Refusal                the policy or a rule of a protocol said no (4xx / 1008)
    └── ConfigurationError     all faults of a configuration at once; never on the wire

``str(error)`` is for the log.  What a person or a peer sees is made from
``status`` and ``title`` alone, so that no detail can slip out by an exception.
"""

from __future__ import annotations

from typing import ClassVar

from gateway import events


class GatewayError(Exception):
    """Base of all; ``detail`` goes to the log, never to a peer."""

    status: ClassVar[int] = 500
    close_code: ClassVar[int] = 1011
    event: ClassVar[str] = events.INTERNAL
    title: ClassVar[str] = "Something went wrong"
    step: int = 0
    rule: str = ""
    fields: tuple[tuple[bytes, bytes], ...] = ()

    def __init__(self, detail: str = "") -> None:
        """Remember what the operator should read; ``fields`` go with the answer."""
        super().__init__(detail)
        self.detail = detail


class LocalFault(GatewayError):
    """A fault of the gateway's own."""


class StoreUnavailable(LocalFault):
    """The store did not answer: requests that need a jar fail closed."""

    status = 503
    close_code = 1013
    event = events.STORE_FAILED
    title = "The gateway is busy"


class UpstreamFault(GatewayError):
    """The origin could not be reached, verified or understood."""

    status = 502
    event = events.UPSTREAM_FAILED
    title = "The site could not be reached"


class TransportRefused(UpstreamFault):
    """The origin's TLS is not what the policy asks for; a person sees what a fault shows."""

    event = events.TRANSPORT_DENIED

    def __init__(self, detail: str = "", *, step: int = 0, rule: str = "") -> None:
        """``step`` and ``rule`` are the engine's, for the log."""
        super().__init__(detail)
        self.step = step
        self.rule = rule


class UpstreamTimeout(UpstreamFault):
    """The origin took too long."""

    status = 504
    title = "The site did not answer in time"


class UpstreamTooLarge(UpstreamFault):
    """The origin's answer exceeds a configured bound."""

    title = "The site's answer is too large"


class Refusal(GatewayError):
    """The policy or a protocol's rule said no."""

    status = 403
    close_code = 1008
    event = events.DESTINATION_DENIED
    title = "This address is not open here"


class BodyTooLarge(Refusal):
    """A body for an endpoint of the gateway's own exceeds a configured bound."""

    status = 413
    event = events.LIMIT
    title = "What was sent is too large"


class LabelError(Refusal):
    """A host label that no origin collapses to (protocols, section 2)."""

    status = 404
    event = events.LABEL_UNKNOWN
    title = "There is no such site"


class ConfigurationError(GatewayError):
    """Every fault of a configuration file, one per line."""

    def __init__(self, faults: list[str]) -> None:
        """Keep the lines as they are to be printed."""
        super().__init__("\n".join(faults))
        self.faults = faults
