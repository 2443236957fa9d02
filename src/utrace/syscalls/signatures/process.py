"""Processes, threads, ids and limits, and what programs ask of the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.layouts_tasks import KCMP_EPOLL_SLOT, USER_DESC
from utrace.syscalls.packed import CLONE_FLAGS, IO_PRIORITY, PERSONA
from utrace.syscalls.pointers import (
    RETURNED,
    Array,
    Buffer,
    EnvArray,
    InOut,
    Out,
    Path,
    Ptr,
    StringArray,
)
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.special import Capabilities
from utrace.syscalls.structs import SelfSized, Sized
from utrace.syscalls.tables import flags_decoder
from utrace.syscalls.vectors import SIGINFO, WAIT_STATUS, CloneArguments, CpuSet, IoVector, Unless

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.signature import Note, Signature

_PID = Returns.PID
_RESOURCE: Final = t.Enum("rlimit", "RLIMIT_???")
_CLONE: Final = CLONE_FLAGS
_SCHED: Final = t.Flags("sched_policy", "SCHED_???")
_CLONE_LABELS: Final = "stack=child_stack flags=flags parent_tid=parent_tid tls=tls child_tid=child_tidptr"

# Which of clone's pointers are used: CLONE_PIDFD and PARENT_SETTID, SETTLS, CHILD_CLEARTID and SETTID.
_PARENT_TID: Final = t.When("flags", 0x101000, Out(t.PID))
_TLS: Final = t.When("flags", 0x80000, t.HEX)
_CHILD_TID: Final = t.When("flags", 0x1200000, t.ADDRESS)


def _policy_note(call: DecodedCall) -> list[Note]:
    result = call.result
    return (
        [("", flags_decoder(call.abi, "sched_policy", "SCHED_???")(result.value))]
        if result is not None
        else []
    )


def _ioprio_note(call: DecodedCall) -> list[Note]:
    result = call.result
    return [("", IO_PRIORITY.bind(call.abi, ())(result.value, (), call))] if result is not None else []


def _persona_note(call: DecodedCall) -> list[Note]:
    result = call.result
    return [("", flags_decoder(call.abi, "personality_flags")(result.value))] if result is not None else []


_IOPRIO: Final = t.Enum("ioprio_who", "IOPRIO_WHO_???")
_WITHOUT_INDEX: Final = "KCMP_VM KCMP_FILES KCMP_FS KCMP_SIGHAND KCMP_IO KCMP_SYSVSEM"
_KCMP_FIRST: Final[Mapping[str, t.ArgType]] = {_WITHOUT_INDEX: t.MISSING, "KCMP_FILE KCMP_EPOLL_TFD": t.FD}
_KCMP_SECOND: Final[Mapping[str, t.ArgType]] = {
    _WITHOUT_INDEX: t.MISSING,
    "KCMP_FILE": t.FD,
    "KCMP_EPOLL_TFD": Ptr(KCMP_EPOLL_SLOT),
}
_LDT: Final[Mapping[int, t.ArgType]] = {1: Ptr(USER_DESC), 17: Ptr(USER_DESC)}

CALLS: Final[Mapping[str, Signature]] = {
    "fork": sig(_PID),
    "vfork": sig(_PID),
    "clone": sig(
        _PID,
        None,
        _CLONE_LABELS,
        flags=_CLONE,
        stack=t.ADDRESS,
        parent_tid=_PARENT_TID,
        child_tid=_CHILD_TID,
        tls=_TLS,
    ),
    "clone3": sig(_PID, cl_args=InOut(CloneArguments("size")), size=t.SIZE),
    "unshare": sig(flags=t.Flags("unshare", "CLONE_???")),
    "setns": sig(fd=t.FD, nstype=t.Flags("namespaces", "CLONE_NEW???")),
    "execve": sig(pathname=Path(), argv=StringArray(), envp=EnvArray()),
    "execveat": sig(
        dirfd=t.FD, pathname=Path(), argv=StringArray(), envp=EnvArray(), flags=t.Flags("exec_at", "AT_???")
    ),
    "exit": sig(Returns.NOTHING, status=t.INT),
    "exit_group": sig(Returns.NOTHING, status=t.INT),
    "wait4": sig(
        _PID,
        pid=t.PID,
        wstatus=Unless(Out(WAIT_STATUS), zero=RETURNED),
        options=t.Flags("wait", "W???"),
        rusage=Unless(Out(s.RUSAGE), zero=RETURNED),
    ),
    "waitid": sig(
        idtype=t.Enum("id_type", "P_???"),
        id=t.PID,
        infop=Out(SIGINFO),
        options=t.Flags("waitid", "W???"),
        rusage=Out(s.RUSAGE),
    ),
    "getpid": sig(_PID),
    "gettid": sig(_PID),
    "getppid": sig(_PID),
    "getpgrp": sig(_PID),
    "getpgid": sig(_PID, pid=t.PID),
    "setpgid": sig(pid=t.PID, pgid=t.PID),
    "getsid": sig(_PID, pid=t.PID),
    "setsid": sig(_PID),
    "set_tid_address": sig(_PID, tidptr=t.ADDRESS),
    "getuid": sig(),
    "geteuid": sig(),
    "getgid": sig(),
    "getegid": sig(),
    "setuid": sig(uid=t.ID),
    "setgid": sig(gid=t.ID),
    "setreuid": sig(ruid=t.ID, euid=t.ID),
    "setregid": sig(rgid=t.ID, egid=t.ID),
    "setresuid": sig(ruid=t.ID, euid=t.ID, suid=t.ID),
    "setresgid": sig(rgid=t.ID, egid=t.ID, sgid=t.ID),
    "getresuid": sig(ruid=Out(t.ID), euid=Out(t.ID), suid=Out(t.ID)),
    "getresgid": sig(rgid=Out(t.ID), egid=Out(t.ID), sgid=Out(t.ID)),
    "setfsuid": sig(fsuid=t.ID),
    "setfsgid": sig(fsgid=t.ID),
    "getgroups": sig(size=t.INT, list=Out(Array(t.ID, RETURNED))),
    "setgroups": sig(size=t.INT, list=Array(t.ID, "size")),
    "getrlimit": sig(resource=_RESOURCE, rlim=Out(s.RLIMIT)),
    "setrlimit": sig(resource=_RESOURCE, rlim=Ptr(s.RLIMIT)),
    "prlimit64": sig(pid=t.PID, resource=_RESOURCE, new_limit=Ptr(s.RLIMIT64), old_limit=Out(s.RLIMIT64)),
    "getrusage": sig(who=t.Enum("rusage_who", "RUSAGE_???", "i32"), usage=Out(s.RUSAGE)),
    "getpriority": sig(which=t.Enum("priority_which", "PRIO_???"), who=t.INT),
    "setpriority": sig(which=t.Enum("priority_which", "PRIO_???"), who=t.INT, prio=t.INT),
    "uname": sig(buf=Out(s.UTSNAME)),
    "sysinfo": sig(info=Out(s.SYSINFO)),
    "getrandom": sig(
        buf=Out(Buffer(RETURNED, binary=True)), buflen=t.SIZE, flags=t.Flags("getrandom", "GRND_???")
    ),
    "times": sig(buf=Out(s.TMS)),
    "sched_yield": sig(),
    "sched_getaffinity": sig(pid=t.PID, cpusetsize=t.UINT, mask=Out(CpuSet(RETURNED))),
    "sched_setaffinity": sig(pid=t.PID, cpusetsize=t.UINT, mask=CpuSet("cpusetsize")),
    "sched_getscheduler": sig(Returns.DECIMAL, _policy_note, pid=t.PID),
    "sched_setscheduler": sig(pid=t.PID, policy=_SCHED, param=Array(t.INT, 1)),
    "sched_getparam": sig(pid=t.PID, param=Out(t.INT)),
    "sched_setparam": sig(pid=t.PID, param=Ptr(t.INT)),
    "sched_get_priority_max": sig(policy=_SCHED),
    "sched_get_priority_min": sig(policy=_SCHED),
    "sched_rr_get_interval": sig(pid=t.PID, interval=Out(s.TIMESPEC)),
    "sched_setattr": sig(pid=t.PID, attr=SelfSized(s.SCHED_ATTR, 48), flags=t.UINT),
    "sched_getattr": sig(pid=t.PID, attr=Out(Sized(s.SCHED_ATTR, "size")), size=t.UINT, flags=t.UINT),
    "getcpu": sig(cpu=Out(t.UINT), node=Out(t.UINT), tcache=t.ADDRESS),
    "personality": sig(Returns.HEX, _persona_note, persona=PERSONA),
    "pidfd_open": sig(Returns.FD, pid=t.PID, flags=t.Flags("pidfd_open", "PIDFD_???")),
    "pidfd_getfd": sig(Returns.FD, pidfd=t.FD, targetfd=t.FD, flags=t.HEX32),
    "kcmp": sig(
        pid1=t.PID,
        pid2=t.PID,
        type=t.Enum("kcmp", "KCMP_???"),
        idx1=t.Choice("type", "kcmp", _KCMP_FIRST, t.HEX),
        idx2=t.Choice("type", "kcmp", _KCMP_SECOND, t.HEX),
    ),
    "ioprio_get": sig(Returns.DECIMAL, _ioprio_note, which=_IOPRIO, who=t.INT),
    "ioprio_set": sig(which=_IOPRIO, who=t.INT, ioprio=IO_PRIORITY),
    "process_mrelease": sig(pidfd=t.FD, flags=t.HEX32),
    "get_robust_list": sig(pid=t.PID, head_ptr=Out(t.POINTER), len_ptr=Out(t.SIZE)),
    "set_robust_list": sig(head=t.ADDRESS, len=t.SIZE),
    "rseq": sig(rseq=t.ADDRESS, rseq_len=t.HEX32, flags=t.Flags("rseq", "RSEQ_FLAG_???"), sig=t.HEX32),
    "modify_ldt": sig(func=t.INT, ptr=t.Choice("func", "", _LDT, t.ADDRESS), bytecount=t.ULONG),
    "iopl": sig(level=t.INT),
    "ioperm": sig(**{"from": t.HEX, "num": t.HEX, "turn_on": t.INT}),
    "acct": sig(filename=Path()),
    "process_vm_readv": sig(
        pid=t.PID,
        local_iov=Out(IoVector("liovcnt", RETURNED)),
        liovcnt=t.ULONG,
        remote_iov=Array(s.REMOTE_IOVEC, "riovcnt"),
        riovcnt=t.ULONG,
        flags=t.ULONG,
    ),
    "process_vm_writev": sig(
        pid=t.PID,
        local_iov=IoVector("liovcnt"),
        liovcnt=t.ULONG,
        remote_iov=Array(s.REMOTE_IOVEC, "riovcnt"),
        riovcnt=t.ULONG,
        flags=t.ULONG,
    ),
    "capget": sig(hdrp=Ptr(s.CAP_HEADER), datap=Out(Capabilities("hdrp"))),
    "capset": sig(hdrp=Ptr(s.CAP_HEADER), datap=Capabilities("hdrp")),
    "sethostname": sig(name=Buffer("len"), len=t.UINT),
    "setdomainname": sig(name=Buffer("len"), len=t.UINT),
}
