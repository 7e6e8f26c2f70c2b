"""Builds the compiled extension where that can be done; setup.cfg has everything else.

Nothing depends on it: without Cython or a C compiler the install goes on, and the gateway
runs in Python alone.
"""

import sys

from setuptools import Extension, setup

SOURCES = ["gateway/rewrite/_native.pyx"]


def extensions() -> list[Extension]:
    """The extension, or nothing where it cannot be built."""
    module = Extension("gateway.rewrite._native", SOURCES, extra_compile_args=["-O3"])
    try:
        from Cython.Build import cythonize  # noqa: PLC0415 (it may be missing)

        found: list[Extension] = cythonize([module], build_dir="build/cython", quiet=True)
    except Exception as error:  # noqa: BLE001 (whatever it is, Python does without)
        print(f"the compiled extension is left out: {error!r}", file=sys.stderr)  # noqa: T201
        return []
    for one in found:
        one.optional = True  # cythonize forgets it
    return found


setup(ext_modules=extensions())
