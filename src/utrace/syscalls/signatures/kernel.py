"""The kernel itself: filters, keys, modules, events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts_kernel as k
from utrace.syscalls.layouts_tasks import SECCOMP_NOTIF_SIZES, SOCK_FPROG
from utrace.syscalls.pointers import RETURNED, Array, Buffer, Out, Ptr, String
from utrace.syscalls.programs import SECCOMP_RETURN
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.structs import SelfSized, Sized, Struct

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

_SECCOMP_ARGS: Final[Mapping[str, t.ArgType]] = {
    "SECCOMP_SET_MODE_FILTER": Ptr(SOCK_FPROG),
    "SECCOMP_GET_ACTION_AVAIL": Ptr(SECCOMP_RETURN),
    "SECCOMP_GET_NOTIF_SIZES": Out(SECCOMP_NOTIF_SIZES),
}
_LANDLOCK_RULES: Final[Mapping[str, t.ArgType]] = {
    "LANDLOCK_RULE_PATH_BENEATH": Ptr(k.LANDLOCK_PATH_BENEATH),
    "LANDLOCK_RULE_NET_PORT": Ptr(k.LANDLOCK_NET_PORT),
}
_BPF_ATTRIBUTES: Final[Mapping[str, Struct]] = {
    "BPF_MAP_CREATE": k.BPF_MAP_CREATE,
    "BPF_MAP_LOOKUP_ELEM BPF_MAP_UPDATE_ELEM BPF_MAP_LOOKUP_AND_DELETE_ELEM": k.BPF_MAP_ELEM,
    "BPF_MAP_DELETE_ELEM": k.BPF_MAP_KEY,
    "BPF_MAP_GET_NEXT_KEY": k.BPF_MAP_NEXT_KEY,
    "BPF_MAP_FREEZE": k.BPF_MAP_FD,
    "BPF_PROG_LOAD": k.BPF_PROG_LOAD,
    "BPF_OBJ_PIN BPF_OBJ_GET": k.BPF_OBJ,
    "BPF_PROG_ATTACH BPF_PROG_DETACH": k.BPF_PROG_ATTACH,
    "BPF_PROG_GET_NEXT_ID BPF_MAP_GET_NEXT_ID BPF_BTF_GET_NEXT_ID BPF_LINK_GET_NEXT_ID BPF_PROG_GET_FD_BY_ID"
    " BPF_MAP_GET_FD_BY_ID BPF_BTF_GET_FD_BY_ID BPF_LINK_GET_FD_BY_ID": k.BPF_GET_ID,
    "BPF_OBJ_GET_INFO_BY_FD": k.BPF_INFO,
    "BPF_RAW_TRACEPOINT_OPEN": k.BPF_RAW_TRACEPOINT,
    "BPF_BTF_LOAD": k.BPF_BTF_LOAD,
    "BPF_LINK_CREATE": k.BPF_LINK_CREATE,
    "BPF_LINK_UPDATE": k.BPF_LINK_UPDATE,
    "BPF_LINK_DETACH": k.BPF_LINK_FD,
    "BPF_ENABLE_STATS": k.BPF_ENABLE_STATS,
    "BPF_ITER_CREATE": k.BPF_ITER_CREATE,
    "BPF_PROG_BIND_MAP": k.BPF_PROG_BIND_MAP,
}
_BPF: Final[Mapping[str, t.ArgType]] = {
    commands: Sized(attribute, "size") for commands, attribute in _BPF_ATTRIBUTES.items()
}

_KEXEC_SEGMENT: Final = Struct(buf=t.POINTER, bufsz=t.SIZE, mem=t.POINTER, memsz=t.SIZE)
_KEXEC_FLAGS: Final = t.Flags("kexec", "KEXEC_???", "ulong")

CALLS: Final[Mapping[str, Signature]] = {
    "kexec_load": sig(
        entry=t.ADDRESS,
        nr_segments=t.ULONG,
        segments=Array(_KEXEC_SEGMENT, "nr_segments"),
        flags=_KEXEC_FLAGS,
    ),
    "kexec_file_load": sig(
        kernel_fd=t.FD,
        initrd_fd=t.FD,
        cmdline_len=t.ULONG,
        cmdline=String(),
        flags=t.Flags("kexec_file", "KEXEC_FILE_???", "ulong"),
    ),
    "seccomp": sig(
        operation=t.Enum("seccomp_op", "SECCOMP_SET_MODE_???"),
        flags=t.Choice(
            "operation",
            "seccomp_op",
            {"SECCOMP_SET_MODE_FILTER": t.Flags("seccomp_filter", "SECCOMP_FILTER_FLAG_???")},
            t.HEX32,
        ),
        args=t.Choice("operation", "seccomp_op", _SECCOMP_ARGS, t.ADDRESS),
    ),
    "bpf": sig(cmd=t.Enum("bpf", "BPF_???"), attr=t.Choice("cmd", "bpf", _BPF, t.ADDRESS), size=t.UINT),
    "perf_event_open": sig(
        _FD,
        attr=SelfSized(k.PERF_EVENT_ATTR, 64),
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
    "landlock_create_ruleset": sig(
        _FD,
        attr=Sized(k.LANDLOCK_RULESET, "size"),
        size=t.SIZE,
        flags=t.Flags("landlock_create", "LANDLOCK_CREATE_RULESET_???"),
    ),
    "landlock_add_rule": sig(
        ruleset_fd=t.FD,
        rule_type=t.Enum("landlock_rule", "LANDLOCK_RULE_???"),
        rule_attr=t.Choice("rule_type", "landlock_rule", _LANDLOCK_RULES, t.ADDRESS),
        flags=t.HEX32,
    ),
    "landlock_restrict_self": sig(
        ruleset_fd=t.FD, flags=t.Flags("landlock_restrict", "LANDLOCK_RESTRICT_SELF_???")
    ),
}
