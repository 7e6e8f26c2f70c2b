"""The loop between an exchange and what performs its needs; Deferreds left to themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.errors import GatewayError
from gateway.exchange.messages import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from twisted.internet.defer import Deferred

    from gateway.exchange.messages import Ending, Exchange, Need


def watch(running: Deferred[Any]) -> None:
    """Let a Deferred run by itself whose failures are handled already."""
    del running


def declined(error: GatewayError) -> Exchange:
    """An exchange that is over before it asked for anything."""
    yield from ()
    return refusal(error)


async def drive(exchange: Exchange, perform: Callable[[Need], Awaitable[object]]) -> Ending:
    """Run an exchange to its ending.

    A ``GatewayError`` of a need is thrown into the exchange, which turns it into a
    refusal; anything else (cancellation included) ends the exchange and propagates.
    """
    try:
        need = next(exchange)
        while True:
            try:
                reply = await perform(need)
            except GatewayError as error:
                need = exchange.throw(error)
            else:
                need = exchange.send(reply)
    except StopIteration as stop:
        ending: Ending = stop.value
        return ending
    finally:
        exchange.close()
