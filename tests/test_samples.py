"""The samples of README and etc/ are what the code reads, key for key."""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.demo.ca import LocalCa
from gateway.net.settings import Limits
from gateway.ops.config import SCHEMA, parse_config
from gateway.ops.passwordfile import set_password
from gateway.ops.schema import Key, Table, Tables

ROOT = Path(__file__).resolve().parent.parent


def _paths(schema: Table, prefix: str = "") -> set[str]:
    found = set()
    for name, entry in schema.entries.items():
        path = f"{prefix}{name}"
        if isinstance(entry, Key):
            found.add(path)
        else:
            found |= _paths(entry.each if isinstance(entry, Tables) else entry, path + ".")
    return found


def _uncommented(text: str) -> str:
    """The sample with every commented key in force."""
    return re.sub(r"^#(?=\[|[a-z][a-z0-9-]* = )", "", text, flags=re.MULTILINE)


def _paths_in(document: dict, prefix: str = "") -> set[str]:
    found = set()
    for name, value in document.items():
        rows = value if isinstance(value, list) and value and isinstance(value[0], dict) else None
        if isinstance(value, dict) or rows:
            for row in rows or [value]:
                found |= _paths_in(row, f"{prefix}{name}.")
        else:
            found.add(f"{prefix}{name}")
    return found


class SampleTests(SynchronousTestCase):
    """Each sample, with certificates that are there."""

    def _with_files(self, text: str) -> str:
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        issued = LocalCa(folder).issue("sample", ["gateway.example"])
        (folder / "password").write_text("S3cret\n")
        text = text.replace("/etc/gateway/store.password", str(folder / "password"))
        text = text.replace("/etc/gateway/partner-ca.pem", str(folder / "ca.pem"))
        text = text.replace("/etc/gateway/partner-client.pem", str(issued.certificate))
        text = text.replace("/etc/gateway/partner-client.key", str(issued.key))
        text = text.replace("/etc/gateway/node-a.pem", str(issued.certificate))
        text = text.replace("/etc/gateway/node-a.key", str(issued.key))
        text = text.replace("/etc/gateway/nodes-ca.pem", str(folder / "ca.pem"))
        text = text.replace("/etc/gateway/oidc.secret", str(folder / "password"))
        for name in ("requests", "answers"):
            (folder / f"{name}.json").write_text('{"type": "object"}')
            text = text.replace(f"/etc/gateway/schemas/{name}.json", str(folder / f"{name}.json"))
        set_password(folder / "passwords", "somebody", "S3cret")
        text = text.replace("/etc/gateway/passwords", str(folder / "passwords"))
        text = text.replace('"etc/catalogue.toml"', f'"{ROOT}/etc/catalogue.toml"')
        text = text.replace("/etc/gateway/chain.pem", str(issued.certificate))
        return text.replace("/etc/gateway/key.pem", str(issued.key))

    def test_full_sample_names_every_key(self) -> None:
        """Nothing that can be configured is missing, and nothing is named that cannot be."""
        text = (ROOT / "etc/gateway.toml").read_text()
        self.assertEqual(_paths_in(tomllib.loads(_uncommented(text))), _paths(SCHEMA))

    def test_full_sample_is_read(self) -> None:
        """As it stands, and with every default written out: the same limits."""
        text = self._with_files((ROOT / "etc/gateway.toml").read_text())
        plain = parse_config(text, "etc/gateway.toml")
        full = parse_config(_uncommented(text), "etc/gateway.toml")
        self.assertEqual(attrs.asdict(plain.net.limits), attrs.asdict(Limits()))
        self.assertEqual(full.net.limits, plain.net.limits)

    def test_five_lines(self) -> None:
        """README and etc/minimal.toml hold the same five lines, and they are enough."""
        minimal = (ROOT / "etc/minimal.toml").read_text()
        self.assertEqual(len(minimal.splitlines()), 5)
        self.assertIn(minimal, (ROOT / "README.md").read_text())
        config = parse_config(self._with_files(minimal), "etc/minimal.toml")
        self.assertEqual(config.codec.public_port, 443)

    def test_limits_are_documented_beside_their_defaults(self) -> None:
        """Each limit has a line with its default and what it is for."""
        text = (ROOT / "etc/gateway.toml").read_text()
        for field in attrs.fields(Limits):
            name = field.name.replace("_", "-")
            self.assertRegex(text, rf"(?m)^#{name} = {field.default} +# \S")
