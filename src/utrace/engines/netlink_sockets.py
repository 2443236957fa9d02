"""The protocol of a task's netlink socket, asked of a copy of its descriptor.

Reference: pidfd_getfd(2), socket(7) "SO_PROTOCOL"; sockets carry the name of their family in an attribute,
net/socket.c:sockfs_xattr_get() (Linux 6.1).
"""

from __future__ import annotations

import os
from typing import Final

_PIDFD_GETFD: Final = 438
_NAME: Final = "system.sockprotoname"
_KEPT_MAX: Final = 1 << 12
#: By inode: a socket keeps its protocol for ever.
_protocols: dict[str, int | None] = {}


def netlink_protocol(pid: int, tid: int, fd: int) -> int | None:
    """Tell the protocol of a netlink socket; None for any other descriptor, or where it cannot be told."""
    where = f"/proc/{tid}/fd/{fd}"
    try:
        link = os.readlink(where)
        if not link.startswith("socket:"):
            return None
        if link not in _protocols:
            if len(_protocols) >= _KEPT_MAX:
                _protocols.clear()
            is_netlink = os.getxattr(where, _NAME).rstrip(b"\0") == b"NETLINK"
            _protocols[link] = _ask(pid, fd) if is_netlink else None
        return _protocols[link]
    except OSError:
        return None


def _ask(pid: int, fd: int) -> int | None:
    """Ask a copy of the descriptor, which is closed at once."""
    import ctypes  # noqa: PLC0415 - few programs have such sockets
    import socket  # noqa: PLC0415

    process = os.pidfd_open(pid)
    try:
        copy = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, process, fd, 0)
    finally:
        os.close(process)
    if copy < 0:
        return None
    with socket.socket(fileno=copy) as same:
        return same.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL)
