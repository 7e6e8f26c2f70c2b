"""The root secrets' file: made once, private, and never quoted."""

from __future__ import annotations

import base64
import errno
import fcntl
import os
import stat
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from gateway.errors import ConfigurationError
from gateway.ops.keyfile import load, load_or_create, load_or_invent, retire, rotate
from gateway.session.keys import ServerKeys, parse_keys
from tests.ops import temporary


class KeyfileTests(SynchronousTestCase):
    """First and later starts."""

    timeout = 60

    def setUp(self) -> None:
        """A path in a folder that is not there yet, and a careless umask."""
        self.path = temporary(self) / "var" / "gateway.keys"
        self.addCleanup(os.umask, os.umask(0))

    def _write(self, content: str, mode: int = 0o600) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(content, "utf-8")
        self.path.chmod(mode)

    def _refused(self) -> str:
        error = self.assertRaises(ConfigurationError, load_or_create, self.path)
        self.assertEqual(len(error.faults), 1)
        self.assertTrue(error.faults[0].startswith(f"{self.path}: "), error.faults)
        return error.faults[0]

    def test_created(self) -> None:
        """The first start makes file and folder for this user alone."""
        load_or_create(self.path)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)

    def test_invented(self) -> None:
        """A check makes no file; one that is there it reads, and finds what is wrong with it."""
        load_or_invent(self.path)
        self.assertFalse(self.path.parent.exists())
        known = load_or_create(self.path)
        self.assertEqual(load_or_invent(self.path).key("datr", 1), known.key("datr", 1))
        self.path.chmod(0o640)
        self.assertRaises(ConfigurationError, load_or_invent, self.path)

    def test_same_again(self) -> None:
        """Later starts have the same keys and leave the file as it is."""
        first = load_or_create(self.path)
        content = self.path.read_bytes()
        second = load_or_create(self.path)
        self.assertEqual(first.key("datr", 1), second.key("datr", 1))
        self.assertEqual(self.path.read_bytes(), content)

    def test_random(self) -> None:
        """Two files hold different secrets."""
        first = load_or_create(self.path)
        second = load_or_create(self.path.with_name("other.keys"))
        self.assertNotEqual(first.key("datr", 1), second.key("datr", 1))

    def test_open_to_others(self) -> None:
        """A file that others can read is refused, with its mode."""
        secret = base64.urlsafe_b64encode(b"s" * 32).decode().rstrip("=")
        for mode in (0o640, 0o604, 0o660, 0o601):
            self.path = temporary(self) / "keys"
            self._write(f"gateway-keys-1\n1 {secret}\n", mode)
            text = self._refused()
            self.assertIn(f"{mode:04o}", text)
            self.assertNotIn(secret, text)

    def test_bad_content(self) -> None:
        """Content that is no key file is refused by line and never quoted."""
        for content in (
            "",
            "SECRET\n",
            "gateway-keys-1\n",
            "gateway-keys-1\n1 SECRET\n",
            "gateway-keys-1\nSECRET\n",
            "gateway-keys-1\nSECRET U0VDUkVUU0VDUkVUU0VDUkVUU0VDUkVUU0VDUkVUU0U\n",
            "gateway-keys-1\n1 SECRET\u00e9\n",
        ):
            self.path = temporary(self) / "keys"
            self._write(content)
            self.assertNotIn("SECRET", self._refused().removeprefix(str(self.path)))

    def test_not_to_be_had(self) -> None:
        """A path below a file, or a folder in its place, is refused by name."""
        wall = temporary(self) / "it"
        wall.write_text("")
        self.path = wall / "keys"
        self._refused()
        self.path = temporary(self) / "it"
        self.path.mkdir(mode=0o700)
        self._refused()


STEPS = ("open", "fdopen", "fchmod", "fchown", "fsync", "replace", "rename", "unlink", "close")
COMMENTS = "# made in May\n\n  \n#2 is no secret\n"


