"""The table of fields holds: each row by itself, and docs/rewriting.md has it."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite import header_names as names
from gateway.rewrite.headers import ResponseContext, request_fields, response_fields
from tests.cookies import SUFFIXES
from tests.rewrite import codec, origin
from tests.rewrite.header_table import REQUEST, RESPONSE, Row, rendered
from tests.test_architecture import ROOT

SITE = origin("https://shop.example.com")


def _response(row: Row) -> list[str]:
    more: dict[str, Any] = dict(row.more)
    context = ResponseContext(SITE, f"{SITE}/dir/page", codec(), **more)
    given = ((row.name.encode(), row.value.encode("latin-1")),)
    own = [name.lower() for name, _ in response_fields((), context)]
    found = response_fields(given, context)
    wanted = row.name.encode().lower()
    values = [value.decode("latin-1") for name, value in found if name.lower() == wanted]
    policies = wanted == b"content-security-policy"
    return values[:-1] if policies and wanted in own else values


def _request(row: Row) -> list[str]:
    page = (b"Origin", b"https://https-page-example.0.gw.example.org")
    given = [(row.name.encode(), row.value.encode("latin-1"))]
    if row.name not in {"Origin", "Referer"}:
        given.append(page)
    found = request_fields(
        tuple(given),
        SITE,
        codec(),
        SUFFIXES,
        cookie=b"",
        edits_body=bool(row.more),
        accept_encoding=b"gzip",
    )
    wanted = row.name.encode().lower()
    return [value.decode("latin-1") for name, value in found if name.lower() == wanted]


class ContractTests(SynchronousTestCase):
    """Rewriting, "Headers", item by item."""

    def test_responses(self) -> None:
        """What browsers get."""
        for row in RESPONSE:
            wanted = [] if row.out is None else [row.out]
            if row.name == "Strict-Transport-Security":
                self.assertNotIn(row.value, _response(row))
                continue
            self.assertEqual(_response(row), wanted, (row.name, row.when))

    def test_requests(self) -> None:
        """What sites get."""
        for row in REQUEST:
            wanted = [] if row.out is None else [row.out]
            self.assertEqual(_request(row), wanted, (row.name, row.when))

    def test_every_name_of_the_code_is_lower_case(self) -> None:
        """Or it would never be found; and none is there in vain."""
        for known in (
            names.HOP_BY_HOP, names.REQUEST_DROPPED, names.EDITS_DROPPED, names.RESPONSE_DROPPED,
            names.EDITED_DROPPED, names.PRIVATE_DROPPED, names.URL_FIELDS,
        ):  # fmt: skip
            for name in known:
                self.assertEqual(name, name.lower())
        for name in names.RESPONSE_DROPPED:
            row = Row(name.decode(), "a strange value", None, "")
            self.assertNotIn("a strange value", _response(row), name)

    def test_the_documentation_has_it(self) -> None:
        """``python -m tests.rewrite.header_table`` prints what belongs there."""
        text = (ROOT / "docs" / "rewriting.md").read_text("utf-8")
        self.assertIn(rendered(), text)
