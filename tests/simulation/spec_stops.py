"""Combined scenarios, lines 1 to 9: stops, verdicts about calls and signals, steps, job control."""

from __future__ import annotations

from typing import Final

from tests.simulation.spec_rows import STOP, Row, frees, row
from tests.simulation.vocabulary import ENTRY, EXIT, SIGCONT, SIGUSR1, A, Q, outsider
from utrace.core.events import Event
from utrace.core.verdicts import SignalAction, SyscallAction, Verdict, abort
from utrace.testing.scripted import (
    BEFORE_USER_MODE,
    Script,
    at_handler,
    change_call,
    control,
    finish_examine,
    kill,
    look,
    prepare_examine,
    say,
)

ONE: Final = "program main {\n  syscall sched_yield\n}\n"
HANDLES: Final = """
program main {
  handle SIGUSR1 {
    syscall gettid
  }
  kill self SIGUSR1
}
"""

ROWS_OF_STOPS: Final[tuple[Row, ...]] = (
    row(
        1,
        "stop_at_entry_beside_report",
        ONE,
        Script("A", ENTRY | EXIT, {ENTRY: [STOP]}, syscalls=("sched_yield", "getpid")),
        Script("B", ENTRY | EXIT, {ENTRY: [A.REPORT]}, syscalls=("sched_yield", "getpid")),
        by=(frees("A", change_call("getpid", "m")),),
        log="""
        m B SYSCALL_ENTRY 24
        m A SYSCALL_ENTRY 24
        m > change_call getpid on m: True
        m > control A RESUME on m: DONE
        m B SYSCALL_ENTRY 39 resumed
        m A SYSCALL_ENTRY 39 resumed
        m A SYSCALL_EXIT 39 m
        m B SYSCALL_EXIT 39 m
        m A release
        m B release
        """,
    ),
    row(
        2,
        "stop_at_entry_beside_resume",
        ONE,
        Script("A", ENTRY | EXIT, {ENTRY: [STOP]}, syscalls=("sched_yield", "getpid")),
        Script("B", ENTRY | EXIT, {ENTRY: [A.RESUME]}, syscalls=("sched_yield", "getpid")),
        by=(frees("A", change_call("getpid", "m")),),
        log="""
        m B SYSCALL_ENTRY 24
        m A SYSCALL_ENTRY 24
        m > change_call getpid on m: True
        m > control A RESUME on m: DONE
        m A SYSCALL_EXIT 24 m
        m B SYSCALL_EXIT 24 m
        m A release
        m B release
        """,
    ),
    row(
        3,
        "abort_then_run",
        ONE,
        Script("B", ENTRY, {ENTRY: [Verdict(syscall=SyscallAction.RUN)]}, syscalls=("sched_yield",)),
        Script("A", ENTRY | EXIT, {ENTRY: [abort(1)]}, syscalls=("sched_yield",)),
        log="""
        m A SYSCALL_ENTRY 24
        m B SYSCALL_ENTRY 24
        m A SYSCALL_EXIT 24 0
        m B release
        m A release
        """,
    ),
    row(
        4,
        "abort_then_quiesce",
        ONE,
        Script("B", Q, {Event.QUIESCE: [A.RESUME]}),
        Script("A", ENTRY | EXIT, {ENTRY: [abort(1)]}, syscalls=("sched_yield",)),
        log="""
        m A SYSCALL_ENTRY 24
        m B QUIESCE SYSCALL_ENTRY
        m B QUIESCE SYSCALL_EXIT
        m A SYSCALL_EXIT 24 -1
        m B QUIESCE DEATH
        m B release
        m A release
        """,
    ),
    row(
        5,
        "stop_at_exit_then_signal",
        "program main {\n  handle SIGUSR1 {\n    syscall gettid\n  }\n  syscall sched_yield\n}\n",
        Script("A", Q | EXIT | Event.SIGNAL_ALL, {EXIT: [STOP]}, syscalls=("sched_yield", "gettid")),
        by=(frees("A", kill(SIGUSR1)),),
        log="""
        m A QUIESCE SYSCALL_EXIT
        m A SYSCALL_EXIT 24 0
        m A REPORT quiesce
        m > kill 10 on m: True
        m > control A RESUME on m: DONE
        m A SIGNAL 10 DELIVER
        m A QUIESCE SYSCALL_EXIT
        m A SYSCALL_EXIT 186 m
        m A QUIESCE DEATH
        m A release
        """,
    ),
    row(
        6,
        "stop_at_handler",
        HANDLES,
        Script(
            "A",
            Q | EXIT | Event.SIGNAL_ALL,
            {Event.SIGNAL: [Verdict(STOP, signal=SignalAction.DELIVER)]},
            syscalls=("gettid",),
        ),
        by=(frees("A", at_handler(SIGUSR1, "m")),),
        log="""
        m A SIGNAL 10 DELIVER
        m A REPORT HANDLER 0
        m > at_handler 10 on m: True
        m > control A RESUME on m: DONE
        m A QUIESCE SYSCALL_EXIT
        m A SYSCALL_EXIT 186 m
        m A QUIESCE DEATH
        m A release
        """,
    ),
    row(
        7,
        "signal_held_back",
        HANDLES,
        Script(
            "A",
            EXIT | Event.SIGNAL_ALL,
            {Event.SIGNAL: [Verdict(STOP, signal=SignalAction.IGN, hold=True)]},
            syscalls=("gettid",),
        ),
        by=(frees("A"),),
        log="""
        m A SIGNAL 10 DELIVER
        m > control A RESUME on m: DONE
        m A SIGNAL 10 DELIVER
        m A SYSCALL_EXIT 186 m
        m A release
        """,
    ),
    row(
        8,
        "stop_while_a_step_is_pending",
        "program main {\n  syscall sched_yield\n  user 3\n}\n",
        Script(
            "A",
            Q | EXIT | Event.SIGNAL_ALL,
            {EXIT: [say(None, look(), control("A", A.SINGLESTEP), control("B", STOP))]},
            syscalls=("sched_yield",),
        ),
        Script("B", Q),
        by=(frees("B", look("m")),),
        log="""
        m A QUIESCE SYSCALL_EXIT
        m A SYSCALL_EXIT 24 0
        m > look: seen
        m > control A SINGLESTEP: DONE
        m > control B STOP: IN_PROGRESS
        m B QUIESCE SYSCALL_EXIT
        m A REPORT quiesce
        m B REPORT quiesce
        m > look on m: still
        m > control B RESUME on m: DONE
        m A QUIESCE DEATH
        m B QUIESCE DEATH
        m A release
        m B release
        """,
    ),
    row(
        8,
        "stop_while_a_step_is_pending_asked_again",
        "program main {\n  syscall sched_yield\n  user 3\n}\n",
        Script(
            "A",
            Q | EXIT | Event.SIGNAL_ALL,
            {
                EXIT: [say(None, look(), control("A", A.SINGLESTEP), control("B", STOP))],
                BEFORE_USER_MODE: [A.SINGLESTEP],
                Event.SIGNAL: [say(Verdict(A.RESUME, signal=SignalAction.IGN), look())],
            },
            syscalls=("sched_yield",),
        ),
        Script("B", Q),
        by=(frees("B", look("m")),),
        log="""
        m A QUIESCE SYSCALL_EXIT
        m A SYSCALL_EXIT 24 0
        m > look: seen
        m > control A SINGLESTEP: DONE
        m > control B STOP: IN_PROGRESS
        m B QUIESCE SYSCALL_EXIT
        m A REPORT quiesce
        m B REPORT quiesce
        m > look on m: still
        m > control B RESUME on m: DONE
        m A SIGNAL 5 IGN
        m > look: moved
        m B QUIESCE SIGNAL_CORE
        m A QUIESCE DEATH
        m B QUIESCE DEATH
        m A release
        m B release
        """,
    ),
    row(
        9,
        "freeze_a_group_stop",
        "program main {\n  kill self SIGSTOP\n  syscall sched_yield\n}\n",
        Script("A", Q | Event.JCTL | ENTRY, syscalls=("sched_yield",)),
        by=(
            outsider(
                "freezes",
                control("A", STOP, "m"),
                prepare_examine("A", "m"),
                look("m"),
                kill(SIGCONT),
                look("m"),
                finish_examine("A", "m"),
                control("A", A.RESUME, "m"),
                when="told",
            ),
        ),
        log="""
        m A QUIESCE JCTL
        m A JCTL 5 5
        m > control A STOP on m: DONE
        m > prepare A on m: prepared
        m > look on m: seen
        m > kill 18 on m: True
        m > look on m: still
        m > finish A on m: undisturbed
        m > control A RESUME on m: DONE
        m A QUIESCE JCTL
        m A JCTL 6 6
        m A QUIESCE SYSCALL_ENTRY
        m A SYSCALL_ENTRY 24
        m A QUIESCE DEATH
        m A release
        """,
    ),
)