class _Broken:
    """A file on a disk that fills up: a part of what is written is there."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __enter__(self) -> _Broken:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, octets: bytes) -> None:
        self._file.write(octets[: len(octets) // 2])

    def flush(self) -> None:
        self._file.flush()
        raise OSError(errno.ENOSPC, "No space left on device")


class ChangeTests(SynchronousTestCase):
    """Rotation and retirement of a file that is there."""

    timeout = 120

    def setUp(self) -> None:
        """A file with two generations and comments, and a careless umask."""
        self.folder = temporary(self)
        self.path = self.folder / "gateway.keys"
        load_or_create(self.path)
        rotate(self.path)
        with self.path.open("a") as file:
            file.write(COMMENTS)
        self.before = self.path.read_bytes()
        self.addCleanup(os.umask, os.umask(0))

    def _fault(self, work: Callable[[], object]) -> str:
        """The one fault, which holds nothing of the file."""
        error = self.assertRaises(ConfigurationError, work)
        (fault,) = error.faults
        self.assertTrue(fault.startswith(f"{self.path}: "), fault)
        for line in self.before.decode().splitlines():
            if line[:1].isdigit():
                self.assertNotIn(line.split()[1][:8], fault)
        return fault

    def _whole(self) -> ServerKeys:
        """The file is private and can be read, and holds all that was there, or all but one."""
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        return load(self.path)

    def test_rotate(self) -> None:
        """A new newest of its own randomness; the rest as it was, octet for octet."""
        old = load(self.path)
        keys = rotate(self.path)
        self.assertEqual((keys.generations, keys.newest), ((1, 2, 3), 3))
        found = self._whole()
        for generation in (1, 2):
            self.assertEqual(found.key("datr", generation), old.key("datr", generation))
        self.assertEqual(found.key("datr", 3), keys.key("datr", 3))
        self.assertTrue(self.path.read_bytes().startswith(self.before))
        other = self.folder / "other.keys"
        other.write_bytes(self.before)
        other.chmod(0o600)
        self.assertNotEqual(rotate(other).key("datr", 3), keys.key("datr", 3))
        self.assertEqual(
            sorted(one.name for one in self.folder.iterdir()), ["gateway.keys", "other.keys"]
        )

    def test_retire(self) -> None:
        """Its line is gone, comments and the ends of lines stay."""
        self.path.write_bytes(self.before.replace(b"\n", b"\r\n"))
        secret = self.path.read_bytes().split()[2]
        keys = retire(self.path, 1)
        self.assertEqual(keys.generations, (2,))
        self.assertEqual(self._whole().generations, (2,))
        left = self.path.read_bytes()
        self.assertNotIn(secret, left)
        self.assertEqual(
            left.replace(b"\r\n", b"\n"), self.before.replace(b"1 " + secret + b"\n", b"")
        )
        self.assertEqual(left.count(b"\r\n"), left.count(b"\n"))
        for generation in (1, 2, 3):
            self._fault(lambda one=generation: retire(self.path, one))
        self.assertEqual(self.path.read_bytes(), left)

    def test_not_there(self) -> None:
        """A file that is not there, damaged or open to others is not changed, nor made."""
        for content, mode in ((None, 0), (b"junk\n", 0o600), (self.before, 0o640)):
            self.path.unlink(missing_ok=True)
            if content is not None:
                self.path.write_bytes(content)
                self.path.chmod(mode)
            for work in (load, rotate, lambda path: retire(path, 1)):
                self._fault(lambda work=work: work(self.path))
                self.assertEqual(self.path.exists(), content is not None)
                if content is not None:
                    self.assertEqual(self.path.read_bytes(), content)

    def test_link(self) -> None:
        """A link stays a link; what it names is changed."""
        (self.folder / "etc").mkdir()
        link = self.folder / "etc" / "keys"
        link.symlink_to(self.path)
        rotate(link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(self._whole().generations, (1, 2, 3))
        self.assertEqual(os.listdir(self.folder / "etc"), ["keys"])

    def test_not_writable(self) -> None:
        """A file or folder that cannot be written is refused in clear words."""
        real = os.access
        for place in (self.path, self.folder):
            with mock.patch.object(
                os, "access", lambda one, mode, at=place: one != at and real(one, mode)
            ):
                for work in (rotate, lambda path: retire(path, 1)):
                    fault = self._fault(lambda work=work: work(self.path))
                    self.assertIn(f"not changed: {place} is not writable here", fault)
        self.assertEqual(self.path.read_bytes(), self.before)

    def test_not_writable_by_mode(self) -> None:
        """The same by a mode that says so, for who is not root."""
        if os.geteuid() == 0:
            raise SkipTest("root may write everything")
        self.path.chmod(0o400)
        self.assertIn("not writable", self._fault(lambda: rotate(self.path)))
        self.path.chmod(0o600)
        self.folder.chmod(0o500)
        self.addCleanup(self.folder.chmod, 0o700)
        self.assertIn("not writable", self._fault(lambda: rotate(self.path)))

    def test_owner(self) -> None:
        """Who owned it owns it; it is given away before a secret is in it."""
        asked: list[tuple[int, int, int]] = []

        def fchown(descriptor: int, user: int, group: int) -> None:
            asked.append((user, group, os.fstat(descriptor).st_size))

        status = self.path.stat()
        with mock.patch.object(os, "fchown", fchown):
            rotate(self.path)
            self.assertEqual(asked, [])
            with mock.patch.object(os, "geteuid", lambda: status.st_uid + 1):
                rotate(self.path)
        self.assertEqual(asked, [(status.st_uid, status.st_gid, 0)])
        if os.geteuid() == 0:
            os.chown(self.path, 12_345, 23_456)
            rotate(self.path)
            status = self.path.stat()
            self.assertEqual((status.st_uid, status.st_gid), (12_345, 23_456))
            self._whole()

    def test_umask(self) -> None:
        """The mode is 0600 whatever the umask takes or gives."""
        for mask in (0, 0o777, 0o277):
            os.umask(mask)
            rotate(self.path)
            self._whole()

    def _interrupt(self, fail: Callable[[], None], work: Callable[[Path], bool]) -> None:
        """Do some work that fails at each of its steps in turn; then see what is there."""
        for at in range(100):
            self.path.write_bytes(self.before)
            count = 0

            def patched(name: str) -> Any:
                real = getattr(os, name)

                def call(*arguments: Any, **more: Any) -> Any:
                    nonlocal count
                    count += 1
                    if name == "close":
                        real(*arguments)  # one that fails has closed it nevertheless
                    if count == at + 1:
                        fail()
                    return None if name == "close" else real(*arguments, **more)

                return call

            with ExitStack() as patches:
                for name, call in [(name, patched(name)) for name in STEPS]:
                    patches.enter_context(mock.patch.object(os, name, call))
                ended = work(self.path)
            after = self.path.read_bytes()
            keys = self._whole()
            if after != self.before:
                self.assertEqual(keys.generations, (1, 2, 3))
                self.assertTrue(after.startswith(self.before))
            if ended:
                self.assertNotEqual(after, self.before)
                self.assertGreater(at, 5, "nothing was interrupted")
                return
        raise AssertionError("it never ended")

    def test_faults(self) -> None:
        """Whichever step fails, the file is whole, and nothing is left beside it."""

        def fail() -> None:
            raise OSError(errno.EIO, "Input/output error")

        def work(path: Path) -> bool:
            try:
                rotate(path)
            except ConfigurationError as error:
                after = path.read_bytes()
                if "not changed" in error.faults[0]:
                    self.assertEqual(after, self.before)
                elif ": changed, but" in error.faults[0]:
                    self.assertNotEqual(after, self.before)
            except OSError:
                pass  # the folder's descriptor did not close
            else:
                return True
            return False

        self._interrupt(fail, work)

    def test_killed(self) -> None:
        """The same where the process dies at that step; the next one clears up."""

        def work(path: Path) -> bool:
            child = os.fork()
            if not child:
                try:
                    rotate(path)
                finally:
                    os._exit(0)
            died = os.waitpid(child, 0)[1] != 0
            if died:
                for one in self.folder.iterdir():
                    self.assertEqual(stat.S_IMODE(one.stat().st_mode), 0o600)
                left.append(len(os.listdir(self.folder)) > 1)
            return not died

        left: list[bool] = []
        self._interrupt(lambda: os._exit(9), work)
        self.assertIn(True, left, "no process died with its work half done")
        self.assertEqual(os.listdir(self.folder), ["gateway.keys"])

    def test_full_disk(self) -> None:
        """What was written by half never comes into the file's place."""
        real = os.fdopen
        with mock.patch.object(os, "fdopen", lambda *given: _Broken(real(*given))):
            fault = self._fault(lambda: rotate(self.path))
        self.assertIn("not changed: No space left on device", fault)
        self.assertEqual(self.path.read_bytes(), self.before)
        self.assertEqual(os.listdir(self.folder), ["gateway.keys"])

    def test_on_disk_before_it_counts(self) -> None:
        """Its content is on disk before it takes the place, and the place after that."""
        order: list[str] = []
        sync, replace = os.fsync, os.replace

        def fsync(descriptor: int) -> None:
            folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            size = 0 if folder else os.fstat(descriptor).st_size
            order.append("folder" if folder else f"file {size > len(self.before)}")
            sync(descriptor)

        def put(*places: Any) -> None:
            order.append("replace")
            replace(*places)

        with mock.patch.object(os, "fsync", fsync), mock.patch.object(os, "replace", put):
            rotate(self.path)
        self.assertEqual(order, ["file True", "replace", "folder"])

    def test_at_once(self) -> None:
        """Of several who rotate at the same moment each adds one."""
        together = threading.Barrier(4)

        def several() -> None:
            together.wait()
            for _ in range(5):
                rotate(self.path)

        threads = [threading.Thread(target=several) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        self.assertEqual(self._whole().generations, tuple(range(1, 23)))

    def test_waits(self) -> None:
        """Who comes while another is at it edits what is there afterwards."""
        folder = os.open(self.folder, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        thread = threading.Thread(target=rotate, args=(self.path,))
        thread.start()
        secret = base64.urlsafe_b64encode(b"x" * 32).decode().rstrip("=")
        self.path.write_bytes(self.before + f"7 {secret}\n".encode())
        os.close(folder)
        thread.join()
        self.assertEqual(self._whole().generations, (1, 2, 7, 8))
        self.assertEqual(parse_keys(self.path.read_text()).newest, 8)
