"""Combined scenarios, lines 10 to 18 without 14: births, execs, kills, coming and going."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.logs import Guaranteed, Order
from tests.simulation.spec_rows import STOP, TASKS, Row, frees, row
from tests.simulation.vocabulary import ENTRY, EXIT, LIFE, SIGKILL, A, Q, outsider, scenario
from utrace.core.events import Event
from utrace.testing.scripted import (
    Script,
    attach,
    control,
    detach,
    is_leader,
    kill,
    look,
    prepare_examine,
    say,
)

if TYPE_CHECKING:
    from utrace.testing.scenario import Outsider

ONE: Final = "program main {\n  syscall sched_yield\n}\n"
FOUR_THREADS: Final = """
program main {
  thread {
    pause
  }
  thread {
    pause
  }
  thread {
    exec other
  }
  pause
}
program other {
  exit_group 5
}
"""
FIVE_THREADS: Final = """
program main {
  thread {
    pause
  }
  thread {
    user 1
    pause
  }
  thread {
    pause
  }
  thread {
    syscall sched_yield
    pause
  }
  exit_group 5
}
"""

CYCLES: Final = 1000
BUSY: Final = "program main {\n  loop 1000000000 {\n    syscall sched_yield\n    user 1\n  }\n}\n"
COMERS_AND_GOERS: Final = (Script("A", Event.REAP), Script("B", Q | ENTRY | EXIT, attached=False))


def comes_and_goes(times: int) -> tuple[Outsider, Outsider]:
    """B comes to a busy thread and leaves it, so often; then all is over."""
    return (
        outsider("comes and goes", attach("B", "m"), detach("B", "m"), times=times),
        outsider("ends", kill(SIGKILL), when="after comes and goes"),
    )


FEW_CYCLES: Final = scenario(
    "a_few_cycles",
    BUSY.replace("1000000000", "12"),
    *COMERS_AND_GOERS,
    by=comes_and_goes(4),
    marked=True,
    hasty=True,
)
"""Line 15 again, short enough to be explored."""

ROWS_OF_LIVES: Final[tuple[Row, ...]] = (
    row(
        10,
        "child_stopped_at_birth",
        "program main {\n  fork {\n    syscall gettid\n    exit 3\n  }\n  syscall getpid\n  wait\n}\n",
        Script(
            "A",
            Event.CLONE | EXIT,
            {Event.CLONE: [say(None, attach("B", "child", stopped=True))]},
            follow=False,
            syscalls=("getpid",),
        ),
        Script("B", Q | ENTRY | LIFE, attached=False, syscalls=("gettid",)),
        by=(
            frees("B", look("m"), prepare_examine("B", "m.1"), on="m.1", when="holds B on m.1, asleep on m"),
        ),
        log="""
        m A CLONE m.1 0x11
        m A SYSCALL_EXIT 39 m
        m > look on m: TaskGone
        m A release
        m.1 > attach B on child: attached
        m.1 B REPORT quiesce
        m.1 > prepare B on m.1: prepared
        m.1 > control B RESUME on m.1: DONE
        m.1 B QUIESCE SYSCALL_ENTRY
        m.1 B SYSCALL_ENTRY 186
        m.1 B QUIESCE EXIT
        m.1 B EXIT 768
        m.1 B QUIESCE DEATH
        m.1 B DEATH True 17
        m.1 B REAP
        m.1 B release
        """,
        guaranteed=TASKS,
    ),
    row(
        11,
        "vfork_parent_stopped",
        "program main {\n  vfork {\n    exit 4\n  }\n  syscall getpid\n  wait\n}\n",
        Script("A", Event.CLONE | LIFE | EXIT, {Event.CLONE: [STOP]}, syscalls=("getpid",)),
        by=(frees("A", when="holds A, zombie on m.1"),),
        log="""
        m A CLONE m.1 0x4111
        m.1 A EXIT 1024
        m.1 A DEATH True 17
        m > control A RESUME on m: DONE
        m A SYSCALL_EXIT 39 m
        m A EXIT 0
        m A DEATH True 17
        """,
        guaranteed=Guaranteed(unsaid=frozenset({"REAP", "release"})),
    ),
    row(
        11,
        "vfork_parent_waits_after_its_stop",
        "program main {\n  vfork {\n    syscall gettid\n    exit 4\n  }\n  syscall getpid\n  wait\n}\n",
        Script("A", Event.CLONE | Event.EXIT | EXIT, {Event.CLONE: [STOP]}, syscalls=("getpid",)),
        Script("B", ENTRY, {ENTRY: [STOP]}, syscalls=("gettid",)),
        by=(
            frees("A", when="holds A on m, holds B on m.1"),
            frees("B", when="after frees A, holds B on m.1", on="m.1"),
        ),
        log="""
        m A CLONE m.1 0x4111
        m.1 B SYSCALL_ENTRY 186
        m > control A RESUME on m: DONE
        m.1 > control B RESUME on m.1: DONE
        m.1 A EXIT 1024
        m A SYSCALL_EXIT 39 m
        m A EXIT 0
        """,
        guaranteed=Guaranteed(unsaid=frozenset({"release"})),
    ),
    row(
        12,
        "exec_by_thread_three_of_four",
        FOUR_THREADS,
        Script("A", LIFE | Event.CLONE | Event.EXEC, {Event.EXEC: [say(None, is_leader())]}),
        Script("B", LIFE | Event.EXEC),
        log="""
        m A CLONE m.1 0x50f00
        m A CLONE m.2 0x50f00
        m A CLONE m.3 0x50f00
        m A EXIT 0
        m B EXIT 0
        m A DEATH False -2
        m B DEATH False -2
        m A REAP
        m B REAP
        m A release
        m B release
        m.1 A EXIT 0
        m.1 B EXIT 0
        m.1 A DEATH False -1
        m.1 B DEATH False -1
        m.1 A REAP
        m.1 B REAP
        m.1 A release
        m.1 B release
        m.2 A EXIT 0
        m.2 B EXIT 0
        m.2 A DEATH False -1
        m.2 B DEATH False -1
        m.2 A REAP
        m.2 B REAP
        m.2 A release
        m.2 B release
        m.3 A EXEC
        m.3 > is_leader: True
        m.3 B EXEC
        m.3 A EXIT 1280
        m.3 B EXIT 1280
        m.3 A DEATH True 17
        m.3 B DEATH True 17
        m.3 A REAP
        m.3 B REAP
        m.3 A release
        m.3 B release
        """,
        guaranteed=TASKS,
        runs=20,
    ),
    row(
        13,
        "killed_while_three_hold",
        ONE,
        Script(
            "A",
            Q | EXIT | LIFE,
            {
                EXIT: [STOP],
                Event.EXIT: [say(None, control("B", A.RESUME))],
                Event.DEATH: [say(None, control("A", STOP), detach("A"))],
                Event.REAP: [say(None, control("B", A.RESUME), detach("A"))],
            },
            syscalls=("sched_yield",),
        ),
        Script("B", Q | EXIT | Event.DEATH | Event.REAP, {EXIT: [STOP]}, syscalls=("sched_yield",)),
        Script("C", EXIT | Event.EXIT, {EXIT: [STOP]}, syscalls=("sched_yield",)),
        by=(outsider("kills", kill(SIGKILL), when="holds C"),),
        log="""
        m A QUIESCE SYSCALL_EXIT
        m A SYSCALL_EXIT 24 0
        m B QUIESCE SYSCALL_EXIT
        m B SYSCALL_EXIT 24 0
        m C SYSCALL_EXIT 24 0
        m A REPORT quiesce
        m B REPORT quiesce
        m > kill 9 on m: True
        m A QUIESCE EXIT
        m A EXIT 9
        m > control B RESUME: DONE
        m B QUIESCE EXIT
        m C EXIT 9
        m A QUIESCE DEATH
        m A DEATH True 17
        m > control A STOP: TaskGone
        m > control A DETACH: TooLate
        m B QUIESCE DEATH
        m B DEATH True 17
        m A REAP
        m > control B RESUME: TaskGone
        m > control A DETACH: TaskGone
        m B REAP
        m A release
        m B release
        m C release
        """,
    ),
    row(
        15,
        f"{CYCLES}_cycles",
        BUSY,
        *COMERS_AND_GOERS,
        by=comes_and_goes(CYCLES),
        log="""
        1000 x m > attach B on m: attached
        1000 x m > control B DETACH on m: *
        1 x m > kill 9 on m: True
        1 x m A REAP
        1 x m A release
        1000 x m B release
        """,
        guaranteed=Guaranteed(
            Order.NONE,
            untold=frozenset({"control B DETACH on m"}),
            unsaid=frozenset({"QUIESCE", "REPORT", "SYSCALL_ENTRY", "SYSCALL_EXIT"}),
        ),
        runs=2,
        seeds=1,
        moves_max=1_000_000,
    ),
    row(
        16,
        "killed_in_the_middle_of_a_fork",
        "program main {\n  fork {\n    exit 1\n  }\n  fork {\n    exit 2\n  }\n  wait\n  wait\n}\n",
        Script("A", Event.CLONE | Event.EXIT | Event.DEATH),
        Script("B", Event.REAP, follow=False),
        by=(outsider("kills", kill(SIGKILL)),),
        guaranteed=Guaranteed(Order.TASKS, unsaid=frozenset({"kill 9 on m"})),
        same=False,
        runs=100,
        seeds=300,
        atomic=False,
    ),
    row(
        17,
        "exit_of_five_threads",
        FIVE_THREADS,
        Script("A", LIFE | Event.CLONE),
        log="""
        m A CLONE m.1 0x50f00
        m A CLONE m.2 0x50f00
        m A CLONE m.3 0x50f00
        m A CLONE m.4 0x50f00
        m A EXIT 1280
        m A DEATH *
        m A REAP
        m A release
        m.1 A EXIT 1280
        m.1 A DEATH *
        m.1 A REAP
        m.1 A release
        m.2 A EXIT 1280
        m.2 A DEATH *
        m.2 A REAP
        m.2 A release
        m.3 A EXIT 1280
        m.3 A DEATH *
        m.3 A REAP
        m.3 A release
        m.4 A EXIT 1280
        m.4 A DEATH *
        m.4 A REAP
        m.4 A release
        """,
        guaranteed=Guaranteed(Order.TASKS, untold=frozenset({"DEATH"})),
        runs=300,
    ),
    row(
        18,
        "zombie_leader",
        "program main {\n  thread {\n    pause\n  }\n  exit 0\n}\n",
        Script("A", LIFE | Event.CLONE),
        by=(outsider("ends", kill(SIGKILL), when="zombie"),),
        log="""
        m A CLONE m.1 0x50f00
        m A EXIT 0
        m A DEATH False -2
        m > kill 9 on m: True
        m.1 A EXIT 9
        m.1 A DEATH False -1
        m.1 A REAP
        m.1 A release
        m A REAP
        m A release
        """,
    ),
)
