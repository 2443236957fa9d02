"""What /proc tells about processes and threads.

Rules of this file:

1. A task that is gone, or goes while it is read, is None or an empty list; nothing is raised for it.
2. Everything here is a look at a moment: it may be different by the time it is used.

Reference: proc(5), proc_pid_status(5), proc_pid_task(5), proc_pid_stat(5).
"""

from __future__ import annotations

import fcntl
import os
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from utrace.kernel.api import Disposition, Tid

if TYPE_CHECKING:
    from collections.abc import Mapping

PROC: Final = "/proc"


class TaskStatus(NamedTuple):
    """One task as /proc/TID/status has it."""

    name: str
    """Up to 15 characters, of the thread."""
    state: str
    """One letter of proc_pid_stat(5): R, S, D, T (stopped), t (traced), Z, X, I."""
    tgid: Tid
    ppid: Tid
    tracer: Tid
    """The thread that traces it, 0 if none does."""
    uids: tuple[int, int, int]
    """Real, effective and saved."""
    gids: tuple[int, int, int]
    capabilities: int
    """The effective set, bit n for capability n."""
    permitted: int
    """The permitted set likewise."""
    is_kernel_thread: bool
    disposition: Disposition


def read_status(tid: int) -> TaskStatus | None:
    """Read /proc/TID/status; any thread, not only leaders of groups."""
    text = _read(f"{tid}/status")
    if text is None:
        return None
    fields = dict(_split_field(line) for line in text.splitlines() if b":" in line)
    try:
        return _parse_status(fields)
    except KeyError:
        # The kernel writes it in one go, so only a text cut short lacks a field.
        return None


def _split_field(line: bytes) -> tuple[str, str]:
    key, _, value = line.partition(b":")
    return key.decode("ascii", "replace"), value.strip().decode("utf-8", "surrogateescape")


def _parse_status(fields: Mapping[str, str]) -> TaskStatus:
    state = fields["State"][:1]
    return TaskStatus(
        name=fields["Name"],
        state=state,
        tgid=Tid(int(fields["Tgid"])),
        ppid=Tid(int(fields["PPid"])),
        tracer=Tid(int(fields["TracerPid"])),
        uids=_three_ids(fields["Uid"]),
        gids=_three_ids(fields["Gid"]),
        capabilities=int(fields["CapEff"], 16),
        permitted=int(fields["CapPrm"], 16),
        is_kernel_thread=_is_kernel_thread(fields, state),
        disposition=Disposition(
            blocked=int(fields["SigBlk"], 16),
            ignored=int(fields["SigIgn"], 16),
            caught=int(fields["SigCgt"], 16),
            queued=int(fields["SigPnd"], 16),
            shared=int(fields["ShdPnd"], 16),
        ),
    )


def _is_kernel_thread(fields: Mapping[str, str], state: str) -> bool:
    if "Kthread" in fields:
        return fields["Kthread"] == "1"
    # Before Linux 6.8 having no memory tells; the dead have none either.
    return "VmSize" not in fields and state not in "ZX"


def _three_ids(text: str) -> tuple[int, int, int]:
    real, effective, saved, *_ = map(int, text.split())
    return real, effective, saved


def disposition(tid: int) -> Disposition | None:
    """Blocked, ignored and caught signals of a thread."""
    text = _read(f"{tid}/status")
    at = -1 if text is None else text.find(b"\nSigPnd:")
    if text is None or at < 0:
        return None
    # Five lines in a row, of a name and a mask each; asked for at every signal, so not by `read_status`.
    words = text[at : at + 256].split()
    return Disposition(*(int(words[at], 16) for at in (5, 7, 9, 1, 3)))


def real_uid(tid: int) -> int:
    """Real user id of a task, 0 if it is gone."""
    _, _, ids = (_read(f"{tid}/status") or b"").partition(b"\nUid:")
    return int(ids.split(None, 1)[0]) if ids else 0


def parentage(tid: int) -> tuple[Tid, Tid] | None:
    """(tgid, ppid) of a task."""
    text = _read(f"{tid}/status")
    at = -1 if text is None else text.find(b"\nTgid:")
    if text is None or at < 0:
        return None
    # Four lines in a row, of a name and a number each; asked for at births, so not by `read_status`.
    words = text[at : at + 128].split()
    return Tid(int(words[1])), Tid(int(words[7]))


def thread_group(tid: int) -> int:
    """Process of a task; the task itself if it is gone."""
    family = parentage(tid)
    return tid if family is None else family[0]


