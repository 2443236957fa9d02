"""Structs of tasks: what ptrace, prctl, seccomp and the schedulers pass."""

from __future__ import annotations

from typing import Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.abi import AARCH64, I386, X86_64
from utrace.syscalls.layouts import PerAbi
from utrace.syscalls.packed import CALL_NUMBER, CALL_NUMBER32
from utrace.syscalls.pointers import Array
from utrace.syscalls.programs import SECCOMP_INSTRUCTION
from utrace.syscalls.structs import BitFields, Hidden, Pad, Repeat, Spliced, Struct

SOCK_FPROG: Final = Struct(len=t.U16, filter=Hidden(Array(SECCOMP_INSTRUCTION, "len")))

_ADDRESS64: Final = t.POINTER64
PRCTL_MM_MAP: Final = Struct(
    start_code=_ADDRESS64,
    end_code=_ADDRESS64,
    start_data=_ADDRESS64,
    end_data=_ADDRESS64,
    start_brk=_ADDRESS64,
    brk=_ADDRESS64,
    start_stack=_ADDRESS64,
    arg_start=_ADDRESS64,
    arg_end=_ADDRESS64,
    env_start=_ADDRESS64,
    env_end=_ADDRESS64,
    auxv=t.ADDRESS,
    auxv_size=t.UINT,
    exe_fd=t.FD,
)

_X86_64_REGISTERS: Final = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base"
    " ds es fs gs"
)
_I386_REGISTERS: Final = "ebx ecx edx esi edi ebp eax xds xes xfs xgs orig_eax eip xcs eflags esp xss"


def _registers(names: str) -> Struct:
    return Struct(**dict.fromkeys(names.split(), t.HEX))


#: struct user_regs_struct.
USER_REGS: Final = PerAbi(
    {
        X86_64: _registers(_X86_64_REGISTERS),
        I386: _registers(_I386_REGISTERS),
        AARCH64: Struct(regs=Repeat(t.HEX, 31), sp=t.HEX, pc=t.HEX, pstate=t.HEX),
    }
)

PEEKSIGINFO: Final = Struct(off=t.U64, flags=t.Flags("ptrace_peek", "PTRACE_PEEKSIGINFO_???"), nr=t.INT)
SECCOMP_METADATA: Final = Struct(
    filter_off=t.U64, flags=t.Flags("seccomp_filter", "SECCOMP_FILTER_FLAG_???", "u64")
)
RSEQ_CONFIGURATION: Final = Struct(
    rseq_abi_pointer=_ADDRESS64, rseq_abi_size=t.UINT, signature=t.HEX32, flags=t.HEX32, _pad=t.UINT
)

_ARGS: Final = Repeat(t.HEX64, 6)
SYSCALL_INFO: Final = Struct(
    op=t.Enum("ptrace_syscall_info", "PTRACE_SYSCALL_INFO_???", "u8"),
    _pad=Pad(3),
    arch=t.Enum("audit_arch", "AUDIT_ARCH_???"),
    instruction_pointer=_ADDRESS64,
    stack_pointer=_ADDRESS64,
    what=Spliced(
        "op",
        "ptrace_syscall_info",
        {
            "PTRACE_SYSCALL_INFO_ENTRY": Struct(entry=Struct(nr=CALL_NUMBER, args=_ARGS)),
            "PTRACE_SYSCALL_INFO_EXIT": Struct(exit=Struct(rval=t.I64, is_error=t.U8)),
            "PTRACE_SYSCALL_INFO_SECCOMP": Struct(
                seccomp=Struct(nr=CALL_NUMBER, args=_ARGS, ret_data=t.UINT)
            ),
        },
        Pad(0, 8),
    ),
)

#: struct user_desc: the bits of the last word have names, in their order.
USER_DESC: Final = Struct(
    entry_number=t.UINT,
    base_addr=t.HEX32,
    limit=t.HEX32,
    bits=BitFields(
        seg_32bit=1, contents=2, read_exec_only=1, limit_in_pages=1, seg_not_present=1, useable=1, lm=1
    ),
)
THREAD_AREA: Final = Struct(
    entry_number=t.INT,
    base_addr=t.PADDED_HEX,
    limit=t.PADDED_HEX,
    bits=BitFields(seg_32bit=1, contents=2, read_exec_only=1, limit_in_pages=1, seg_not_present=1, useable=1),
)
KCMP_EPOLL_SLOT: Final = Struct(efd=t.FD, tfd=t.FD, toff=t.UINT)

#: What a seccomp filter is told, and what goes over the descriptor of its listener.
SECCOMP_DATA: Final = Struct(
    nr=CALL_NUMBER32,
    arch=t.Enum("audit_arch", "AUDIT_ARCH_???"),
    instruction_pointer=_ADDRESS64,
    args=_ARGS,
)
SECCOMP_NOTIF: Final = Struct(id=t.HEX64, pid=t.PID, flags=t.HEX32, data=SECCOMP_DATA)
SECCOMP_NOTIF_RESP: Final = Struct(
    id=t.HEX64, val=t.I64, error=t.INT, flags=t.Flags("seccomp_notif", "SECCOMP_USER_NOTIF_FLAG_???")
)
SECCOMP_NOTIF_ADDFD: Final = Struct(
    id=t.HEX64,
    flags=t.Flags("seccomp_addfd", "SECCOMP_ADDFD_FLAG_???"),
    srcfd=t.FD,
    newfd=t.FD,
    newfd_flags=t.Flags("o_cloexec", "O_???"),
)
SECCOMP_NOTIF_SIZES: Final = Struct(seccomp_notif=t.U16, seccomp_notif_resp=t.U16, seccomp_data=t.U16)
