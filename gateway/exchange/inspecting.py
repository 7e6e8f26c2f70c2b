"""Which rules hold for the messages of a connection: the operator's, by page and destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway.policy.patterns import Pattern, Target
from gateway.websocket.inspection import inspection_for
from gateway.websocket.rules import Mode, ValidationRules

if TYPE_CHECKING:
    from gateway.origins import Origin
    from gateway.websocket.inspection import Inspection


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

    def is_about(self, page: Origin | None, to: Target | None, service: str | None) -> bool:
        """Whether the rule is for a connection, whatever subprotocol it carries."""
        if self.services and service not in self.services:
            return False
        if self.to is not None and (to is None or not self.to.matches(to)):
            return False
        if not self.pages:
            return True
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

    def rules_for(
        self,
        subprotocol: str | None,
        page: Origin | None,
        to: Target | None = None,
        service: str | None = None,
        mode: Mode | None = None,
    ) -> ValidationRules:
        """What holds for a connection; ``mode``: what a service says where no rule does."""
        for rule in self.rules:
            if rule.names(subprotocol) and rule.is_about(page, to, service):
                return rule.rules
        return self.default if mode is None else attrs.evolve(self.default, mode=mode)

    def lacking(
        self,
        subprotocol: str | None,
        page: Origin | None,
        to: Target | None = None,
        service: str | None = None,
    ) -> SubprotocolRule | None:
        """The rule that asks for another subprotocol than the one agreed on; None: none does."""
        for rule in self.rules:
            if rule.is_about(page, to, service):
                if rule.names(subprotocol):
                    return None
                if rule.required:
                    return rule
        return None

    def inspection(
        self,
        subprotocol: str | None,
        page: Origin | None,
        to: Target | None = None,
        service: str | None = None,
        mode: Mode | None = None,
    ) -> Inspection | None:
        """The inspection of a connection; None: its messages are nobody's business."""
        return inspection_for(subprotocol, self.rules_for(subprotocol, page, to, service, mode))
