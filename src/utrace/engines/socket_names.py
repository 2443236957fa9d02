"""The ends of a socket by its inode, as the kernel's socket monitor tells them.

/proc/net knows neither the peers of Unix sockets nor the ports of sockets that are bound only.

Reference: sock_diag(7); linux/inet_diag.h, linux/unix_diag.h, linux/netlink_diag.h; setns(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from utrace.syscalls.abi import X86_64
from utrace.syscalls.style import quote
from utrace.syscalls.tables import enum_names

if TYPE_CHECKING:
    from collections.abc import Iterator

_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST: Final = 1
_NLM_F_DUMP: Final = 0x300
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_CLONE_NEWNET: Final = 0x40000000
_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_ANY_STATE: Final = 0xFFFFFFFF
_NO_COOKIE: Final = 0xFFFFFFFF
_UNIX_DIAG_NAME: Final = 0
_UNIX_DIAG_PEER: Final = 2
_UDIAG_SHOW_NAME: Final = 1
_UDIAG_SHOW_PEER: Final = 4
_NDIAG_PROTO_ALL: Final = 255
_TCP_ESTABLISHED: Final = 1
_TCP_LISTEN: Final = 10
_REPLY_MAX: Final = 1 << 16
_TIMEOUT_S: Final = 1.0

#: Family and protocol by the name the kernel gives a protocol.
_INTERNET: Final = {
    "TCP": (socket.AF_INET, socket.IPPROTO_TCP),
    "UDP": (socket.AF_INET, socket.IPPROTO_UDP),
    "TCPv6": (socket.AF_INET6, socket.IPPROTO_TCP),
    "UDPv6": (socket.AF_INET6, socket.IPPROTO_UDP),
}
_KNOWN: Final = frozenset({*_INTERNET, "RAW", "RAWv6", "UNIX", "UNIX-STREAM", "NETLINK"})

#: Ends that are kept: as many connections as a busy server has.
_KEPT_MAX: Final = 1 << 16


class SocketNames:
    """Names sockets: `TCP:[127.0.0.1:80->127.0.0.1:4000]`.

    The ends of TCP connections and listeners are kept, for the kernel lists all of a kind at each
    question, and those of Unix connections, for the peer may go first; a socket that is disconnected
    and used again keeps its first name.
    """

    def __init__(self) -> None:
        self._monitors: dict[int, socket.socket | None] = {}
        self._kept: dict[int, str] = {}

    def name(self, tid: int, where: Path, inode: int) -> str:
        """Name the socket at a path of /proc; "" for a protocol that is not known."""
        try:
            protocol = os.getxattr(where, "system.sockprotoname").rstrip(b"\0").decode("ascii")
        except OSError:
            return ""
        if protocol not in _KNOWN:
            return ""
        ends = self._kept.get(inode)
        if ends is None:
            monitor = self._monitor(tid)
            try:
                ends = None if monitor is None else self._ends(monitor, protocol, inode)
            except OSError:
                # No diagnosis of this family in the kernel, or the network is someone else's.
                ends = None
        return f"{protocol}:[{inode if ends is None else ends}]"

    def _monitor(self, tid: int) -> socket.socket | None:
        """Give the monitor of a task's network namespace; None if we may not enter it."""
        try:
            space = Path(f"/proc/{tid}/ns/net").stat().st_ino
        except OSError:
            return None
        if space not in self._monitors:
            self._monitors[space] = _open_monitor(tid, space)
        return self._monitors[space]

    def _ends(self, monitor: socket.socket, protocol: str, inode: int) -> str | None:
        if protocol in _INTERNET:
            return self._internet(monitor, *_INTERNET[protocol], inode)
        if protocol.startswith("UNIX"):
            return self._unix(monitor, inode)
        return _netlink(monitor, inode) if protocol == "NETLINK" else None

    def _internet(self, monitor: socket.socket, family: int, protocol: int, inode: int) -> str | None:
        asked = struct.pack("=BBBxI48x", family, protocol, 0, _ANY_STATE)
        found = None
        for reply in _ask(monitor, asked, _NLM_F_DUMP):
            (number,) = struct.unpack_from("=I", reply, 68)
            if not number:
                continue
            ends = _internet_ends(family, reply)
            if number == inode:
                found = ends
            if protocol == socket.IPPROTO_TCP and reply[1] in {_TCP_ESTABLISHED, _TCP_LISTEN}:
                self._keep(number, ends)
        return found

    def _keep(self, inode: int, ends: str) -> None:
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[inode] = ends

    def _unix(self, monitor: socket.socket, inode: int) -> str | None:
        asked = struct.pack(
            "=BBHIIIII",
            *(socket.AF_UNIX, 0, 0, _ANY_STATE, inode, _UDIAG_SHOW_NAME | _UDIAG_SHOW_PEER),
            *(_NO_COOKIE, _NO_COOKIE),
        )
        ends: str | None = None
        for reply in _ask(monitor, asked, 0):
            attributes = dict(_attributes(reply[16:]))
            peer, name = attributes.get(_UNIX_DIAG_PEER), attributes.get(_UNIX_DIAG_NAME)
            ends = f"{inode}"
            other = 0 if peer is None else int.from_bytes(peer, sys.byteorder)
            if other:
                ends += f"->{other}"
            if name:
                ends += "," + (f"@{quote(name[1:])}" if name[0] == 0 else quote(name.rstrip(b"\0")))
            if other:
                self._keep(inode, ends)
        return ends


