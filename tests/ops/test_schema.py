"""Reading documents against schemas: every fault, each with path, finding, expectation."""

from __future__ import annotations

import tomllib

from twisted.trial.unittest import SynchronousTestCase

from gateway.ops.schema import (
    Fault,
    Key,
    Reader,
    Table,
    Tables,
    choice,
    flag,
    list_of,
    number,
    show,
    text,
)

SCHEMA = Table(
    {
        "name": Key(text, required=True),
        "some-number": Key(number(1, 9), 5),
        "inner": Table({"flag": Key(flag, default=True)}),
        "row": Tables(Table({"kind": Key(choice("a", "b"), required=True)})),
        "names": Key(list_of(text), ("x",)),
    }
)


class ReaderTests(SynchronousTestCase):
    """Documents against a small schema."""

    timeout = 60

    def _read(self, document: object, source: str = "") -> tuple[dict, list[str]]:
        reader = Reader("file", source)
        return reader.table(SCHEMA, document), reader.faults

    def test_defaults(self) -> None:
        """What is missing has its default, in underscored names."""
        values, faults = self._read({"name": "n"})
        self.assertEqual(faults, [])
        self.assertEqual(
            values,
            {"name": "n", "some_number": 5, "inner": {"flag": True}, "row": [], "names": ("x",)},
        )

    def test_all_faults(self) -> None:
        """Every fault of a document is found, each on a line with file and key path."""
        document = {
            "some-number": 10,
            "inner": {"flag": "yes", "flga": 1},
            "row": [{"kind": "a"}, {"kind": "c"}, 3],
            "names": ["ok", 7],
        }
        _, faults = self._read(document)
        self.assertEqual(
            faults,
            [
                "file: name: missing, it has no default",
                "file: some-number: found 10, expected a whole number from 1 to 9",
                'file: inner.flga: unknown key, expected one of flag (did you mean "flag"?)',
                'file: inner.flag: found "yes", expected true or false',
                'file: row[2].kind: found "c", expected "a" or "b"',
                "file: row[3]: found 3, expected a table",
                "file: row[3].kind: missing, it has no default",
                'file: names: found ["ok", 7], expected each item to be a text, but 7 is not',
            ],
        )

    def test_wrong_kinds(self) -> None:
        """A table where an array is due, and the other way round, are faults."""
        _, faults = self._read({"name": "n", "inner": [], "row": {}})
        self.assertEqual(
            faults,
            [
                "file: inner: found [], expected a table",
                "file: row: found {}, expected [[row]] tables",
            ],
        )

    def test_hint_needs_likeness(self) -> None:
        """A key that is like none gets no hint."""
        _, faults = self._read({"name": "n", "zzz": 1})
        self.assertEqual(
            faults, ["file: zzz: unknown key, expected one of inner, name, names, row, some-number"]
        )

    def test_where(self) -> None:
        """Rows of an array of tables know the line of their header."""
        source = '# [[row]]\n[[row]]\nkind = "a"\n\n [[ row ]] # second\nkind = "b"\n'
        values, _ = self._read({"name": "n", "row": [{"kind": "a"}, {"kind": "b"}]}, source)
        self.assertEqual([row["where"] for row in values["row"]], ["file:2", "file:5"])

    def test_where_of_inline_tables(self) -> None:
        """So do those that are written in one line, or in several."""
        schema = Table({"row": Tables(Table({"x": Key(str)})), "other": Key(str)})
        for source, lines in (
            ('other = "x"\nrow = [{ x = "{" }, { x = "b" }]\n', [2, 2]),
            ('row = [\n  { x = \'a\' },\n  # { no }\n  { x = "\\"{" },\n]\n', [2, 4]),
        ):
            values = Reader("file", source).table(schema, tomllib.loads(source))
            self.assertEqual([row["where"] for row in values["row"]], [f"file:{n}" for n in lines])


class CheckTests(SynchronousTestCase):
    """The checks of leaves."""

    timeout = 60

    def test_accepted(self) -> None:
        """Good values pass as they are."""
        for check, value in (
            (text, "a"),
            (flag, False),
            (number(1, 3), 1),
            (number(1, 3), 3),
            (choice("a"), "a"),
        ):
            self.assertEqual(check(value), value)
        self.assertEqual(list_of(flag)([True, False]), (True, False))

    def test_refused(self) -> None:
        """Bad ones are faults: a boolean is no number, an empty text is none."""
        for check, value in (
            (text, ""),
            (text, 1),
            (flag, 1),
            (flag, "true"),
            (number(0, 3), True),
            (number(1, 3), 0),
            (number(1, 3), 4),
            (number(1, 3), 2.0),
            (choice("a"), []),
            (choice("a"), "A"),
            (list_of(text), "a"),
            (list_of(text), [["a"]]),
        ):
            with self.assertRaises(Fault, msg=repr(value)):
                check(value)

    def test_show(self) -> None:
        """Values are quoted as TOML would write them, and kept short."""
        self.assertEqual(show("ä"), '"ä"')
        self.assertEqual(show(True), "true")
        self.assertEqual(len(show("x" * 1000)), 60)
        self.assertTrue(show("x" * 1000).endswith("..."))
