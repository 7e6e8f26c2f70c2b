"""Tests of session material, and what several of them share."""

from __future__ import annotations

from gateway.session.attestation import Mode, mint_datr
from gateway.session.keys import Ick, ServerKeys

NOW = 1_790_000_000
ROOTS = {1: b"1" * 32, 2: b"2" * 32}
KEYS = ServerKeys(dict(ROOTS))
OLD_KEYS = ServerKeys({1: ROOTS[1]})
NEW_KEYS = ServerKeys({2: ROOTS[2]})
NONCE = b"n" * 12
ICK, ICK_2 = Ick(bytes(range(32))), Ick(bytes(range(1, 33)))
DATR = mint_datr(KEYS, b"d" * 16, NOW, Mode.FULL)
DATR_2 = mint_datr(KEYS, b"e" * 16, NOW, Mode.BASIC)
