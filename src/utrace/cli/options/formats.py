"""How lines look, and where they go.

Reference: strace(1) "Output format".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.cli.options.filters import checked_calls, numbers_of
from utrace.cli.options.grammar import PRECISIONS, Option, number, one_of, precision, words_of
from utrace.cli.options.settings import FD_DETAILS, PID_DETAILS, Needs, Stacks, UsageError
from utrace.engines.line_style import Clock

if TYPE_CHECKING:
    from utrace.cli.options.settings import TraceOptions


#: More is nobody's line.
_TEXT_MAX: Final = 1 << 30
_COLUMN_MAX: Final = 1 << 16

# -- where to -----------------------------------------------------------------------------------------


def _output(options: TraceOptions, value: str) -> None:
    options.outputs.append(value)


def _append(options: TraceOptions, _value: str) -> None:
    options.append = True


def _separately(options: TraceOptions, _value: str) -> None:
    options.separately = True


def _colour(options: TraceOptions, value: str) -> None:
    options.colour = one_of("--color", value or "always", "auto", "always", "never")


# -- values -------------------------------------------------------------------------------------------


def _text_max(options: TraceOptions, value: str) -> None:
    options.text_max = number("-s", value, most=_TEXT_MAX)


def _no_abbreviation(options: TraceOptions, _value: str) -> None:
    options.abbreviated = "none"


def _abbreviated(options: TraceOptions, value: str) -> None:
    options.abbreviated = checked_calls(value)


def _dereferenced(options: TraceOptions, value: str) -> None:
    options.dereferenced = checked_calls(value)


def _raw(options: TraceOptions, value: str) -> None:
    options.raw = checked_calls(value)


def _constants(options: TraceOptions, value: str) -> None:
    options.constants = one_of("-X", value, "raw", "abbrev", "verbose")


_HEX: Final = {"none": 0, "non-ascii": 1, "all": 2, "non-ascii-chars": 3}


def _hex_letter(options: TraceOptions, value: str) -> None:
    if value:
        options.hex_strings = _HEX[one_of("--strings-in-hex", value, *_HEX)]
    elif options.hex_strings in {1, 2} and "x" in options.given:
        options.hex_strings = 2
    else:
        options.hex_strings = 1


def _hex_name(options: TraceOptions, value: str) -> None:
    options.hex_strings = _HEX[one_of("--strings-in-hex", value or "all", *_HEX)]


def _fds_letter(options: TraceOptions, _value: str) -> None:
    _either(options, "decode-fds", "-y and --decode-fds cannot be provided simultaneously")
    options.fd_details = FD_DETAILS if "y" in options.given else frozenset({"path"})


def _fds(options: TraceOptions, value: str) -> None:
    _either(options, "y", "-y and --decode-fds cannot be provided simultaneously")
    options.fd_details = words_of(value or "path", FD_DETAILS, "decode-fds")


def _comm(options: TraceOptions, _value: str) -> None:
    options.pid_details |= {"comm"}


def _pids(options: TraceOptions, value: str) -> None:
    options.pid_details = words_of(value, PID_DETAILS, "decode-pids")


def _either(options: TraceOptions, other: str, message: str) -> None:
    if other in options.given:
        raise UsageError(message)


def _reads(options: TraceOptions, value: str) -> None:
    options.reads = numbers_of(value)


def _writes(options: TraceOptions, value: str) -> None:
    options.writes = numbers_of(value)


def _argument_names(options: TraceOptions, _value: str) -> None:
    options.argument_names = True


# -- around the call ----------------------------------------------------------------------------------


def _column(options: TraceOptions, value: str) -> None:
    options.column = number("-a", value, most=_COLUMN_MAX)


_CLOCKS: Final = ((Clock.TIME, 0), (Clock.TIME, 6), (Clock.UNIX, 6))


def _clock_letter(options: TraceOptions, _value: str) -> None:
    now = (options.clock, options.clock_digits)
    following = _CLOCKS.index(now) + 1 if now in _CLOCKS else 0
    options.clock, options.clock_digits = _CLOCKS[min(following, 2)]


_CLOCK_NAMES: Final = {"none": Clock.NONE, "time": Clock.TIME, "unix": Clock.UNIX}


def _clock(options: TraceOptions, value: str) -> None:
    """Read `[[format:]FORMAT][,[precision:]PRECISION]`, in any order."""
    clock, digits = Clock.TIME, 0
    for word in value.split(",") if value else ():
        name = word.removeprefix("format:")
        unit = word.removeprefix("precision:")
        if name in _CLOCK_NAMES:
            clock = _CLOCK_NAMES[name]
        elif unit in PRECISIONS:
            digits = PRECISIONS[unit]
        else:
            raise UsageError(f"invalid --absolute-timestamps argument: '{value}'")
    options.clock, options.clock_digits = clock, digits


def _since_last(options: TraceOptions, value: str) -> None:
    options.since_last = precision("--relative-timestamps", value)


def _durations(options: TraceOptions, value: str) -> None:
    options.durations = precision("--syscall-times", value)


def _instruction_pointer(options: TraceOptions, _value: str) -> None:
    options.instruction_pointer = True


def _call_number(options: TraceOptions, _value: str) -> None:
    options.call_number = True


def _always_show_pid(options: TraceOptions, _value: str) -> None:
    options.always_show_pid = True


_STACKS: Final = {"symbol": Stacks.SYMBOLS, "source": Stacks.SOURCES}


def _stack_letter(options: TraceOptions, value: str) -> None:
    if value:
        options.stacks = _STACKS[one_of("--stack-trace", value, *_STACKS)]
    else:
        options.stacks = Stacks.SYMBOLS if options.stacks is Stacks.NONE else Stacks.SOURCES


def _frames_max(options: TraceOptions, value: str) -> None:
    options.frames_max = number("--stack-trace-frame-limit", value, least=1)


OUTPUTS: Final = (
    Option(
        ("o", "output"),
        _output,
        "FILE",
        "to FILE, FORMAT:FILE or a command '|CMD'; repeatable",
        offers=("<file>",),
    ),
    Option(("A", "output-append-mode"), _append, "", "with -o: append to FILE"),
    Option(("output-separately",), _separately, "", "with -f -o FILE: the same as -ff"),
    Option(
        ("color",),
        _colour,
        "[WHEN]",
        "colour: auto (on a terminal), always, never",
        offers=("auto", "always", "never"),
    ),
)

FORMATS: Final = (
    Option(("a", "columns"), _column, "N", "column of the results (40)"),
    Option(
        ("abbrev",),
        _abbreviated,
        "SET",
        "show structures in part for these calls (all)",
        qualifiers=("abbrev", "a"),
        offers=("<calls>",),
    ),
    Option(
        ("verbose",),
        _dereferenced,
        "SET",
        "look behind pointers for these calls (all)",
        qualifiers=("verbose", "v"),
        offers=("<calls>",),
    ),
    Option(
        ("raw",),
        _raw,
        "SET",
        "show only numbers for these calls",
        qualifiers=("raw", "x"),
        offers=("<calls>",),
    ),
    Option(
        ("read", "reads"),
        _reads,
        "SET",
        "dump what is read from these descriptors",
        qualifiers=("read", "reads", "r"),
        needs=Needs.LIVE_TASK,
    ),
    Option(
        ("write", "writes"),
        _writes,
        "SET",
        "dump what is written to these descriptors",
        qualifiers=("write", "writes", "w"),
        needs=Needs.LIVE_TASK,
    ),
    Option(
        ("i", "instruction-pointer"),
        _instruction_pointer,
        "",
        "show where in the program each call is made",
    ),
    Option(
        ("k", "stack-trace", "stack-traces"),
        _stack_letter,
        "[symbol|source]",
        "show the stack of each call; -kk: with source lines",
        needs=Needs.LIVE_TASK,
        offers=("symbol", "source"),
    ),
    Option(("stack-trace-frame-limit",), _frames_max, "N", "show at most N frames of a stack (256)"),
    Option(("n", "syscall-number"), _call_number, "", "show the number of each call"),
    Option(("N", "arg-names"), _argument_names, "", "show the name of each argument"),
    Option(("always-show-pid",), _always_show_pid, "", "show a pid also while there is only one"),
    Option(
        ("r", "relative-timestamps"),
        _since_last,
        "[UNIT]",
        "time since the line before",
        offers=tuple(PRECISIONS),
    ),
    Option(("t",), _clock_letter, "", "time of day; -tt: with microseconds; -ttt: UNIX"),
    Option(
        ("absolute-timestamps", "timestamps"),
        _clock,
        "[FORMAT[,UNIT]]",
        "the same: time, unix or none, and s to ns",
        offers=(*_CLOCK_NAMES, *PRECISIONS),
    ),
    Option(("T", "syscall-times"), _durations, "[UNIT]", "time spent in each call", offers=tuple(PRECISIONS)),
    Option(("s", "string-limit"), _text_max, "N", "show N bytes of a string (32)"),
    Option(("v", "no-abbrev"), _no_abbreviation, "", "show structures and lists whole"),
    Option(("x",), _hex_letter, "", "hex for strings that are not ASCII; -xx: for all"),
    Option(
        ("strings-in-hex",),
        _hex_name,
        "[WHICH]",
        "the same: none, non-ascii, non-ascii-chars, all",
        offers=tuple(_HEX),
    ),
    Option(
        ("X", "const-print-style"),
        _constants,
        "STYLE",
        "constants as raw numbers, abbrev (names), verbose",
        offers=("raw", "abbrev", "verbose"),
    ),
    Option(
        ("y",), _fds_letter, "", "show the file of each descriptor; -yy: all about it", needs=Needs.LIVE_TASK
    ),
    Option(
        ("decode-fds", "decode-fd"),
        _fds,
        "[SET]",
        "the same: path, socket, dev, pidfd, all",
        qualifiers=("decode-fds", "decode-fd"),
        needs=Needs.LIVE_TASK,
        offers=(*sorted(FD_DETAILS), "all"),
    ),
    Option(("Y",), _comm, "", "show the name of each process", needs=Needs.LIVE_TASK),
    Option(
        ("decode-pids", "decode-pid"),
        _pids,
        "SET",
        "the same: comm; pidns: as utrace has the pid",
        qualifiers=("decode-pids", "decode-pid"),
        needs=Needs.LIVE_TASK,
        offers=(*sorted(PID_DETAILS), "all"),
    ),
)
