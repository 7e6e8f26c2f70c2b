"""A response body's way: decoder, scanner, encoder; or nothing at all.

``BodyPlan`` is a value that ``exchange`` decides on; ``pipeline_for`` turns it into an
object with ``feed`` and ``close`` that ``net`` drives chunk by chunk.
"""

from __future__ import annotations

from typing import Protocol

import attrs

from gateway.errors import UpstreamFault
from gateway.rewrite.coding import Deflater, decoder_for
from gateway.rewrite.html import Injector


@attrs.frozen
class BodyPlan:
    """What is to be done to a body.

    ``markup`` None: nothing, the body passes to the byte.  Else it is decoded from
    ``coding`` (with the expansion limit ``ratio``), the markup is put in, and gzip
    comes out if ``gzip_out``.  ``xml``: the document is XHTML.
    """

    markup: bytes | None = attrs.field(default=None, repr=False)
    coding: str | None = None
    gzip_out: bool = False
    xml: bool = False
    ratio: int = 200

    @property
    def edits(self) -> bool:
        """Whether the body changes, so that its length and digests no longer hold."""
        return self.markup is not None


class Pipeline(Protocol):
    """Chunks in, chunks out."""

    def feed(self, data: bytes) -> bytes:
        """Take a chunk of the upstream's body, give a chunk for the client."""
        ...

    def close(self) -> bytes:
        """Give the rest; raises ``UpstreamFault`` for a body that ended wrongly."""
        ...


class _Edited:
    def __init__(self, plan: BodyPlan) -> None:
        decoder = decoder_for(plan.coding, plan.ratio)
        if decoder is None:
            raise UpstreamFault(f"content coding {plan.coding!r} was not asked for")
        self._decoder = decoder
        self._injector = Injector(plan.markup or b"", xml=plan.xml)
        self._encoder = Deflater() if plan.gzip_out else None

    def feed(self, data: bytes) -> bytes:
        out = self._injector.feed(self._decoder.feed(data))
        return out if self._encoder is None else self._encoder.feed(out)

    def close(self) -> bytes:
        out = self._injector.feed(self._decoder.close()) + self._injector.close()
        return out if self._encoder is None else self._encoder.feed(out) + self._encoder.close()


def pipeline_for(plan: BodyPlan) -> Pipeline | None:
    """The pipeline of a plan; None where the body passes as it is."""
    return _Edited(plan) if plan.edits else None
