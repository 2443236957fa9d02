"""MessagePack."""

from __future__ import annotations

import io

import msgpack

from tests.unit.engines.formats.encoding import encoded, expected, without_time
from utrace.engines.formats.msgpack import MessagePack


def test_the_maps_are_the_objects_of_the_json_lines() -> None:
    assert [without_time(one) for one in msgpack.Unpacker(io.BytesIO(encoded("msgpack")))] == expected()


def test_64_bits_are_kept_and_more_become_a_string() -> None:
    packed = MessagePack().encode({"a": 2**64 - 1, "b": [2**64], "c": -(2**63)})
    assert msgpack.unpackb(packed) == {"a": 2**64 - 1, "b": ["0x10000000000000000"], "c": -(2**63)}
