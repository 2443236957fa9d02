from __future__ import annotations

from utrace.engines.ptrace_stops import Option
from utrace.ptrace_emu import requests


def test_every_request_of_the_kernel_is_answered() -> None:
    modern = set(range(0x4200, 0x4213)) - {requests.SEIZE}
    of_old = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 17, 21, 24, 25, 26, 30, 31, 32, 33}
    assert set(requests.REQUESTS) == modern | of_old


def test_options_are_those_of_the_kernel() -> None:
    assert sum(Option) == 0x3000FF
