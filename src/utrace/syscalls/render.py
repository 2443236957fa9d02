"""Values to text in strace's grammar.

Decoding knows nothing of this module; another rendering stands beside it, not inside it.

Reference: strace(1) "DESCRIPTION"; the output of strace 6.1 is the oracle of the tests.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar, cast

from utrace.syscalls import values as v
from utrace.syscalls.argtypes import Phase
from utrace.syscalls.siginfo import SIGNAL_NAMES, SigInfo
from utrace.syscalls.signature import Returns

if TYPE_CHECKING:
    from collections.abc import Callable

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.result import Result

    Renderer = Callable[[v.Value, "Style"], str]

_T = TypeVar("_T")

AT_FDCWD: Final = -100


@dataclass(frozen=True, slots=True)
class Style:
    """How text is written; the letters are strace's.

    Attributes:
        text_max: bytes of a string shown (-s).
        verbose: show whole structs (-v).
        hex_strings: 0 no, 1 those with a byte that is not ASCII text (-x), 2 all (-xx).
        column: where " = " stands (-a).
        describe_fd: text put behind a descriptor ("</etc/passwd>"), or "" (-y).
        describe_pid: text put behind a pid ("<sh>"), or "" (--decode-pids).
    """

    text_max: int = 32
    verbose: bool = False
    hex_strings: int = 0
    column: int = 40
    describe_fd: Callable[[int], str] | None = None
    describe_pid: Callable[[int], str] | None = None


DEFAULT_STYLE: Final = Style()

_ALL_HEX: Final = Style(hex_strings=2)

_ESCAPES: Final = {
    0x09: "\\t",
    0x0A: "\\n",
    0x0B: "\\v",
    0x0C: "\\f",
    0x0D: "\\r",
    0x22: '\\"',
    0x5C: "\\\\",
}
_PLAIN: Final = re.compile(rb"[ !#-\[\]-~]*").fullmatch
_DIGITS: Final = frozenset(b"01234567")


def quote(data: bytes, style: Style = DEFAULT_STYLE) -> str:
    """Write bytes as a C string."""
    if style.hex_strings == 0 and _PLAIN(data):
        return '"' + data.decode("ascii") + '"'
    printable = all(0x20 <= byte < 0x7F or byte in _ESCAPES for byte in data)
    if style.hex_strings == 2 or (style.hex_strings == 1 and not printable):
        return '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'
    shown: list[str] = []
    for i, byte in enumerate(data):
        escape = _ESCAPES.get(byte)
        if escape is not None:
            shown.append(escape)
        elif 0x20 <= byte < 0x7F:
            shown.append(chr(byte))
        else:
            # A digit that follows would be taken for part of a short octal escape.
            follows = i + 1 < len(data) and data[i + 1] in _DIGITS
            shown.append(f"\\{byte:03o}" if follows else f"\\{byte:o}")
    return '"' + "".join(shown) + '"'


def _text(value: v.Text, style: Style) -> str:
    if len(value) > style.text_max:
        return quote(value[: style.text_max], style) + "..."
    return quote(value, style) + "..." if value.is_cut else quote(value, style)


def _binary(value: v.BinaryText, style: Style) -> str:
    is_cut = value.is_cut or len(value) > style.text_max
    return quote(value[: style.text_max], _ALL_HEX) + ("..." if is_cut else "")


def _path(value: v.PathText, style: Style) -> str:
    return quote(value, style) + "..." if value.is_cut else quote(value, style)


def _address(value: v.Address, _style: Style) -> str:
    return f"{value:#x}" if value else "NULL"


def _fd(value: v.Fd, style: Style) -> str:
    shown = "AT_FDCWD" if value == AT_FDCWD else int.__repr__(value)
    if style.describe_fd is not None and (value >= 0 or value == AT_FDCWD):
        return shown + style.describe_fd(value)
    return shown


def _pid(value: v.Pid, style: Style) -> str:
    if style.describe_pid is not None and value > 0:
        return int.__repr__(value) + style.describe_pid(value)
    return int.__repr__(value)


def _flags(value: v.FlagSet, _style: Style) -> str:
    names, unknown = value.names, value.unknown
    if names:
        return "|".join(names) + (f"|{unknown:#x}" if unknown else "")
    if not unknown:
        return "0"
    return f"{unknown:#x} /* {value.hint} */" if value.hint else f"{unknown:#x}"


def _named(value: v.Named, _style: Style) -> str:
    if value.name is not None:
        return value.name
    if value.hint:
        return f"{int(value):#x} /* {value.hint} */"
    return int.__repr__(value)


def _octal(value: int) -> str:
    return f"{value:04o}" if value < 0o1000 else f"0{value:o}"


def _mode(value: v.Mode, _style: Style) -> str:
    return f"0{value:o}" if value >= 0o100 else f"0{value:02o}"


_FILE_TYPES: Final = {
    0o140000: "S_IFSOCK",
    0o120000: "S_IFLNK",
    0o100000: "S_IFREG",
    0o060000: "S_IFBLK",
    0o040000: "S_IFDIR",
    0o020000: "S_IFCHR",
    0o010000: "S_IFIFO",
}
_MODE_BITS: Final = ((0o4000, "S_ISUID"), (0o2000, "S_ISGID"), (0o1000, "S_ISVTX"))


def _file_mode(value: v.FileMode, _style: Style) -> str:
    kind = _FILE_TYPES.get(value & 0o170000)
    parts = [kind] if kind is not None else []
    parts += [name for bit, name in _MODE_BITS if value & bit]
    rest = value & (0o777 if kind is not None else 0o170777)
    parts.append(f"0{rest:o}" if rest >= 0o100 else f"0{rest:02o}")
    return "|".join(parts)


def _device(value: v.Device, _style: Style) -> str:
    return f"makedev({value.major:#x}, {value.minor:#x})"


def _rlimit(value: v.Rlimit, _style: Style) -> str:
    if value == (1 << 64) - 1:
        return "RLIM64_INFINITY"
    if value > 1024 and value % 1024 == 0:
        return f"{value // 1024}*1024"
    return int.__repr__(value)


def _items(value: v.Items, style: Style) -> str:
    shown = [render(item, style) for item in value[: style.text_max]]
    if value.tail is not None:
        shown.append(f"... /* {value.tail:#x} */")
    elif value.is_cut or len(value) > style.text_max:
        shown.append("...")
    return "[" + ", ".join(shown) + "]"


def _field(name: str, value: v.Value, style: Style) -> str:
    if isinstance(value, v.Macro) and value.name == "inet_pton":
        return f"inet_pton(AF_INET6, {render(value.argument, style)}, &{name})"
    return f"{name}={render(value, style)}"


def _record(value: v.Record, style: Style) -> str:
    if value.brief is None or style.verbose:
        return "{" + ", ".join(_field(n, x, style) for n, x in value.items() if x is not v.ABSENT) + "}"
    brief = value.brief
    shown = [_field(n, x, style) for n, x in value.items() if n in brief and x is not v.ABSENT]
    return "{" + ", ".join([*shown, "..."]) + "}"


# Years that localtime can write with four digits.
_TIME_MAX: Final = 253_402_300_800


def _time_comment(seconds: int, nanoseconds: int = 0) -> str:
    if not -_TIME_MAX < seconds < _TIME_MAX or not 0 <= nanoseconds < 1_000_000_000:
        return ""
    local = time.localtime(seconds)
    fraction = f".{nanoseconds:09d}" if nanoseconds else ""
    return time.strftime(f" /* %Y-%m-%dT%H:%M:%S{fraction}%z */", local)


def _seconds(value: v.Seconds, _style: Style) -> str:
    return int.__repr__(value) + (_time_comment(value) if value else "")


def _timestamp(value: v.Timestamp, style: Style) -> str:
    return _record(value, style) + _time_comment(value.seconds, value.nanoseconds)


def _signals(value: v.SignalSet, _style: Style) -> str:
    everything = range(1, 65)
    inverted = len(value) >= 2 * 64 // 3
    shown = [n for n in everything if n not in value] if inverted else sorted(value)
    names = " ".join(SIGNAL_NAMES.get(n, str(n)).removeprefix("SIG") for n in shown)
    return ("~[" if inverted else "[") + names + "]"


def _fds(value: v.FdSet, style: Style) -> str:
    return "[" + " ".join(_fd(v.Fd(fd), style) for fd in sorted(value)) + "]"


def _environment(value: v.Environment, _style: Style) -> str:
    if value.count < 0:
        return f"{value:#x}"
    return f"{value:#x} /* {value.count} var{'' if value.count == 1 else 's'} */"


def _change(value: v.Change, style: Style) -> str:
    before = render(value.before, style)
    if value.noted:
        return before
    after = render(value.after, style)
    if before == after:
        return before
    if before.startswith("[") and after.startswith("["):
        return f"{before[:-1]} => {after[1:]}"
    return f"{before} => {after}"


def _joined(value: v.Joined, style: Style) -> str:
    return "|".join(render(part, style) for part in value.parts)


_DIRECTIONS: Final = ("_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE")


def _ioctl(value: v.IoctlCode, _style: Style) -> str:
    if value.name is not None:
        return value.name
    direction, kind, number, size = value.parts
    return f"_IOC({_DIRECTIONS[direction]}, {_hash(kind)}, {_hash(number)}, {_hash(size)})"


def _hash(value: int) -> str:
    return f"{value:#x}" if value else "0"


def _wait_status(value: v.WaitStatus, _style: Style) -> str:
    signo, high = value & 0x7F, value >> 8 & 0xFF
    if not signo:
        return f"{{WIFEXITED(s) && WEXITSTATUS(s) == {high}}}"
    if value & 0xFFFF == 0xFFFF:
        return "{WIFCONTINUED(s)}"
    if signo == 0x7F:
        event = f" | {value >> 16:#x} << 16" if value >> 16 else ""
        return f"{{WIFSTOPPED(s) && WSTOPSIG(s) == {signal_text(high)}{event}}}"
    core = " && WCOREDUMP(s)" if value & 0x80 else ""
    return f"{{WIFSIGNALED(s) && WTERMSIG(s) == {signal_text(signo)}{core}}}"


def _listing(value: v.Listing, style: Style) -> str:
    if style.verbose:
        return _items(value, style)
    return f"{value.address:#x} /* {len(value)} entries */"


def _macro(value: v.Macro, style: Style) -> str:
    argument = value.argument
    if value.name == "@" and isinstance(argument, bytes):
        return "@" + render(argument, style)
    if value.name == "%08x" and isinstance(argument, int):
        return f"{argument:#010x}" if argument else "00000000"
    shown = str(argument) if isinstance(argument, int) else render(argument, style)
    return f"{value.name}({shown})"


def _plain(value: int, _style: Style) -> str:
    return int.__repr__(value)


def _hex(value: v.Hex, _style: Style) -> str:
    return f"{value:#x}" if value else "0"


def _bytes(value: bytes, style: Style) -> str:
    return _text(v.Text(value), style)


def _str(value: str, style: Style) -> str:
    return quote(value.encode(), style)


def _is(kind: type[_T], function: Callable[[_T, Style], str]) -> tuple[type, Renderer]:
    # The table below is keyed by the exact type, so each function gets what it declares.
    return kind, cast("Renderer", function)


_RENDERERS: Final[dict[type, Renderer]] = dict(
    (
        _is(int, _plain),
        _is(v.Hex, _hex),
        _is(v.Address, _address),
        _is(v.Environment, _environment),
        _is(v.Fd, _fd),
        _is(v.Pid, _pid),
        _is(v.FlagSet, _flags),
        _is(v.Named, _named),
        _is(v.Mode, _mode),
        _is(v.FileMode, _file_mode),
        _is(v.Device, _device),
        _is(v.Rlimit, _rlimit),
        _is(v.Seconds, _seconds),
        _is(v.Timestamp, _timestamp),
        _is(v.Text, _text),
        _is(v.PathText, _path),
        _is(v.BinaryText, _binary),
        _is(v.Items, _items),
        _is(v.Listing, _listing),
        _is(v.IoctlCode, _ioctl),
        _is(v.WaitStatus, _wait_status),
        _is(v.Record, _record),
        _is(v.SignalSet, _signals),
        _is(v.FdSet, _fds),
        _is(v.Change, _change),
        _is(v.Joined, _joined),
        _is(v.Macro, _macro),
        _is(bytes, _bytes),
        _is(str, _str),
    )
)


def render(value: v.Value, style: Style = DEFAULT_STYLE) -> str:
    """Write one value."""
    return _RENDERERS[type(value)](value, style)


def render_arguments(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write what stands between the parentheses."""
    plan = call.plan
    renderers = _RENDERERS
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
            return _fd(v.Fd(value), style)
        case Returns.PID:
            return _pid(v.Pid(value), style)
        case Returns.ADDRESS:
            return f"{value & call.abi.mask:#x}" if value else "NULL"
        case Returns.HEX:
            return _hash(value & call.abi.mask)
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
    shown = _returned(call, result, style)
    if call.plan.note is None:
        return shown
    notes = [
        f"{label} {render(value, style)}"
        if label and value is not v.ABSENT
        else label or render(value, style)
        for label, value in call.plan.note(call)
    ]
    return f"{shown} ({', '.join(notes)})" if notes else shown


