"""Programs of a session in which nobody traces anybody: the kernel's side lets them go on.

Rules of this file:

1. Plain is a task at whose next stop only the interposer would be asked, and would say nothing: one of a
   process of one thread, while the registry is idle.  It is lean, too, if nothing is known of its program
   that its next one must not be taken for.
2. What the interposer does at a birth, an execve or an end it does late, in the order in which they came,
   before it is asked anything else.

Reference: D12; `kernel.api.PLAIN`, `LEAN`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.core.task_life import TaskLife
from utrace.core.verdicts import ResumeAction
from utrace.kernel.api import LEAN, PLAIN
from utrace.ptrace_emu import proc_files, waiting
from utrace.tracehook.tracee import CONT_REQUEST
from utrace.tracer.engine import syscall_numbers

if TYPE_CHECKING:
    from utrace.ptrace_emu.registry import Registry
    from utrace.tracer.loop import LiveTracee, Loop
    from utrace.tracer.ops import EngineOps


def begin(registry: Registry, interposer: EngineOps, loop: Loop) -> None:
    """Let plain tasks of a session go on by themselves from now on."""
    opens = [((arch, nr), at - 1) for name, at in proc_files.NAMES.items() for arch, nr in _calls(name)]
    loop.kernel.pass_on(_calls(*waiting.CALLS), _calls("clone3"), opens)
    loop.plainness = lambda record: _plainness(registry, interposer, record)


def _plainness(registry: Registry, interposer: EngineOps, record: LiveTracee) -> int:
    if not registry.is_idle() or not _is_plain(interposer, record):
        return 0
    return PLAIN | LEAN if registry.let_run_lean(record.process.tgid) else PLAIN


def _calls(*names: str) -> list[tuple[int, int]]:
    numbers = syscall_numbers(frozenset(names)) or {}
    return [(arch, nr) for arch, some in numbers.items() for nr in some]


def _is_plain(interposer: EngineOps, record: LiveTracee) -> bool:
    task = record.task
    return (
        record.request == CONT_REQUEST
        and record.filter is not None
        and len(task.engines) == 1
        and task.engines[0].ops is interposer
        and task.engines[0].mask == interposer.events
        and len(record.process.tracees) == 1
        and task.life is TaskLife.ALIVE
        and task.pending is ResumeAction.RESUME
        and not task.jctl
        and not task.is_wanted_stopped()
        and not record.nudged
        and not record.mend
        and record.mended is None
        and not record.carried
        and not record.process.carried
    )
