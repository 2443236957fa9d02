"""Sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.packed import SOCKET_TYPE
from utrace.syscalls.pointers import RETURNED, Array, At, InOut, Out
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.socket_options import OptionValue, SocketOption
from utrace.syscalls.sockets import (
    MessageArray,
    MessageHeader,
    Protocol,
    ReceivedHeader,
    SocketAddress,
    SocketData,
)
from utrace.syscalls.values import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.signature import Note, Signature

_FD = Returns.FD
_FAMILY: Final = t.Enum("family", "AF_???")
_TYPE: Final = SOCKET_TYPE
_MSG: Final = t.Flags("msg", "MSG_???")
_LEVEL: Final = t.Enum("sol", "SOL_??")
_FD_FLAGS: Final = t.Flags("socket_type", "SOCK_???")
_PEER: Final = Out(SocketAddress(At("addrlen")))
_ADDRESS: Final = SocketAddress("addrlen")


def _left_note(call: DecodedCall) -> list[Note]:
    left = call.value(4)
    return [("left", left.after)] if isinstance(left, Change) else []


CALLS: Final[Mapping[str, Signature]] = {
    "socket": sig(_FD, domain=_FAMILY, type=_TYPE, protocol=Protocol()),
    "socketpair": sig(domain=_FAMILY, type=_TYPE, protocol=Protocol(), sv=Out(Array(t.FD, 2))),
    "bind": sig(sockfd=t.FD, addr=_ADDRESS, addrlen=t.INT),
    "connect": sig(sockfd=t.FD, addr=_ADDRESS, addrlen=t.INT),
    "listen": sig(sockfd=t.FD, backlog=t.INT),
    "accept": sig(_FD, sockfd=t.FD, addr=_PEER, addrlen=InOut(t.INT)),
    "accept4": sig(_FD, sockfd=t.FD, addr=_PEER, addrlen=InOut(t.INT), flags=_FD_FLAGS),
    "getsockname": sig(sockfd=t.FD, addr=_PEER, addrlen=InOut(t.INT)),
    "getpeername": sig(sockfd=t.FD, addr=_PEER, addrlen=InOut(t.INT)),
    "sendto": sig(
        sockfd=t.FD,
        buf=SocketData("len"),
        len=t.SIZE,
        flags=_MSG,
        dest_addr=_ADDRESS,
        addrlen=t.INT,
    ),
    "recvfrom": sig(
        sockfd=t.FD,
        buf=Out(SocketData(RETURNED)),
        len=t.SIZE,
        flags=_MSG,
        src_addr=Out(SocketAddress(At("addrlen"))),
        addrlen=InOut(t.INT),
    ),
    "sendmsg": sig(sockfd=t.FD, msg=MessageHeader(), flags=_MSG),
    "recvmsg": sig(sockfd=t.FD, msg=ReceivedHeader(), flags=_MSG),
    "sendmmsg": sig(
        sockfd=t.FD,
        msgvec=Out(MessageArray("vlen", fills=False), also_on_error=True),
        vlen=t.UINT,
        flags=_MSG,
    ),
    "recvmmsg": sig(
        Returns.DECIMAL,
        _left_note,
        sockfd=t.FD,
        msgvec=Out(MessageArray(RETURNED, fills=True)),
        vlen=t.UINT,
        flags=_MSG,
        timeout=InOut(s.TIMESPEC, noted=True),
    ),
    "shutdown": sig(sockfd=t.FD, how=t.Enum("shutdown", "SHUT_???")),
    "setsockopt": sig(
        sockfd=t.FD,
        level=_LEVEL,
        optname=SocketOption(sets=True),
        optval=OptionValue("optlen", sets=True),
        optlen=t.INT,
    ),
    "getsockopt": sig(
        sockfd=t.FD,
        level=_LEVEL,
        optname=SocketOption(sets=False),
        optval=Out(OptionValue(At("optlen"), sets=False)),
        optlen=InOut(t.INT),
    ),
}