def render_call(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write a whole line: `close(3) = 0`, padded to the column."""
    head = f"{call.plan.name}({render_arguments(call, style)})"
    return f"{head:<{style.column - 1}} = {render_result(call, style)}"


def render_entry(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write what is known at the entry: `read(3, `, without a closing parenthesis."""
    plan = call.plan
    if plan.labels:
        return f"{plan.name}({render_arguments(call, style)}"
    shown: list[str] = []
    for index in range(plan.count):
        value = call.value(index)
        if plan.phases[index] is Phase.LATE and value:
            return f"{plan.name}({''.join(text + ', ' for text in shown)}"
        if value is not v.ABSENT:
            shown.append(render(value, style))
            if plan.phases[index] is Phase.BOTH and value and not plan.noted[index]:
                # What it becomes is written right behind it, when the call has returned.
                break
    return f"{plan.name}({', '.join(shown)}"


def render_unfinished(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write the line of a call that another task's line interrupts."""
    return f"{render_entry(call, style)} <unfinished ...>"


def render_resumed(call: DecodedCall, style: Style = DEFAULT_STYLE) -> str:
    """Write the rest of an interrupted line: `<... read resumed>"x", 1) = 1`."""
    whole = f"{call.plan.name}({render_arguments(call, style)}"
    known = render_entry(call, style)
    rest = whole[len(known) :] if whole.startswith(known) else ""
    head = f"<... {call.plan.name} resumed>{rest})"
    return f"{head:<{style.column - 1}} = {render_result(call, style)}"


def render_siginfo(info: SigInfo, style: Style = DEFAULT_STYLE) -> str:
    """Write `{si_signo=SIGCHLD, si_code=CLD_EXITED, ...}`."""
    return "{" + ", ".join(f"{name}={render(value, style)}" for name, value in info.items()) + "}"


def signal_text(number: int) -> str:
    """Write a signal's name, or its number if it has none."""
    return SIGNAL_NAMES.get(number, str(number))


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