def _open_monitor(tid: int, space: int) -> socket.socket | None:
    if space == Path("/proc/self/ns/net").stat().st_ino:
        return _new_monitor()
    opened: list[socket.socket] = []

    def enter() -> None:
        # A socket is for ever of the namespace of the thread that made it: this one ends at once.
        with Path(f"/proc/{tid}/ns/net").open("rb") as file:
            if ctypes.CDLL(None).setns(file.fileno(), _CLONE_NEWNET) == 0:
                opened.append(_new_monitor())

    thread = threading.Thread(target=enter, name="utrace-netns")
    thread.start()
    thread.join()
    return opened[0] if opened else None


def _new_monitor() -> socket.socket:
    monitor = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
    monitor.settimeout(_TIMEOUT_S)
    return monitor


def _ask(monitor: socket.socket, request: bytes, flags: int) -> Iterator[bytes]:
    """Send a question; give the bodies of the answers."""
    size = _HEADER.size + len(request)
    monitor.send(_HEADER.pack(size, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST | flags, 0, 0) + request)
    while True:
        data = monitor.recv(_REPLY_MAX)
        at = 0
        while at + _HEADER.size <= len(data):
            length, kind, *_ = _HEADER.unpack_from(data, at)
            if kind == _NLMSG_DONE:
                return
            body = data[at + _HEADER.size : at + length]
            if kind == _NLMSG_ERROR:
                (code,) = struct.unpack_from("=i", body)
                if code == -errno.ENOENT:
                    return
                raise OSError(-code, os.strerror(-code))
            yield body
            at += (length + 3) & ~3
        if not flags & _NLM_F_DUMP:
            return


def _internet_ends(family: int, reply: bytes) -> str:
    local_port, remote_port = struct.unpack_from("!HH", reply, 4)
    size = 4 if family == socket.AF_INET else 16
    local, remote = reply[8 : 8 + size], reply[24 : 24 + size]
    ends = _end(family, local, local_port)
    return f"{ends}->{_end(family, remote, remote_port)}" if remote_port or any(remote) else ends


def _end(family: int, address: bytes, port: int) -> str:
    text = socket.inet_ntop(family, address)
    return f"[{text}]:{port}" if family == socket.AF_INET6 else f"{text}:{port}"


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        yield kind, data[at + _ATTRIBUTE.size : at + length]
        at += max((length + 3) & ~3, _ATTRIBUTE.size)


def _netlink(monitor: socket.socket, inode: int) -> str | None:
    asked = struct.pack("=BBHIIII", socket.AF_NETLINK, _NDIAG_PROTO_ALL, 0, 0, 0, 0, 0)
    found = None
    for reply in _ask(monitor, asked, _NLM_F_DUMP):
        protocol = reply[2]
        port, _, _, number = struct.unpack_from("=IIII", reply, 4)
        if number == inode and port:
            name = enum_names(X86_64, "netlink_proto").get(protocol)
            found = f"{protocol if name is None else name.removeprefix('NETLINK_')}:{port}"
    return found
