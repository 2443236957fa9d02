"""Where Rust may be unsafe, and who may call it."""

from __future__ import annotations

import ast
import re

from tests.house.tree import of_type, parsed, relative, text

UNSAFE_FILES_MAX = 2
UNSAFE = re.compile(r"\bunsafe\s*(\{|fn\b|impl\b|extern\b)")

#: The only modules above the native library.
USERS_OF_NATIVE = re.compile(r"src/utrace/(kernel/(linux|recorded|stacks)|tracer/memory)(/\w+)?\.py")

#: Lines above an unsafe place in which its reason has to stand.
REASON_DISTANCE = 12


def _code(line: str) -> str:
    return line.partition("//")[0]


def test_unsafe_rust_is_in_two_files() -> None:
    unsafe = [
        relative(path)
        for path in of_type(".rs", under="native/")
        if any(UNSAFE.search(_code(line)) for line in text(path).splitlines())
    ]
    assert len(unsafe) <= UNSAFE_FILES_MAX, unsafe


def test_every_unsafe_place_has_its_reason() -> None:
    without = []
    for path in of_type(".rs", under="native/"):
        lines = text(path).splitlines()
        for number, line in enumerate(lines):
            if UNSAFE.search(_code(line)):
                above = "\n".join(lines[max(0, number - REASON_DISTANCE) : number + 1])
                if "SAFETY:" not in above and "# Safety" not in above:
                    without.append(f"{relative(path)}:{number + 1}")
    assert not without


def _imports_native(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name == "utrace._native" for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.module == "utrace._native" or (
            node.module == "utrace" and any(alias.name == "_native" for alias in node.names)
        )
    return False


def test_the_native_library_is_behind_the_seam() -> None:
    users = [
        relative(path)
        for path in of_type(".py", under="src/")
        if any(_imports_native(node) for node in ast.walk(parsed(path)))
    ]
    assert not [user for user in users if not USERS_OF_NATIVE.fullmatch(user)]
