from __future__ import annotations

import struct

from utrace.testing.sim.siginfo import SIGTRAP, TRAP_TRACE, SigInfo, bit


def test_siginfo_of_kill_names_the_sender() -> None:
    raw = SigInfo(10, pid=77).encode()
    assert len(raw) == 128
    assert struct.unpack_from("<iii4xi", raw) == (10, 0, 0, 77)


def test_siginfo_of_a_trap_names_the_address() -> None:
    raw = SigInfo(SIGTRAP, TRAP_TRACE, address=0x1234).encode()
    assert struct.unpack_from("<Q", raw, 16) == (0x1234,)


def test_siginfo_of_a_tracer_is_kept_as_it_is() -> None:
    raw = bytes(range(10)).ljust(128, b"\0")
    assert SigInfo.from_bytes(raw).encode() == raw


def test_bit_of_the_first_signal_is_the_lowest() -> None:
    assert bit(1) == 1
    assert bit(64) == 1 << 63
