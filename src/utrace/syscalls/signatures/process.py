"""Processes, threads, ids and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.pointers import (
    RETURNED,
    Array,
    Buffer,
    EnvArray,
    InOut,
    Out,
    Path,
    Ptr,
    String,
    StringArray,
)
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.tables import enum_names, flags_decoder
from utrace.syscalls.values import ABSENT
from utrace.syscalls.vectors import SIGINFO, WAIT_STATUS, CloneArguments, CpuSet, IoVector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.signature import Note, Signature

_PID = Returns.PID
_RESOURCE: Final = t.Enum("rlimit", "RLIMIT_???")
_CLONE: Final = t.CloneFlags()
_SCHED: Final = t.Flags("sched_policy", "SCHED_???")
_CLONE_LABELS: Final = "stack=child_stack flags=flags parent_tid=parent_tid tls=tls child_tid=child_tidptr"

# Which of clone's pointers are used: CLONE_PIDFD and PARENT_SETTID, SETTLS, CHILD_CLEARTID and SETTID.
_PARENT_TID: Final = t.When("flags", 0x101000, Out(t.PID))
_TLS: Final = t.When("flags", 0x80000, t.HEX)
_CHILD_TID: Final = t.When("flags", 0x1200000, t.ADDRESS)

_PRCTL: Final[Mapping[str, t.ArgType]] = {
    "PR_GET_DUMPABLE PR_GET_KEEPCAPS PR_GET_SECCOMP PR_GET_SECUREBITS PR_GET_TIMERSLACK PR_GET_TIMING"
    " PR_TASK_PERF_EVENTS_DISABLE PR_TASK_PERF_EVENTS_ENABLE PR_MCE_KILL_GET PR_GET_FP_MODE"
    " PR_GET_IO_FLUSHER": t.MISSING,
    "PR_GET_NO_NEW_PRIVS PR_GET_THP_DISABLE": t.HEX,
    "PR_SET_NAME": String(),
    "PR_GET_NAME": Out(String()),
    "PR_SET_PDEATHSIG": t.SIGNAL,
    "PR_GET_PDEATHSIG": Out(t.INT),
    "PR_GET_CHILD_SUBREAPER": Out(t.INT),
    "PR_SET_DUMPABLE": t.Enum("prctl_dumpable", "SUID_DUMP_???"),
    "PR_CAPBSET_READ PR_CAPBSET_DROP": t.Enum("cap", "CAP_???"),
    "PR_SET_SECCOMP": t.Enum("seccomp_mode", "SECCOMP_MODE_???"),
    "PR_SET_KEEPCAPS PR_SET_CHILD_SUBREAPER PR_SET_NO_NEW_PRIVS PR_SET_THP_DISABLE"
    " PR_SET_TIMERSLACK": t.ULONG,
    "PR_SET_VMA": t.Enum("prctl_vma", "PR_SET_VMA_???"),
}
# Options that use their second argument, or none.
_PRCTL_SHORT: Final = (
    "PR_GET_DUMPABLE PR_GET_KEEPCAPS PR_GET_SECCOMP PR_GET_SECUREBITS PR_GET_TIMERSLACK PR_GET_TIMING"
    " PR_TASK_PERF_EVENTS_DISABLE PR_TASK_PERF_EVENTS_ENABLE PR_SET_NAME PR_GET_NAME PR_SET_PDEATHSIG"
    " PR_GET_PDEATHSIG PR_GET_CHILD_SUBREAPER PR_SET_DUMPABLE PR_CAPBSET_READ PR_CAPBSET_DROP PR_SET_KEEPCAPS"
    " PR_SET_CHILD_SUBREAPER PR_SET_TIMERSLACK PR_SET_TIMING PR_SET_SECUREBITS PR_GET_TSC PR_SET_TSC"
)
_PRCTL_SECOND: Final[Mapping[str, t.ArgType]] = {_PRCTL_SHORT: t.MISSING}
_PRCTL_REST: Final[Mapping[str, t.ArgType]] = {f"{_PRCTL_SHORT} PR_SET_SECCOMP": t.MISSING}
_PRCTL_LAST: Final[Mapping[str, t.ArgType]] = {**_PRCTL_REST, "PR_SET_VMA": String()}

_ARCH_PRCTL: Final[Mapping[str, t.ArgType]] = {
    "ARCH_GET_FS ARCH_GET_GS": Out(t.HEX),
    "ARCH_GET_CPUID": t.MISSING,
}


def _prctl_note(call: DecodedCall) -> list[Note]:
    option, result = call.raw[0] & 0xFFFFFFFF, call.result
    if option != _PR_GET_DUMPABLE or result is None:
        return []
    name = enum_names(call.abi, "prctl_dumpable").get(result.value)
    return [(name, ABSENT)] if name is not None else []


def _policy_note(call: DecodedCall) -> list[Note]:
    result = call.result
    return (
        [("", flags_decoder(call.abi, "sched_policy", "SCHED_???")(result.value))]
        if result is not None
        else []
    )


def _persona_note(call: DecodedCall) -> list[Note]:
    result = call.result
    return [("", flags_decoder(call.abi, "personality_flags")(result.value))] if result is not None else []


_PR_GET_DUMPABLE: Final = 3

_PTRACE_DATA: Final[Mapping[str, t.ArgType]] = {
    "PTRACE_SEIZE PTRACE_SETOPTIONS": t.Flags("ptrace_options", "PTRACE_O_???"),
    "PTRACE_CONT PTRACE_SYSCALL PTRACE_SINGLESTEP PTRACE_DETACH PTRACE_LISTEN": t.SIGNAL,
    "PTRACE_GETEVENTMSG": Out(t.ULONG),
    "PTRACE_GETSIGINFO": Out(SIGINFO),
    "PTRACE_SETSIGINFO": Ptr(SIGINFO),
    "PTRACE_TRACEME PTRACE_INTERRUPT PTRACE_KILL PTRACE_ATTACH": t.MISSING,
}
_PTRACE_ADDR: Final[Mapping[str, t.ArgType]] = {"PTRACE_TRACEME PTRACE_INTERRUPT PTRACE_KILL": t.MISSING}

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
        dirfd=t.FD, pathname=Path(), argv=StringArray(), envp=EnvArray(), flags=t.Flags("at", "AT_???")
    ),
    "exit": sig(Returns.NOTHING, status=t.INT),
    "exit_group": sig(Returns.NOTHING, status=t.INT),
    "wait4": sig(
        _PID, pid=t.PID, wstatus=Out(WAIT_STATUS), options=t.Flags("wait", "W???"), rusage=Out(s.RUSAGE)
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
    "set_robust_list": sig(head=t.ADDRESS, len=t.SIZE),
    "get_robust_list": sig(pid=t.PID, head_ptr=Out(t.HEX), len_ptr=Out(t.ULONG)),
    "rseq": sig(rseq=t.ADDRESS, rseq_len=t.HEX32, flags=t.Flags("rseq", "RSEQ_FLAG_???"), sig=t.HEX32),
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
    "sched_setattr": sig(pid=t.PID, attr=Ptr(s.SCHED_ATTR), flags=t.UINT),
    "sched_getattr": sig(pid=t.PID, attr=Out(s.SCHED_ATTR), size=t.UINT, flags=t.UINT),
    "getcpu": sig(cpu=Out(t.UINT), node=Out(t.UINT), tcache=t.ADDRESS),
    "arch_prctl": sig(
        op=t.Enum("arch_prctl", "ARCH_???"), addr=t.Choice("op", "arch_prctl", _ARCH_PRCTL, t.HEX)
    ),
    "prctl": sig(
        Returns.DECIMAL,
        _prctl_note,
        option=t.Enum("prctl", "PR_???"),
        arg2=t.Choice("option", "prctl", _PRCTL, t.HEX),
        arg3=t.Choice("option", "prctl", _PRCTL_SECOND, t.HEX),
        arg4=t.Choice("option", "prctl", _PRCTL_REST, t.HEX),
        arg5=t.Choice("option", "prctl", _PRCTL_LAST, t.HEX),
    ),
    "personality": sig(Returns.HEX, _persona_note, persona=t.PERSONA),
    "ptrace": sig(
        request=t.Enum("ptrace", "PTRACE_???", "ulong"),
        pid=t.PID,
        addr=t.Choice("request", "ptrace", _PTRACE_ADDR, t.ADDRESS),
        data=t.Choice("request", "ptrace", _PTRACE_DATA, t.ADDRESS),
    ),
    "pidfd_open": sig(Returns.FD, pid=t.PID, flags=t.Flags("pidfd_open", "PIDFD_???")),
    "pidfd_getfd": sig(Returns.FD, pidfd=t.FD, targetfd=t.FD, flags=t.HEX32),
    "kcmp": sig(pid1=t.PID, pid2=t.PID, type=t.Enum("kcmp", "KCMP_???"), idx1=t.HEX, idx2=t.HEX),
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
    "capget": sig(hdrp=Ptr(s.CAP_HEADER), datap=Out(Array(s.CAP_DATA, 2))),
    "capset": sig(hdrp=Ptr(s.CAP_HEADER), datap=Array(s.CAP_DATA, 2)),
    "sethostname": sig(name=Buffer("len"), len=t.UINT),
    "setdomainname": sig(name=Buffer("len"), len=t.UINT),
}
