"""Every request of ptrace(2), answered as the kernel answers it.

Rules of this file:

1. `REQUESTS` is the whole list.  A request that is not in it is EIO, as in the kernel.
2. What concerns the tracee's registers is asked of the kernel itself, which really holds the tracee in
   that very stop; what concerns stops, signals and resuming is answered from the link.
3. The result is what the system call returns: 0 or more, or a negative errno.  PTRACE_PEEK… at this
   level stores the word where `data` points.

Reference: ptrace(2); Linux 6.18 kernel/ptrace.c:ptrace_request(), arch/x86/kernel/ptrace.c:arch_ptrace().
"""

from __future__ import annotations

import errno
import logging
import os
from typing import TYPE_CHECKING, Final

from utrace.core.verdicts import ResumeAction
from utrace.engines.ptrace_stops import Option, PtraceEvent, code_of
from utrace.errors import UtraceError
from utrace.kernel import procfs
from utrace.ptrace_emu import access, contents, i386
from utrace.ptrace_emu.contents import SIGINFO_BYTES, WORD
from utrace.ptrace_emu.request import Request
from utrace.ptrace_emu.turns import take_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from utrace.engines.ptrace import PtraceEngine
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import Loop
    from utrace.tracer.syscall import Syscall
    from utrace.tracer.task import Task

logger = logging.getLogger("utrace")

_NSIG: Final = 64
_OPTIONS: Final = int(
    Option.TRACESYSGOOD
    | Option.TRACEFORK
    | Option.TRACEVFORK
    | Option.TRACECLONE
    | Option.TRACEEXEC
    | Option.TRACEVFORKDONE
    | Option.TRACEEXIT
    | Option.TRACESECCOMP
    | Option.EXITKILL
)
_SIGKILL: Final = 9
_ARCH_PRCTL: Final = 30
_DISPATCH_CONFIG: Final = 32
"""Bytes of struct ptrace_sud_config."""
_WORD_MASK: Final = (1 << 64) - 1
_INT_MASK: Final = (1 << 32) - 1

TRACEME: Final = 0
ATTACH: Final = 16
SEIZE: Final = 0x4206
SYSCALL: Final = 24
OF_DEBUGGERS: Final = frozenset({4, 5, ATTACH})
"""POKETEXT, POKEDATA and ATTACH: who makes them may plant breakpoints."""
KILL: Final = 8
INTERRUPT: Final = 0x4207
TOO_EARLY: Final = -513
"""The stop has been told, but is not reached yet: the call is to be made again (INV-47)."""
_FREE_OF_STOPS: Final = frozenset({KILL, INTERRUPT})


def answer(registry: Registry, loop: Loop, tracer: Task, call: Syscall) -> int | None:
    """Answer one ptrace call; None: it concerns a task outside of the session: let the kernel."""
    number, pid, addr, data = call.raw[:4]
    number, pid = number & _WORD_MASK, pid & _INT_MASK
    if number == TRACEME:
        return _traceme(registry, tracer)
    tracee = loop.tracees.by_tid.get(pid)
    if tracee is None or tracee.task.is_dead():
        return _refuse_ancestors(tracer, pid) if number in {ATTACH, SEIZE} else None
    task = tracee.handle
    if number in {ATTACH, SEIZE}:
        return _attach(registry, tracer, task, number, addr, data)
    link = registry.find(tracer.pid, task)
    if link is None or link.tracer_tid != tracer.tid:
        return -errno.ESRCH
    return _not_now(link, number) or _handle(
        Request(registry, loop, link, tracer, number, addr, data, call.arch == i386.AUDIT)
    )


def _not_now(link: PtraceEngine, number: int) -> int:
    """Tell what a request gets that the tracee stands in no stop for; 0: it does."""
    task = link.tracee
    if number in _FREE_OF_STOPS or (link.stop is not None and not link.stop.is_early and task.is_held):
        return 0
    return -errno.ESRCH if link.stop is None or link.stop.is_early or task.is_exiting else TOO_EARLY


