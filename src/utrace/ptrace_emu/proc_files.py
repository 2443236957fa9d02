"""What a program of the session reads in /proc/PID/status and stat: its tracers, not the session.

Rules of this file:

1. Who opens such a file gets a memory file with the kernel's own text, in which what the session has part
   in is as the kernel would show it without the session.  All other files are left to the kernel.
2. Only what a reader might read anyway is told: the files of its own user, or all of them to root.

Reference: proc_pid_status(5), proc_pid_stat(5), memfd_create(2); Linux 6.18 fs/proc/array.c:task_state(),
get_task_state().
"""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from utrace.arch import syscall_abi
from utrace.errors import BadAddress
from utrace.kernel import procfs
from utrace.kernel.screens import FAIL, PASS, Step
from utrace.ptrace_emu import waiting
from utrace.syscalls.abi import abi_of
from utrace.syscalls.tables import call_name

if TYPE_CHECKING:
    from utrace.kernel.screens import Screen
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import LiveTracee, Loop
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

NAMES: Final = {"open": 1, "openat": 2}
"""The calls that open files, and which of their arguments the flags are."""
CALLS: Final = frozenset({"?open", "openat"})
_MEMFD_CREATE: Final = {0xC000003E: 319, 0x40000003: 356}
_MFD_CLOEXEC: Final = 1
_MFD_ALLOW_SEALING: Final = 2
_SEALS: Final = 0xF
"""F_SEAL_SEAL, SHRINK, GROW and WRITE: to its readers it is as it was written here."""
_AT_FDCWD: Final = -100
_INT_MASK: Final = (1 << 32) - 1
_OTHER_FLAGS: Final = os.O_ACCMODE | os.O_CREAT | os.O_DIRECTORY | os.O_PATH | os.O_TRUNC
"""With any of these it is not a mere open for reading."""
_LONGEST: Final = 128
_NAME: Final = re.compile(rb"/proc/(self|thread-self|[1-9]\d*)(?:/task/([1-9]\d*))?/(status|stat)")
_STATES: Final = {"R": b"R (running)", "S": b"S (sleeping)", "T": b"T (stopped)", "t": b"t (tracing stop)"}


def screen_of(name: str) -> Screen:
    """Give what the registers of an open must pass: it is for reading, and of no directory."""
    return (Step(NAMES[name], _OTHER_FLAGS, 0, below=False, value=0, then=PASS, otherwise=FAIL),)


@dataclass(frozen=True, slots=True)
class Opening:
    """One open under way, which makes a memory file in place of it."""

    task: Task
    call: Syscall
    text: bytes

    def finish(self) -> None:
        """Fill the file, and put back the registers: a system call changes none but its result's.

        Raises:
            TaskGone: the task was killed.
        """
        registers = self.task.regs
        abi = syscall_abi(self.call.arch, type(registers))
        for name, value in zip(abi.arg_registers, self.call.raw, strict=True):
            setattr(registers, name, value)
        setattr(registers, abi.nr_register, self.call.nr)
        self.task.regs = registers
        if self.call.result is not None and self.call.result >= 0:
            _fill(self.task.tid, self.call.result, self.text)


