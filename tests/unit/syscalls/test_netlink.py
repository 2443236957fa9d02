from __future__ import annotations

import random
import struct
from typing import Final

import pytest

from tests.unit.syscalls.fake_memory import FakeMemory
from utrace.syscalls import DecodedCall, decode
from utrace.syscalls.abi import X86_64
from utrace.syscalls.plain import to_data
from utrace.syscalls.render import render, render_call

_SENDTO: Final = 44
_BUFFER: Final = 0x1000
_ROUTE, _SOCKETS, _AUDIT, _UEVENT, _GENERIC = 0, 4, 9, 15, 16


def sent(data: bytes, protocol: int | None) -> DecodedCall:
    memory = FakeMemory({_BUFFER: data})
    call = decode(X86_64, _SENDTO, (3, _BUFFER, len(data), 0, 0, 0), memory)
    call.netlink = lambda _fd: protocol
    return call


def message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("<IHHII", 16 + len(body), kind, flags, 1, 0) + body


def test_message_is_head_body_and_attributes() -> None:
    body = struct.pack("<BxHiII", 0, 772, 1, 1, 0) + struct.pack("<HH4s", 8, 3, b"lo\0\0")
    call = sent(message(16, 5, body), _ROUTE)
    assert to_data(call.args.buf) == [
        {
            "head": {
                "nlmsg_len": 40,
                "nlmsg_type": {"value": 16, "name": "RTM_NEWLINK"},
                "nlmsg_flags": {"value": 5, "names": ["NLM_F_REQUEST", "NLM_F_ACK"]},
                "nlmsg_seq": 1,
                "nlmsg_pid": 0,
            },
            "body": {
                "ifi_family": {"value": 0, "name": "AF_UNSPEC"},
                "ifi_type": {"value": 772, "name": "ARPHRD_LOOPBACK"},
                "ifi_index": 1,
                "ifi_flags": {"value": 1, "names": ["IFF_UP"]},
                "ifi_change": {"value": 0, "names": []},
            },
            "attributes": [
                {"nla": {"nla_len": 8, "nla_type": {"value": 3, "name": "IFLA_IFNAME"}}, "value": "lo"}
            ],
        }
    ]


def test_data_of_other_sockets_is_text() -> None:
    assert sent(b"text", None).args.buf == b"text"


@pytest.mark.parametrize("protocol", [_ROUTE, _SOCKETS, _AUDIT, _UEVENT, _GENERIC, 77])
def test_hostile_message_is_written(protocol: int) -> None:
    choose = random.Random(protocol)  # noqa: S311 - bytes, not secrets
    kinds = (1, 2, 3, 16, 18, 20, 24, 28, 32, 1000, 0xFFFF)
    for _ in range(300):
        body = choose.randbytes(choose.randrange(80))
        length = choose.choice((0, 3, 15, 16, 17, 16 + len(body), 1 << 31, (1 << 32) - 1))
        head = struct.pack("<IHHII", length, choose.choice(kinds), choose.getrandbits(16), 1, 2)
        data = (head + body) * choose.randrange(1, 4)
        call = sent(data[: choose.randrange(len(data) + 1)], protocol)
        assert render(call.args.buf)
        assert render_call(call).startswith("sendto(3, ")
        to_data(call.args.buf)
