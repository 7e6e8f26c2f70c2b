"""Which rules hold for the messages of a connection: the operator's, by page and destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway.policy.patterns import Pattern, Target
from gateway.websocket.inspection import inspection_for
from gateway.websocket.rules import Mode, ValidationRules

if TYPE_CHECKING:
    from gateway.origins import Origin
    from gateway.policy.services import Service
    from gateway.websocket.inspection import Inspection


@attrs.frozen
class Agreed:
    """A connection that both sides agreed on, as rules ask about it.

    ``page``: the page or program that opens it; ``to``: what a site's page connects to, or
    ``service``: which service it is.
    """

    subprotocol: str | None
    page: Origin | None = None
    to: Target | None = None
    service: Service | None = None


@attrs.frozen
class SubprotocolRule:
    """``[[subprotocol-rule]]``; what is empty or None does not narrow it.

    ``pages`` (``from``): pages that open the connection; ``to``: what a site's page connects
    to, ``services``: which services.  ``required``: a connection that it is about has to
    agree on one of ``subprotocols``.
    """

    rules: ValidationRules
    subprotocols: tuple[str, ...] = ()
    pages: tuple[Pattern, ...] = ()
    to: Pattern | None = None
    services: tuple[str, ...] = ()
    required: bool = False
    where: str = attrs.field(default="", eq=False)

    def is_about(self, agreed: Agreed) -> bool:
        """Whether the rule is for a connection, whatever subprotocol it carries."""
        name = None if agreed.service is None else agreed.service.name
        if self.services and name not in self.services:
            return False
        if self.to is not None and (agreed.to is None or not self.to.matches(agreed.to)):
            return False
        if not self.pages:
            return True
        page = agreed.page
        if page is None:
            return False
        target = Target(page.scheme, page.host, page.port)
        return any(one.matches(target) for one in self.pages)

    def names(self, subprotocol: str | None) -> bool:
        """Whether it is for connections that agreed on ``subprotocol``."""
        return not self.subprotocols or subprotocol in self.subprotocols


@attrs.frozen
class SubprotocolSettings:
    """``[subprotocols]`` and the rules, of which the first that matches decides."""

    default: ValidationRules = attrs.field(factory=ValidationRules)
    rules: tuple[SubprotocolRule, ...] = ()

    def rules_for(self, agreed: Agreed) -> ValidationRules:
        """What holds for a connection; what a service says holds where no rule says another.

        A message is as long as a service lets it be, in any case.
        """
        service, found = agreed.service, self.default
        if service is not None and service.validation:
            found = attrs.evolve(found, mode=Mode(service.validation))
        for rule in self.rules:
            if rule.names(agreed.subprotocol) and rule.is_about(agreed):
                found = rule.rules
                break
        own = None if service is None else service.bounds.message_bytes
        return found if own is None else attrs.evolve(found, message_bytes=own)

    def lacking(self, agreed: Agreed) -> SubprotocolRule | None:
        """The rule that asks for another subprotocol than the one agreed on; None: none does."""
        for rule in self.rules:
            if rule.is_about(agreed):
                if rule.names(agreed.subprotocol):
                    return None
                if rule.required:
                    return rule
        return None

    def inspection(self, agreed: Agreed) -> Inspection | None:
        """The inspection of a connection; None: its messages are nobody's business."""
        return inspection_for(agreed.subprotocol, self.rules_for(agreed))
