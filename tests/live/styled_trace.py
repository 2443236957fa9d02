"""Trace a program, with a style as JSON: `python -m tests.live.styled_trace OUTPUT STYLE PROGRAM...`."""

from __future__ import annotations

import json
import sys

from utrace import Session
from utrace.engines.line_log import LineStyle
from utrace.engines.syscall_log import SyscallLog
from utrace.syscalls import CallSet, Style, Xlat


def style_of(text: str) -> Style:
    choices = json.loads(text)
    for name in ("raw_calls", "whole_calls", "flat_calls"):
        if name in choices:
            choices[name] = CallSet(choices[name])
    if "xlat" in choices:
        choices["xlat"] = Xlat(choices["xlat"])
    return Style(**choices)


def main() -> None:
    output, style, *program = sys.argv[1:]
    with (
        SyscallLog(output, style=LineStyle(values=style_of(style)), follow=False) as log,
        Session() as session,
    ):
        session.spawn(program, engines=[log])
        session.run()


if __name__ == "__main__":
    main()
