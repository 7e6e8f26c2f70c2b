"""Options and service for ``twistd -n gateway``."""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.python import usage

from gateway.errors import ConfigurationError
from gateway.ops.config import load
from gateway.ops.log import Destination

if TYPE_CHECKING:
    from twisted.application.service import IService

    from gateway.ops.config import Config


_COLLECT_AFTER = 5000
"""Objects that come and stay before the youngest are looked at: some dozens of connections'."""


class Options(usage.Options):
    """The options after the word ``gateway``."""

    synopsis = "[options] --config FILE"
    optParameters = [  # noqa: RUF012 (twisted.python.usage wants a list)
        ["config", "c", "etc/gateway.toml", "Configuration file (TOML)."],
    ]
    config: Config

    def postOptions(self) -> None:
        """Read the configuration, choose log and reactor; exit 1 on a fault."""
        # It would end the process until the service, which takes a moment, handles it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            self.config = load(Path(self["config"]))
        except ConfigurationError as error:
            for fault in error.faults:
                sys.stderr.write(fault + "\n")
            raise SystemExit(1) from None
        self._choose_log()
        self._choose_reactor()

    def _choose_log(self) -> None:
        parent: Any = self.parent
        if parent is None or parent.get("logger") or parent.get("syslog"):
            return
        daemon = not parent.get("nodaemon")
        Destination.path = parent.get("logfile") or ("twistd.log" if daemon else "-")
        parent["logger"] = "gateway.ops.log.json_lines"

    def _choose_reactor(self) -> None:
        parent: Any = self.parent
        if "twisted.internet.reactor" in sys.modules or (parent and parent.get("reactor")):
            return
        from gateway import uvloopreactor  # noqa: PLC0415 (a reactor is chosen only now)

        uvloopreactor.install()


def collect_less() -> None:
    """Leave what a start has made to itself, and look at what is younger less often.

    Each connection leaves cycles, and a flood of them has the collector walk the modules and the
    configuration, too, which no more go than they come: a tenth of the CPU.  A reload, after
    which the old configuration has to go, has all of it looked at again (``ops.reload``).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])


def makeService(options: Options) -> IService:
    """Make the service; opens nothing."""
    from twisted.internet import reactor  # noqa: PLC0415 (installed by now)

    from gateway.ops.service import GatewayService  # noqa: PLC0415 (imports need a reactor)

    try:
        service = GatewayService(options.config, reactor)
    except ConfigurationError as error:
        for fault in error.faults:
            sys.stderr.write(fault + "\n")
        raise SystemExit(1) from None
    reactor.callWhenRunning(collect_less)
    return service
