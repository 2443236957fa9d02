"""Evaluate macros and enumerators of the kernel's user-space headers with the C compiler."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The kernel's headers include a few of the C library's.
_STAND_INS: Path = Path(__file__).parent / "headers"


@dataclass(frozen=True)
class Headers:
    """How to compile against one architecture's headers."""

    flags: tuple[str, ...]

    @classmethod
    def of(cls, arch: str, root: Path) -> Headers:
        """Choose the include folders and the word size.

        `root` holds the kernel's user-space headers, one folder for what all architectures share, one
        for each that has its own.
        """
        own = {"x86_64": "x86-linux-any", "i386": "x86-linux-any", "aarch64": "aarch64-linux-any"}[arch]
        # The host's compiler will do for aarch64: only types of the same size are involved.
        word = "-m32" if arch == "i386" else "-m64"
        folders = [f"-I{root}/{own}", f"-I{root}/any-linux-any", f"-I{_STAND_INS}"]
        return cls((word, "-nostdinc", *folders))

    def run(self, source: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Compile `source` from standard input to standard output."""
        command = ["gcc", *options, *self.flags, "-w", "-x", "c", "-", "-o", "-"]
        return subprocess.run(command, input=source, capture_output=True, text=True, check=False)


def _includes(files: Sequence[str]) -> str:
    # The UAPI headers use a few names of the C library.
    prelude = "typedef unsigned long size_t;\n"
    return prelude + "".join(f"#include <{file}>\n" for file in files)


def macros(headers: Headers, files: Sequence[str], pattern: str) -> dict[str, int]:
    """Evaluate every object-like macro and enumerator of `files` whose whole name matches `pattern`."""
    source = _includes(files)
    dumped = headers.run(source, "-E", "-dM")
    if dumped.returncode != 0:
        message = f"{files}: {dumped.stderr}"
        raise RuntimeError(message)
    names = dict.fromkeys(re.findall(r"^#define (\w+) .+$", dumped.stdout, flags=re.MULTILINE))
    for body in re.findall(
        r"\benum\b[^{;()]*\{(.*?)\}", headers.run(source, "-E", "-P").stdout, flags=re.DOTALL
    ):
        names |= dict.fromkeys(re.findall(r"(?:^|,)\s*(\w+)", body))
    return evaluate(headers, files, [name for name in names if re.fullmatch(pattern, name)])


def evaluate(headers: Headers, files: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """Evaluate C constants; names that are none (or not defined here) are left out."""
    wanted = list(names)
    while wanted:
        lines = [f"const long long v{i} = (long long)({name});" for i, name in enumerate(wanted)]
        prelude = _includes(files)
        first = prelude.count("\n") + 1
        done = headers.run(
            prelude + "\n".join(lines) + "\n", "-S", "-fmax-errors=0", "-ftrack-macro-expansion=0"
        )
        if done.returncode == 0:
            return dict(zip(wanted, _values(done.stdout, len(wanted)), strict=True))
        bad = {int(n) - first for n in re.findall(r"<stdin>:(\d+):\d+: error", done.stderr)}
        if not bad:
            raise RuntimeError(done.stderr)
        wanted = [name for i, name in enumerate(wanted) if i not in bad]
    return {}


def _values(assembly: str, count: int) -> list[int]:
    values = [0] * count
    index = -1
    halves: list[int] = []
    for line in assembly.splitlines():
        label = re.match(r"v(\d+):", line)
        if label:
            index, halves = int(label[1]), []
        elif quad := re.match(r"\s+\.quad\s+(-?\d+)", line):
            values[index] = int(quad[1])
        elif half := re.match(r"\s+\.long\s+(-?\d+)", line):
            halves.append(int(half[1]) & 0xFFFFFFFF)
            if len(halves) == 2:
                value = halves[0] | halves[1] << 32
                values[index] = value - (1 << 64) if value >> 63 else value
    return values
