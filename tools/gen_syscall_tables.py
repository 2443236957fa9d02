"""Generate src/utrace/syscalls/data/{x86_64,i386,aarch64}.json from the kernel's own headers.

Needs gcc and headers of two kinds:

- the kernel's user-space headers, in the folders any-linux-any, x86-linux-any and aarch64-linux-any.
  The tables here are those of Linux 6.19, in which form the Python package ziglang 0.16.0 carries
  them below ziglang/lib/libc/include (`pip download --no-deps ziglang==0.16.0`, unpack the wheel);
- include/linux/syscalls.h, for the prototypes, as in Debian's linux-headers-*-common
  (`apt-get download`, `dpkg -x` into a folder).

    python tools/gen_syscall_tables.py --uapi FOLDER --root UNPACKED

Each file maps a number to [name, [argument name, C type], ...].
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Final

from header_values import Headers, macros
from syscall_overlay import ARCH_PROTOTYPES, ENTRIES, PROTOTYPES

DATA: Final = Path(__file__).resolve().parent.parent / "src/utrace/syscalls/data"

#: Defined by the headers, but not calls.
NOT_CALLS: Final = frozenset({"syscalls", "arch_specific_syscall"})

Parameter = list[str]


def parse_parameters(text: str) -> list[Parameter] | None:
    """Split C parameters into [name, type] pairs; None when one of them has no name."""
    parameters: list[Parameter] = []
    for part in text.split(","):
        declaration = " ".join(part.replace("__user", " ").split()).replace("* ", "*")
        if declaration in {"", "void"}:
            continue
        match = re.fullmatch(r"(.*[\s*])(\w+)(\[\])?", declaration)
        if match is None:
            return None
        ctype, name = match[1].strip(), match[2]
        if match[3]:
            ctype += " *"
        bare = re.sub(r"\b(const|volatile)\b", "", ctype).strip()
        if bare in {"", "struct"} or name in {"int", "long", "unsigned", "char"}:
            return None
        parameters.append([name, ctype])
    return parameters


def kernel_prototypes(root: Path) -> dict[str, list[Parameter]]:
    """Read `sys_NAME(...)` declarations of include/linux/syscalls.h."""
    header = max(root.glob("usr/src/linux-headers-*-common/include/linux/syscalls.h"), default=None)
    if header is None:
        sys.exit(f"no linux-headers-*-common below {root}")
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
    found: dict[str, list[Parameter]] = {}
    for name, parameters in re.findall(r"asmlinkage long sys_(\w+)\(([^;]*)\);", text):
        parsed = parse_parameters(parameters)
        if parsed is not None:
            found.setdefault(name, parsed)
    return found


def numbers(headers: Headers) -> dict[int, str]:
    """Read the numbers of the `__NR_` macros of <asm/unistd.h>."""
    found: dict[int, str] = {}
    for name, value in macros(headers, ["asm/unistd.h"], r"__NR_\w+").items():
        call = name.removeprefix("__NR_")
        if call not in NOT_CALLS:
            found[value] = call
    return found


def table(arch: str, uapi: Path, root: Path) -> dict[str, list[object]]:
    """Join numbers, prototypes and overlay for one architecture."""
    prototypes = kernel_prototypes(root)
    overlay = PROTOTYPES | ARCH_PROTOTYPES.get(arch, {})
    calls = numbers(Headers.of(arch, uapi))
    rows: dict[str, list[object]] = {}
    unknown: list[str] = []
    for nr, name in sorted(calls.items()):
        if name in overlay:
            parameters = parse_parameters(overlay[name])
        else:
            entry = ENTRIES.get(name, name)
            written = overlay.get(entry)
            parameters = parse_parameters(written) if written is not None else prototypes.get(entry)
        if parameters is None:
            parameters = [[f"a{i}", "unsigned long"] for i in range(1, 7)]
            unknown.append(name)
        rows[str(nr)] = [name, *parameters]
    print(f"{arch}: {len(rows)} calls, without prototype: {' '.join(unknown)}")
    return rows


def main() -> None:
    """Write the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the packages are unpacked")
    parser.add_argument("--uapi", type=Path, required=True, help="folder of user-space headers")
    arguments = parser.parse_args()
    for arch in ("x86_64", "i386", "aarch64"):
        rows = table(arch, arguments.uapi, arguments.root)
        lines = ",\n".join(f"{json.dumps(nr)}: {json.dumps(row)}" for nr, row in rows.items())
        (DATA / f"{arch}.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
