"""Single steps: as many traps as instructions, and one behind a call that is stepped over."""

from __future__ import annotations

import signal

import pytest

from tests.live.recorder import DEADLINE_S, Recorder, output
from tests.tracees import build
from utrace import Answer, Event, ResumeAction, Session, SignalAction, SignalReport, Syscall, Task, Verdict
from utrace.kernel.probe import examine

pytestmark = pytest.mark.requires("gcc", "x86-64")

STEP = ResumeAction.SINGLESTEP
BLOCKSTEP = ResumeAction.BLOCKSTEP
INSTRUCTIONS = 20


class Steps(Recorder):
    """Steps from one report of one call on, up to an address, and notes where it comes by."""

    def __init__(
        self, start: str, syscall: str, limit: int = INSTRUCTIONS, action: ResumeAction = STEP
    ) -> None:
        super().__init__(
            Event.QUIESCE | Event.SIGNAL_ALL | Event.SYSCALL | Event.CLONE, syscalls={syscall}, follow=False
        )
        self.start = start
        self.action = action
        self.limit = limit
        self.pcs: list[int] = []
        self.results: list[int | None] = []
        self.rax: list[int] = []

    def _from(self, place: str) -> Answer:
        return self.action if place == self.start else None

    def report_quiesce(self, task: Task, event: Event) -> Answer:
        return None

    def report_syscall_entry(self, task: Task, call: Syscall) -> Answer:
        return self._from("entry")

    def report_clone(self, task: Task, child: Task, clone_flags: int) -> Answer:
        return self._from("clone")

    def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
        self.results.append(call.result)
        return self._from("exit")

    def report_signal(self, task: Task, signal: SignalReport) -> Answer:
        if signal.signo != SIGTRAP:
            return None
        registers = task.regs
        self.pcs.append(registers.pc)
        self.rax.append(registers.as_dict()["rax"])
        go_on = len(self.pcs) < self.limit
        return Verdict(self.action if go_on else ResumeAction.RESUME, signal=SignalAction.IGN)


SIGTRAP = signal.SIGTRAP.value


def run_steps(steps: Steps, *args: str) -> tuple[int, int, int]:
    """Run the program; give where its instructions begin and end, and the result it saw."""
    with output() as (fd, reader), Session() as session:
        session.spawn([build("steps"), *args], engines=[steps], stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert session.faults == []
        first, last = map(int, reader.line(DEADLINE_S).split())
        return first, last, int(reader.line(DEADLINE_S))


@pytest.mark.law("INV-11")
def test_every_instruction_is_stepped_once() -> None:
    steps = Steps("exit", "getppid")
    first, last, _ = run_steps(steps)
    assert last - first == INSTRUCTIONS
    assert steps.pcs == list(range(first + 1, last + 1))


@pytest.mark.law("INV-25", "INV-48", "DEC-2")
@pytest.mark.parametrize("action", [STEP, BLOCKSTEP])
def test_step_from_syscall_entry_traps_once_right_behind_the_call(action: ResumeAction) -> None:
    steps = Steps("entry", "getppid", limit=1, action=action)
    first, _, result = run_steps(steps)
    assert steps.pcs == [first]
    assert steps.rax == [result]
    assert steps.results == [result]


@pytest.mark.law("INV-25", "INV-48", "DEC-2")
@pytest.mark.parametrize("action", [STEP, BLOCKSTEP])
@pytest.mark.parametrize("call", ["fork", "vfork", "clone"])
def test_step_from_a_birth_traps_once_right_behind_the_call(call: str, action: ResumeAction) -> None:
    steps = Steps("clone", call, limit=1, action=action)
    first, _, child = run_steps(steps, call)
    assert steps.pcs == [first]
    assert steps.rax == [child]
    assert steps.results == [child]


@pytest.mark.law("INV-25", "INV-48", "DEC-2")
@pytest.mark.parametrize("action", [STEP, BLOCKSTEP])
def test_step_from_exec_traps_once_before_the_first_instruction(action: ResumeAction) -> None:
    class StepsIn(Steps):
        begins = 0

        def report_exec(self, task: Task) -> Answer:
            self.begins = task.regs.pc
            return action

    steps = StepsIn("", "getppid", limit=1)
    steps.events = Event.QUIESCE | Event.SIGNAL_ALL | Event.EXEC
    run_steps(steps)
    assert steps.pcs == [steps.begins]


@pytest.mark.difference("block-step")
def test_block_step_is_single_step_where_the_machine_pretends_to_have_it() -> None:
    finding = next(finding for finding in examine() if finding.name == "block step")
    steps = Steps("exit", "getppid", limit=1, action=BLOCKSTEP)
    first, last, _ = run_steps(steps)
    if finding.works:
        assert steps.pcs[0] > last
    else:
        assert steps.pcs == [first + 1]


def test_trap_of_a_step_never_kills_by_itself() -> None:
    class StepsBlindly(Recorder):
        def report_syscall_exit(self, task: Task, call: Syscall) -> Answer:
            return STEP

    with output() as (fd, reader), Session() as session:
        blind = StepsBlindly(Event.QUIESCE | Event.SYSCALL_EXIT)
        session.spawn([build("asks")], engines=[blind], stdio=(0, fd, 2))
        assert session.run(timeout_s=DEADLINE_S) == 0
        assert reader.line(DEADLINE_S)
