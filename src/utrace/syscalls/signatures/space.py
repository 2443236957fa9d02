"""The address space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.layouts import REMOTE_IOVEC
from utrace.syscalls.packed import MEMORY_POLICY
from utrace.syscalls.pointers import Array, Chunks, Out
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.tables import flags_decoder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.signature import Note, Signature

_PROT: Final = t.Flags("prot", "PROT_???", "ulong", zero="PROT_NONE")
_ADDRESS = Returns.ADDRESS
_MAP_FLAGS: Final = t.MAP_FLAGS


def _membarrier_returns(call: DecodedCall) -> Returns:
    return Returns.DECIMAL if call.raw[0] & 0xFFFFFFFF else Returns.HEX


def _membarrier_note(call: DecodedCall) -> list[Note]:
    # MEMBARRIER_CMD_QUERY is 0 and returns the commands there are.
    result = call.result
    if result is None or call.raw[0] & 0xFFFFFFFF:
        return []
    return [("", flags_decoder(call.abi, "membarrier_commands")(result.value))]


# Nodes of memory, 32 in each piece whatever a word has; the kernel counts one bit less than it is told.
_NODES: Final = Array(t.HEX32, Chunks("maxnode", 32))
_MOVE: Final = t.Flags("mempolicy_move", "MPOL_MF_???")

CALLS: Final[Mapping[str, Signature]] = {
    "mmap": sig(_ADDRESS, addr=t.ADDRESS, length=t.SIZE, prot=_PROT, flags=_MAP_FLAGS, fd=t.FD, offset=t.HEX),
    "munmap": sig(addr=t.ADDRESS, length=t.SIZE),
    "mprotect": sig(addr=t.ADDRESS, len=t.SIZE, prot=_PROT),
    "pkey_mprotect": sig(addr=t.ADDRESS, len=t.SIZE, prot=_PROT, pkey=t.INT),
    "pkey_alloc": sig(flags=t.HEX, access_rights=t.Flags("pkey", "PKEY_???", "ulong")),
    "pkey_free": sig(pkey=t.INT),
    "mremap": sig(
        _ADDRESS,
        old_address=t.ADDRESS,
        old_size=t.SIZE,
        new_size=t.SIZE,
        flags=t.Flags("mremap", "MREMAP_???", "ulong"),
        # MREMAP_FIXED or MREMAP_DONTUNMAP
        new_address=t.When("flags", 6, t.ADDRESS),
    ),
    "brk": sig(_ADDRESS, addr=t.ADDRESS),
    "madvise": sig(addr=t.ADDRESS, length=t.SIZE, advice=t.Enum("madvise", "MADV_???")),
    "msync": sig(addr=t.ADDRESS, length=t.SIZE, flags=t.Flags("msync", "MS_???")),
    "mlock": sig(addr=t.ADDRESS, len=t.SIZE),
    "mlock2": sig(addr=t.ADDRESS, len=t.SIZE, flags=t.Flags("mlock", "MLOCK_???")),
    "munlock": sig(addr=t.ADDRESS, len=t.SIZE),
    "mlockall": sig(flags=t.Flags("mlockall", "MCL_???")),
    "munlockall": sig(),
    "mincore": sig(addr=t.ADDRESS, length=t.SIZE, vec=Out(Array(t.U8, Chunks("length", 4096)))),
    "remap_file_pages": sig(addr=t.ADDRESS, size=t.SIZE, prot=_PROT, pgoff=t.SIZE, flags=_MAP_FLAGS),
    "mbind": sig(
        addr=t.ADDRESS,
        len=t.SIZE,
        mode=MEMORY_POLICY,
        nodemask=_NODES,
        maxnode=t.ULONG,
        flags=_MOVE,
    ),
    "set_mempolicy": sig(mode=MEMORY_POLICY, nodemask=_NODES, maxnode=t.ULONG),
    "get_mempolicy": sig(
        mode=Out(MEMORY_POLICY),
        nodemask=Out(_NODES),
        maxnode=t.ULONG,
        addr=t.ADDRESS,
        flags=t.Flags("mempolicy_get", "MPOL_F_???", "ulong"),
    ),
    "set_mempolicy_home_node": sig(addr=t.ADDRESS, len=t.SIZE, home_node=t.ULONG, flags=t.HEX),
    "migrate_pages": sig(pid=t.PID, maxnode=t.ULONG, old_nodes=_NODES, new_nodes=_NODES),
    "move_pages": sig(
        pid=t.PID,
        count=t.ULONG,
        pages=Array(t.POINTER, "count"),
        nodes=Array(t.INT, "count"),
        status=Out(Array(t.INT, "count")),
        flags=_MOVE,
    ),
    "map_shadow_stack": sig(
        _ADDRESS, addr=t.ADDRESS, size=t.SIZE, flags=t.Flags("shadow_stack", "SHADOW_STACK_???")
    ),
    "membarrier": sig(
        _membarrier_returns,
        _membarrier_note,
        cmd=t.Enum("membarrier", "MEMBARRIER_CMD_???"),
        flags=t.Flags("membarrier_flags", "MEMBARRIER_CMD_FLAG_???"),
        cpu_id=t.When("flags", 1, t.INT),
    ),
    "mseal": sig(addr=t.ADDRESS, len=t.SIZE, flags=t.HEX),
    "process_madvise": sig(
        pidfd=t.FD,
        vector=Array(REMOTE_IOVEC, "vlen"),
        vlen=t.SIZE,
        advice=t.Enum("madvise", "MADV_???"),
        flags=t.HEX32,
    ),
}
