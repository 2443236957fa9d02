"""Where files are, what they are called, how long they are."""

from __future__ import annotations

import collections

import pytest

from tests.house.tree import ROOT, SRC, files, is_text, names_of, of_type, relative, text

LINES_MAX = 500
BYTES_MAX = 200_000

#: Longer files, with what they may grow to.  A number here may only become smaller.
LONGER = {
    "native/utrace-sys/src/raw.rs": 920,  # nearly all unsafe code, to be read at once
    "native/utrace-sys/src/text.rs": 560,  # one walk along a shape, an arm for each
    "src/utrace/tracer/loop.py": 590,  # all that one thread does
    "tests/conformance/scenarios.py": 600,  # data: one scenario after another
}

#: Packages of which every module has unit tests of its own.
MIRRORED = ("arch", "core", "tracehook")

VAGUE_WORDS = frozenset({"common", "helper", "helpers", "manager", "misc", "stuff", "util", "utils"})


@pytest.mark.parametrize("package", MIRRORED)
def test_every_module_has_its_unit_tests(package: str) -> None:
    modules = [path for path in of_type(".py", under=f"src/utrace/{package}/") if path.name != "__init__.py"]
    assert modules
    missing = []
    for module in modules:
        mirror = ROOT / "tests" / "unit" / module.relative_to(SRC).with_name(f"test_{module.name}")
        if not mirror.exists():
            missing.append(relative(mirror))
    assert not missing


def test_every_unit_test_file_has_its_module() -> None:
    strays = []
    for test in of_type(".py", under="tests/unit/"):
        if not test.name.startswith("test_"):
            continue
        module = SRC / test.relative_to(ROOT / "tests" / "unit").with_name(test.name.removeprefix("test_"))
        package = module.parent if module.stem == module.parent.name else module.with_suffix("")
        if not module.exists() and not package.is_dir():
            strays.append(relative(test))
    assert not strays


def test_files_are_short() -> None:
    lengths = {relative(path): text(path).count("\n") for path in of_type(".py", ".rs", ".c")}
    too_long = {path: lines for path, lines in lengths.items() if lines > LONGER.get(path, LINES_MAX)}
    assert not too_long, "split along concepts"


def test_no_allowance_for_length_is_left_unused() -> None:
    for path, lines in LONGER.items():
        assert (ROOT / path).exists(), path
        assert text(ROOT / path).count("\n") > LINES_MAX, f"{path} needs no allowance of {lines} lines"


def test_names_are_unique_ignoring_case() -> None:
    seen = collections.Counter(relative(path).lower() for path in files())
    assert not [name for name, count in seen.items() if count > 1]


def test_no_large_and_no_binary_files() -> None:
    assert not [relative(path) for path in files() if path.stat().st_size > BYTES_MAX or not is_text(path)]


def test_names_say_something() -> None:
    vague = [
        f"{relative(path)}: {name}"
        for path in of_type(".py", under="src/")
        for name in (path.stem, *names_of(path))
        if VAGUE_WORDS & set(name.lower().strip("_").split("_"))
    ]
    assert not vague
