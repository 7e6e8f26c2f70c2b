"""Tests of the gateway, on the reactor that it runs on by default."""

import sys

from twisted.internet import asyncioreactor

# The store of several machines needs asyncio's; trial and pytest-twisted bring none of it.
if "twisted.internet.reactor" not in sys.modules:
    asyncioreactor.install()