def _handle(request: Request) -> int:
    handler = (REQUESTS_OF_I386 if request.is_i386 else REQUESTS).get(request.number)
    if handler is None:
        return -errno.EIO
    try:
        return handler(request)
    except UtraceError:
        # Killed meanwhile (ptrace(2), "Death under ptrace").
        return -errno.ESRCH


def _traceme(registry: Registry, tracee: Task) -> int:
    parent = registry.parents.get(tracee.id.generation)
    if parent is None or not parent.is_alive:
        # A parent outside of the session does not trace: all that comes of it is that it was asked for.
        asked = tracee.id.generation in registry.traced_from_outside
        registry.traced_from_outside.add(tracee.id.generation)
        return -errno.EPERM if asked else 0
    if registry.find(parent.pid, tracee) is not None:
        return -errno.EPERM
    if not access.tracing_by_parent_is_allowed(parent.tid, tracee.tid):
        return -errno.EPERM
    registry.link(parent, tracee, seized=False, options=0)
    return 0


def _attach(registry: Registry, tracer: Task, tracee: Task, number: int, addr: int, data: int) -> int:
    seized = number == SEIZE
    if seized and (addr or data & ~(_OPTIONS | Option.SUSPEND_SECCOMP)):
        return -errno.EIO
    if seized and data & ~_OPTIONS:
        return -errno.EINVAL
    if tracee.pid == tracer.pid or tracee.is_exiting or registry.find(tracer.pid, tracee) is not None:
        return -errno.EPERM
    if registry.would_be_cycle(tracer.pid, tracee):
        _explain(tracer, tracee.pid, "it traces that one, and each would wait for the other for ever")
        return -errno.EPERM
    if not access.attach_is_allowed(tracer.tid, tracee.tid, registry.chosen_tracers):
        return -errno.EPERM
    link = registry.link(tracer, tracee, seized=seized, options=data if seized else 0)
    if not seized:
        # A stop of this tracer's own: a real SIGSTOP would be seen by the others too.
        link.stop_at_attach()
    elif link.engine.task.jctl:
        link.stop_with_group()
    return 0


def _refuse_ancestors(tracer: Task, pid: int) -> int | None:
    """Refuse to let utrace itself be traced from inside, or who waits for it; None: the kernel decides."""
    family = procfs.parentage(pid)
    ancestor = os.getpid()
    while family is not None and ancestor > 1:
        if family[0] == ancestor:
            _explain(tracer, ancestor, "the session that serves that one depends on it")
            return -errno.EPERM
        above = procfs.parentage(ancestor)
        ancestor = 0 if above is None else int(above[1])
    return None


def _explain(tracer: Task, pid: int, why: str) -> None:
    """Tell on the session's standard error why a request is refused that the kernel might have granted."""
    logger.warning(
        "%s (%d) may not trace %s (%d): %s", tracer.name, tracer.tid, procfs.comm(pid) or "?", pid, why
    )


# -- stops and signals -----------------------------------------------------------------------------------


def _set_options(request: Request) -> int:
    if request.data & ~_OPTIONS:
        return -errno.EINVAL
    request.link.options = Option(request.data)
    return 0


def _get_message(request: Request) -> int:
    return request.give(request.link.message.to_bytes(WORD, "little")[: request.word])


def _get_siginfo(request: Request) -> int:
    stop = request.link.stop
    if stop is None or stop.siginfo is None:
        return -errno.EINVAL
    return request.give(i386.narrow_siginfo(stop.siginfo) if request.is_i386 else stop.siginfo)


def _set_siginfo(request: Request) -> int:
    stop = request.link.stop
    if stop is None or stop.siginfo is None:
        return -errno.EINVAL
    siginfo = request.take(SIGINFO_BYTES)
    if siginfo is None:
        return -errno.EFAULT
    request.link.set_siginfo(i386.widen_siginfo(siginfo) if request.is_i386 else siginfo)
    return 0


