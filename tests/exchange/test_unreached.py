"""Origins that cannot be reached: what a page's script, a person and others are told."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.errors import (
    GatewayError,
    Refusal,
    StoreUnavailable,
    TransportRefused,
    UpstreamFault,
    UpstreamTimeout,
    UpstreamTooLarge,
)
from gateway.exchange.messages import RequestHead
from gateway.exchange.unreached import ending


def asking(**fetch: str) -> RequestHead:
    """A request with these of the browser's own fields."""
    fields = tuple(
        (f"Sec-Fetch-{name.title()}".encode(), value.encode()) for name, value in fetch.items()
    )
    return RequestHead(b"GET", b"/", b"HTTP/2", "x.test", fields)


class EndingTests(SynchronousTestCase):
    """Who is answered, and who sees no answer."""

    def test_who_is_answered(self) -> None:
        """Only script, and only where there is no answer of the origin's."""
        script = asking(mode="cors", dest="empty")
        table: list[tuple[GatewayError, RequestHead, bool]] = [
            (UpstreamFault("x"), script, True),
            (UpstreamTimeout("x"), script, True),
            (TransportRefused("x"), script, True),
            (UpstreamFault("x"), asking(mode="no-cors", dest="empty"), True),
            (UpstreamFault("x"), asking(mode="no-cors", dest="image"), False),
            (UpstreamFault("x"), asking(mode="navigate", dest="empty"), False),
            (UpstreamFault("x"), asking(), False),
            (UpstreamTooLarge("x"), script, False),
            (StoreUnavailable("x"), script, False),
            (Refusal("x"), script, False),
        ]
        for error, head, cut in table:
            with self.subTest(error=type(error).__name__, fields=head.fields):
                found = ending(error, head)
                self.assertEqual((found.cut, found.status), (cut, error.status))
                self.assertEqual(found.detail, "x")

    def test_what_a_service_worker_is_told(self) -> None:
        """The page in place of a document says that it is one; no other refusal does."""
        told = ((wire.UNREACHED_HEADER, b"1"),)
        for error, fields in ((UpstreamFault(), told), (Refusal(), ()), (UpstreamTooLarge(), ())):
            found = ending(error, asking(mode="navigate", dest="iframe"))
            self.assertEqual((found.fields, found.cut), (fields, False))
