"""Ports for servers that tests start: out of reach of what systems give to clients by themselves."""

from __future__ import annotations

import random
import socket

HOST = "127.0.0.1"
# Below Linux's range for clients, above the last port that browsers refuse (10080): what runs
# beside, and takes any free port, takes none of these.
_PORTS = range(10_100, 32_000)
_RANDOM = random.SystemRandom()  # not the seeded one, which several processes may have alike


def free_ports(count: int) -> list[int]:
    """Different ports of loopback that nobody listens on just now."""
    ports: list[int] = []
    while len(ports) < count:
        port = _RANDOM.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports
