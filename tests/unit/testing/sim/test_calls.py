from __future__ import annotations

import pytest

from tests.conformance.driving import Plan
from tests.unit.testing.observing import main, observe
from utrace.kernel.api import FactKind


@pytest.mark.parametrize(
    ("step", "number", "result"),
    [
        ("syscall getpid", 39, "m"),
        ("syscall gettid", 186, "m"),
        ("syscall getppid", 110, "50"),
        ("syscall getuid", 102, "0"),
        ("syscall unlink -> -13", 87, "-13"),
        ("syscall 400", 400, "0"),
        ("kill child1 SIGTERM", 62, "-3"),
        ("kill self 0", 62, "0"),
        ("tgkill thread1 SIGTERM", 234, "-3"),
        ("wait", 61, "-10"),
        ("handle SIGUSR1 {\n}", 13, "0"),
        ("block SIGUSR1", 14, "0"),
    ],
)
def test_step_makes_its_call(step: str, number: int, result: str) -> None:
    assert observe(main(step))["m"][2:4] == (f"SYSCALL_ENTRY {number}", f"SYSCALL_EXIT {result}")


@pytest.mark.parametrize(
    ("number", "result"), [(39, "m"), (400, "-38"), (-1, "-38")], ids=["known", "unknown", "none"]
)
def test_call_in_the_place_of_another(number: int, result: str) -> None:
    plan = Plan(
        steps={("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.set_syscall(tid, number, None)}
    )
    assert observe(main("syscall unlink -> 5"), plan)["m"][3] == f"SYSCALL_EXIT {result}"


def test_changed_arguments_count() -> None:
    plan = Plan(
        steps={
            ("m", FactKind.SYSCALL_ENTRY, 2): lambda kernel, tid: kernel.set_syscall(tid, 62, (tid, 0, 0)),
            ("m", FactKind.SYSCALL_ENTRY, 3): lambda kernel, tid: kernel.set_syscall(tid, 231, (9,)),
        }
    )
    assert observe(main("kill self SIGTERM", "exit_group 1"), plan)["m"][2:] == (
        "SYSCALL_ENTRY 62",
        "SYSCALL_EXIT 0",
        "SYSCALL_ENTRY 231",
        "EXIT 2304",
        "DEATH 2304",
    )


def test_targets_by_birth() -> None:
    facts = observe(main("thread {", "pause", "}", "tgkill thread1 SIGTERM", "pause"))
    assert "SIGNAL 15 code -6" in facts["m.1"]
    facts = observe(main("fork {", "pause", "}", "kill child1 SIGTERM", "wait"))
    assert "SIGNAL 15 code 0" in facts["m.1"]
    facts = observe(main("thread {", "tgkill leader SIGTERM", "pause", "}", "pause"))
    assert "SIGNAL 15 code -6" in facts["m"]
