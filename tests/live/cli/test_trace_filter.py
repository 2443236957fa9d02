"""The filter that `utrace trace` puts in force unasked: who has it, and what becomes of those who have."""

from __future__ import annotations

import collections
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.live.cli.oracle import DEADLINE_S, TRACE, logged, run
from tests.tracees import build
from tests.waiting import task_state, wait_until

NOBODY = 65534


@pytest.mark.parametrize(
    ("words", "mode"),
    {"-f": 2, "-f --no-seccomp": 0, "": 0, "-f -I1": 0, "-f -u nobody": 2}.items(),
    ids=str,
)
@pytest.mark.requires("root")
def test_programs_whose_calls_are_chosen_have_a_filter(words: str, mode: int, tmp_path: Path) -> None:
    command = ("-o", tmp_path / "log", "-e", "trace=openat", "cat", "/proc/self/status")
    done = run(*TRACE, *words.split(), *command)
    assert f"\nNoNewPrivs:\t0\nSeccomp:\t{mode}\n" in done.stdout
    assert '"/proc/self/status"' in (tmp_path / "log").read_text()


@pytest.mark.requires("gcc")
@pytest.mark.parametrize("words", ["-e trace=getppid", "-e trace=!getuid", "", "--no-tap", "--where error"])
def test_calls_that_a_filter_of_the_programs_own_answers_are_seen(words: str, tmp_path: Path) -> None:
    status, lines = logged(TRACE, tmp_path / "log", *shlex.split(words), build("filters_itself"))
    assert status == 0
    seen = collections.Counter(line.outcome for line in lines if line.call == "getppid")
    assert seen["EACCES"] == 6
    assert seen["ok"] == (0 if words == "--where error" else 2)


@pytest.mark.parametrize("signals", [1, 2])
def test_who_has_a_filter_is_seen_through_unlogged_unless_a_second_signal_kills(signals: int) -> None:
    script = "echo $$; read line; cat /dev/null && echo well; exit 6"
    words = ["-f", "-e", "trace=openat", "sh", "-c", script]
    with subprocess.Popen([*TRACE, *words], stdin=-1, stdout=-1, stderr=-1, text=True) as tracer:
        assert tracer.stdin is not None
        assert tracer.stdout is not None
        assert tracer.stderr is not None
        pid = int(tracer.stdout.readline())
        tracer.terminate()
        said = tracer.stderr.readline()
        while "it is no longer logged" not in said:
            said += tracer.stderr.readline()
        if signals == 2:
            tracer.terminate()
        else:
            tracer.stdin.write("go on\n")
            tracer.stdin.flush()
        assert tracer.stdout.read() == ("" if signals == 2 else "well\n")
        rest = tracer.stderr.read()
        assert (rest.count("openat("), rest.count("exited")) == (0, 0)
        assert tracer.wait(DEADLINE_S) == -signal.SIGTERM
    wait_until(lambda: task_state(pid) in {"", "Z"}, 10, "the program's end")


@pytest.mark.requires("root")
def test_set_user_id_programs_run_the_same_with_and_without_a_filter() -> None:
    """Traced by who may not trace all they get no rights, with a note; else those they have untraced."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        program = shutil.copy(shutil.which("id") or "id", folder)
        os.chown(program, NOBODY, -1)
        Path(program).chmod(0o4755)
        poor = ("setpriv", "--bounding-set=-sys_ptrace,-sys_admin,-setuid")
        for prefix, ids in (((), {"0", str(NOBODY)}), (poor, {"0"})):
            for words in ((), ("--no-seccomp",)):
                done = run(
                    *prefix, *TRACE, "-f", *words, "-e", "trace=none", "sh", "-c", f"{program}; {program}"
                )
                assert set(re.findall(r"\be?uid=(\d+)", done.stdout)) == ids
                note = f"utrace: {program} is set-user-ID, to no effect: traced"
                assert done.stderr.count(note) == (prefix == poor)