def descends(pid: int, ancestor: int) -> bool:
    """Tell whether a process is another, or comes from it."""
    while pid > 0:
        if pid == ancestor:
            return True
        family = parentage(pid)
        pid = 0 if family is None else family[1]
    return False


def owner(tid: int) -> int | None:
    """Whom the files of a task in /proc belong to; None if it is gone."""
    try:
        return os.stat(f"{PROC}/{tid}/stat").st_uid
    except (FileNotFoundError, ProcessLookupError):
        return None


def user_namespaces(tid: int) -> tuple[tuple[int, int], ...]:
    """User namespaces of a task, its own first, as far out as ours: inode and owner of each.

    Empty if it is gone.  Reference: ioctl_ns(2).
    """
    found: list[tuple[int, int]] = []
    try:
        here = os.open(f"{PROC}/{tid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return ()
    while True:
        try:
            made_by = fcntl.ioctl(here, _NS_GET_OWNER_UID, bytes(4))
            found.append((os.fstat(here).st_ino, int.from_bytes(made_by, "little")))
            outer = fcntl.ioctl(here, _NS_GET_PARENT)
        except PermissionError:
            # The next is not ours to know.
            return tuple(found)
        finally:
            os.close(here)
        here = outer


_NS_GET_PARENT: Final = 0xB702
_NS_GET_OWNER_UID: Final = 0xB704


def comm(tid: int) -> str | None:
    """Name of a thread, up to 15 characters."""
    text = _read(f"{tid}/comm")
    return None if text is None else text.removesuffix(b"\n").decode("utf-8", "surrogateescape")


def threads(tgid: int) -> list[Tid]:
    """Tids of a group, the zombie leader too, in the kernel's order."""
    try:
        return [Tid(int(name)) for name in os.listdir(f"{PROC}/{tgid}/task")]
    except (FileNotFoundError, ProcessLookupError):
        return []


def children(tid: int) -> list[Tid]:
    """Processes that this thread made, from /proc/TID/task/TID/children.

    Only whole while the children do not die meanwhile (proc_tid_children(5)): enough for children
    that stand in a stop.
    """
    text = _read(f"{tid}/task/{tid}/children")
    return [] if text is None else [Tid(int(word)) for word in text.split()]


def identity(tid: int) -> tuple[int, int]:
    """(process group, real user id) of a task, (0, 0) if it is gone."""
    text = _read(f"{tid}/status") or b""
    _, _, ids = text.partition(b"\nUid:")
    _, _, groups = text.partition(b"\nNSpgid:")
    return (int(groups.split(None, 1)[0]), int(ids.split(None, 1)[0])) if ids and groups else (0, 0)


def times(tid: int, *, of_group: bool) -> tuple[int, int]:
    """User and system time of a thread, or of its group with its dead, in ticks; (0, 0) if it is gone."""
    text = _read(f"{tid}/stat" if of_group else f"{tid}/task/{tid}/stat")
    if text is None:
        return 0, 0
    user, system = text.rpartition(b")")[2].split()[11:13]
    return int(user), int(system)


def process_group(tid: int) -> int | None:
    """Process group of a task, from field 5 of /proc/TID/stat; None if it is gone."""
    text = _read(f"{tid}/stat")
    return None if text is None else int(text.rpartition(b")")[2].split()[2])


def state(tid: int) -> str:
    """State letter of a task, from field 3 of /proc/TID/stat; empty if it is gone."""
    text = _read(f"{tid}/stat")
    return "" if text is None else chr(text[text.rindex(b")") + 2])


def blocked_syscall(tid: int) -> int | None:
    """Number of the system call a task sleeps in; None if it runs, sleeps elsewhere, or is gone.

    Reference: /proc/PID/syscall in proc(5).
    """
    text = _read(f"{tid}/syscall")
    word = b"" if text is None else text.split(b" ", 1)[0].strip()
    return int(word) if word.isdigit() else None


def text(name: str) -> bytes | None:
    """Read a file below /proc; None if the task is gone."""
    return _read(name)


def link(name: str) -> str:
    """Read a link below /proc; empty if the task is gone, or has none of that name."""
    try:
        return os.readlink(f"{PROC}/{name}")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def _read(name: str) -> bytes | None:
    return read_file(f"{PROC}/{name}")


def read_file(path: str) -> bytes | None:
    """Read a whole file of the kernel's; None if there is none, or no task of it any more."""
    try:
        # Read at many a stop: without pathlib and buffers at a third of their cost.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return None
    text = b""
    try:
        while chunk := os.read(fd, _CHUNK):
            text += chunk
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)
    return text


