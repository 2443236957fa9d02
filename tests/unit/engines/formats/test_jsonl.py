"""JSON lines."""

from __future__ import annotations

import json

from tests.unit.engines.formats.encoding import encoded
from utrace.engines.formats.jsonl import JsonLines


def test_lines_are_objects_in_ascii() -> None:
    data = encoded("jsonl")
    assert data.isascii()
    assert data.endswith(b"}\n")
    assert all(isinstance(json.loads(line), dict) for line in data.splitlines())


def test_an_empty_file_is_a_file_without_events() -> None:
    encoder = JsonLines()
    assert encoder.begin() + encoder.end() == b""
