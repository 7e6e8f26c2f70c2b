"""What failed is read from trial's output."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.again import failed

_OUTPUT = """
tests.net.test_web
  WebTests
    test_fine ...                                                          [OK]
    test_slow ...                                                        [FAIL]

===============================================================================
[FAIL]
Traceback (most recent call last):
  File "tests/net/test_web.py", line 3, in test_slow
twisted.trial.unittest.FailTest: 1 != 2

tests.net.test_web.WebTests.test_slow
-------------------------------------------------------------------------------
"""


class AgainTests(SynchronousTestCase):
    """``failed``."""

    def test_names(self) -> None:
        """A test is named once, on a line of its own."""
        self.assertEqual(failed(_OUTPUT * 2), ["tests.net.test_web.WebTests.test_slow"])
        self.assertEqual(failed("Ran 3 tests\nPASSED"), [])