def _resume(
    *, syscalls: bool = False, sysemu: bool = False, step: ResumeAction = ResumeAction.RESUME
) -> Callable[[Request], int]:
    def resume(request: Request) -> int:
        if request.data > _NSIG:
            return -errno.EIO
        request.link.resume(syscalls=syscalls, sysemu=sysemu, step=step, signo=request.data)
        if step is not ResumeAction.RESUME:
            take_turn(request.registry, request.link)
        return 0

    return resume


def _listen(request: Request) -> int:
    stop = request.link.stop
    # The kernel goes by the siginfo, which may have been set.
    code = 0 if stop is None or stop.siginfo is None else code_of(stop.siginfo)
    if not request.link.seized or code >> 8 != PtraceEvent.STOP:
        return -errno.EIO
    request.link.listen()
    return 0


def _interrupt(request: Request) -> int:
    if not request.link.seized:
        return -errno.EIO
    request.link.interrupt()
    return 0


def _kill(request: Request) -> int:
    request.loop.kernel.kill(request.link.tracee.tid, _SIGKILL)
    return 0


def _detach(request: Request) -> int:
    if request.data > _NSIG:
        return -errno.EIO
    request.link.detach(request.data)
    return 0


#: Total over the requests of Linux 6.18 on x86-64, but for TRACEME, ATTACH and SEIZE, which make the link.
REQUESTS: Final[Mapping[int, Callable[[Request], int]]] = {
    1: contents.peek,
    2: contents.peek,
    3: contents.peek_user,
    4: contents.poke,
    5: contents.poke,
    6: contents.poke_user,
    7: _resume(),
    KILL: _kill,
    9: _resume(step=ResumeAction.SINGLESTEP),
    12: contents.get(27 * WORD, 17 * i386.WORD),  # GETREGS
    13: contents.put(27 * WORD, 17 * i386.WORD),
    14: contents.get(512, 108),  # GETFPREGS
    15: contents.put(512, 108),
    17: _detach,
    SYSCALL: _resume(syscalls=True),
    25: contents.get(16),  # GET_THREAD_AREA
    26: contents.put(16),
    _ARCH_PRCTL: contents.arch_prctl,
    31: _resume(syscalls=True, sysemu=True),
    32: _resume(syscalls=True, sysemu=True, step=ResumeAction.SINGLESTEP),
    33: _resume(step=ResumeAction.BLOCKSTEP),
    21: _set_options,  # OLDSETOPTIONS
    0x4200: _set_options,
    0x4201: _get_message,
    0x4202: _get_siginfo,
    0x4203: _set_siginfo,
    0x4204: contents.get_regset,
    0x4205: contents.set_regset,
    INTERRUPT: _interrupt,
    0x4208: _listen,
    0x4209: contents.peek_siginfo,
    0x420A: contents.get(WORD),  # GETSIGMASK
    0x420B: contents.put(WORD),
    0x420C: contents.get_filter,
    0x420D: contents.get_filter_metadata,  # SECCOMP_GET_METADATA
    0x420E: contents.get_syscall_info,  # GET_SYSCALL_INFO
    0x420F: contents.get_sized,  # GET_RSEQ_CONFIGURATION
    0x4210: contents.set_sized(_DISPATCH_CONFIG, _DISPATCH_CONFIG),  # SET_SYSCALL_USER_DISPATCH_CONFIG
    0x4211: contents.get(_DISPATCH_CONFIG),
    0x4212: contents.set_sized(contents.INFO_SIZE, 1 << 32),  # SET_SYSCALL_INFO
}

#: An i386 tracer has two requests more, and one less: ARCH_PRCTL.
REQUESTS_OF_I386: Final[Mapping[int, Callable[[Request], int]]] = {
    **{number: handler for number, handler in REQUESTS.items() if number != _ARCH_PRCTL},
    18: contents.get(512),  # GETFPXREGS
    19: contents.put(512),
}
