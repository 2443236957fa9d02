"""Values to text in strace's grammar: one function for each class of values.

Reference: strace(1) "DESCRIPTION"; the output of strace 6.1 is the oracle of the tests.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar, cast

from utrace.syscalls import values as v
from utrace.syscalls.siginfo import SIGNAL_NAMES
from utrace.syscalls.style import ALL_HEX, DEFAULT_STYLE, Style, Xlat, quote

if TYPE_CHECKING:
    from collections.abc import Callable

    Renderer = Callable[[v.Value, Style], str]

_T = TypeVar("_T")

AT_FDCWD: Final = -100


def _text(value: v.Text, style: Style) -> str:
    if len(value) > style.text_max:
        return quote(value[: style.text_max], style) + "..."
    return quote(value, style) + "..." if value.is_cut else quote(value, style)


def _binary(value: v.BinaryText, style: Style) -> str:
    is_cut = value.is_cut or len(value) > style.text_max
    return quote(value[: style.text_max], ALL_HEX) + ("..." if is_cut else "")


def _path(value: v.PathText, style: Style) -> str:
    return quote(value, style) + "..." if value.is_cut else quote(value, style)


def _address(value: v.Address, _style: Style) -> str:
    return f"{value:#x}" if value else "NULL"


_FDCWD: Final = {
    Xlat.RAW: str(AT_FDCWD),
    Xlat.ABBREV: "AT_FDCWD",
    Xlat.VERBOSE: f"{AT_FDCWD} /* AT_FDCWD */",
}


def _fd(value: v.Fd, style: Style) -> str:
    shown = int.__repr__(value) if value != AT_FDCWD else _FDCWD[style.xlat]
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
        return f"{hex_text(int(value))} /* {value.hint} */"
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
    return f"makedev({hex_text(value.major)}, {hex_text(value.minor)})"


def _rlimit(value: v.Rlimit, _style: Style) -> str:
    if value == (1 << 64) - 1:
        return "RLIM64_INFINITY"
    if value > 1024 and value % 1024 == 0:
        return f"{value // 1024}*1024"
    return int.__repr__(value)


def _short_rlimit(value: v.ShortRlimit, style: Style) -> str:
    return "RLIM_INFINITY" if value == (1 << 32) - 1 else _rlimit(value, style)


def _items(value: v.Items, style: Style) -> str:
    shown = [render(item, style) for item in value[: style.text_max]]
    if value.tail is not None:
        shown.append(f"... /* {value.tail:#x} */")
    elif value.is_cut or len(value) > style.text_max:
        shown.append("...")
    return "[" + ", ".join(shown) + "]"


def _field(name: str, value: v.Value, style: Style) -> str:
    if isinstance(value, v.Macro) and value.name == "inet_pton" and style.xlat is Xlat.ABBREV:
        return f"inet_pton(AF_INET6, {render(value.argument, style)}, &{name})"
    return f"{name}={render(value, style)}"


def _record(value: v.Record, style: Style) -> str:
    brief = None if style.verbose else value.brief
    shown = [
        _field(name, field, style)
        for name, field in value.items()
        if field is not v.ABSENT and name not in value.unshown and (brief is None or name in brief)
    ]
    return "{" + ", ".join(shown if brief is None else [*shown, "..."]) + "}"


def _macro_record(value: v.MacroRecord, style: Style) -> str:
    shown = [render(field, style) for name, field in value.items() if name not in value.unshown]
    return f"{value.macro}({', '.join(shown)})"


def _slots(value: v.Slots, style: Style) -> str:
    return "[" + ", ".join(f"[{name}]={render(slot, style)}" for name, slot in value.items()) + "]"


def _bracketed(value: v.Bracketed, style: Style) -> str:
    parts = [render(part, style) for part in value.values if part is not v.ABSENT]
    return parts[0] if len(parts) == 1 else "[" + ", ".join(parts) + "]"


def _chain(value: v.Chain, style: Style) -> str:
    return render(value[0], style) if len(value) == 1 and not value.is_cut else _items(value, style)


def _interface(value: v.InterfaceIndex, _style: Style) -> str:
    import socket  # noqa: PLC0415 - few texts have interfaces, and it is large

    try:
        # As strace does: a namespace of the program's own may have other names.
        return f'if_nametoindex("{socket.if_indextoname(value)}")' if value > 0 else int.__repr__(value)
    except OSError:
        return int.__repr__(value)


def _multiple(value: v.Multiple, _style: Style) -> str:
    count, rest = divmod(value, value.unit)
    shown = int.__repr__(value)
    if not count:
        return shown
    return f"{shown} /* {count} * sizeof({value.name}){f' + {rest}' if rest else ''} */"


def _hardware_address(value: v.HardwareAddress, _style: Style) -> str:
    return str(value)


def _bit_numbers(value: v.BitNumbers, _style: Style) -> str:
    names = [f"1<<{name}" for name in value.names]
    return "|".join([*names, f"{value.unknown:#x}"] if value.unknown else names) or "0"


def _ticks(value: v.Ticks, _style: Style) -> str:
    return f"{int(value)} /* {value / 100:.2f} s */" if value else "0"


# Years that localtime can write with four digits.
_TIME_MAX: Final = 253_402_300_800


def _time_comment(seconds: int, nanoseconds: int = 0, digits: int = 9) -> str:
    if not -_TIME_MAX < seconds < _TIME_MAX or not 0 <= nanoseconds < 1_000_000_000:
        return ""
    local = time.localtime(seconds)
    fraction = f".{nanoseconds:09d}"[: digits + 1] if nanoseconds else ""
    return time.strftime(f" /* %Y-%m-%dT%H:%M:%S{fraction}%z */", local)


def _seconds(value: v.Seconds, _style: Style) -> str:
    return int.__repr__(value) + (_time_comment(value, value.nanoseconds) if value else "")


def _time_of_day(value: v.TimeOfDay, _style: Style) -> str:
    return _time_comment(value).strip(" /*")


def _timestamp(value: v.Timestamp, style: Style) -> str:
    digits = 6 if value.names[1] == "tv_usec" else 9
    shown = _record(value, style)
    if not value.seconds and not value.nanoseconds:
        return shown
    return shown + _time_comment(value.seconds, value.nanoseconds, digits)


def _signal_in_set(number: int, style: Style) -> str:
    if style.xlat is Xlat.RAW:
        return str(number)
    name = SIGNAL_NAMES.get(number, str(number)).removeprefix("SIG")
    return name if style.xlat is Xlat.ABBREV else f"{number} /* {name} */"


def _signals(value: v.SignalSet, style: Style) -> str:
    everything = range(1, 65)
    inverted = len(value) >= 2 * 64 // 3
    shown = [n for n in everything if n not in value] if inverted else sorted(value)
    names = " ".join(_signal_in_set(n, style) for n in shown)
    return ("~[" if inverted else "[") + names + "]"


def _fds(value: v.FdSet, style: Style) -> str:
    return "[" + " ".join(_fd(v.Fd(fd), style) for fd in sorted(value)) + "]"


def _cpus(value: v.Cpus, _style: Style) -> str:
    return "[" + " ".join(map(str, sorted(value))) + "]"


def _environment(value: v.Environment, style: Style) -> str:
    if style.verbose and value.variables is not None:
        return _items(value.variables, style)
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
    if value.macro:
        return f"{value.macro}({', '.join(render(part, style) for part in value.parts)})"
    if style.xlat is Xlat.ABBREV or value.is_loose:
        return "|".join(render(part, style) for part in value.parts)
    return _with_number(f"{value:#x}", "|".join(render(part) for part in value.parts), style)


_DIRECTIONS: Final = ("_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE")


def _ioctl(value: v.IoctlCode, _style: Style) -> str:
    if value.name is not None:
        return f"{value.other} or {value.name}" if value.other else value.name
    direction, kind, number, size = value.parts
    return f"_IOC({_DIRECTIONS[direction]}, {hex_text(kind)}, {hex_text(number)}, {hex_text(size)})"


def hex_text(value: int) -> str:
    """Write a number as C's `%#x` does."""
    return f"{value:#x}" if value else "0"


