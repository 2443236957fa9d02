"""What a test may need of the machine, by name.  A skip has one of these reasons or it is no skip."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.tracees import build
from utrace.kernel.caps import read_caps

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Capability:
    """A thing a machine may lack: how to see whether it is there, and what to say if it is not."""

    present: Callable[[], bool]
    lacking: str


def _has_program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def _links_leak_sanitizer() -> bool:
    if shutil.which("gcc") is None:
        return False
    command = ["gcc", "-fsanitize=leak", "-x", "c", "-o", os.devnull, "-"]
    done = subprocess.run(command, input=b"int main(void) {}", check=False, capture_output=True)
    return done.returncode == 0


def _runs_i386() -> bool:
    try:
        return subprocess.run([build("exits32", bits=32)], check=False).returncode == 42
    except (OSError, subprocess.CalledProcessError):
        return False


def uapi_folders() -> list[str]:
    """Give where the kernel's user-space headers are: those of the system, or of UTRACE_UAPI."""
    uapi = os.environ.get("UTRACE_UAPI")
    if uapi is None:
        return ["/usr/include/x86_64-linux-gnu", "/usr/include"]
    return [f"{uapi}/x86-linux-any", f"{uapi}/any-linux-any"]


def _has_young_headers() -> bool:
    texts = [Path(folder, "linux/nsfs.h") for folder in uapi_folders()]
    return any(path.exists() and "ns_id_req" in path.read_text() for path in texts)


CAPABILITIES: Final = {
    "fish": Capability(_has_program("fish"), "no fish"),
    "gcc": Capability(_has_program("gcc"), "no gcc"),
    "gdb": Capability(_has_program("gdb"), "no gdb"),
    "i386-tasks": Capability(_runs_i386, "32-bit programs cannot be made and run here"),
    "leak-sanitizer": Capability(_links_leak_sanitizer, "no LeakSanitizer for this compiler"),
    "linux-6.19-headers": Capability(_has_young_headers, "the kernel's headers are older than Linux 6.19"),
    "root": Capability(lambda: os.geteuid() == 0, "not root"),
    "strace": Capability(_has_program("strace"), "no strace"),
    "tap": Capability(
        lambda: read_caps().may_tap,
        "no eBPF programs can be put at tracepoints",
    ),
    "trace_processor": Capability(
        _has_program("trace_processor_shell"), "no trace_processor_shell of Perfetto"
    ),
    "x86-64": Capability(lambda: platform.machine() == "x86_64", "not an x86-64 machine"),
    "zsh": Capability(_has_program("zsh"), "no zsh"),
}


@functools.cache
def lacking(name: str) -> str | None:
    """Give the reason to skip what requires `name`, None if it is there."""
    capability = CAPABILITIES[name]
    return None if capability.present() else f"requires {name}: {capability.lacking}"
