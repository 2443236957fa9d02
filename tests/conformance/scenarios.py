"""Scenarios for both kernels: a guest's text, and what the tracer does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.conformance.driving import Plan
from utrace.kernel.api import FactKind, ResumeRequest

_USUAL: Final = Plan()
_CONT: Final = Plan(request=ResumeRequest.CONT)
_STEP: Final = ResumeRequest.SINGLESTEP


@dataclass(frozen=True)
class Scenario:
    """One program and one plan.

    Attributes:
        runs: how often it is run on Linux.
        outsider: a signal that the program gets from outside at any moment; 0: none.
    """

    text: str
    plan: Plan = _USUAL
    runs: int = 5
    outsider: int = 0


SCENARIOS: Final = {
    "plain": Scenario(
        """
program main {
  syscall getuid
  syscall unlink "/nonexistent" -> -2
  user 3
  exit_group 7
}
"""
    ),
    "end": Scenario("program main {\n  syscall getuid\n}\n"),
    "fork": Scenario(
        """
program main {
  fork {
    syscall getpid
    exit 3
  }
  wait
  syscall getuid
}
"""
    ),
    "fork, continued": Scenario(
        "program main {\n  fork {\n    exit 3\n  }\n  wait\n  exit_group 1\n}\n", plan=_CONT
    ),
    "fork of a fork": Scenario(
        """
program main {
  fork {
    fork {
      exit 1
    }
    wait
    exit 2
  }
  wait
}
""",
        plan=_CONT,
    ),
    "vfork that exits": Scenario("program main {\n  vfork {\n    exit 4\n  }\n  wait\n}\n"),
    "vfork that execs": Scenario(
        """
program main {
  vfork {
    exec other
  }
  wait
}
program other {
  exit_group 5
}
"""
    ),
    "exec fails": Scenario("program main {\n  exec nothing\n  exit_group 9\n}\n"),
    "exec": Scenario(
        "program main {\n  exec other\n}\nprogram other {\n  syscall getuid\n  exit_group 6\n}\n"
    ),
    "thread": Scenario(
        """
program main {
  thread {
    syscall getuid
    exit 0
  }
  syscall getpid
  pause
}
""",
        plan=Plan(steps={("m.1", FactKind.EXIT, 1): lambda kernel, tid: kernel.kill(tid, 9)}),
    ),
    "exec by the leader with threads": Scenario(
        """
program main {
  thread {
    pause
  }
  thread {
    pause
  }
  exec other
}
program other {
  exit_group 5
}
""",
        plan=_CONT,
        runs=30,
    ),
    "exec by a thread": Scenario(
        """
program main {
  thread {
    exec other
  }
  pause
}
program other {
  syscall getpid
  exit_group 5
}
""",
        runs=30,
    ),
    "exec by a thread of four": Scenario(
        """
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
""",
        plan=_CONT,
        runs=30,
    ),
    "handler": Scenario(
        """
program main {
  handle SIGUSR1 {
    syscall getuid
  }
  kill self SIGUSR1
  syscall getpid
}
"""
    ),
    "handlers nest": Scenario(
        """
program main {
  handle SIGUSR1 {
    syscall getuid
  }
  handle SIGUSR2 {
    syscall gettid
  }
  block SIGUSR1
  block SIGUSR2
  kill self SIGUSR1
  kill self SIGUSR2
  unblock SIGUSR1
  unblock SIGUSR2
}
"""
    ),
    "signal dropped": Scenario(
        "program main {\n  kill self SIGTERM\n  exit_group 3\n}\n", plan=Plan(drop=frozenset({15}))
    ),
    "signal kills": Scenario("program main {\n  kill self SIGTERM\n  exit_group 3\n}\n"),
    "signal ignored": Scenario(
        "program main {\n  ignore SIGUSR1\n  kill self SIGUSR1\n  kill self SIGWINCH\n}\n"
    ),
    "SIGKILL of oneself": Scenario("program main {\n  kill self SIGKILL\n  exit_group 3\n}\n", plan=_CONT),
    "pause ended by a handler": Scenario(
        """
program main {
  handle SIGUSR1 {
    user 1
  }
  pause
  syscall getuid
}
""",
        plan=Plan(after={("m", FactKind.SYSCALL_ENTRY, 3): lambda kernel, tid: kernel.kill(tid, 10)}),
        runs=20,
    ),
    "read restarted by a handler": Scenario(
        """
program main {
  handle SIGUSR1 restart {
    user 1
  }
  syscall read restarts
}
""",
        plan=Plan(
            after={("m", FactKind.SYSCALL_ENTRY, 3): lambda kernel, tid: kernel.kill(tid, 10)},
            steps={("m", FactKind.SYSCALL_ENTRY, 5): lambda kernel, tid: kernel.kill(tid, 9)},
        ),
        runs=20,
    ),
    "group stop": Scenario(
        """
