"""JSON lines: time, level, code, message, and an allow-list of fields.

Only fields that are named here reach the log, so that a cookie, key, query or fragment
cannot slip in with an event that somebody adds later.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from twisted.logger import ILogObserver, formatEvent
from twisted.python.logfile import LogFile
from zope.interface import implementer

if TYPE_CHECKING:
    from twisted.logger import LogEvent

FIELDS = (
    "code", "detail", "request", "kind", "client", "method", "host", "path", "status", "sent",
    "received", "messages_sent", "messages_received", "seconds", "failure", "ending", "limit",
    "step", "rule", "version", "listening", "generations", "subprotocol", "mode", "leg", "message",
)  # fmt: skip
_MAX = 4096
_QUIET = ("twisted.", "log_legacy", "autobahn", "txaio")
_HEARD = ("twisted.scripts", "twisted.application")
_LEVELS = ("debug", "info", "warn", "error", "critical")


@implementer(ILogObserver)
class JsonLines:
    """Writes each event as one line of JSON."""

    def __init__(self, file: TextIO) -> None:
        """``file`` is flushed with each line."""
        self._file = file
        self._encode = json.JSONEncoder(default=str).encode
        self._second, self._prefix = -1, ""

    def __call__(self, event: LogEvent) -> None:
        """See ``ILogObserver``."""
        level = getattr(event.get("log_level"), "name", "info")
        namespace = str(event.get("log_namespace", ""))
        quiet = namespace.startswith(_QUIET) and not namespace.startswith(_HEARD)
        if level == "debug" or (level == "info" and quiet):
            return
        line: dict[str, Any] = {"time": self._time(float(event.get("log_time", 0))), "level": level}
        failure = event.get("log_failure") or event.get("failure")
        if "code" not in event:
            # An event with a failure may format it, values and all: its format is enough.
            text = str(event.get("log_format") or "") if failure else formatEvent(event)
            line["message"] = text[:_MAX]
            line["namespace"] = namespace
        for name in FIELDS:
            value = event.get(name)
            if value is not None:
                line[name] = value[:_MAX] if isinstance(value, str) else value
        if failure is not None:
            # Type and place only: an exception's text may quote what it choked on.
            frames = [f"{frame[1]}:{frame[2]} {frame[0]}" for frame in failure.frames[-12:]]
            line["failure"] = failure.type.__name__
            line["frames"] = frames
        self._file.write(self._encode(line) + "\n")
        self._file.flush()

    def _time(self, moment: float) -> str:
        """RFC 3339 in UTC, with milliseconds; what a second has in common is made once."""
        second, rest = divmod(moment, 1)
        if second != self._second:
            self._second = int(second)
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._prefix}.{int(rest * 1000):03d}Z"


class Destination:
    """Where lines go: set from twistd's own ``--logfile`` before the observer is made."""

    path: str = "-"


def json_lines() -> JsonLines:
    """The observer factory that twistd is given: standard output, or a rotated file."""
    if Destination.path == "-":
        return JsonLines(sys.stdout)
    file: Any = LogFile.fromFullPath(Destination.path)
    return JsonLines(file)
