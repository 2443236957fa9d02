"""Completion, asked of the shells themselves."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.live.cli.oracle import DEADLINE_S, UTRACE, run
from utrace.cli.trace_options import OPTIONS

if TYPE_CHECKING:
    from pathlib import Path

_BASH = """
source <("$@" completion bash)
compopt() { :; }
COMP_POINT=${#COMP_LINE}
_utrace
printf '%s\\n' "${COMPREPLY[@]}"
"""


def _bash(line: str) -> list[str]:
    done = subprocess.run(
        ["bash", "-c", _BASH, "bash", *UTRACE],
        env={"COMP_LINE": line, "PATH": "/usr/bin:/bin", "COMP_WORDBREAKS": " \t\n\"'><=;|&(:"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not done.stderr
    return done.stdout.split()


CASES = {
    "utrace t": ["trace"],
    "utrace trace --str": ["--string-limit", "--strings-in-hex"],
    "utrace trace -f -e trac": ["trace=", "trace-fds=", "trace-fd="],
    "utrace trace -e trace=openat,close": ["openat,close", "openat,close_range"],
    "utrace trace --trace %ne": ["%network"],
    "utrace trace -e signal=USR": ["USR1", "USR2"],
    "utrace trace -e inject=clone": ["clone", "clone3"],
    "utrace trace -S max": ["max-time"],
    "utrace trace --color=n": ["never"],
    "utrace trace -k --stack-trace=so": ["source"],
    "utrace trace -X verb": ["verbose"],
    "utrace trace -o /etc/passw": ["/etc/passwd"],
    "utrace trace -f -o log ls --he": [],
    "utrace completion z": ["zsh"],
}


@pytest.mark.parametrize(("line", "words"), CASES.items(), ids=list(CASES))
def test_bash_completes(line: str, words: list[str]) -> None:
    found = _bash(line)
    # Files of that name, if there are more, and calls of the kernel's to come are no mistake.
    assert set(words) <= set(found)
    assert bool(words) == bool(found)


def test_bash_knows_every_option() -> None:
    assert set(_bash("utrace trace -")) == {name for option in OPTIONS for name in option.spelled}


@pytest.mark.requires("zsh")
def test_zsh_completes(tmp_path: Path) -> None:
    script = tmp_path / "_utrace"
    script.write_text(run(*UTRACE, "completion", "zsh").stdout)
    begin = f"PS1= ZLS=; autoload -U compinit; compinit -D -u; source {script}; stty -echo; print READ''Y\n"
    ours, theirs = os.openpty()
    with subprocess.Popen(
        ["zsh", "-fi"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={"PATH": "/usr/bin:/bin", "TERM": "dumb"},
    ) as shell:
        os.close(theirs)
        try:
            os.write(ours, begin.encode())
            _read_until(ours, "READY")
            for typed, completed in (
                ("utrace trace --string-l", "--string-limit="),
                ("utrace trace -S max", "-S max-time"),
                ("utrace doc", "utrace doctor"),
            ):
                # ^U takes back what was typed before.
                os.write(ours, f"\x15{typed}\t".encode())
                _read_until(ours, completed)
        finally:
            shell.kill()
            os.close(ours)


def _read_until(fd: int, wanted: str) -> None:
    text = ""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while wanted not in text:
            assert selector.select(DEADLINE_S), f"{wanted!r} is not in {text!r}"
            text += os.read(fd, 4096).decode(errors="replace").replace("\b", "")


@pytest.mark.requires("fish")
def test_fish_completes() -> None:
    script = run(*UTRACE, "completion", "fish").stdout

    def offered(line: str) -> set[str]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"{script}\ncomplete -C '{line}'"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return {word.partition("\t")[0] for word in done.stdout.splitlines()}

    assert "trace" in offered("utrace t")
    assert {"--string-limit", "--strings-in-hex"} <= offered("utrace trace --str")
    assert "max-time" in offered("utrace trace -S ma")
    assert offered("utrace completion z") == {"zsh"}


def test_another_shell_is_refused() -> None:
    done = run(sys.executable, "-m", "utrace", "completion", "csh")
    assert (done.returncode, done.stderr) == (1, "utrace completion: name a shell: bash, zsh, fish\n")
