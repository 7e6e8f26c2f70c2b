# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, embedsignature=False
"""The hot loops of ``html`` and ``jslexer`` in C: the same decisions, the same octets.

Optional: where it was not built, or ``GATEWAY_PURE`` is set, the modules that are written
in Python do all of it.  ``tests/rewrite/test_native.py`` holds both to the same output.
"""

include "_native_html.pxi"
include "_native_js.pxi"
