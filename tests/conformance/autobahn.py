"""The Autobahn test-suite's cases through a gateway, as ``kosoku`` runs them.

``clients``: the suite is the client; the gateway's leg to clients is what it meets, and an
echo behind the gateway answers.  ``upstreams``: the suite is the origin; the gateway's leg to
origins is what it meets, and an echoing client before the gateway answers.  ``service`` and
``echo`` are as ``clients``, on services with that echo behind them and with none.
"""

from __future__ import annotations

import asyncio
import collections
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import kosoku

from tests.conformance.stage import DOMAIN, LARGEST, PATIENCE, ROOT, Stage, door, staged

CORE = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
LARGE = ("9.*",)
LARGE_SAMPLE = ("9.1.6", "9.2.6", "9.4.5", "9.5.1", "9.7.1")
DEFLATE_SAMPLE = ("12.1.1", "12.3.1", "12.5.1", "13.1.1", "13.5.1")
"""What stands for the long ones where seconds matter."""
DEFLATE_KINDS = {"12": 5, "13": 7}
"""Ways of compressing in each group."""
DEFLATE_SIZES = (
    (16, 0), (64, 0), (256, 0), (1024, 0), (4096, 0), (8192, 0), (16384, 0), (32768, 0),
    (65536, 0), (131072, 0), (8192, 256), (16384, 256), (32768, 256), (65536, 256),
    (131072, 256), (131072, 1024), (131072, 4096), (131072, 32768),
)  # fmt: skip
"""Octets of a message and of its fragments (0: it is whole), in the order of the cases' numbers."""
GROUPS = {
    "1": "framing", "2": "pings and pongs", "3": "reserved bits", "4": "opcodes",
    "5": "fragmentation", "6": "UTF-8", "7": "closing", "9": "large messages",
    "10": "automatic fragmentation", "12": "deflate, many messages", "13": "deflate, parameters",
}  # fmt: skip
SIDES = ("clients", "upstreams", "service", "echo")
_SERVICES = """
[[service]]
name = "echo"
accept = "/service"
connect = "ws://127.0.0.1:{port}"
native = true
message-bytes = {largest}
[[service]]
name = "built-in"
accept = "/echo"
connect = "echo:"
native = true
message-bytes = {largest}
"""
_LIMITS = """
websocket-compression-window-bits = 15
websocket-compression-upstream-window-bits = 15
websocket-compression-takeover = 1
websocket-compression-from-bytes = 0
websocket-ping-seconds = 1000
"""
"""With what the suite can offer; it cannot read small messages that are not compressed.

A ping ends its long cases before their time: it takes one for an answer that was not expected.
"""
_SOUND = {"OK", "NON-STRICT", "INFORMATIONAL"}


@attrs.frozen
class Verdict:
    """What the suite said of one case."""

    case: str
    behavior: str
    close: str
    told: str
    """Its prose, for what did not pass."""

    @property
    def passed(self) -> bool:
        """Strict, not so strict, or a case that only informs."""
        return self.behavior in _SOUND and self.close in {"OK", "INFORMATIONAL"}

    @property
    def failed(self) -> bool:
        """Wrong, and not only something that was not agreed on."""
        return not self.passed and self.behavior != "UNIMPLEMENTED"

    @property
    def group(self) -> str:
        """The number before the first dot."""
        return self.case.partition(".")[0]


def _verdicts(results: Iterable[Any]) -> list[Verdict]:
    return [
        Verdict(
            one.case_id,
            one.behavior.value,
            one.behavior_close.value,
            f"{one.result} {one.result_close} (close {one.remote_close_code},"
            f" {one.was_not_clean_reason or 'clean'})",
        )
        for one in results
    ]


def _lanes(cases: Sequence[str]) -> int:
    # Long cases have a time of their own, which they would take from each other.
    return 1 if any(case.startswith(("12.", "13.")) for case in cases) else 4


async def clients(
    stage: Stage, cases: Sequence[str], path: str, host: str | None = None
) -> list[Verdict]:
    """The suite is the client; ``path`` at ``host`` echoes behind the gateway."""
    async with door(stage, host) as port:
        try:
            done = await kosoku.run_fuzzingclient(
                f"ws://127.0.0.1:{port}{path}", list(cases), concurrency=_lanes(cases)
            )
        except kosoku.FailureError as error:
            done = error.results
    return _verdicts(done)


async def upstreams(stage: Stage, cases: Sequence[str]) -> list[Verdict]:
    """The suite is the origin; a client goes through the gateway for each case."""
    async with kosoku.run_fuzzingserver(list(cases), port=stage.upstream) as server:
        stage.start(
            "tests.conformance.echo",
            "client",
            str(stage.port),
            stage.host,
            str(stage.authority),
            "gateway",
        )
        try:
            done = await server.get_result()
        except kosoku.FailureError as error:
            done = error.results
    return _verdicts(done)


def run(side: str, cases: Sequence[str], seconds: float) -> list[Verdict]:
    """Run cases at one side, in processes of their own; raises when it takes too long."""
    with staged() as stage:
        stage.start_gateway(_LIMITS, more=_SERVICES.format(port=stage.upstream, largest=LARGEST))
        if side == "upstreams":
            work = upstreams(stage, cases)
        else:
            stage.start_echo()
            own = {"service": "/service", "echo": "/echo"}.get(side)
            host = f"{DOMAIN}:{stage.port}" if own else None
            work = clients(stage, cases, own or "/", host)
        return asyncio.run(asyncio.wait_for(work, seconds))


def deflate(size: int) -> tuple[str, ...]:
    """The cases of one size, in every way of compressing it; ``size`` counts from 1."""
    return tuple(
        f"{group}.{kind}.{size}"
        for group, kinds in DEFLATE_KINDS.items()
        for kind in range(1, kinds + 1)
    )


def summary(verdicts: Iterable[Verdict]) -> dict[str, collections.Counter[str]]:
    """For each group how many cases were what."""
    found: dict[str, collections.Counter[str]] = {}
    for one in verdicts:
        kind = "FAILED" if one.failed else one.behavior
        found.setdefault(one.group, collections.Counter())[kind] += 1
    return found


def asked(side: str, cases: Sequence[str], seconds: float) -> list[Verdict]:
    """``run`` in a process of its own: the suite has an event loop, and so have the tests."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.conformance.autobahn", side, str(seconds), *cases],
        cwd=ROOT,
        capture_output=True,
        timeout=seconds + 3 * PATIENCE,
        check=False,
    )
    if child.returncode:
        raise AssertionError(child.stderr.decode())
    return [Verdict(**one) for one in json.loads(child.stdout)]


def main(side: str, seconds: str, *cases: str) -> None:
    """Run, and write the verdicts as JSON."""
    json.dump([attrs.asdict(one) for one in run(side, cases, float(seconds))], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