program main {
  kill self SIGSTOP
  exit_group 2
}
""",
        plan=Plan(after={("m", FactKind.GROUP_STOP, 1): lambda kernel, tid: kernel.kill(tid, 18)}),
    ),
    "group stop held": Scenario(
        "program main {\n  kill self SIGSTOP\n  exit_group 2\n}\n",
        plan=Plan(steps={("m", FactKind.GROUP_STOP, 1): lambda kernel, tid: kernel.kill(tid, 18)}),
    ),
    "group stop let run": Scenario(
        "program main {\n  kill self SIGSTOP\n  exit_group 2\n}\n",
        plan=Plan(requests={("m", FactKind.GROUP_STOP, 1): ResumeRequest.CONT}),
    ),
    "group stop of two threads": Scenario(
        """
program main {
  thread {
    pause
  }
  kill self SIGSTOP
  exit_group 2
}
""",
        plan=Plan(
            request=ResumeRequest.CONT,
            after={("m", FactKind.GROUP_STOP, 1): lambda kernel, tid: kernel.kill(tid, 18)},
        ),
        runs=40,
    ),
    "interrupted while listening": Scenario(
        "program main {\n  kill self SIGSTOP\n  exit_group 2\n}\n",
        plan=Plan(
            after={
                ("m", FactKind.GROUP_STOP, 1): lambda kernel, tid: kernel.interrupt(tid),
                ("m", FactKind.GROUP_STOP, 2): lambda kernel, tid: kernel.kill(tid, 18),
            }
        ),
    ),
    "SIGCONT to a running task": Scenario("program main {\n  kill self SIGCONT\n  syscall getuid\n}\n"),
    "interrupt at entry": Scenario(
        "program main {\n  syscall getuid\n  pause\n}\n",
        plan=Plan(
            steps={
                ("m", FactKind.SYSCALL_ENTRY, 3): lambda kernel, tid: kernel.interrupt(tid),
                ("m", FactKind.SYSCALL_ENTRY, 4): lambda kernel, tid: kernel.kill(tid, 9),
            }
        ),
    ),
    "interrupt at exit": Scenario(
        "program main {\n  syscall getuid\n  syscall gettid\n}\n",
        plan=Plan(steps={("m", FactKind.SYSCALL_EXIT, 1): lambda kernel, tid: kernel.interrupt(tid)}),
    ),
    "interrupt twice": Scenario(
        "program main {\n  syscall getuid\n  syscall gettid\n}\n",
        plan=Plan(
            steps={
                ("m", FactKind.SYSCALL_EXIT, 1): lambda kernel, tid: (
                    kernel.interrupt(tid),
                    kernel.interrupt(tid),
                ),
                ("m", FactKind.TRAP, 1): lambda kernel, tid: kernel.interrupt(tid),
            }
        ),
    ),
    "interrupt of pause": Scenario(
        "program main {\n  pause\n}\n",
        plan=Plan(
            after={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.interrupt(tid)},
            steps={("m", FactKind.SYSCALL_ENTRY, 3): lambda kernel, tid: kernel.kill(tid, 9)},
        ),
    ),
    "interrupt of nanosleep": Scenario(
        "program main {\n  syscall nanosleep restart_block\n}\n",
        plan=Plan(
            after={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.interrupt(tid)},
            steps={("m", FactKind.SYSCALL_ENTRY, 3): lambda kernel, tid: kernel.kill(tid, 9)},
        ),
    ),
    "interrupt of epoll_wait": Scenario(
        "program main {\n  syscall epoll_wait eintr\n  syscall getuid\n}\n",
        plan=Plan(after={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.interrupt(tid)}),
    ),
    "interrupt of epoll_wait, repaired": Scenario(
        "program main {\n  syscall epoll_wait eintr\n  syscall getuid\n}\n",
        plan=Plan(
            after={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.interrupt(tid)},
            steps={
                ("m", FactKind.TRAP, 1): lambda kernel, tid: kernel.syscall_restart(
                    tid, {0xC000003E: frozenset({232})}
                ),
                ("m", FactKind.SYSCALL_ENTRY, 3): lambda kernel, tid: kernel.kill(tid, 9),
            },
            requests={("m", FactKind.SYSCALL_ENTRY, 2): ResumeRequest.CONT},
        ),
    ),
    "interrupt at fork": Scenario(
        "program main {\n  fork {\n    exit 1\n  }\n  wait\n}\n",
        plan=Plan(
            request=ResumeRequest.CONT,
            steps={("m", FactKind.FORK, 1): lambda kernel, tid: kernel.interrupt(tid)},
        ),
    ),
    "skip a call": Scenario(
        "program main {\n  syscall getuid\n}\n",
        plan=Plan(
            steps={
                ("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: (
                    kernel.set_syscall(tid, -1, None),
                    kernel.set_result(tid, -13),
                )
            }
        ),
    ),
    "skip a call, no result": Scenario(
        "program main {\n  syscall getuid\n}\n",
        plan=Plan(
            steps={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.set_syscall(tid, -1, None)}
        ),
    ),
    "another call": Scenario(
        "program main {\n  syscall getuid\n}\n",
        plan=Plan(
            steps={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.set_syscall(tid, 39, None)}
        ),
    ),
    "another result": Scenario(
        "program main {\n  syscall getuid\n}\n",
        plan=Plan(steps={("m", FactKind.SYSCALL_EXIT, 1): lambda kernel, tid: kernel.set_result(tid, -13)}),
    ),
    "another exit code": Scenario(
        "program main {\n  exit_group 3\n}\n",
        plan=Plan(
            steps={
                ("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.set_syscall(
                    tid, 231, (5, 0, 0, 0, 0, 0)
                )
            }
        ),
    ),
    "step from entry": Scenario(
        "program main {\n  syscall getuid\n  syscall getpid\n}\n",
        plan=Plan(requests={("m", FactKind.SYSCALL_ENTRY, 2): _STEP}, drop=frozenset({5})),
    ),
    "step from exit": Scenario(
        "program main {\n  syscall getuid\n  user 2\n  syscall getpid\n}\n",
        plan=Plan(requests={("m", FactKind.SYSCALL_EXIT, 1): _STEP}, drop=frozenset({5})),
    ),
    "step from fork": Scenario(
        "program main {\n  fork {\n    exit 1\n  }\n  wait\n}\n",
        plan=Plan(requests={("m", FactKind.FORK, 1): _STEP}, drop=frozenset({5, 17})),
    ),
    "step into a handler": Scenario(
        "program main {\n  handle SIGUSR1 {\n    syscall getuid\n  }\n  kill self SIGUSR1\n}\n",
        plan=Plan(requests={("m", FactKind.SIGNAL, 1): _STEP}, drop=frozenset({5})),
    ),
    "step with an interrupt pending": Scenario(
        "program main {\n  syscall getuid\n  user 2\n}\n",
        plan=Plan(
            requests={("m", FactKind.SYSCALL_EXIT, 1): _STEP},
            steps={("m", FactKind.SYSCALL_EXIT, 1): lambda kernel, tid: kernel.interrupt(tid)},
        ),
    ),
    "SYSCALL from fork": Scenario(
        "program main {\n  fork {\n    exit 1\n  }\n  wait\n}\n",
        plan=Plan(request=ResumeRequest.CONT, requests={("m", FactKind.FORK, 1): ResumeRequest.SYSCALL}),
    ),
    "killed at entry": Scenario(
        "program main {\n  fork {\n    exit 1\n  }\n  wait\n}\n",
        plan=Plan(steps={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.kill(tid, 9)}),
        runs=30,
    ),
    "killed at fork": Scenario(
        "program main {\n  fork {\n    exit 1\n  }\n  wait\n}\n",
        plan=Plan(steps={("m", FactKind.FORK, 1): lambda kernel, tid: kernel.kill(tid, 9)}),
        runs=30,
    ),
    "killed at exit event": Scenario(
        "program main {\n  exit_group 3\n}\n",
        plan=Plan(steps={("m", FactKind.EXIT, 1): lambda kernel, tid: kernel.kill(tid, 9)}),
    ),
    "zombie leader": Scenario(
        """
