"""Tests of the gateway; they run on asyncio's event loop, as redis.asyncio needs it."""

import sys

if "twisted.internet.reactor" not in sys.modules:
    from twisted.internet import asyncioreactor

    asyncioreactor.install()
