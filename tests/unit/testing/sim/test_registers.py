from __future__ import annotations

from utrace.testing.sim.registers import MASK, RAX, REGSET_BYTES, RIP, decode, encode, new_registers, signed


def test_regset_round_trip_has_the_places_of_user_regs_struct() -> None:
    registers = new_registers()
    registers[RAX], registers[RIP] = -38 & MASK, 0x401000
    regset = encode(registers)
    assert len(regset) == REGSET_BYTES
    assert int.from_bytes(regset[80:88], "little", signed=True) == -38
    assert int.from_bytes(regset[128:136], "little") == 0x401000
    assert decode(regset) == registers


def test_signed_reads_errnos() -> None:
    assert signed(-38 & MASK) == -38
    assert signed(7) == 7
