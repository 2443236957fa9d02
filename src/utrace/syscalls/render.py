"""Calls, signals and ends as the lines of strace.

Decoding knows nothing of this module; another rendering stands beside it, not inside it.

Reference: strace(1) "DESCRIPTION"; the output of strace 6.1 is the oracle of the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from utrace.syscalls import values as v
from utrace.syscalls.argtypes import Phase
from utrace.syscalls.signature import Returns
from utrace.syscalls.style import DEFAULT_STYLE, Style, Xlat, quote
from utrace.syscalls.tables import prototypes
from utrace.syscalls.value_text import AT_FDCWD, RENDERERS, hex_text, render, signal_text

if TYPE_CHECKING:
    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.result import Result
    from utrace.syscalls.siginfo import SigInfo

__all__ = [
    "AT_FDCWD",
    "Style",
    "call_name",
    "number_prefix",
    "quote",
    "render",
    "render_arguments",
    "render_call",
    "render_entry",
    "render_exit",
    "render_result",
    "render_resumed",
    "render_siginfo",
    "render_signal",
    "render_stopped",
    "render_unfinished",
    "signal_text",
]


def _is_raw(call: DecodedCall, style: Style) -> bool:
    return style.raw_calls is not None and call in style.raw_calls


def _is_flat(call: DecodedCall, style: Style) -> bool:
    return style.flat_calls is not None and call in style.flat_calls


def _raw_arguments(call: DecodedCall) -> list[str]:
    prototype = prototypes(call.abi).get(call.nr)
    count = len(call.raw) if prototype is None else len(prototype.parameters)
    names = call.plan.names
    while len(names) >= count > 0 and names[count - 1].startswith("_"):
        count -= 1
    return [hex_text(number & call.abi.mask) for number in call.raw[:count]]


def _style_for(call: DecodedCall, style: Style) -> Style:
    if style.whole_calls is not None and not style.verbose and call in style.whole_calls:
        return style._replace(verbose=True)
    return style


def _shown_values(call: DecodedCall, style: Style) -> list[tuple[int, v.Value]]:
    """Give the arguments that are shown, in their order, with their indexes."""
    flat = _is_flat(call, style)
    shown: list[tuple[int, v.Value]] = []
    for index in range(call.plan.count):
        value = call.value(index)
        if value is v.ABSENT:
            continue
        if flat and (isinstance(value, v.Environment) or not isinstance(value, int | bytes | str)):
            value = v.Address(call.raw[index] & call.abi.mask)
        shown.append((index, value))
    return shown


def _label(call: DecodedCall, index: int, style: Style) -> str:
    return f"{call.plan.names[index]}=" if style.names else ""


def number_prefix(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write the number of a call if the style wants that: "[ 257] "."""
    return f"[{call.nr & 0xFFFFFFFF:4}] " if style.numbers else ""


