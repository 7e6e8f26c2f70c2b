"""The loop between an exchange and what performs its needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.exchange.messages import Ending, Exchange, Need


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
