"""Find the signature of a call: declared in `signatures`, or derived from its C prototype."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from utrace.errors import impossible
from utrace.syscalls import argtypes as t
from utrace.syscalls.abi import X86_64
from utrace.syscalls.pointers import Path, String
from utrace.syscalls.signature import Returns, Signature, sig
from utrace.syscalls.tables import call_name, prototypes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import ArgType

#: Modules that declare calls, those of most programs first: what nobody asks for is not imported.
_TOPICS: Final = (
    "files",
    "space",
    "process",
    "signals",
    "waiting",
    "prctls",
    "net",
    "kernel",
    "mounts",
    "ipc",
    "keys",
    "rings",
    "tracing",
)

#: Parameter names that are file names when the type is `const char *`.
_PATH_NAMES: Final = frozenset({"path", "pathname", "filename", "oldname", "newname", "specialfile"})
_FD_NAMES: Final = frozenset({"fd", "dfd", "dirfd", "sockfd", "pidfd", "mqdes", "fd_in", "fd_out"})

_BY_CTYPE: Final[Mapping[str, ArgType]] = {
    "int": t.INT,
    "pid_t": t.PID,
    "qid_t": t.INT,
    "key_t": t.HEX32,
    "timer_t": t.INT,
    "clockid_t": t.Enum("clockid", "CLOCK_???"),
    "long": t.LONG,
    "off_t": t.LONG,
    "loff_t": t.I64,
    "s32": t.INT,
    "unsigned": t.UINT,
    "unsigned int": t.UINT,
    "u32": t.UINT,
    "__u32": t.UINT,
    "uid_t": t.ID,
    "gid_t": t.ID,
    "old_uid_t": t.U16,
    "old_gid_t": t.U16,
    "umode_t": t.MODE,
    "mode_t": t.MODE,
    "u64": t.U64,
    "__u64": t.U64,
    "size_t": t.SIZE,
    "compat_size_t": t.SIZE,
    "qid": t.INT,
    "key_serial_t": t.INT,
    "unsigned long": t.HEX,
    "aio_context_t": t.HEX,
}


def _calls(topic: str) -> Mapping[str, Signature]:
    return cast("Mapping[str, Signature]", import_module(f"utrace.syscalls.signatures.{topic}").CALLS)


def _declared_otherwise(abi: Abi) -> Mapping[str, Signature]:
    """Give what a convention declares otherwise than x86-64."""
    if abi is X86_64:
        return {}
    from utrace.syscalls.signatures.compat import BY_ABI  # noqa: PLC0415 — few programs are of such a one

    return BY_ABI[abi.name]


def declaration(abi: Abi, name: str) -> Signature | None:
    """Find the declared signature of a call; None: it has none."""
    found = _declared_otherwise(abi).get(name)
    if found is not None:
        return found
    return next((calls[name] for calls in map(_calls, _TOPICS) if name in calls), None)


def all_declared(abi: Abi) -> Mapping[str, Signature]:
    """Give all declared signatures of a convention by name."""
    found: dict[str, Signature] = {}
    for calls in (*map(_calls, _TOPICS), _declared_otherwise(abi)):
        found.update(calls)
    return found


def signature_of(abi: Abi, nr: int) -> tuple[str, Signature]:
    """Give name and signature of any number."""
    prototype = prototypes(abi).get(nr)
    if prototype is None:
        hexes: dict[str, ArgType] = {f"a{i}": t.HEX for i in range(1, 7)}
        return call_name(abi, nr), sig(**hexes)
    found = declaration(abi, prototype.name)
    if found is not None:
        return prototype.name, found
    arguments = {name: _derived(name, ctype) for name, ctype in prototype.parameters}
    return prototype.name, Signature(arguments, Returns.DECIMAL)


def signature_by_name(abi: Abi, name: str) -> Signature:
    """Give the signature of a call that is declared, if it has no number of its own."""
    found = declaration(abi, name)
    if found is None:
        impossible("calls without a number are declared", name=name, abi=abi.name)
    return found


def _derived(name: str, ctype: str) -> ArgType:
    if ctype.endswith("*"):
        if "const char" in ctype and ctype.count("*") == 1:
            return Path() if name in _PATH_NAMES else String()
        return t.ADDRESS
    if name in _FD_NAMES:
        return t.FD
    return _BY_CTYPE.get(ctype.replace("const ", ""), t.HEX)