program main {
  thread {
    syscall getuid
    exit 3
  }
  exit 4
}
""",
        plan=_CONT,
        runs=30,
    ),
    "zombie leader watched": Scenario(
        """
program main {
  thread {
    pause
  }
  exit 4
}
""",
        plan=Plan(
            request=ResumeRequest.CONT,
            steps={("m", FactKind.EXIT, 1): lambda kernel, tid: kernel.watch_zombie(tid)},
            on_zombie=9,
        ),
        runs=20,
    ),
    "exit_group with threads": Scenario(
        """
program main {
  thread {
    syscall getuid
    exit 0
  }
  thread {
    syscall getuid
    exit_group 6
  }
  thread {
    pause
  }
  syscall getuid
  exit_group 5
}
""",
        plan=_CONT,
        runs=150,
    ),
    "forks, killed from outside": Scenario(
        """
program main {
  loop 2 {
    fork {
      exit 1
    }
  }
  wait
}
""",
        plan=_CONT,
        runs=150,
        outsider=9,
    ),
    "threads, killed from outside": Scenario(
        """
program main {
  thread {
    exit 0
  }
  thread {
    pause
  }
  syscall getuid
  exit 3
}
""",
        plan=_CONT,
        runs=150,
        outsider=9,
    ),
    "vfork, killed from outside": Scenario(
        """
program main {
  vfork {
    exec other
  }
  wait
}
program other {
  syscall getuid
}
""",
        plan=_CONT,
        runs=100,
        outsider=9,
    ),
    "exec by a thread, killed from outside": Scenario(
        """
program main {
  thread {
    exec other
  }
  thread {
    pause
  }
  pause
}
program other {
  syscall getuid
}
""",
        plan=_CONT,
        runs=150,
        outsider=9,
    ),
    "calls, signalled from outside": Scenario(
        """
program main {
  handle SIGUSR1 {
    syscall getuid
  }
  loop 8 {
    syscall getpid
  }
}
""",
        runs=100,
        outsider=10,
    ),
    "threads, ended by a signal from outside": Scenario(
        """
program main {
  thread {
    syscall getuid
    pause
  }
  pause
}
""",
        plan=_CONT,
        runs=100,
        outsider=15,
    ),
}