def _wait_status(value: v.WaitStatus, _style: Style) -> str:
    signo, high = value & 0x7F, value >> 8 & 0xFF
    if not signo:
        return f"{{WIFEXITED(s) && WEXITSTATUS(s) == {high}}}"
    if value & 0xFFFF == 0xFFFF:
        return "{WIFCONTINUED(s)}"
    if signo == 0x7F:
        event = f" | {value >> 16:#x} << 16" if value >> 16 else ""
        # PTRACE_O_TRACESYSGOOD sets the upper bit of the signal.
        stopped = signal_text(high) if high < 0x80 else f"{signal_text(high & 0x7F)} | 0x80"
        return f"{{WIFSTOPPED(s) && WSTOPSIG(s) == {stopped}{event}}}"
    core = " && WCOREDUMP(s)" if value & 0x80 else ""
    return f"{{WIFSIGNALED(s) && WTERMSIG(s) == {signal_text(signo)}{core}}}"


def _listing(value: v.Listing, style: Style) -> str:
    if style.verbose:
        return _items(value, style)
    return f"{value.address:#x} /* {len(value)} entries */"


def _packed_address(text: int | str | bytes) -> bytes:
    import ipaddress  # noqa: PLC0415 — only with -X raw and -X verbose

    return ipaddress.ip_address(text).packed


