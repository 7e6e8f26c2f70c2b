"""The operator's content policies, by site: the third layer beside the site's and the containment.

Each is a header of its own, so that it can only tighten what the others allow.  A rule is
for whole origins: pages of one origin reach into each other, whatever a path says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway.policy.patterns import Pattern, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.origins import Origin


@attrs.frozen
class ContentRule:
    """``[[content-policy]]``: a checked policy's text; ``where`` is file and line."""

    site: Pattern
    policy: str
    report_only: bool = False
    where: str = ""


def policies_for(origin: Origin, rules: Iterable[ContentRule]) -> tuple[tuple[str, bool], ...]:
    """The policies for pages of ``origin`` in order, each with whether it only reports."""
    target = Target(origin.scheme, origin.host, origin.port)
    return tuple(
        (rule.policy, rule.report_only) for rule in rules if rule.site.matches_origin(target)
    )
