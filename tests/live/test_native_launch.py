"""LinuxKernel.spawn: how a program begins, and what is said if it cannot."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING

import pytest

from utrace.kernel import procfs
from utrace.kernel.api import Disposition, FactKind, ResumeRequest, Spawn

if TYPE_CHECKING:
    from collections.abc import Iterator


from tests.live.native_rig import (
    NR_EXECVE,
    Rig,
    is_kind,
    kinds,
)


@pytest.fixture
def rig(no_leaks: None) -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Give a pipe for a tracee's output; its writing end is closed by `text_of`."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError as error:
            assert error.errno == errno.EBADF  # noqa: PT017


def run_for_output(rig: Rig, pipe: tuple[int, int], *argv: str, cwd: bytes | None = None) -> str:
    tid = rig.spawn(*argv, stdout=pipe[1], cwd=cwd)
    os.close(pipe[1])
    facts = rig.until(is_kind(FactKind.DEATH), tid, ResumeRequest.CONT)
    assert facts[-1] == (tid, FactKind.DEATH, 0, None)
    with os.fdopen(os.dup(pipe[0])) as output:
        return output.read()


def test_spawn_first_call_is_the_execve_and_all_is_told_to_the_end(rig: Rig) -> None:
    tid = rig.spawn("/bin/true")
    facts = rig.until(is_kind(FactKind.NO_TRACEES), tid)
    assert facts[0][:3] == (tid, FactKind.SYSCALL_ENTRY, NR_EXECVE)
    assert facts[1] == (tid, FactKind.EXEC, tid, None)
    assert facts[2][:3] == (tid, FactKind.SYSCALL_EXIT, 0)
    assert facts[-3:] == [
        (tid, FactKind.EXIT, 0, None),
        (tid, FactKind.DEATH, 0, None),
        (0, FactKind.NO_TRACEES, 0, None),
    ]
    calls = kinds(facts[3:-4])
    assert calls[::2] == [FactKind.SYSCALL_ENTRY] * len(calls[::2])
    assert calls[1::2] == [FactKind.SYSCALL_EXIT] * len(calls[1::2])
    assert rig.kernel.spawn_error(tid) == 0


def test_spawn_program_missing_tells_errno_after_the_death(rig: Rig) -> None:
    tid = rig.spawn("/nonexistent/program")
    assert rig.kernel.spawn_error(tid) == 0
    facts = rig.until(is_kind(FactKind.DEATH), tid, ResumeRequest.CONT)
    assert facts[-1] == (tid, FactKind.DEATH, 127 << 8, None)
    assert rig.kernel.spawn_error(tid) == errno.ENOENT


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (Spawn(b"/bin/true", [b"true"], [], cwd=b"/nonexistent"), errno.ENOENT),
        (Spawn(b"/bin/true", [b"true"], [], stdio=(0, 1, 999_999)), errno.EBADF),
        (Spawn(b"/bin/true", [b"true"], [], parent_death_signal=1000), errno.EINVAL),
    ],
)
def test_spawn_set_up_fails_raises_and_leaves_nobody(rig: Rig, program: Spawn, error: int) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011
        rig.kernel.spawn(program, exit_kill=True)
    assert caught.value.errno == error
    assert rig.next()[1] == FactKind.NO_TRACEES


def test_spawn_null_in_an_argument_is_refused(rig: Rig) -> None:
    with pytest.raises(ValueError, match="null"):
        rig.kernel.spawn(Spawn(b"/bin/true", [b"a\0b"], []), exit_kill=True)


def ignored_by_our_launcher() -> int:
    """Give the signals that were ignored before Python itself ignored two."""
    mine = procfs.disposition(os.getpid())
    assert mine is not None
    return mine.ignored & ~(1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))


def test_spawn_signals_are_as_from_a_shell(rig: Rig, pipe: tuple[int, int]) -> None:
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
    status = run_for_output(rig, pipe, "/bin/cat", "/proc/self/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {name: int(fields[name], 16) for name in ("SigBlk", "SigIgn", "SigCgt")} == {
        "SigBlk": 0,
        "SigIgn": ignored_by_our_launcher(),
        "SigCgt": 0,
    }


def test_spawn_mask_is_the_one_given(no_leaks: None) -> None:
    mask = 1 << (signal.SIGUSR1 - 1)
    with Rig(mask) as rig:
        tid = rig.spawn("/bin/true")
        rig.until(is_kind(FactKind.EXEC), tid)
        assert rig.kernel.disposition(tid) == Disposition(
            blocked=mask, ignored=ignored_by_our_launcher(), caught=0
        )


def test_spawn_passes_three_descriptors_and_no_more(rig: Rig, pipe: tuple[int, int]) -> None:
    os.set_inheritable(pipe[0], True)
    # 3 is ls reading the directory.
    assert run_for_output(rig, pipe, "/bin/ls", "/proc/self/fd").split() == ["0", "1", "2", "3"]


def test_spawn_begins_in_the_directory_given(rig: Rig, pipe: tuple[int, int]) -> None:
    assert run_for_output(rig, pipe, "/bin/pwd", "-P", cwd=b"/usr") == "/usr\n"


def test_spawn_new_session_leads_it(rig: Rig) -> None:
    program = Spawn(b"/bin/true", [b"true"], [], new_session=True)
    tid = rig.kernel.spawn(program, exit_kill=True)
    rig.alive.add(tid)
    assert os.getsid(tid) == tid
    assert os.getsid(rig.spawn("/bin/true")) == os.getsid(0)


def test_spawn_killed_before_its_execve_is_a_death(rig: Rig) -> None:
    tid = rig.spawn("/bin/true")
    assert rig.kernel.kill(tid, signal.SIGKILL)
    facts = rig.until(is_kind(FactKind.DEATH), tid)
    assert facts[-1] == (tid, FactKind.DEATH, signal.SIGKILL, None)
