"""Bugs to plant: each a few lines of `core`, `tracehook` or the loop replaced.

The exploration has to find every one of them (test_planted_bugs): they test the tester.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Mutant:
    """One planted bug.

    Attributes:
        name: what goes wrong.
        module: where.
        old: source text that occurs there exactly once.
        new: what takes its place.
    """

    name: str
    module: str
    old: str
    new: str

    def apply(self, source: str) -> str:
        """Plant it.

        Raises:
            ValueError: the text to replace is not there exactly once.
        """
        found = source.count(self.old)
        if found != 1:
            raise ValueError(f"{self.name}: {found} places in {self.module} read\n{self.old}")
        return source.replace(self.old, self.new)


_CONTROL: Final = "utrace.core.control"
_REPORTING: Final = "utrace.core.reporting"
_SIGNALS: Final = "utrace.core.signals"
_TASK: Final = "utrace.core.task_life"
_HOOK: Final = "utrace.tracehook."

MUTANTS: Final = (
    # -- the bugs that the thread of 2009 and the spec discuss
    Mutant(
        "quiesce pass without takers",
        _SIGNALS,
        "elif asked is ResumeAction.REPORT:\n            yield from run_pass(task, NO_EVENT)",
        "elif asked is ResumeAction.REPORT:\n            start_pass(task, NO_EVENT)",
    ),
    Mutant(
        "DETACH missed while a step is pending",
        _CONTROL,
        "(_A.DETACH, _T.RUNNING): _done(_S.UNSTEP, _S.UNLINK, _S.ATTEND)",
        "(_A.DETACH, _T.RUNNING): _done(_S.UNLINK)",
    ),
    Mutant(
        "STOP lost while a step is pending, on the way from a call",
        _CONTROL,
        "(_A.STOP, _T.RUNNING): _in_progress(_S.WANT_STOP, _S.PEND, _S.ATTEND)",
        "(_A.STOP, _T.RUNNING): _in_progress(_S.PEND, _S.ATTEND)",
    ),
    Mutant(
        "STOP lost while a step is pending, on the way from a trap",
        _SIGNALS,
        "    asked = task.pending\n    if asked in STEPS:\n",
        "    asked = task.pending\n    if asked is not ResumeAction.RESUME:\n",
    ),
    Mutant(
        "the last DETACH missed on the way from a trap or a call",
        _HOOK + "return_to_user",
        "        go_on(tracee, begun)\n    if not task.engines:\n        leave(tracee)\n",
        "        go_on(tracee, begun)\n",
    ),
    Mutant(
        "the last DETACH missed on the way from a signal",
        _HOOK + "signals",
        "    if not task.engines:\n        leave(tracee)\n        return\n    if begun is not None",
        "    if begun is not None",
    ),
    Mutant(
        "STOP lost on the way from a signal",
        _HOOK + "signals",
        "    if task.pending in REPORTS or task.is_wanted_stopped():\n        # The handler",
        "    if task.pending in REPORTS and not tracee.signo:\n        # The handler",
    ),
    Mutant(
        "STOP is not brought about",
        _CONTROL,
        "(_A.STOP, _T.RUNNING): _in_progress(_S.WANT_STOP, _S.PEND, _S.ATTEND)",
        "(_A.STOP, _T.RUNNING): _in_progress(_S.WANT_STOP, _S.PEND)",
    ),
    Mutant(
        "STOP is not told",
        _CONTROL,
        "(_A.STOP, _T.RUNNING): _in_progress(_S.WANT_STOP, _S.PEND, _S.ATTEND)",
        "(_A.STOP, _T.RUNNING): _in_progress(_S.WANT_STOP, _S.ATTEND)",
    ),
    Mutant(
        "reset wipes what was just asked",
        _SIGNALS,
        "            yield from run_pass(task, NO_EVENT)\n"
        "            if task.resume_action is ResumeAction.REPORT",
        "            yield from run_pass(task, NO_EVENT)\n"
        "            for engine in task.engines:\n                engine.wants_stop = False\n"
        "            if task.resume_action is ResumeAction.REPORT",
    ),
    Mutant(
        "a killed task keeps its wishes to stop",
        _REPORTING,
        "            _withdraw_wishes(task)\n            return True\n",
        "            return True\n",
    ),
    Mutant(
        "a stop broken by a kill swallows what follows",
        _HOOK + "tracee_life",
        "            fact, tracee.superseded = tracee.superseded, None\n",
        "            tracee.superseded = None\n            fact = yield Pause.RUN\n",
    ),
    Mutant(
        "a killed task leaves its stop before the controller lets go",
        "utrace.core.examine",
        "    if not task.held or task.stops != examiner.stops:\n",
        "    if not task.held:\n",
    ),
    Mutant(
        "a kill that no wait has told of is not looked for",
        "utrace.tracer.loop",
        "                task.stops += 1\n",
        "                task.stops += 0\n",
    ),
    Mutant(
        "straight to death hides an exit",
        _REPORTING,
        "    if task.mask & EXIT:\n",
        "    if task.mask & EXIT and live:\n",
    ),
    Mutant(
        "a fatal exit event hides a birth",
        _HOOK + "deaths",
        "    if fact[2] & _SIGNAL_BITS:\n",
        "    if fact[2] & _SIGNAL_BITS and not fact[2]:\n",
    ),
    Mutant(
        "a status before the birth is known is dropped",
        _HOOK + "tracees",
        "        self._early[tid].append(fact)\n",
        "",
    ),
    Mutant(
        "a child begins before its engines are there",
        _HOOK + "tracees",
        "        inherit_engines(parent.task, child.task, self._follows)\n"
        "        record = self.by_tid.get(child.tid)\n",
        "        if child.tid not in self._early:\n"
        "            inherit_engines(parent.task, child.task, self._follows)\n"
        "        record = self.by_tid.get(child.tid)\n",
    ),
    Mutant(
        "set_events tells DONE beside a running callback",
        _CONTROL,
        "    if cleared and not from_callback and not dead and task.reporting is engine:\n",
        "    if cleared and not from_callback and dead and task.reporting is engine:\n",
    ),
    Mutant(
        "set_events on a stopped task waits for nothing",
        _CONTROL,
        "    if cleared and not from_callback and not dead and task.reporting is engine:\n",
        "    if cleared and not from_callback and not dead and (task.reporting is engine or task.held):\n",
    ),
    Mutant(
        "set_events does not arm a running task",
        _CONTROL,
        "    if (task.mask ^ before) & task.mask & SYSCALL and not task.held and not dead:\n",
        "    if (task.mask ^ before) & task.mask & SYSCALL and task.held and not dead:\n",
    ),
    Mutant(
        "INTERRUPT lost in a stop of utrace",
        _CONTROL,
        "(_A.INTERRUPT, _T.HELD_BY_ME): _done(_S.PEND, _S.DROP_STOP)",
        "(_A.INTERRUPT, _T.HELD_BY_ME): _done(_S.DROP_STOP)",
    ),
    Mutant(
        "INTERRUPT lost in a stop for others",
        _CONTROL,
        "(_A.INTERRUPT, _T.HELD_BY_OTHERS): _done(_S.PEND)",
        "(_A.INTERRUPT, _T.HELD_BY_OTHERS): _done()",
    ),
    Mutant(
        "INTERRUPT lost in a job control stop",
        _CONTROL,
        "(_A.INTERRUPT, _T.JOB_STOPPED): _done(_S.DROP_STOP, _S.PEND)",
        "(_A.INTERRUPT, _T.JOB_STOPPED): _done(_S.DROP_STOP)",
    ),
    Mutant(
        "second minimum dropped",
        _REPORTING,
        "            task.resume_action = strictest(task.resume_action, resume)\n",
        "",
    ),
    Mutant(
        "lost resume",
        _REPORTING,
        "    while task.is_wanted_stopped():\n",
        "    first = task.action is ResumeAction.STOP\n"
        "    while first or task.is_wanted_stopped():\n        first = False\n",
    ),
    Mutant("nobody is woken", _CONTROL, "        task.need(Need.WAKE)\n", "        task.needs.clear()\n"),
    Mutant(
        "ABORT overwritten by a quiesce answer",
        _REPORTING,
        "            _merge(task, engine, answer)\n",
        "            _merge(task, engine, answer)\n            task.syscall_action = SyscallAction.RUN\n",
    ),
    Mutant(
        "STOP ignored without QUIESCE",
        _SIGNALS,
        "        elif asked is ResumeAction.REPORT:\n",
        "        elif not task.mask & QUIESCE:\n            return False\n"
        "        elif asked is ResumeAction.REPORT:\n",
    ),
    Mutant(
        "barrier waits for somebody else's callback",
        _CONTROL,
        "    if engine.task.reporting is engine:\n        return Outcome.IN_PROGRESS\n",
        "    if engine.task.reporting is not None:\n        return Outcome.IN_PROGRESS\n",
    ),
    Mutant(
        "barrier does not wait",
        _CONTROL,
        "    if engine.task.reporting is engine:\n        return Outcome.IN_PROGRESS\n",
        "",
    ),
    Mutant(
        "a blind CONT swallows the exit event",
        "utrace.tracer.loop",
        "                        request |= PEEK_FIRST\n",
        "                        request |= 0\n",
    ),
    # -- order and merge
    Mutant("laxest wins", "utrace.core.verdicts", "_RANK[one] <= _RANK[other]", "_RANK[one] >= _RANK[other]"),
    Mutant("entry in attach order", _REPORTING, "for engine in reversed(engines):", "for engine in engines:"),
    Mutant("the last comes first", _TASK, "(*self.engines, engine)", "(engine, *self.engines)"),
    Mutant(
        "a pass consumes INTERRUPT",
        _REPORTING,
        "frozenset({ResumeAction.REPORT, ResumeAction.SINGLESTEP, ResumeAction.BLOCKSTEP})",
        "frozenset({ResumeAction.INTERRUPT, ResumeAction.REPORT, ResumeAction.SINGLESTEP})",
    ),
    Mutant(
        "the stop of an entry is not repeated",
        _REPORTING,
        "        if task.pending not in REPORTS or not task.engines:\n            return False\n"
        "        task.resumed = True",
        "        if task.pending in REPORTS or not task.engines:\n            return False\n"
        "        task.resumed = True",
    ),
    Mutant(
        "a step is lost at an event that nobody is told of",
        _HOOK + "return_to_user",
        "task.pending is ResumeAction.RESUME and not told:",
        "task.pending is ResumeAction.RESUME and tracee.over:",
    ),
    # -- detaching
    Mutant(
        "released twice",
        _TASK,
        "        self.need(Need.RELEASE, engine)\n",
        "        self.need(Need.RELEASE, engine)\n        self.need(Need.RELEASE, engine)\n",
    ),
    Mutant(
        "DETACH tells DONE in the callback",
        _CONTROL,
        "(_A.DETACH, _T.IN_CALLBACK): _in_progress(_S.UNSTEP, _S.MARK)",
        "(_A.DETACH, _T.IN_CALLBACK): _done(_S.UNSTEP, _S.UNLINK)",
    ),
    Mutant(
        "stop beats detach",
        _REPORTING,
        "        task.unlink(engine, EngineInput.CALLBACK_ENDS)\n",
        "        if answer is ResumeAction.STOP:\n            engine.wants_stop = True\n        else:\n"
        "            task.unlink(engine, EngineInput.CALLBACK_ENDS)\n",
    ),
    Mutant(
        "DETACH at death is not heeded",
        _REPORTING,
        "        case ResumeAction.DETACH:\n            task.unlink(engine, EngineInput.DETACH)\n",
        "        case ResumeAction.DETACH:\n            if not task.is_dead():\n"
        "                task.unlink(engine, EngineInput.DETACH)\n",
    ),
    Mutant(
        "the last to leave wakes nobody",
        _CONTROL,
        "            task.unlink(engine, EngineInput.DETACH)\n            wake_when_unheld(engine)\n",
        "            task.unlink(engine, EngineInput.DETACH)\n",
    ),
    # -- the tracee's side
    Mutant(
        "an interrupt used up counts as pending",
        _HOOK + "tracee_life",
        "        nudged, tracee.nudged = tracee.nudged, False\n",
        "        nudged = tracee.nudged\n",
    ),
    Mutant(
        "a stop wanted at a birth is forgotten",
        _HOOK + "return_to_user",
        "(task.pending in REPORTS or task.is_wanted_stopped()):\n        interrupt(tracee)",
        "tracee.over:\n        interrupt(tracee)",
    ),
    Mutant(
        "a stop group is let run",
        _HOOK + "group_stop",
        "    tracee.request = LISTEN_REQUEST\n    tracee.listening = True\n",
        "    tracee.request = tracee.free_run()\n    tracee.listening = True\n",
    ),
    Mutant(
        "a continued group is still stopped",
        _HOOK + "group_stop",
        '    """Report the end of a group stop, from the first thread to wake."""\n    task = tracee.task\n'
        "    task.jctl = False\n",
        '    """Report the end of a group stop, from the first thread to wake."""\n    task = tracee.task\n',
    ),
    Mutant(
        "a frozen group stop thaws",
        _HOOK + "group_stop",
        "    if (yield from stop(task)):\n        return\n    if not task.jctl:",
        "    yield from ()\n    if not task.jctl:",
    ),
    Mutant(
        "an aborted call is made",
        _HOOK + "syscalls",
        "        tracee.kernel.set_syscall(tracee.tid, _NO_CALL, None)\n",
        "",
    ),
    Mutant(
        "a report makes a call fail",
        _HOOK + "tracees",
        "            tracee.mend = not break_in\n            interrupt(tracee)",
        "            tracee.mend = False\n            interrupt(tracee)",
    ),
    Mutant(
        "mending hides a handler's interruption",
        _HOOK + "return_to_user",
        "        if tracee.kernel.get_regs(tracee.tid) == after:\n",
        "        if tracee.kernel.get_regs(tracee.tid) == before:\n",
    ),
    Mutant(
        "the handler's first instruction is not told from any other",
        _HOOK + "signals",
        "        tracee.handler_due = caught\n",
        "",
    ),
    Mutant(
        "the old leader has no end",
        _HOOK + "tracees",
        "            fed.append((leader, (tid, _DEATH, leader.exit_status or 0, None)))\n",
        "",
    ),
    Mutant(
        "who executes keeps a tid that is gone",
        _HOOK + "tracees",
        "            caller.tid = tid\n",
        "",
    ),
    Mutant(
        "a zombie leader is not looked for",
        _HOOK + "deaths",
        "        tracee.kernel.watch_zombie(tracee.tid)\n",
        "        tracee.own_child = tracee.own_child\n",
    ),
    Mutant(
        "REAP does not wait for the parent",
        _HOOK + "deaths",
        "    if not tracee.own_child and task.mask & REAP and tracee.kernel.watch_reap(tracee.tid):\n",
        "    if not tracee.own_child and not task.mask and tracee.kernel.watch_reap(tracee.tid):\n",
    ),
    Mutant(
        "a killed tracee that cannot be let go is forgotten",
        _HOOK + "tracee",
        "        self.over = self.kernel.detach(self.tid, self.signo)\n",
        "        self.over = self.kernel.detach(self.tid, self.signo) or True\n",
    ),
    Mutant(
        "an execve that a kill hid is not made up for",
        _HOOK + "tracees",
        "        if leader.task.life is TaskLife.ALIVE:\n            return [(leader, fact)]\n",
        "        if kind != _DEATH:\n            return [(leader, fact)]\n",
    ),
)
