"""The asyncio reactor on a uvloop event loop, as a reactor of twistd's and trial's."""

from __future__ import annotations


def install() -> None:
    """Install it; raises when another reactor is installed already."""
    import uvloop  # noqa: PLC0415 (every twistd run imports the plugin, none needs uvloop)
    from twisted.internet import asyncioreactor  # noqa: PLC0415

    asyncioreactor.install(uvloop.new_event_loop())
