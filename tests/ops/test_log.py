"""JSON lines: one line for each event, known fields only, no exception's text."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel, LogPublisher
from twisted.python import log as legacy
from twisted.trial.unittest import SynchronousTestCase

from gateway.ops import log
from gateway.ops.log import Destination, JsonLines, json_lines
from tests.ops import temporary

SECRET = "s3cr3t-value"


class JsonLinesTests(SynchronousTestCase):
    """Events to lines."""

    timeout = 60

    def setUp(self) -> None:
        """An observer on a text, and loggers that write to it."""
        self.file = io.StringIO()
        self.publisher = LogPublisher(JsonLines(self.file))
        self.log = Logger("gateway", observer=self.publisher)

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.getvalue().splitlines()]

    def test_line(self) -> None:
        """Time, level, code and the fields that were given."""
        self.log.emit(
            LogLevel.warn, "{code}", code="ssrf.denied", host="a.example", status=403, detail=None
        )
        (line,) = self._lines()
        moment = line.pop("time")
        self.assertRegex(moment, r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
        wanted = {"level": "warn", "code": "ssrf.denied", "host": "a.example", "status": 403}
        self.assertEqual(line, wanted)

    def test_time(self) -> None:
        """UTC with milliseconds, cut off; also of one that came late."""
        for moment, wanted in (
            (0, "1970-01-01T00:00:00.000Z"),
            (1795417200.9999, "2026-11-23T07:00:00.999Z"),
            (1795417200.25, "2026-11-23T07:00:00.250Z"),
            (1795417199.5, "2026-11-23T06:59:59.500Z"),
            (1795417201, "2026-11-23T07:00:01.000Z"),
        ):
            self.publisher({"log_level": LogLevel.info, "log_time": moment, "code": "x"})
            self.assertEqual(self._lines()[-1]["time"], wanted)

    def test_unknown_fields(self) -> None:
        """A field that nobody allowed does not reach the log."""
        self.log.info("{code} {cookie}", code="access.http", cookie=SECRET, query=SECRET)
        self.assertEqual(set(self._lines()[0]), {"time", "level", "code"})

    def test_one_line_each(self) -> None:
        """Line ends in a value do not begin a new line."""
        nasty = 'a\r\nb\u2028c\x00"}\n{"level": "critical"'
        self.log.info("{code}", code="access.http", host=nasty)
        self.assertEqual(self.file.getvalue().count("\n"), 1)
        self.assertEqual(self._lines()[0]["host"], nasty)

    def test_bounded(self) -> None:
        """A long value is cut, in fields as in messages."""
        self.log.info("{code}", code="access.http", path="x" * 100_000)
        self.log.info("{text}", text="y" * 100_000)
        for line in self.file.getvalue().splitlines():
            self.assertLess(len(line), 5000)

    def test_odd_values(self) -> None:
        """A value that JSON does not know is written as text."""
        self.log.info("{code}", code="gateway.ready", listening=[Path("a"), {1}.__class__])
        self.assertEqual(self._lines()[0]["listening"][0], "a")

    def test_failure(self) -> None:
        """A failure is its type and place; the exception's text may quote secrets."""
        try:
            raise KeyError(SECRET)
        except KeyError:
            self.log.failure("something")
        (line,) = self._lines()
        self.assertEqual((line["failure"], line["level"]), ("KeyError", "critical"))
        self.assertIn("test_failure", line["frames"][-1])
        self.assertNotIn(SECRET, self.file.getvalue())

    def test_legacy_failure(self) -> None:
        """The same for failures that Twisted itself logs in its old way."""
        legacy.addObserver(observer := self._legacy())
        self.addCleanup(legacy.removeObserver, observer)
        try:
            raise KeyError(SECRET)
        except KeyError:
            legacy.err(None, "while testing")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertIn("KeyError", self.file.getvalue())
        self.assertNotIn(SECRET, self.file.getvalue())

    def _legacy(self) -> Any:
        inner = JsonLines(self.file)

        class Both:
            """An observer of new events, known to the old publisher."""

            def __call__(self, event: Any) -> None:
                inner(event)

        from twisted.logger import ILogObserver
        from zope.interface import directlyProvides

        both = Both()
        directlyProvides(both, ILogObserver)
        return both

    def test_unhandled_deferred(self) -> None:
        """An unhandled error in a Deferred is logged without the exception's text."""
        from twisted.logger import globalLogPublisher

        observer = JsonLines(self.file)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        failing: Deferred[None] = Deferred()
        failing.errback(KeyError(SECRET))
        del failing
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertIn("KeyError", self.file.getvalue())
        self.assertNotIn(SECRET, self.file.getvalue())

    def test_quiet(self) -> None:
        """Twisted's chatter is left out, its warnings are not; debug never shows."""
        for namespace, shown in (
            ("twisted.internet.tcp", False),
            ("twisted.web.server", False),
            ("log_legacy", False),
            ("autobahn.twisted", False),
            ("twisted.scripts._twistd_unix", True),
            ("twisted.application.app", True),
            ("gateway", True),
        ):
            before = len(self._lines())
            logger = Logger(namespace, observer=self.publisher)
            logger.info("hello")
            logger.debug("hello")
            self.assertEqual(len(self._lines()) - before, int(shown), namespace)
            logger.emit(LogLevel.warn, "careful")
            self.assertEqual(self._lines()[-1]["level"], "warn")
            self.assertEqual(self._lines()[-1]["message"], "careful")


class DestinationTests(SynchronousTestCase):
    """Where lines go."""

    timeout = 60

    def test_standard_output(self) -> None:
        """A dash is standard output."""
        out = io.StringIO()
        self.patch(Destination, "path", "-")
        self.patch(sys, "stdout", out)
        Logger("gateway", observer=json_lines()).info("{code}", code="gateway.ready")
        self.assertIn("gateway.ready", out.getvalue())

    def test_file(self) -> None:
        """A path is a file that is appended to."""
        path = temporary(self) / "gateway.log"
        path.write_text("before\n")
        self.patch(Destination, "path", str(path))
        opened: list[Any] = []
        real = log.LogFile.fromFullPath

        def remember(name: str) -> Any:
            opened.append(real(name))
            return opened[-1]

        self.patch(log.LogFile, "fromFullPath", remember)
        Logger("gateway", observer=json_lines()).info("{code}", code="gateway.ready")
        opened[0].close()
        before, line = path.read_text().splitlines()
        self.assertEqual(before, "before")
        self.assertEqual(json.loads(line)["code"], "gateway.ready")
