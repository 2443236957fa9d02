"""What is traced, and how the tracer itself is to behave.

Reference: strace(1) "Startup", "Tracing".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.cli.options.grammar import Option, natural, number, one_of
from utrace.cli.options.settings import Daemon, Interruptible, Needs, UsageError

if TYPE_CHECKING:
    from utrace.cli.options.settings import TraceOptions


def _attach(options: TraceOptions, value: str) -> None:
    for word in value.replace(",", " ").split():
        pid = natural(word)
        if not pid:
            raise UsageError(f"invalid process id: '{word}'")
        options.pids.append(pid)


def _environment(options: TraceOptions, value: str) -> None:
    name, equals, setting = value.partition("=")
    options.environment[name] = setting if equals else None


def _user(options: TraceOptions, value: str) -> None:
    import pwd  # noqa: PLC0415 — rarely wanted

    try:
        pwd.getpwnam(value)
    except KeyError as error:
        raise UsageError(f"cannot find user '{value}'") from error
    options.user = value


def _argv0(options: TraceOptions, value: str) -> None:
    options.argv0 = value


def _follow(options: TraceOptions, _value: str) -> None:
    options.separately |= options.follow
    options.follow = True


_DAEMONS: Final = {
    "": Daemon.GRANDCHILD,
    "grandchild": Daemon.GRANDCHILD,
    "pgroup": Daemon.GROUP,
    "pgrp": Daemon.GROUP,
    "session": Daemon.SESSION,
}


def _daemon_letter(options: TraceOptions, _value: str) -> None:
    if options.daemon is Daemon.SESSION:
        raise UsageError("too many -D's: -DDD is the most there is")
    options.daemon = Daemon(options.daemon + 1)


def _daemon(options: TraceOptions, value: str) -> None:
    options.daemon = _DAEMONS[one_of("--daemonize", value, *_DAEMONS)]


def _detach_on(options: TraceOptions, value: str) -> None:
    if value != "execve":
        raise UsageError(f"-b: only execve can be detached on, not '{value}'")
    options.detach_on = frozenset({"execve", "execveat"})


_INTERRUPTIBLE: Final = {
    "anywhere": Interruptible.ANYWHERE,
    "waiting": Interruptible.WAITING,
    "never": Interruptible.NEVER,
    "never_tstp": Interruptible.NEVER_TSTP,
    **{str(int(one)): one for one in Interruptible},
}


def _interruptible(options: TraceOptions, value: str) -> None:
    options.interruptible = _INTERRUPTIBLE[one_of("-I", value, *_INTERRUPTIBLE)]


def _call_limit(options: TraceOptions, value: str) -> None:
    options.call_limit = number("--syscall-limit", value, least=1)


def _kill_on_exit(options: TraceOptions, _value: str) -> None:
    options.kill_on_exit = True


def _seccomp(options: TraceOptions, _value: str) -> None:
    options.seccomp = True


def _no_seccomp(options: TraceOptions, _value: str) -> None:
    options.seccomp = False


def _no_tap(options: TraceOptions, _value: str) -> None:
    options.tap = False


STARTUP: Final = (
    Option(
        ("p", "attach"),
        _attach,
        "PID[,PID]",
        "attach to processes; with -f to all their threads",
        offers=("<pid>",),
    ),
    Option(("E", "env"), _environment, "VAR[=VAL]", "set VAR in the program's environment, or remove it"),
    Option(("u", "user"), _user, "USER", "run the program as USER", offers=("<user>",)),
    Option(("argv0",), _argv0, "NAME", "let the program's argv[0] be NAME"),
)

TRACING: Final = (
    Option(("f", "follow-forks"), _follow, "", "trace children too; -ff: each into its own FILE.PID"),
    Option(
        ("b", "detach-on"),
        _detach_on,
        "execve",
        "let processes go where they call execve",
        needs=Needs.LETTING_GO,
        offers=("execve",),
    ),
    Option(("D",), _daemon_letter, "", "trace from a grandchild; -DD, -DDD: further away"),
    Option(
        ("daemonize", "daemonise"),
        _daemon,
        "[WHERE]",
        "the same: grandchild, pgroup, session",
        offers=tuple(word for word in _DAEMONS if word),
    ),
    Option(
        ("I", "interruptible"),
        _interruptible,
        "N",
        "signals end utrace: 1 at once, 2 in order, 3, 4 never",
        offers=tuple(_INTERRUPTIBLE),
    ),
    Option(
        ("syscall-limit",),
        _call_limit,
        "N",
        "let everything go after N calls",
        needs=Needs.LETTING_GO,
    ),
    Option(("kill-on-exit",), _kill_on_exit, "", "the program does not outlive utrace"),
    Option(("seccomp-bpf",), _seccomp, "", "calls not chosen do not stop; needs -f; as --kill-on-exit"),
    Option(("no-seccomp",), _no_seccomp, "", "calls not chosen stop, too: no filter in the program"),
    Option(("no-tap",), _no_tap, "", "every call that is logged stops: no eBPF program records it"),
)
