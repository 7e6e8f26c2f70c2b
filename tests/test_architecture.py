"""The layout holds: imports run one way, pure rooms stay pure, tests mirror modules."""

from __future__ import annotations

import ast
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gateway"

# From the outside in: a room may import itself and what stands below it.
ORDER = (
    ("__main__", "tap"),
    ("cli",),
    ("demo",),
    ("ops",),
    ("uvloopreactor",),
    ("net",),
    ("pages",),
    ("store",),
    ("exchange",),
    ("session", "cookies", "policy", "rewrite", "websocket"),
    ("origins",),
    ("errors",),
    ("events", "wire"),
)
# Among the rules' rooms these may be used by the others, and by nobody's surprise.
SIDEWAYS = {
    ("session", "cookies"),  # a session's user keys open rows
    ("rewrite", "cookies"),  # Sec-Fetch-Site needs registrable domains
    ("websocket", "rewrite"),  # header fields are looked up in one way
}
PURE = {
    "exchange", "session", "cookies", "policy", "rewrite", "websocket", "origins", "errors",
    "events", "wire",
}  # fmt: skip
IMPURE_MODULES = {
    "twisted", "autobahn", "treq", "OpenSSL", "socket", "ssl", "os", "io", "pathlib", "shutil",
    "tempfile", "time", "random", "secrets", "uuid", "threading", "asyncio", "subprocess",
    "sqlite3", "logging", "importlib", "uvloop",
}  # fmt: skip
PURE_PARTS = {"autobahn.wamp", "autobahn.wamp.message"}
"""What stands in an impure library and is pure itself: messages as values."""
LONGEST = 500


def _modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts)


def _room(path: Path) -> str:
    part = path.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "gateway":
                found += [f"gateway.{alias.name}" for alias in node.names]
            else:
                found.append(node.module)
    return found


class ArchitectureTests(SynchronousTestCase):
    """Read from the sources, so that nothing has to be believed."""

    def test_imports_run_downwards(self) -> None:
        """No room imports one above it, and none beside it that is not named."""
        height = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
        wrong = []
        for path in _modules():
            room = _room(path)
            if room in {"__init__", "runtime"}:
                continue
            self.assertIn(room, height, f"{path.name} is in a room that the order does not know")
            for name in _imports(path):
                parts = name.split(".")
                if parts[0] != "gateway" or len(parts) < 2 or parts[1].startswith("__"):
                    continue
                other = parts[1]
                same = height[other] == height[room] and other != room
                beside = same and height[room] != 0 and (room, other) not in SIDEWAYS
                beside = beside and {room, other} != {"events", "wire"}
                if height[other] < height[room] or beside:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
        self.assertEqual(wrong, [])

    def test_pure_rooms(self) -> None:
        """From ``exchange`` down there is no Twisted, socket, file, clock or randomness."""
        wrong = [
            f"{path.relative_to(ROOT)} imports {name}"
            for path in _modules()
            if _room(path) in PURE
            for name in _imports(path)
            if name.split(".")[0] in IMPURE_MODULES and name not in PURE_PARTS
        ]
        self.assertEqual(wrong, [])

    def test_one_module_per_library_side(self) -> None:
        """twisted.web's two sides and autobahn's are each owned by one shell."""
        owners = {
            "twisted.web.client": {"upstream.py", "client.py"},
            "twisted.web._newclient": {"upstream.py"},
            "autobahn": {"websocket.py", "legs.py"},
        }
        for path in _modules():
            if _room(path) != "net":
                continue
            for name in _imports(path):
                for library, allowed in owners.items():
                    if name == library or name.startswith(library + "."):
                        self.assertIn(path.name, allowed, f"{path.name} imports {name}")

    def test_the_reactor_is_chosen_late(self) -> None:
        """No module imports the global reactor at its top."""
        for path in _modules():
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ImportFrom) and node.module == "twisted.internet":
                    names = {alias.name for alias in node.names}
                    self.assertNotIn("reactor", names, str(path))

    def test_files_have_one_job(self) -> None:
        """None is longer than a reader can hold, and each says what it is for."""
        for path in _modules():
            text = path.read_text("utf-8")
            self.assertLess(len(text.splitlines()), LONGEST, f"{path} asks for a second file")
            self.assertIsNotNone(ast.get_docstring(ast.parse(text)), f"{path} says nothing")

    def test_maps_are_short(self) -> None:
        """A package's docstring is its map, in at most 20 lines."""
        for path in _modules():
            if path.name == "__init__.py":
                text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
                self.assertLessEqual(len(text.splitlines()), 24 if path.parent == PACKAGE else 20)

    def test_tests_mirror_modules(self) -> None:
        """Every module has its test file where one would look for it."""
        missing = []
        for path in _modules():
            if path.name in {"__init__.py", "__main__.py", "uvloopreactor.py"}:
                continue
            inside = path.relative_to(PACKAGE)
            test = ROOT / "tests" / inside.parent / f"test_{inside.name}"
            if not test.is_file() and inside.parts[0] not in {"events.py", "wire.py", "errors.py"}:
                missing.append(str(test.relative_to(ROOT)))
        self.assertEqual(missing, [])

    def test_names_on_the_wire_are_spelled_once(self) -> None:
        """Cookie names, parameters and paths stand in ``wire`` alone."""
        names = ("__Http-ick", "__Http-datr", "__gwo", "/.gateway/", "__Host-gw")
        for path in _modules():
            if path.name == "wire.py" or _room(path) == "runtime":
                continue
            tree = ast.parse(path.read_text("utf-8"))
            documentation = {
                id(node.body[0].value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
                and node.body
                and isinstance(node.body[0], ast.Expr)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and id(node) not in documentation:
                    text = node.value
                    text = text.decode("latin-1") if isinstance(text, bytes) else text
                    if isinstance(text, str):
                        for name in names:
                            self.assertNotIn(name, text, f"{path}:{node.lineno}")
