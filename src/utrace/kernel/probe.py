"""What works here, found out by trying it on children made for it.

`examine` finds what can be done here; `probe_stops`, whether ptrace does as utrace expects.

Reference: ptrace(2), seccomp(2), pidfd_open(2), process_vm_readv(2).
"""

from __future__ import annotations

import ctypes
import os
import select
import subprocess
from typing import TYPE_CHECKING, Final

from utrace.kernel.access import explain_refusal
from utrace.kernel.api import FactKind, ResumeRequest, SeizeOutcome
from utrace.kernel.caps import SECCOMP_MODES, Caps, read_caps
from utrace.kernel.probe_program import COMPAT, EXIT_STATUS, NATIVE, ProbeProgram
from utrace.kernel.probe_trial import DoesNotWork, Finding, Trial, make_trial

if TYPE_CHECKING:
    from utrace.kernel.probe_trial import Attempt

_GET_SYSCALL_INFO: Final = 0x420E
_SET_SYSCALL_INFO: Final = 0x4212
_INFO_BYTES: Final = 88
_DEBUG_CONTROL: Final = 7
_FIRST_ENABLED: Final = 1
_YAMA_MEANINGS: Final = {
    0: "0: any process of the same user may be attached to",
    1: "1: only descendants may be attached to",
    2: "2: only root (CAP_SYS_PTRACE) may attach",
    3: "3: nothing may be attached to until the next boot",
}


# -- trials -----------------------------------------------------------------------------------------


def _launch(trial: Trial, program: ProbeProgram) -> str:
    trial.begin(program)
    fact = trial.until(FactKind.DEATH, ResumeRequest.CONT)
    if os.waitstatus_to_exitcode(fact[2]) != EXIT_STATUS:
        message = f"the child ended with wait status {fact[2]:#x}"
        raise DoesNotWork(message)
    return "a child was launched, traced and reaped"


def _attach(trial: Trial, _program: ProbeProgram) -> str:
    command = ["/bin/sh", "-c", "echo ready && read line"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:  # noqa: S603 — fixed
        # Popen returns when the descriptors of the old program are closed, which is before EVENT_EXEC.
        if child.stdout is not None:
            child.stdout.readline()
        try:
            return _attach_to(trial, child.pid)
        except DoesNotWork:
            child.kill()
            raise


def _attach_to(trial: Trial, pid: int) -> str:
    match trial.kernel.seize(pid, exit_kill=False):
        case SeizeOutcome.SEIZED:
            pass
        case SeizeOutcome.REFUSED:
            raise DoesNotWork(explain_refusal(pid))
        case outcome:
            message = f"the child could not be seized: {outcome.name.lower()}"
            raise DoesNotWork(message)
    trial.kernel.interrupt(pid)
    kind = trial.kernel.next_fact(0, 0, 0)[1]
    if kind != FactKind.TRAP:
        message = f"an interrupt was answered by {FactKind(kind).name}"
        raise DoesNotWork(message)
    trial.kernel.detach(pid, 0)
    return "a running child was seized, interrupted and let go"


def _syscall_info(trial: Trial, program: ProbeProgram) -> str:
    trial.begin(program)
    trial.until(FactKind.SYSCALL_ENTRY)
    _ptrace(_GET_SYSCALL_INFO, trial.tid, ctypes.create_string_buffer(_INFO_BYTES))
    return "calls are told by the kernel, with the convention they are made by"


def _set_syscall_info(trial: Trial, program: ProbeProgram) -> str:
    trial.begin(program)
    trial.until(FactKind.SYSCALL_ENTRY)
    info = ctypes.create_string_buffer(_INFO_BYTES)
    _ptrace(_GET_SYSCALL_INFO, trial.tid, info)
    try:
        _ptrace(_SET_SYSCALL_INFO, trial.tid, info)
    except OSError as error:
        message = f"{os.strerror(error.errno or 0)} (Linux 6.16 has it); calls are changed through registers"
        raise DoesNotWork(message) from error
    return "calls can be changed whatever convention they are made by"


def _change_call(trial: Trial, program: ProbeProgram) -> str:
    trial.begin(program)
    trial.until(FactKind.SYSCALL_ENTRY)
    trial.kernel.set_syscall(trial.tid, -1, None)
    trial.until(FactKind.SYSCALL_EXIT)
    trial.kernel.set_result(trial.tid, 7)
    data = trial.kernel.get_regs(trial.tid)
    if data is None:
        message = "the child was lost"
        raise DoesNotWork(message)
    return "a call was skipped and its result set"


def _single_step(trial: Trial, program: ProbeProgram) -> str:
    start = trial.begin(program)
    trial.until(FactKind.SIGNAL, ResumeRequest.SINGLESTEP)
    length = trial.pc() - start
    if length != program.step:
        message = f"a step went {length} bytes instead of {program.step}"
        raise DoesNotWork(message)
    return "one instruction at a time"


def _block_step(trial: Trial, program: ProbeProgram) -> str:
    start = trial.begin(program)
    try:
        fact = trial.next(ResumeRequest.SINGLEBLOCK)
    except OSError as error:
        message = f"{os.strerror(error.errno or 0)}: BLOCKSTEP is refused"
        raise DoesNotWork(message) from error
    length = trial.pc() - start if fact[1] == FactKind.SIGNAL else -1
    if length == program.step:
        message = "the kernel accepts it, but the processor stops after each instruction (a virtual machine)"
        raise DoesNotWork(message)
    if length != program.jump_target:
        message = "a branch taken did not stop the child"
        raise DoesNotWork(message)
    return "stops at the next branch taken"


def _hardware_breakpoint(trial: Trial, program: ProbeProgram) -> str:
    start = trial.begin(program)
    target = start + program.jump_target
    for index, value in ((0, target), (_DEBUG_CONTROL, _FIRST_ENABLED)):
        if not trial.kernel.set_debug_register(trial.tid, index, value):
            message = "the child was lost"
            raise DoesNotWork(message)
    if trial.next(ResumeRequest.CONT)[1] != FactKind.SIGNAL or trial.pc() != target:
        message = "the debug registers can be written, but nothing stops there (a virtual machine)"
        raise DoesNotWork(message)
    return "a debug register was set, and stopped the child"


def _reap_notice(trial: Trial, program: ProbeProgram) -> str:
    trial.begin(program)
    fd = os.pidfd_open(trial.tid)
    try:
        trial.until(FactKind.DEATH, ResumeRequest.CONT)
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        events = dict(poll.poll(0)).get(fd, 0)
    finally:
        os.close(fd)
    if not events & select.POLLHUP:
        message = "a pidfd does not tell; REAP of attached processes is found by looking again"
        raise DoesNotWork(message)
    return "a pidfd tells when the parent has waited"


def _remote_memory(trial: Trial, program: ProbeProgram) -> str:
    start = trial.begin(program)
    length = len(program.code)
    buffer = ctypes.create_string_buffer(length)
    local = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), length)
    remote = (ctypes.c_void_p * 2)(start, length)
    read = ctypes.CDLL(None, use_errno=True).process_vm_readv
    got = int(read(trial.tid, local, ctypes.c_ulong(1), remote, ctypes.c_ulong(1), ctypes.c_ulong(0)))
    if got < 0:
        message = f"{os.strerror(ctypes.get_errno())}; memory is read through /proc/PID/mem"
        raise DoesNotWork(message)
    if buffer.raw != program.code:
        message = "it read something else than what is there"
        raise DoesNotWork(message)
    return "memory is read by one system call"