#: What the macros that turn bytes round make of their argument.
_MACRO_BYTES: Final[dict[str, Callable[[int | str | bytes], bytes]]] = {
    "htons": lambda argument: int(argument).to_bytes(2, "big"),
    "htonl": lambda argument: int(argument).to_bytes(4, "big"),
    "inet_addr": _packed_address,
    "inet_pton": _packed_address,
}


def _hidden(value: v.HiddenItems, style: Style) -> str:
    return _items(value, style) if style.verbose else f"{value.address:#x}"


def _macro(value: v.Macro, style: Style) -> str:
    argument = value.argument
    if style.xlat is not Xlat.ABBREV and value.name in _MACRO_BYTES:
        family = "AF_INET6, " if value.name == "inet_pton" else ""
        number = quote(_MACRO_BYTES[value.name](argument), ALL_HEX)
        return _with_number(number, f"{value.name}({family}{_macro_argument(value)})", style)
    if value.name == "@" and isinstance(argument, bytes):
        return "@" + render(argument, style)
    if value.name == "%08x" and isinstance(argument, int):
        return f"{argument:#08x}" if argument else "00000000"
    family = "AF_INET6, " if value.name == "inet_pton" else ""
    return f"{value.name}({family}{_macro_argument(value)})"


def _macro_argument(value: v.Macro) -> str:
    argument = value.argument
    return int.__repr__(argument) if type(argument) is int else render(argument)


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


def _with_number(number: str, shown: str, style: Style) -> str:
    if style.xlat is Xlat.RAW or shown == number:
        return number
    # Without a name nothing is added: the number may be there already, with a comment.
    return shown if " /* " in shown or shown.isdecimal() else f"{number} /* {shown} */"


def _constant(
    kind: type[_T], function: Callable[[_T, Style], str], number: Callable[[_T], str]
) -> tuple[type, Renderer]:
    """Let the style decide whether a number is written by name."""

    def written(value: _T, style: Style) -> str:
        shown = function(value, style)
        return shown if style.xlat is Xlat.ABBREV else _with_number(number(value), shown, style)

    return _is(kind, written)


def _hex_number(value: int) -> str:
    if not value:
        return "0"
    return f"{value:#x}" if value > 0 else f"{value & 0xFFFFFFFF:#x}"


RENDERERS: Final[dict[type, Renderer]] = dict(
    (
        _is(int, _plain),
        _is(v.Hex, _hex),
        _is(v.Address, _address),
        _is(v.Environment, _environment),
        _is(v.Fd, _fd),
        _is(v.Pid, _pid),
        _constant(v.FlagSet, _flags, _hex_number),
        _constant(v.Named, _named, _hex_number),
        _constant(v.SignalNumber, _named, int.__repr__),
        _is(v.Mode, _mode),
        _constant(v.FileMode, _file_mode, lambda value: f"0{value:o}"),
        _constant(v.Device, _device, _hex_number),
        _constant(v.Rlimit, _rlimit, int.__repr__),
        _constant(v.ShortRlimit, _short_rlimit, int.__repr__),
        _is(v.Seconds, _seconds),
        _is(v.TimeOfDay, _time_of_day),
        _is(v.Timestamp, _timestamp),
        _is(v.Text, _text),
        _is(v.PathText, _path),
        _is(v.BinaryText, _binary),
        _is(v.Items, _items),
        _is(v.Listing, _listing),
        _is(v.HiddenItems, _hidden),
        _constant(v.IoctlCode, _ioctl, _hex_number),
        _is(v.WaitStatus, _wait_status),
        _is(v.Record, _record),
        _is(v.MacroRecord, _macro_record),
        _is(v.Slots, _slots),
        _is(v.Bracketed, _bracketed),
        _is(v.Chain, _chain),
        _is(v.InterfaceIndex, _interface),
        _is(v.Multiple, _multiple),
        _is(v.HardwareAddress, _hardware_address),
        _constant(v.BitNumbers, _bit_numbers, _hex_number),
        _is(v.Ticks, _ticks),
        _is(v.SignalSet, _signals),
        _is(v.FdSet, _fds),
        _is(v.Cpus, _cpus),
        _is(v.Change, _change),
        _is(v.Joined, _joined),
        _is(v.Macro, _macro),
        _is(bytes, _bytes),
        _is(str, _str),
    )
)


def signal_text(number: int) -> str:
    """Write a signal's name, or its number if it has none."""
    return SIGNAL_NAMES.get(number, str(number))


def render(value: v.Value, style: Style = DEFAULT_STYLE) -> str:
    """Write one value."""
    return RENDERERS[type(value)](value, style)
