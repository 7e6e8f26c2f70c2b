"""A text of the gateway's own, kept in a sealed row beside cookies.

A row's bucket is made of a registrable domain; remarks live under names that no domain has
(with a space in them), so that no site's cookie can come near one.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Remark:
    """``text`` under ``name``, until ``expires`` (epoch seconds)."""

    name: bytes
    text: bytes = attrs.field(repr=False)
    expires: int