def _fill(tid: int, fd: int, text: bytes) -> None:
    try:
        file = os.open(f"{procfs.PROC}/{tid}/fd/{fd}", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        # Another of its threads has closed it.
        return
    try:
        os.write(file, text)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
    finally:
        os.close(file)


def begin(registry: Registry, loop: Loop, reader: Task, call: Syscall) -> Opening | None:
    """Turn an open of such a file into the making of one, at the call's entry; None: let the kernel."""
    flags_at = NAMES[call.name]
    flags, named_at = call.raw[flags_at], call.raw[flags_at - 1]
    memfd_create = _MEMFD_CREATE.get(call.arch)
    if flags & _OTHER_FLAGS or memfd_create is None:
        return None
    target = _target(loop, reader, call, named_at)
    if target is None or not _may_read(loop, reader, target.tid):
        return None
    name, tracee = target.name, loop.tracees.by_tid[target.tid]
    text = procfs.text(f"{target.path}/{name}")
    if text is None:
        return None
    cloexec = _MFD_CLOEXEC if flags & os.O_CLOEXEC else 0
    # Past `call`, which is to stay the open that it is to all other engines.
    made = reader.change_syscall(memfd_create, (named_at, cloexec | _MFD_ALLOW_SEALING, *call.raw[2:]))
    return Opening(reader, call, _REWRITTEN[name](registry, tracee, text)) if made else None


@dataclass(frozen=True, slots=True)
class _Target:
    tid: int
    path: str
    name: str


def _target(loop: Loop, reader: Task, call: Syscall, named_at: int) -> _Target | None:
    """Tell which task of the session the file is about that a program opens."""
    try:
        path = reader.memory.cstring(named_at, _LONGEST)
    except BadAddress:
        return None
    if not path.endswith((b"stat", b"status")):
        return None
    if not path.startswith(b"/"):
        at = (call.raw[0] & _INT_MASK) if call.name == "openat" else _AT_FDCWD & _INT_MASK
        folder = "cwd" if at == _AT_FDCWD & _INT_MASK else f"fd/{at}"
        path = os.fsencode(procfs.link(f"{reader.tid}/{folder}")) + b"/" + path
    found = _NAME.fullmatch(os.path.normpath(path))
    if found is None or not _has_our_view(reader):
        return None
    whose, thread, name = found.groups()
    pid = reader.pid if not whose.isdigit() else int(whose)
    tid = int(thread) if thread else reader.tid if whose == b"thread-self" else pid
    tracee = loop.tracees.by_tid.get(tid)
    if tracee is None or tracee.task.is_dead() or pid not in {tid, tracee.process.tgid}:
        return None
    # A thread's own file, where only the thread is named, tells of that thread too.
    is_threads = bool(thread) or whose == b"thread-self"
    return _Target(tid, f"{pid}/task/{tid}" if is_threads else str(tid), name.decode())


def _has_our_view(reader: Task) -> bool:
    """Tell whether /proc is the same to a program as to us: its root, and its namespace of pids."""
    ours, its = (procfs.link(f"{who}/ns/pid") for who in ("self", reader.tid))
    return ours == its and procfs.link(f"{reader.tid}/root") == "/"


def _may_read(loop: Loop, reader: Task, tid: int) -> bool:
    """Tell whether a program would read the same as we, and its own filters let it make a memory file."""
    status = procfs.text(f"{reader.tid}/status") or b""
    record = loop.tracees.by_tid.get(reader.tid)
    ours = 0 if record is None or record.filter is None else 1
    return _number(status, b"Seccomp_filters") <= ours and _user(status) in {0, procfs.owner(tid)}


def _user(status: bytes) -> int:
    """Give the user as whom a program opens files."""
    _, _, ids = status.partition(b"\nUid:")
    return int(ids.split(None, 4)[3]) if ids else -1


def _number(status: bytes, key: bytes) -> int:
    _, _, rest = status.partition(b"\n" + key + b":")
    return int(rest.split(None, 1)[0]) if rest else 0


def _state(registry: Registry, tracee: LiveTracee, letter: str) -> str:
    """Give the state that a task would be in without the session."""
    links = registry.tracers_of(tracee.handle)
    if any(link.stop is not None or link.listening for link in links):
        return "t"
    if letter != "t":
        return letter
    if tracee.task.jctl:
        return "T"
    # It stands in a stop of the session's alone; a wait that is about to be made would sleep.
    waits = tracee.in_syscall and call_name(abi_of(tracee.arch), tracee.nr) in waiting.NAMES
    return "S" if waits else "R"


def rewritten_status(registry: Registry, tracee: LiveTracee, text: bytes) -> bytes:
    """Rewrite a text of /proc/PID/status as it would be without the session."""
    links = registry.tracers_of(tracee.handle)
    shown = {b"TracerPid": b"%d" % (links[0].tracer_tid if links else 0)}
    state = _STATES.get(_state(registry, tracee, chr(text[text.index(b"\nState:\t") + 8])))
    if state is not None:
        shown[b"State"] = state
    if tracee.filter is not None:
        theirs = _number(text, b"Seccomp_filters") - 1
        shown[b"Seccomp_filters"] = b"%d" % theirs
        shown[b"Seccomp"] = b"2" if theirs else b"0"
    return _SHOWN.sub(lambda line: line[1] + b":\t" + shown.get(line[1], line[2]), text)


_SHOWN: Final = re.compile(rb"^(State|TracerPid|Seccomp|Seccomp_filters):\t(.*)$", re.MULTILINE)


def rewritten_stat(registry: Registry, tracee: LiveTracee, text: bytes) -> bytes:
    """Rewrite a text of /proc/PID/stat so: the state letter behind the name, which may contain anything."""
    at = text.rindex(b")") + 2
    return text[:at] + _state(registry, tracee, chr(text[at])).encode() + text[at + 1 :]


_REWRITTEN: Final = {"status": rewritten_status, "stat": rewritten_stat}
