"""Unwinding on Linux: what the native library reads of stopped threads and of files.

Reference: /proc/PID/maps in proc(5); process_vm_readv(2).
"""

from __future__ import annotations

# Any thread may ask it.
from utrace._native import Stacks as LinuxStacks

__all__ = ["LinuxStacks"]