def call_name(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write a call's name, and before it its number if the style wants that: "[ 257] openat"."""
    return number_prefix(call, style) + call.plan.name


def render_arguments(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write what stands between the parentheses."""
    plan = call.plan
    if style.by_call:
        if _is_raw(call, style):
            return ", ".join(_raw_arguments(call))
        style = _style_for(call, style)
        if not plan.labels:
            shown_values = _shown_values(call, style)
            return ", ".join(
                _label(call, index, style) + render(value, style) for index, value in shown_values
            )
    renderers = RENDERERS
    value_of = call.value
    if not plan.labels:
        shown = []
        for index in range(plan.count):
            value = value_of(index)
            if value is not v.ABSENT:
                shown.append(renderers[type(value)](value, style))
        return ", ".join(shown)
    labelled = ((label, value_of(index)) for index, label in plan.labels)
    return ", ".join(label + render(value, style) for label, value in labelled if value is not v.ABSENT)


def _returned(call: DecodedCall, result: Result, style: Style) -> str:  # noqa: PLR0911 - one return for each kind
    value = result.value
    returns = call.plan.returns
    match returns if isinstance(returns, Returns) else returns(call):
        case Returns.DECIMAL:
            return str(value)
        case Returns.FD:
            return render(v.Fd(value), style)
        case Returns.PID:
            return render(v.Pid(value), style)
        case Returns.ADDRESS:
            return f"{value & call.abi.mask:#x}" if value else "NULL"
        case Returns.HEX:
            return hex_text(value & call.abi.mask)
        case Returns.OCTAL:
            return f"0{value:o}" if value else "000"
        case Returns.NOTHING:
            return "?"


def render_result(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write what stands behind " = "."""
    result = call.result
    if result is None:
        return "?"
    if result.is_error:
        name = result.name
        if result.is_restart:
            return f"? {name} ({result.text})"
        return f"-1 {name} ({result.text})" if name is not None else f"-1 (errno {result.errno})"
    if style.by_call:
        if _is_raw(call, style):
            return hex_text(result.value & call.abi.mask)
        style = _style_for(call, style)
    shown = _returned(call, result, style)
    if call.plan.note is None:
        return shown
    flat = _is_flat(call, style)
    # strace names what came back however constants are written.
    by_name = style if style.xlat is Xlat.ABBREV else style._replace(xlat=Xlat.ABBREV)
    notes: list[str] = []
    for label, value in call.plan.note(call):
        is_struct = isinstance(value, v.Items | v.Record)
        if not (flat and is_struct):
            text = "" if value is v.ABSENT else render(value, style if is_struct else by_name)
            notes.append(f"{label} {text}" if label and text else label or text)
    return f"{shown} ({', '.join(notes)})" if notes else shown


def render_call(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write a whole line: `close(3) = 0`, padded to the column."""
    head = f"{call_name(call, style)}({render_arguments(call, style)})"
    return f"{head:<{style.column - 1}} = {render_result(call, style)}"


def render_entry(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write what is known at the entry: `read(3, `, without a closing parenthesis."""
    plan = call.plan
    name = call_name(call, style)
    if plan.labels or (style.by_call and _is_raw(call, style)):
        return f"{name}({render_arguments(call, style)}"
    style = _style_for(call, style)
    shown: list[str] = []
    for index, value in _shown_values(call, style):
        phase = call.phase(index)
        if phase is Phase.LATE and value:
            return f"{name}({''.join(text + ', ' for text in shown)}"
        text = _label(call, index, style) + render(value, style)
        if phase is Phase.MERGED and text.endswith("{}"):
            return f"{name}({''.join(text + ', ' for text in shown)}"
        if phase is Phase.MERGED and text.endswith("}"):
            # Its fields go on when the call has returned.
            return f"{name}({', '.join([*shown, text[:-1]])}"
        shown.append(text)
        if phase is Phase.BOTH and value and not plan.noted[index]:
            # What it becomes is written right behind it, when the call has returned.
            break
    return f"{name}({', '.join(shown)}"


def render_unfinished(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write the line of a call that another task's line interrupts."""
    return f"{render_entry(call, style)} <unfinished ...>"


def render_resumed(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write the rest of an interrupted line: `<... read resumed>"x", 1) = 1`."""
    whole = f"{call_name(call, style)}({render_arguments(call, style)}"
    known = render_entry(call, style)
    rest = whole[len(known) :] if whole.startswith(known) else ""
    head = f"{number_prefix(call, style)}<... {call.plan.name} resumed>{rest})"
    return f"{head:<{style.column - 1}} = {render_result(call, style)}"


def render_siginfo(info: SigInfo, style: Style = DEFAULT_STYLE) -> str:
    """Write `{si_signo=SIGCHLD, si_code=CLD_EXITED, ...}`."""
    return "{" + ", ".join(f"{name}={render(value, style)}" for name, value in info.items()) + "}"


def render_signal(info: SigInfo, style: Style = DEFAULT_STYLE) -> str:
    """Write the line of a delivered signal."""
    return f"--- {signal_text(info.si_signo)} {render_siginfo(info, style)} ---"


def render_stopped(signo: int) -> str:
    """Write the line of a group stop."""
    return f"--- stopped by {signal_text(signo)} ---"


def render_exit(status: int) -> str:
    """Write the last line of a task from its wait status."""
    signo = status & 0x7F
    if not signo:
        return f"+++ exited with {status >> 8 & 0xFF} +++"
    core = " (core dumped)" if status & 0x80 else ""
    return f"+++ killed by {signal_text(signo)}{core} +++"
