"""The kernel itself: randomness, filters, keys, modules, events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.pointers import RETURNED, Buffer, Out, String
from utrace.syscalls.signature import Returns, sig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.signature import Signature

_FD = Returns.FD

_SYSLOG_SHORT: Final = (
    "SYSLOG_ACTION_CLOSE SYSLOG_ACTION_OPEN SYSLOG_ACTION_CLEAR SYSLOG_ACTION_CONSOLE_OFF"
    " SYSLOG_ACTION_CONSOLE_ON SYSLOG_ACTION_SIZE_UNREAD SYSLOG_ACTION_SIZE_BUFFER"
)
_SYSLOG_BUFFERS: Final[Mapping[str, t.ArgType]] = {
    _SYSLOG_SHORT: t.MISSING,
    "SYSLOG_ACTION_READ SYSLOG_ACTION_READ_ALL SYSLOG_ACTION_READ_CLEAR": Out(Buffer(RETURNED)),
}

CALLS: Final[Mapping[str, Signature]] = {
    "getrandom": sig(
        buf=Out(Buffer(RETURNED, binary=True)), buflen=t.SIZE, flags=t.Flags("getrandom", "GRND_???")
    ),
    "seccomp": sig(
        operation=t.Enum("seccomp_op", "SECCOMP_SET_MODE_???"),
        flags=t.Choice(
            "operation",
            "seccomp_op",
            {"SECCOMP_SET_MODE_FILTER": t.Flags("seccomp_filter", "SECCOMP_FILTER_FLAG_???")},
            t.HEX32,
        ),
        args=t.ADDRESS,
    ),
    "bpf": sig(cmd=t.Enum("bpf", "BPF_???"), attr=t.ADDRESS, size=t.UINT),
    "perf_event_open": sig(
        _FD,
        attr=t.ADDRESS,
        pid=t.PID,
        cpu=t.INT,
        group_fd=t.FD,
        flags=t.Flags("perf_open", "PERF_FLAG_???", "ulong"),
    ),
    "userfaultfd": sig(_FD, flags=t.Flags("userfaultfd", "UFFD_???")),
    "syslog": sig(
        type=t.Enum("syslog", "SYSLOG_ACTION_???"),
        bufp=t.Choice("type", "syslog", _SYSLOG_BUFFERS, t.ADDRESS),
        len=t.Choice("type", "syslog", {_SYSLOG_SHORT: t.MISSING}, t.INT),
    ),
    "reboot": sig(
        magic=t.Enum("reboot_magic", "LINUX_REBOOT_MAGIC_???"),
        magic2=t.Enum("reboot_magic", "LINUX_REBOOT_MAGIC_???"),
        op=t.Enum("reboot", "LINUX_REBOOT_CMD_???"),
        arg=t.Choice("op", "reboot", {"LINUX_REBOOT_CMD_RESTART2": String()}, t.MISSING),
    ),
    "init_module": sig(module_image=t.ADDRESS, len=t.SIZE, param_values=String()),
    "finit_module": sig(fd=t.FD, param_values=String(), flags=t.Flags("module_init", "MODULE_INIT_???")),
    "delete_module": sig(name=String(), flags=t.Flags("delete_module", "O_???")),
    "add_key": sig(
        type=String(),
        description=String(),
        payload=Buffer("plen"),
        plen=t.SIZE,
        keyring=t.Enum("key_spec", "", "i32"),
    ),
    "request_key": sig(
        type=String(), description=String(), callout_info=String(), dest_keyring=t.Enum("key_spec", "", "i32")
    ),
    "keyctl": sig(operation=t.Enum("keyctl", "KEYCTL_???"), arg2=t.HEX, arg3=t.HEX, arg4=t.HEX, arg5=t.HEX),
    "landlock_create_ruleset": sig(
        _FD, attr=t.ADDRESS, size=t.SIZE, flags=t.Flags("landlock_create", "LANDLOCK_CREATE_???")
    ),
    "landlock_add_rule": sig(
        ruleset_fd=t.FD,
        rule_type=t.Enum("landlock_rule", "LANDLOCK_RULE_???"),
        rule_attr=t.ADDRESS,
        flags=t.HEX32,
    ),
    "landlock_restrict_self": sig(ruleset_fd=t.FD, flags=t.HEX32),
}
