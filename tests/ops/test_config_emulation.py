"""``[emulation]``: what it holds, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gateway.ops.config_emulation import TABLE, EmulationSettings, read_emulation
from gateway.ops.schema import Reader
from tests.net.harness import ca, folder


def read(**given: object) -> tuple[EmulationSettings, list[str]]:
    """The settings of a table, and its faults."""
    reader = Reader("test.toml", "")
    table = {name.replace("_", "-"): value for name, value in given.items()}
    values = reader.table(TABLE, table, "emulation")
    everything = {"emulation": values, "keys": {"file": "/var/keys/gateway.keys"}}
    return read_emulation(everything, reader), reader.faults


class EmulationTests(SynchronousTestCase):
    """The table."""

    def test_defaults(self) -> None:
        """Retry, and a folder beside the key file; no other machines."""
        found, faults = read()
        self.assertEqual(faults, [])
        self.assertTrue(found.retry)
        self.assertEqual(found.nodes.folder, Path("/var/keys/nodes"))
        self.assertEqual(found.nodes.listen, "")
        self.assertIsNone(read(folder="")[0].nodes.folder)
        self.assertEqual(read(folder="/run/nodes")[0].nodes.folder, Path("/run/nodes"))

    def test_machines(self) -> None:
        """Everything that TLS on both sides needs."""
        issued = ca().issue("node", ["localhost"])
        good = {
            "listen": "tcp:0:interface=127.0.0.1", "address": "localhost",
            "certificate": str(issued.certificate), "key": str(issued.key),
            "authority": str(ca().certificate_file),
        }  # fmt: skip
        found, faults = read(**good)
        self.assertEqual(faults, [])
        self.assertIn(b"BEGIN CERT", found.nodes.certificate)
        self.assertNotIn("BEGIN", repr(found))
        empty = folder() / "empty.pem"
        empty.write_text("")
        for change, wanted in (
            ({"listen": None}, "emulation.address"),
            ({"listen": "unix:/x"}, "emulation.listen"),
            ({"address": None}, "emulation.address"),
            ({"key": None}, "emulation.key"),
            ({"key": str(issued.certificate)}, "emulation.key"),
            ({"certificate": "/nowhere"}, "emulation.certificate"),
            ({"authority": str(empty)}, "emulation.authority"),
            ({"other": 1}, "emulation.other"),
            ({"retry": "no"}, "emulation.retry"),
        ):
            given = {name: one for name, one in {**good, **change}.items() if one is not None}
            _, faults = read(**given)
            self.assertTrue(any(wanted in one for one in faults), (change, faults))