def _tap(trial: Trial, _program: ProbeProgram) -> str:
    if os.uname().machine != "x86_64" or not trial.kernel.tap(trial.kernel.add_sink(1, 1, False), {}):  # noqa: FBT003
        message = (
            "it takes CAP_BPF and CAP_PERFMON, x86-64, and a kernel with BTF; calls are recorded by stops"
        )
        raise DoesNotWork(message)
    return "calls can be recorded without a stop"


def _compat(trial: Trial, _program: ProbeProgram) -> str:
    program = COMPAT.get(os.uname().machine)
    if program is None:
        message = "not tried on this architecture"
        raise DoesNotWork(message)
    return _launch(trial, program).replace("a child", "a child of 32 bits")


def _ptrace(request: int, tid: int, data: ctypes.Array[ctypes.c_char]) -> None:
    function = ctypes.CDLL(None, use_errno=True).ptrace
    function.restype = ctypes.c_long
    if function(ctypes.c_long(request), ctypes.c_long(tid), ctypes.c_void_p(len(data)), data) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


_TRIALS: Final[tuple[tuple[str, Attempt, bool], ...]] = (
    ("launch and trace a program", _launch, True),
    ("attach to a process", _attach, False),
    ("PTRACE_GET_SYSCALL_INFO", _syscall_info, True),
    ("PTRACE_SET_SYSCALL_INFO", _set_syscall_info, False),
    ("change a system call", _change_call, False),
    ("process_vm_readv", _remote_memory, False),
    ("eBPF at system calls", _tap, False),
    ("pidfd tells of reaping", _reap_notice, False),
    ("single step", _single_step, False),
    ("block step", _block_step, False),
    ("hardware breakpoint", _hardware_breakpoint, False),
    ("32-bit programs", _compat, False),
)


# -- all of it --------------------------------------------------------------------------------------


def examine() -> list[Finding]:
    """Try everything, and read what can only be read."""
    caps = read_caps()
    program = NATIVE.get(caps.machine)
    tried = [
        make_trial(name, trial, program, vital=vital)
        if program is not None
        else Finding(name, works=False, why=f"utrace does not know {caps.machine}", vital=vital)
        for name, trial, vital in _TRIALS
    ]
    return [*tried, *_readings(caps)]


def _readings(caps: Caps) -> list[Finding]:
    return [_yama(caps), _capability(caps), _own_seccomp(caps), _seccomp_trace(caps)]


def _yama(caps: Caps) -> Finding:
    if caps.yama is None:
        return Finding("Yama", None, "not in this kernel: any process of the same user may be attached to")
    meaning = _YAMA_MEANINGS.get(caps.yama, str(caps.yama))
    free = caps.yama == 0 or (caps.yama < max(_YAMA_MEANINGS) and caps.may_trace_anything)
    return Finding("Yama", free, meaning + (" (we are allowed all the same)" if free and caps.yama else ""))


def _capability(caps: Caps) -> Finding:
    if caps.may_trace_anything:
        why = f"processes of all users (CapEff {caps.capabilities:#x})"
        return Finding("CAP_SYS_PTRACE", works=True, why=why)
    why = f"only processes of our own user (CapEff {caps.capabilities:#x})"
    return Finding("CAP_SYS_PTRACE", works=False, why=why)


def _own_seccomp(caps: Caps) -> Finding:
    mode = SECCOMP_MODES.get(caps.seccomp, str(caps.seccomp))
    why = "a filter: what it forbids cannot be tried" if mode == "filter" else mode
    return Finding("seccomp on ourselves", None, why)


def _seccomp_trace(caps: Caps) -> Finding:
    if "trace" in caps.seccomp_actions:
        return Finding("seccomp RET_TRACE", works=True, why="filters can single out calls")
    return Finding("seccomp RET_TRACE", works=False, why="the kernel does not offer it: every call stops")
