"""Generate src/utrace/syscalls/data/{constants,more_constants}.json: names of flags and enumerators, by set.

    python tools/gen_constants.py --uapi FOLDER      (see gen_syscall_tables.py)

A set is {"field": [[mask, [[name, value], ...]], ...], "flags": [[name, value], ...]} for values made
of bits, or {"enum": [[name, value], ...]}.  A set that differs on an architecture is repeated as
"SET@ARCH".  What is in which set is written in `constants_*.py`; the second file has what few programs
need, and is read for those alone.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Final

import constants_devices
import constants_files
import constants_net
import constants_netlink
import constants_tasks
from constant_kinds import EnumSet, FlagSet
from header_values import Headers, evaluate, macros

FILES: Final = {
    "constants": constants_files.SETS | constants_tasks.SETS | constants_net.SETS,
    "more_constants": constants_devices.SETS | constants_netlink.SETS,
}
DATA: Final = Path(__file__).resolve().parent.parent / "src/utrace/syscalls/data"

Pairs = list[tuple[str, int]]


def is_pattern(names: str) -> bool:
    """Tell a regular expression from a list of names."""
    return re.search(r"[(\[.\\]", names) is not None


def pick(headers: Headers, files: tuple[str, ...], names: str, exclude: str = "") -> Pairs:
    """Evaluate names: a regular expression, or a list of NAME and NAME=VALUE."""
    if is_pattern(names):
        values = macros(headers, files, names)
    else:
        listed = [name.partition("=") for name in names.split()]
        known = evaluate(headers, files, [name for name, _, value in listed if not value])
        known |= {name: int(value, 0) for name, _, value in listed if value}
        values = {name: known[name] for name, _, _ in listed if name in known}
    if exclude:
        values = {name: value for name, value in values.items() if not re.fullmatch(exclude, name)}
    return list(values.items())


def by_value(pairs: Pairs, *, first_wins: bool) -> Pairs:
    """Order by value, one name a value."""
    seen: dict[int, str] = {}
    for name, value in pairs:
        if not first_wins or value not in seen:
            seen[value] = name
    return sorted(((name, value) for value, name in seen.items()), key=lambda pair: pair[1])


def build(headers: Headers, wanted: FlagSet | EnumSet) -> dict[str, object]:
    """Evaluate one set for one architecture."""
    extra = list(wanted.extra.items())
    if isinstance(wanted, EnumSet):
        pairs = extra + pick(headers, wanted.headers, wanted.names, wanted.exclude)
        return {"enum": by_value(pairs, first_wins=True)}
    fields: list[tuple[int, Pairs]] = [
        (mask, by_value(pick(headers, wanted.headers, names), first_wins=True))
        for mask, names in wanted.fields
    ]
    in_fields = {name for _, pairs in fields for name, _ in pairs}
    pairs = pick(headers, wanted.headers, wanted.names, wanted.exclude) + extra
    flags = [
        (n, v & 0xFFFFFFFFFFFFFFFF if v < -(1 << 31) else v & 0xFFFFFFFF if v < 0 else v) for n, v in pairs
    ]
    flags = [(n, v) for n, v in flags if v and n not in in_fields]
    if not is_pattern(wanted.names):
        # A list is in the order that text has.
        return {"fields": fields, "flags": flags}
    ordered = by_value(flags, first_wins=True)
    # A name for several bits stands before the names of its single bits.
    combined = [pair for pair in ordered if pair[1].bit_count() > 1]
    single = [pair for pair in ordered if pair[1].bit_count() == 1]
    return {"fields": fields, "flags": combined[::-1] + single}


def evaluate_sets(
    arches: dict[str, Headers], sets: dict[str, FlagSet | EnumSet]
) -> dict[str, dict[str, object]]:
    """Evaluate sets for all architectures."""
    rows: dict[str, dict[str, object]] = {}
    for name, wanted in sets.items():
        rows[name] = build(arches["x86_64"], wanted)
        if not any(rows[name].values()):
            print(f"{name}: empty")
        if wanted.same_everywhere:
            continue
        for arch in ("i386", "aarch64"):
            other = build(arches[arch], wanted)
            if other != rows[name]:
                rows[f"{name}@{arch}"] = other
    return rows


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--uapi", type=Path, required=True, help="folder of user-space headers")
    uapi: Path = parser.parse_args().uapi
    arches = {arch: Headers.of(arch, uapi) for arch in ("x86_64", "i386", "aarch64")}
    for file, sets in FILES.items():
        rows = evaluate_sets(arches, sets)
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
        (DATA / f"{file}.json").write_text("{\n" + lines + "\n}\n")
        print(f"{file}: {len(rows)} sets, {sum(line.count('[') for line in lines.splitlines())} entries")


if __name__ == "__main__":
    main()