_CHUNK: Final = 1 << 14


def is_executable(tid: int, address: int) -> bool:
    """Tell whether a task may execute what is at an address."""
    return "x" in rights(tid, address)


def rights(tid: int, address: int) -> str:
    """What a task may do with what is at an address, as "rwxp"; empty if nothing is there.

    Reference: /proc/PID/maps in proc(5).
    """
    for line in (_read(f"{tid}/maps") or b"").splitlines():
        where, allowed = line.split(None, 2)[:2]
        first, _, last = where.partition(b"-")
        if int(first, 16) <= address < int(last, 16):
            return allowed.decode()
    return ""


def memory_file(pid: int, fd: int) -> int | None:
    """Tell whose memory an open file of a process is; None: it is another file.

    The task that a /proc/PID/mem or /proc/PID/task/TID/mem is named for.
    """
    try:
        name = os.readlink(f"{PROC}/{pid}/fd/{fd}")
    except OSError:
        return None
    folder, _, last = name.rpartition("/")
    owner = folder.rpartition("/")[2]
    return int(owner) if last == "mem" and folder.startswith(f"{PROC}/") and owner.isdecimal() else None


class Counts(NamedTuple):
    """What a process, with the children it has waited for, has used so far."""

    minor_faults: int
    major_faults: int
    children_user_ticks: int
    children_system_ticks: int
    """Only of children; the clocks of a process tell its own more exactly."""
    peak_kib: int
    """Of the process alone."""
    voluntary_switches: int
    """Of the living threads."""
    involuntary_switches: int
    read_bytes: int
    written_bytes: int


def counts(pid: int) -> Counts | None:
    """Read what a process has used; None if it is gone.

    Reference: proc_pid_stat(5), proc_pid_status(5), proc_pid_io(5).
    """
    stat = _read(f"{pid}/stat")
    if stat is None:
        return None
    stats = [int(word) for word in stat.rpartition(b")")[2].split()[1:15]]
    each = [_read(f"{pid}/task/{tid}/status") or b"" for tid in threads(pid)]
    try:
        transfers = _read(f"{pid}/io") or b""
    except PermissionError:
        # It has changed its user since it was attached to.
        transfers = b""
    return Counts(
        minor_faults=stats[6] + stats[7],
        major_faults=stats[8] + stats[9],
        children_user_ticks=stats[12],
        children_system_ticks=stats[13],
        peak_kib=_number(_read(f"{pid}/status") or b"", b"VmHWM:"),
        voluntary_switches=sum(_number(text, b"voluntary_ctxt_switches:") for text in each),
        involuntary_switches=sum(_number(text, b"nonvoluntary_ctxt_switches:") for text in each),
        read_bytes=_number(transfers, b"read_bytes:"),
        written_bytes=_number(transfers, b"write_bytes:"),
    )


def _number(text: bytes, key: bytes) -> int:
    """Give the number behind a word at the beginning of a line; 0 if there is none."""
    _, _, rest = (b"\n" + text).partition(b"\n" + key)
    return int(rest.split(None, 1)[0]) if rest.strip() else 0


class PidFile(NamedTuple):
    """A pidfd of a process.

    Attributes:
        pid: whom it is for; -1: it is dead and waited for, 0: of another namespace.
        is_nonblocking: waits by it do not block.
    """

    pid: int
    is_nonblocking: bool


def pid_file(pid: int, fd: int) -> PidFile | None:
    """Tell whose pidfd an open file of a process is; None: it is another file, or none.

    Reference: pidfd_open(2); /proc/PID/fdinfo in proc(5).
    """
    fields = dict(_split_field(line) for line in (_read(f"{pid}/fdinfo/{fd}") or b"").splitlines())
    if "Pid" not in fields:
        return None
    return PidFile(int(fields["Pid"]), bool(int(fields["flags"], 8) & os.O_NONBLOCK))


def auxiliary(pid: int) -> dict[int, int]:
    """Give the auxiliary vector of a 64-bit process by its AT_ numbers; empty if it is gone.

    Reference: getauxval(3), /proc/PID/auxv in proc(5).
    """
    words = _read(f"{pid}/auxv") or b""
    return {kind: value for kind, value in struct.iter_unpack("<QQ", words[: len(words) // 16 * 16]) if kind}
