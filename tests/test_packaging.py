"""The twistd plugin is found from a wheel, from an editable install, from a bare checkout."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent
TWISTD = (
    "import site, sys; site.addsitedir(sys.argv.pop(1)); sys.argv[:] = ['twistd', '--help'];"
    "from twisted.scripts.twistd import run; run()"
)


def run(*command: str, cwd: Path, **more: str) -> str:
    """Run a command; its output, or a failure that shows it."""
    without = {"PYTHONPATH", "GATEWAY_PURE"}
    environment = {key: value for key, value in os.environ.items() if key not in without} | more
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class PackagingTests(SynchronousTestCase):
    """Each from a copy of the sources, so that nothing of this checkout is met."""

    timeout = 300

    def setUp(self) -> None:
        """Copy what git would hand on."""
        self.work = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        self.source = self.work / "source"
        skipped = shutil.ignore_patterns(
            "node_modules", "__pycache__", "*.egg-info", "dropin.cache", "*.so"
        )
        for name in ("gateway", "twisted_plugins"):
            shutil.copytree(ROOT / name, self.source / name, ignore=skipped)
        for name in (
            "pyproject.toml",
            "setup.cfg",
            "setup.py",
            "MANIFEST.in",
            "README.md",
            "LICENSE",
        ):
            shutil.copy(ROOT / name, self.source / name)
        self.elsewhere = self.work / "elsewhere"
        self.elsewhere.mkdir()

    def _install(self, *options: str, **environment: str) -> Path:
        prefix = self.work / "prefix"
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        run(
            *pip, "--no-deps", "--no-build-isolation", "--ignore-installed",
            "--prefix", str(prefix), *options, cwd=self.elsewhere, **environment,
        )  # fmt: skip
        return next(prefix.glob("lib/python*/site-packages"))

    def _finds_the_plugin(self, site: Path) -> None:
        text = run(sys.executable, "-c", TWISTD, str(site), cwd=self.elsewhere)
        self.assertRegex(text, r"gateway +Origin-collapsing web gateway")

    def test_wheel(self) -> None:
        """Everything that runs is in the wheel, pages and browser code included."""
        site = self._install(str(self.source))
        self._finds_the_plugin(site)
        code = (
            "import sys; sys.path.insert(0, sys.argv[1]); import gateway;"
            "from gateway.origins import Codec; from gateway.pages.render import Pages;"
            "Pages(Codec('gw.test')); import gateway.demo.origins as o; o._page('chat.html');"
            "print(gateway.__file__)"
        )
        where = run(sys.executable, "-c", code, str(site), cwd=self.elsewhere)
        self.assertTrue(where.startswith(str(site)), where)
        self.assertEqual(self._loops(site), "compiled")

    def _loops(self, site: Path) -> str:
        code = (
            "import site, sys; site.addsitedir(sys.argv[1]);"
            "from gateway.rewrite import native; print(native.KIND)"
        )
        # Without the environment's own packages: this checkout may be one of them.
        return run(sys.executable, "-S", "-c", code, str(site), cwd=self.elsewhere).strip()

    def test_editable(self) -> None:
        """``pip install -e .`` is found without further options, compiled loops included."""
        site = self._install("--editable", str(self.source))
        self._finds_the_plugin(site)
        self.assertEqual(self._loops(site), "compiled")

    def test_without_a_compiler(self) -> None:
        """A compiler that fails leaves out the extension, and nothing else."""
        site = self._install(str(self.source), CC="false")
        self._finds_the_plugin(site)
        self.assertEqual(self._loops(site), "python")

    def test_bare_checkout(self) -> None:
        """``python -m gateway`` needs no installation."""
        text = run(sys.executable, "-m", "gateway", "--version", cwd=self.source)
        self.assertIn("gateway, version", text)
        text = run(sys.executable, "-m", "gateway", "--config", "x", "--help", cwd=self.source)
        self.assertIn("--config FILE", text)

    def test_every_package_is_named(self) -> None:
        """setup.cfg lists the packages by hand: twisted.plugins cannot be found by a search."""
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        named = set(setup["options"]["packages"].split())
        there = {
            ".".join(path.parent.relative_to(ROOT).parts)
            for path in (ROOT / "gateway").rglob("__init__.py")
            if "node_modules" not in path.parts
        }
        self.assertEqual(named, there | {"twisted.plugins"})
