"""The text form of guest programs.

    program main {
      handle SIGUSR1 {
        user 1
      }
      fork {
        exec other
      }
      syscall unlink "/etc/passwd" -> -13
      wait
    }

One step a line; a block opens with `{` at the end of a line and closes with `}` on its own.
`format_programs` and `parse_programs` are inverse to each other.
"""

from __future__ import annotations

import shlex
import signal
from typing import TYPE_CHECKING, Final, TypeAlias

from utrace.testing import guest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from utrace.testing.guest import Programs, Step, Steps

_Parser: TypeAlias = "tuple[int, Callable[[list[str]], Step]]"

_BORN: Final[Mapping[str, Callable[[Steps], Step]]] = {
    "fork": guest.Fork,
    "vfork": guest.VFork,
    "thread": guest.Thread,
}
_PARSERS: Final[Mapping[str, _Parser]] = {
    "wait": (0, lambda _words: guest.Wait()),
    "pause": (0, lambda _words: guest.Pause()),
    "user": (1, lambda words: guest.User(int(words[0]))),
    "exit": (1, lambda words: guest.Exit(int(words[0]))),
    "exit_group": (1, lambda words: guest.ExitGroup(int(words[0]))),
    "exec": (1, lambda words: guest.Exec(words[0])),
    "ignore": (1, lambda words: guest.Ignore(signal_number(words[0]))),
    "default": (1, lambda words: guest.Default(signal_number(words[0]))),
    "block": (1, lambda words: guest.Block(signal_number(words[0]))),
    "unblock": (1, lambda words: guest.Unblock(signal_number(words[0]))),
    "kill": (2, lambda words: guest.Kill(words[0], signal_number(words[1]))),
    "tgkill": (2, lambda words: guest.Tgkill(words[0], signal_number(words[1]))),
    "store": (2, lambda words: guest.Store(int(words[0], 0), bytes.fromhex(words[1]))),
}


class BadGuestText(ValueError):
    """A line that is no step, or a block that does not close; the message names the line."""


def signal_name(signo: int) -> str:
    """Give the name of a signal, or its number if it has none."""
    try:
        return signal.Signals(signo).name
    except ValueError:
        return str(signo)


def signal_number(word: str) -> int:
    """Give the number of a signal written by name or number.

    Raises:
        ValueError: no such signal.
    """
    if word.isdecimal():
        return int(word)
    try:
        return signal.Signals[word].value
    except KeyError:
        raise ValueError(f"no signal is called {word}") from None


def format_programs(programs: Programs) -> str:
    """Write programs as text."""
    lines: list[str] = []
    for name, steps in programs.items():
        lines.append(f"program {name} {{")
        _format_steps(steps, "  ", lines)
        lines.append("}")
    return "\n".join(lines) + "\n"


def parse_programs(text: str) -> dict[str, Steps]:
    """Read programs from text.

    Raises:
        BadGuestText: a line that cannot be understood.
    """
    lines = iter(enumerate(text.splitlines(), 1))
    programs: dict[str, Steps] = {}
    for number, line in lines:
        match line.split():
            case []:
                continue
            case ["program", name, "{"]:
                programs[name] = _parse_block(lines, number)
            case _:
                raise BadGuestText(f"line {number}: expected 'program NAME {{', found {line.strip()!r}")
    return programs


def _format_steps(steps: Steps, indent: str, lines: list[str]) -> None:
    for step in steps:
        body = getattr(step, "body", None)
        if body is None:
            lines.append(indent + _format_step(step))
            continue
        lines.append(f"{indent}{_format_head(step)} {{")
        _format_steps(body, indent + "  ", lines)
        lines.append(indent + "}")


def _format_head(step: Step) -> str:
    match step:
        case guest.Loop(count, _):
            return f"loop {count}"
        case guest.Handle(signo, _, restart):
            return f"handle {signal_name(signo)}" + (" restart" if restart else "")
        case _:
            return type(step).__name__.lower()


def _format_step(step: Step) -> str:
    match step:
        case guest.Syscall():
            return _format_syscall(step)
        case guest.Store(address, data):
            return f"store {address:#x} {data.hex()}"
        case guest.Exec(program):
            return f"exec {program}"
        case guest.ExitGroup(code):
            return f"exit_group {code}"
        case _:
            return " ".join([type(step).__name__.lower(), *_format_operands(step)])


def _format_operands(step: Step) -> list[str]:
    match step:
        case guest.User(number) | guest.Exit(number):
            return [str(number)]
        case guest.Kill(target, signo) | guest.Tgkill(target, signo):
            return [target, signal_name(signo)]
        case guest.Ignore(signo) | guest.Default(signo) | guest.Block(signo) | guest.Unblock(signo):
            return [signal_name(signo)]
        case _:
            return []


def _format_syscall(step: guest.Syscall) -> str:
    words = ["syscall", step.name]
    words += [f'"{arg.decode()}"' if isinstance(arg, bytes) else str(arg) for arg in step.args]
    if step.blocking is not None:
        words.append(step.blocking.value)
    if step.result is not None:
        words += ["->", str(step.result)]
    return " ".join(words)


def _parse_block(lines: Iterator[tuple[int, str]], opened: int) -> Steps:
    steps: list[Step] = []
    for number, line in lines:
        if line.strip() == "}":
            return tuple(steps)
        try:
            words = shlex.split(line, posix=False)
            if not words:
                continue
            if words[-1] == "{":
                steps.append(_parse_head(words[:-1], _parse_block(lines, number)))
            else:
                steps.append(_parse_step(words))
        except BadGuestText:
            raise
        except (ValueError, LookupError) as error:
            raise BadGuestText(f"line {number}: {line.strip()!r}: {error}") from None
    raise BadGuestText(f"line {opened}: the block does not close")


def _parse_head(words: list[str], body: Steps) -> Step:
    match words:
        case [kind] if kind in _BORN:
            return _BORN[kind](body)
        case ["loop", count]:
            return guest.Loop(int(count), body)
        case ["handle", signo]:
            return guest.Handle(signal_number(signo), body)
        case ["handle", signo, "restart"]:
            return guest.Handle(signal_number(signo), body, restart=True)
        case _:
            raise ValueError("no step with a block is written so")


def _parse_step(words: list[str]) -> Step:
    kind, operands = words[0], words[1:]
    if kind == "syscall":
        return _parse_syscall(operands[0], operands[1:])
    parse = _PARSERS.get(kind)
    if parse is None:
        raise ValueError("no step is called so")
    arity, make = parse
    if len(operands) != arity:
        raise ValueError(f"{kind} takes {arity} operands")
    return make(operands)


def _parse_syscall(name: str, words: list[str]) -> guest.Syscall:
    guest.syscall_number(name)
    result: int | None = None
    blocking: guest.Restart | None = None
    if "->" in words:
        result = int(words[-1])
        words = words[: words.index("->")]
    if words and words[-1] in {kind.value for kind in guest.Restart}:
        blocking = guest.Restart(words[-1])
        words = words[:-1]
    args = tuple(word[1:-1].encode() if word.startswith('"') else int(word, 0) for word in words)
    return guest.Syscall(name, args, result, blocking)
