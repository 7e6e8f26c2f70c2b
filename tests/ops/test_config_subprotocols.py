"""``[subprotocols]`` and ``[[subprotocol-rule]]`` of a configuration."""

from __future__ import annotations

import json
import shutil
import tempfile
import tomllib
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.exchange.inspecting import SubprotocolSettings
from gateway.net.settings import Limits
from gateway.ops import schema
from gateway.ops.config_subprotocols import RULES, SUBPROTOCOLS, read, warnings
from gateway.ops.schema import Table
from gateway.websocket.rules import Mode, ValidationRules

SCHEMA = Table({"subprotocols": SUBPROTOCOLS, "subprotocol-rule": RULES})


def _read(text: str, **limits: int) -> tuple[SubprotocolSettings, list[str]]:
    reader = schema.Reader("x.toml", text)
    values = reader.table(SCHEMA, tomllib.loads(text))
    values["service"] = [{"name": "chat"}]
    values["limits"] = attrs.asdict(Limits(**limits))
    return read(values, reader), reader.faults


class AcceptedTests(SynchronousTestCase):
    """What is read."""

    def test_defaults(self) -> None:
        """Off, and the limits where they are."""
        self.assertEqual(_read(""), (SubprotocolSettings(), []))
        self.assertEqual(SubprotocolSettings().default, ValidationRules())
        found, _ = _read('subprotocols.validation = "observe"', subprotocol_ids=7,
                         subprotocol_init_seconds=3, websocket_message_bytes=99)  # fmt: skip
        wanted = ValidationRules(Mode.OBSERVE, ids=7, init_seconds=3, message_bytes=99)
        self.assertEqual(found.default, wanted)

    def test_rules(self) -> None:
        """In order, with their place; a rule enforces unless it says otherwise."""
        found, faults = _read(
            """
[[subprotocol-rule]]
subprotocols = ["v12.stomp"]
from = "https://a.example"
publish = []
required = true

[[subprotocol-rule]]
from = ["a.example", "*.b.example"]
to = "wss://mq.example/x"
services = ["chat"]
validation = "off"
""",
            subprotocol_ids=7,
        )
        self.assertEqual(faults, [])
        first, second = found.rules
        self.assertEqual(
            first.rules, ValidationRules(Mode.ENFORCE, publish=(), ids=7, names=("v12.stomp",))
        )
        self.assertEqual((first.subprotocols, first.where), (("v12.stomp",), "x.toml:2"))
        self.assertEqual([one.text for one in second.pages], ["a.example", "*.b.example"])
        assert second.to is not None
        self.assertEqual((second.to.text, second.services), ("wss://mq.example/x", ("chat",)))
        self.assertEqual(second.rules.mode, Mode.OFF)
        self.assertEqual(warnings(found), [])

    def test_schemas(self) -> None:
        """Read from their files."""
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        (folder / "a.json").write_text('{"type": "object"}')
        (folder / "b.json").write_text('{"type": "strange"}')
        found, faults = _read(
            "[[subprotocol-rule]]\n"
            f"schema-from-client = {json.dumps(str(folder / 'a.json'))}\n"
            f"schema-to-client = {json.dumps(str(folder / 'b.json'))}\n"
        )
        assert found.rules[0].rules.from_client is not None
        self.assertEqual(found.rules[0].rules.from_client.judge([]), "type")
        self.assertEqual(len(faults), 1)
        self.assertIn("schema-to-client", faults[0])
        self.assertIn("JSON Schema (type: breaks", faults[0])
        _, faults = _read(f'[[subprotocol-rule]]\nschema-to-client = "{folder}/no"')
        self.assertIn("FileNotFoundError", faults[0])


class RefusedTests(SynchronousTestCase):
    """Faults, each with its key."""

    def test_table(self) -> None:
        """One for each."""
        for row, key in (
            ('subprotocols = ["a b"]', "subprotocols"),
            ("subprotocols = []\nrequired = true", "required"),
            ('from = "https://a.example/x"', "from"),
            ("from = 3", "from"),
            ('to = "://"', "to"),
            ('validation = "maybe"', "validation"),
            ('publish = ["a"]', "publish"),
            ('subprotocols = ["xmpp"]\nsubscribe = ["a"]', "subscribe"),
            ('subprotocols = ["v12.stomp", "jsonrpc"]\npublish = ["a"]', "publish"),
            ('subprotocols = ["v12.stomp"]\npublish = ["a*"]', "publish"),
            ('subprotocols = ["v12.stomp"]\npublish = ["**.a"]', "publish"),
            ("services = 1", "services"),
            ('services = ["chat", "nobody"]', "services"),
        ):
            _, faults = _read(f"[[subprotocol-rule]]\n{row}\n")
            self.assertEqual(len(faults), 1, (row, faults))
            self.assertTrue(faults[0].startswith(f"x.toml: subprotocol-rule[1].{key}: "), faults)
        _, faults = _read('subprotocols.validation = "yes"')
        self.assertEqual(len(faults), 1)


class WarningsTests(SynchronousTestCase):
    """What protects less than it seems to."""

    def test_table(self) -> None:
        """Lists that nobody enforces, that a page can get around; names nobody knows."""
        for row, count in (
            ('subprotocols = ["v12.stomp"]', 0),
            ('subprotocols = ["v12.stomp"]\npublish = []', 1),
            ('subprotocols = ["v12.stomp"]\npublish = []\nrequired = true', 0),
            ('subprotocols = ["v12.stomp"]\npublish = []\nvalidation = "observe"', 1),
            ('subprotocols = ["unheard.of"]', 1),
            ('subprotocols = ["unheard.of"]\nvalidation = "off"', 0),
        ):
            found, faults = _read(f"[[subprotocol-rule]]\n{row}\n")
            self.assertEqual((len(warnings(found)), faults), (count, []), row)
