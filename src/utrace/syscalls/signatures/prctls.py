"""prctl and arch_prctl by option.

Reference: prctl(2), PR_...(2const), arch_prctl(2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.layouts_tasks import PRCTL_MM_MAP, SOCK_FPROG
from utrace.syscalls.pointers import Buffer, Out, Ptr, String, TaskName
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.tables import enum_names, flags_decoder
from utrace.syscalls.values import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.call import DecodedCall
    from utrace.syscalls.signature import Note, Signature

_HEX, _NUMBER, _INT = t.HEX, t.ULONG, t.INT
_SPECULATION: Final = t.Enum("pr_spec", "PR_SPEC_???", "ulong")

_MM_VALUES: Final[Mapping[str, t.ArgType]] = {
    "PR_SET_MM_MAP": Ptr(PRCTL_MM_MAP),
    "PR_SET_MM_MAP_SIZE": Out(t.UINT),
}

#: What each option takes behind itself; registers beyond the row are not used.
_OPTIONS: Final[Mapping[str, tuple[t.ArgType, ...]]] = {
    "PR_GET_DUMPABLE PR_GET_KEEPCAPS PR_GET_SECCOMP PR_GET_SECUREBITS PR_GET_TIMERSLACK PR_GET_TIMING"
    " PR_TASK_PERF_EVENTS_DISABLE PR_TASK_PERF_EVENTS_ENABLE PR_GET_FP_MODE PR_SVE_GET_VL PR_SME_GET_VL"
    " PR_RISCV_V_GET_CONTROL": (),
    "PR_GET_NO_NEW_PRIVS PR_GET_THP_DISABLE PR_MCE_KILL_GET PR_GET_TAGGED_ADDR_CTRL PR_GET_IO_FLUSHER"
    " PR_GET_MDWE PR_GET_MEMORY_MERGE": (_HEX, _HEX, _HEX, _HEX),
    "PR_SET_PDEATHSIG": (t.SIGNAL,),
    "PR_GET_PDEATHSIG PR_GET_CHILD_SUBREAPER": (Out(_INT),),
    "PR_SET_DUMPABLE": (t.Enum("prctl_dumpable", "SUID_DUMP_???", "ulong"),),
    "PR_GET_UNALIGN": (Out(t.Flags("pr_unalign", "PR_UNALIGN_???")),),
    "PR_SET_UNALIGN": (t.Flags("pr_unalign", "PR_UNALIGN_???", "ulong"),),
    "PR_GET_FPEMU PR_GET_FPEXC PR_GET_ENDIAN": (Out(t.HEX32),),
    "PR_SET_KEEPCAPS PR_SET_CHILD_SUBREAPER PR_SET_TIMERSLACK PR_SET_TIMING PR_SET_FPEMU PR_SET_FPEXC"
    " PR_SET_ENDIAN": (_NUMBER,),
    "PR_SET_NAME": (TaskName(),),
    "PR_GET_NAME": (Out(String()),),
    "PR_SET_SECCOMP": (
        t.Enum("seccomp_mode", "SECCOMP_MODE_???", "ulong"),
        t.Choice("arg2", "seccomp_mode", {"SECCOMP_MODE_FILTER": Ptr(SOCK_FPROG)}, _HEX),
        t.Choice("arg2", "seccomp_mode", {"SECCOMP_MODE_FILTER SECCOMP_MODE_STRICT": t.MISSING}, _HEX),
        t.Choice("arg2", "seccomp_mode", {"SECCOMP_MODE_FILTER SECCOMP_MODE_STRICT": t.MISSING}, _HEX),
    ),
    "PR_CAPBSET_READ PR_CAPBSET_DROP": (t.Enum("cap", "CAP_???", "ulong"),),
    "PR_GET_TSC": (Out(t.Enum("pr_tsc", "PR_TSC_???")),),
    "PR_SET_TSC": (t.Enum("pr_tsc", "PR_TSC_???"),),
    "PR_SET_SECUREBITS": (t.Flags("secbits", "SECBIT_???", "ulong"),),
    "PR_MCE_KILL": (
        t.Enum("pr_mce_kill", "PR_MCE_KILL_???", "ulong"),
        t.Choice(
            "arg2",
            "pr_mce_kill",
            {"PR_MCE_KILL_SET": t.Enum("pr_mce_kill_policy", "PR_MCE_KILL_???", "ulong")},
            _HEX,
        ),
        _HEX,
        _HEX,
    ),
    "PR_SET_MM": (
        t.Enum("pr_set_mm", "PR_SET_MM_???", "ulong"),
        t.Choice("arg2", "pr_set_mm", _MM_VALUES, _HEX),
        _HEX,
        _HEX,
    ),
    "PR_SET_PTRACER": (t.Enum("pr_set_ptracer", "", "long", otherwise=t.INT),),
    "PR_SET_NO_NEW_PRIVS PR_SET_THP_DISABLE PR_SET_IO_FLUSHER PR_SET_MEMORY_MERGE": (
        _NUMBER,
        _HEX,
        _HEX,
        _HEX,
    ),
    "PR_SET_MDWE": (t.Flags("pr_mdwe", "PR_MDWE_???", "ulong"), _HEX, _HEX, _HEX),
    "PR_GET_TID_ADDRESS": (Out(t.POINTER),),
    "PR_SET_FP_MODE": (t.Flags("pr_fp_mode", "PR_FP_MODE_???", "ulong"),),
    "PR_CAP_AMBIENT": (
        t.Enum("pr_cap_ambient", "PR_CAP_AMBIENT_???", "ulong"),
        t.Choice(
            "arg2",
            "pr_cap_ambient",
            {
                "PR_CAP_AMBIENT_IS_SET PR_CAP_AMBIENT_RAISE PR_CAP_AMBIENT_LOWER": t.Enum(
                    "cap", "CAP_???", "ulong"
                )
            },
            _HEX,
        ),
        _HEX,
        _HEX,
    ),
    "PR_SVE_SET_VL PR_SME_SET_VL": (t.Flags("pr_sve_vl", "", "ulong"),),
    "PR_GET_SPECULATION_CTRL": (_SPECULATION,),
    "PR_SET_SPECULATION_CTRL": (_SPECULATION, t.Flags("pr_spec_control", "PR_SPEC_???", "ulong")),
    "PR_PAC_RESET_KEYS": (t.Flags("pr_pac", "PR_PAC_???", "ulong"), _HEX, _HEX, _HEX),
    "PR_PAC_SET_ENABLED_KEYS": (
        t.Flags("pr_pac", "PR_PAC_???", "ulong"),
        t.Flags("pr_pac", "PR_PAC_???", "ulong"),
        _HEX,
        _HEX,
    ),
    "PR_PAC_GET_ENABLED_KEYS": (_HEX, _HEX, _HEX, _HEX),
    "PR_SET_TAGGED_ADDR_CTRL": (t.Flags("pr_tagged_addr", "PR_???", "ulong"), _HEX, _HEX, _HEX),
    "PR_SET_SYSCALL_USER_DISPATCH": (
        t.Enum("pr_sys_dispatch", "PR_SYS_DISPATCH_???", "ulong"),
        _HEX,
        _HEX,
        t.ADDRESS,
    ),
    "PR_SCHED_CORE": (
        t.Enum("pr_sched_core", "PR_SCHED_CORE_???", "ulong"),
        t.PID,
        t.Enum("pid_type", "PIDTYPE_???", "ulong"),
        t.Choice("arg2", "pr_sched_core", {"PR_SCHED_CORE_GET": Out(t.HEX64)}, _HEX),
    ),
    "PR_SET_VMA": (t.Enum("prctl_vma", "PR_SET_VMA_???", "ulong"), _HEX, _NUMBER, String()),
    "PR_GET_AUXV": (Out(Buffer("arg3", binary=True)), _NUMBER),
    "PR_SET_SHADOW_STACK_STATUS PR_LOCK_SHADOW_STACK_STATUS": (
        t.Flags("pr_shadow_stack", "PR_SHADOW_STACK_???", "ulong"),
    ),
    "PR_GET_SHADOW_STACK_STATUS": (Out(t.Flags("pr_shadow_stack", "PR_SHADOW_STACK_???", "ulong")),),
    "PR_FUTEX_HASH": (t.Enum("pr_futex_hash", "PR_FUTEX_HASH_???", "ulong"), _NUMBER, _HEX),
    "PR_TIMER_CREATE_RESTORE_IDS": (_NUMBER,),
}


def _register(position: int) -> t.Choice:
    cases = {
        options: row[position] if position < len(row) else t.MISSING for options, row in _OPTIONS.items()
    }
    return t.Choice("option", "prctl", cases, _HEX)


#: What the result of an option means: flags of a set, written in base sixteen, or one of its names.
_RESULT_FLAGS: Final = {"PR_GET_SECUREBITS": "secbits", "PR_GET_SPECULATION_CTRL": "pr_spec_control"}
_RESULT_NAMES: Final = {
    "PR_GET_DUMPABLE": "prctl_dumpable",
    "PR_MCE_KILL_GET": "pr_mce_kill_policy",
    "PR_GET_SECCOMP": "seccomp_mode",
}
_WITHOUT_NOTE: Final = frozenset({"PR_GET_SECCOMP"})


def _option(call: DecodedCall) -> str:
    return enum_names(call.abi, "prctl").get(call.raw[0] & 0xFFFFFFFF, "")


def _returns(call: DecodedCall) -> Returns:
    return Returns.HEX if _option(call) in _RESULT_FLAGS else Returns.DECIMAL


def _note(call: DecodedCall) -> list[Note]:
    option, result = _option(call), call.result
    if result is None:
        return []
    if option in _RESULT_FLAGS:
        return [("", flags_decoder(call.abi, _RESULT_FLAGS[option])(result.value))] if result.value else []
    if option in _RESULT_NAMES and option not in _WITHOUT_NOTE:
        name = enum_names(call.abi, _RESULT_NAMES[option]).get(result.value)
        return [(name, ABSENT)] if name is not None else []
    return []


_ARCH_PRCTL: Final[Mapping[str, t.ArgType]] = {
    "ARCH_GET_FS ARCH_GET_GS": Out(t.POINTER),
    "ARCH_GET_CPUID": t.MISSING,
    "ARCH_GET_XCOMP_SUPP ARCH_GET_XCOMP_PERM ARCH_GET_XCOMP_GUEST_PERM": Out(
        t.Flags("xfeatures", "XFEATURE_MASK_???", "u64")
    ),
    "ARCH_REQ_XCOMP_PERM ARCH_REQ_XCOMP_GUEST_PERM": t.Enum("xfeature", "XFEATURE_???", "ulong"),
    "ARCH_SHSTK_ENABLE ARCH_SHSTK_DISABLE ARCH_SHSTK_LOCK ARCH_SHSTK_UNLOCK": t.Flags(
        "arch_shstk", "ARCH_SHSTK_???", "ulong"
    ),
    "ARCH_SHSTK_STATUS": Out(t.Flags("arch_shstk", "ARCH_SHSTK_???", "u64")),
    "ARCH_GET_UNTAG_MASK": Out(t.HEX),
}

CALLS: Final[Mapping[str, Signature]] = {
    "prctl": sig(
        _returns,
        _note,
        option=t.Enum("prctl", "PR_???"),
        arg2=_register(0),
        arg3=_register(1),
        arg4=_register(2),
        arg5=_register(3),
    ),
    "arch_prctl": sig(
        op=t.Enum("arch_prctl", "ARCH_???"), addr=t.Choice("op", "arch_prctl", _ARCH_PRCTL, t.HEX)
    ),
}
