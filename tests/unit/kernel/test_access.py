from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from utrace.kernel import access
from utrace.kernel.access import CAP_SYS_PTRACE, explain_refusal
from utrace.kernel.api import Disposition, Tid
from utrace.kernel.procfs import TaskStatus

TARGET: Final = 4242
PLAIN: Final = TaskStatus(
    name="target",
    state="S",
    tgid=Tid(TARGET),
    ppid=Tid(1),
    tracer=Tid(0),
    uids=(1000, 1000, 1000),
    gids=(1000, 1000, 1000),
    permitted=0,
    capabilities=0,
    is_kernel_thread=False,
    disposition=Disposition(blocked=0, ignored=0, caught=0),
)
US: Final = PLAIN._replace(name="us", tgid=Tid(os.getpid()))
CAPABLE: Final = US._replace(uids=(0, 0, 0), gids=(0, 0, 0), capabilities=1 << CAP_SYS_PTRACE)
TRACER: Final = PLAIN._replace(name="gdb", tgid=Tid(77))


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[int, TaskStatus]:
    """Give the tasks that exist; all belong to one user, and no Yama is there."""
    known = {TARGET: PLAIN, os.getpid(): US, 77: TRACER}
    monkeypatch.setattr(access, "read_status", known.get)
    monkeypatch.setattr(access, "YAMA", str(tmp_path / "ptrace_scope"))
    monkeypatch.setattr(access, "PROC", tmp_path)
    return known


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "Z"}, "4242 (target): it is dead already; its parent 1 has not waited for it"),
        ({"is_kernel_thread": True}, "kernel thread"),
        ({"tgid": Tid(os.getpid())}, "a thread of this very process"),
        ({"tracer": Tid(77)}, "already traced by 77 (gdb); end that tracer first"),
        ({"tracer": Tid(78)}, "already traced by 78; end"),
        ({"uids": (0, 0, 0)}, "runs as uid 0 gid 1000, we as uid 1000 gid 1000"),
        ({"uids": (1000, 0, 0)}, "runs as uid 1000/0 gid 1000"),
        ({"gids": (1000, 1000, 5)}, "gid 1000/5"),
        ({"capabilities": 1}, "capabilities that we lack"),
        ({}, "nothing in /proc stands in the way"),
    ],
)
def test_explain_refusal_names_the_cause(
    tasks: dict[int, TaskStatus], change: dict[str, int], said: str
) -> None:
    tasks[TARGET] = PLAIN._replace(**change)  # type: ignore[arg-type]
    answer = explain_refusal(TARGET)
    assert said in answer
    assert "\n" not in answer


def test_explain_refusal_of_nobody(tasks: dict[int, TaskStatus]) -> None:
    del tasks[TARGET]
    assert explain_refusal(TARGET) == "no process or thread has the id 4242"


@pytest.mark.parametrize(
    ("scope", "caller", "said"),
    [
        ("1\n", US, "only descendants may be traced"),
        ("1\n", CAPABLE, "nothing in /proc stands in the way"),
        ("2\n", US, "only root (CAP_SYS_PTRACE) may attach"),
        ("3\n", CAPABLE, "until the next boot"),
        ("0\n", US, "nothing in /proc stands in the way"),
        ("strange\n", US, "nothing in /proc stands in the way"),
    ],
)
def test_explain_refusal_by_yama(
    tasks: dict[int, TaskStatus], scope: str, caller: TaskStatus, said: str
) -> None:
    Path(access.YAMA).write_text(scope)
    tasks[os.getpid()] = caller
    assert said in explain_refusal(TARGET)


def test_explain_refusal_capability_outweighs_user_and_capabilities(tasks: dict[int, TaskStatus]) -> None:
    tasks[os.getpid()] = CAPABLE
    tasks[TARGET] = PLAIN._replace(capabilities=(1 << 40) - 1)
    assert "nothing in /proc stands in the way" in explain_refusal(TARGET)


def test_explain_refusal_not_dumpable_by_the_owner_of_its_files(
    tasks: dict[int, TaskStatus], tmp_path: Path
) -> None:
    stat = tmp_path / str(TARGET) / "stat"
    stat.parent.mkdir()
    stat.touch()
    owner = stat.stat().st_uid
    for task in (TARGET, os.getpid()):
        tasks[task] = tasks[task]._replace(uids=(owner + 1,) * 3)
    assert "not dumpable" in explain_refusal(TARGET)
    for task in (TARGET, os.getpid()):
        tasks[task] = tasks[task]._replace(uids=(owner,) * 3)
    assert "not dumpable" not in explain_refusal(TARGET)


def test_explain_refusal_of_ourselves_for_real() -> None:
    assert "this very process" in explain_refusal(os.getpid())
