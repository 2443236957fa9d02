"""What this kernel and this process are allowed to do, as far as /proc tells.

`kernel.probe` tries; this module only reads.

Reference: proc_pid_status(5); Documentation/admin-guide/LSM/Yama.rst; seccomp(2) "/proc interfaces".
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from utrace.kernel.access import CAP_SYS_PTRACE, YAMA
from utrace.kernel.procfs import PROC, read_file

_ACTIONS: Final = f"{PROC}/sys/kernel/seccomp/actions_avail"

KERNEL_TYPES: Final = "/sys/kernel/btf/vmlinux"
"""Where a kernel tells of what its structures are made."""
_CAP_SYS_ADMIN: Final = 21
_CAP_PERFMON: Final = 38
_CAP_BPF: Final = 39

SECCOMP_MODES: Final = {0: "none", 1: "strict", 2: "filter"}


class Caps(NamedTuple):
    """One look at the machine.

    Attributes:
        release: of the kernel.
        machine: the processor's architecture, as uname(2) has it.
        yama: the setting of Yama, None where the kernel is without it.
        capabilities: the effective set of this process, bit n for capability n.
        no_new_privs: programs gain no rights by execve.
        seccomp: this process is under seccomp: 0 no, 1 strict, 2 a filter.
        seccomp_actions: what a seccomp filter may answer; empty if unknown.
    """

    release: str
    machine: str
    yama: int | None
    capabilities: int
    no_new_privs: bool
    seccomp: int
    seccomp_actions: frozenset[str]

    @property
    def may_trace_anything(self) -> bool:
        """Whether CAP_SYS_PTRACE is among the capabilities."""
        return bool(self.capabilities >> CAP_SYS_PTRACE & 1)

    @property
    def may_tap(self) -> bool:
        """Whether calls may be tapped: CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN; a kernel with BTF."""
        has = self.capabilities.__rshift__
        may = has(_CAP_SYS_ADMIN) & 1 or has(_CAP_BPF) & has(_CAP_PERFMON) & 1
        return bool(may) and self.machine == "x86_64" and os.path.exists(KERNEL_TYPES)


def read_caps() -> Caps:
    """Look at the machine."""
    system = os.uname()
    status = dict(line.partition(":")[::2] for line in (_text(f"{PROC}/self/status") or "").splitlines())
    yama = _text(YAMA)
    return Caps(
        release=system.release,
        machine=system.machine,
        yama=None if yama is None else int(yama),
        capabilities=int(status.get("CapEff", "0"), 16),
        no_new_privs=status.get("NoNewPrivs", "0").strip() == "1",
        seccomp=int(status.get("Seccomp", "0")),
        seccomp_actions=frozenset((_text(_ACTIONS) or "").split()),
    )


def _text(path: str) -> str | None:
    try:
        data = read_file(path)
    except OSError:
        return None
    return None if data is None else data.decode("ascii", "replace")
