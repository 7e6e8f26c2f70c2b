"""Times as the operator's page shows them."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(seconds: float) -> str:
    """ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
