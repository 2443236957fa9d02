"""Structs of bpf, perf, landlock and io_uring."""

from __future__ import annotations

from typing import Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.pointers import Array, String
from utrace.syscalls.programs import EXTENDED_INSTRUCTION
from utrace.syscalls.structs import BitFields, Chars, Hidden, Ordered, Packed, Pad, Repeat, Struct, Wide

_POINTER: Final = t.POINTER64
_FD: Final = t.FD

BPF_MAP_CREATE: Final = Struct(
    map_type=t.Enum("bpf_map_type", "BPF_MAP_TYPE_???"),
    key_size=t.UINT,
    value_size=t.UINT,
    max_entries=t.UINT,
    map_flags=t.Flags("bpf_map_flags", "BPF_F_???"),
    inner_map_fd=_FD,
    numa_node=t.UINT,
    map_name=Chars(16),
    map_ifindex=t.UINT,
    btf_fd=_FD,
    btf_key_type_id=t.UINT,
    btf_value_type_id=t.UINT,
    btf_vmlinux_value_type_id=t.UINT,
    map_extra=t.U64,
    value_type_btf_obj_fd=_FD,
    map_token_fd=_FD,
)
_ELEMENT_FLAGS: Final = t.Enum("bpf_element_flags", "BPF_???", "u64")
BPF_MAP_ELEM: Final = Struct(map_fd=_FD, _pad=Pad(4), key=_POINTER, value=_POINTER, flags=_ELEMENT_FLAGS)
BPF_MAP_KEY: Final = Struct(map_fd=_FD, _pad=Pad(4), key=_POINTER)
BPF_MAP_NEXT_KEY: Final = Struct(map_fd=_FD, _pad=Pad(4), key=_POINTER, next_key=_POINTER)
BPF_MAP_FD: Final = Struct(map_fd=_FD)
BPF_PROG_LOAD: Final = Struct(
    prog_type=t.Enum("bpf_prog_type", "BPF_PROG_TYPE_???"),
    insn_cnt=t.UINT,
    insns=Wide(Hidden(Array(EXTENDED_INSTRUCTION, "insn_cnt"))),
    license=Wide(String()),
    log_level=t.UINT,
    log_size=t.UINT,
    log_buf=_POINTER,
    kern_version=t.VERSION,
    prog_flags=t.Flags("bpf_prog_flags", "BPF_F_???"),
    prog_name=Chars(16),
    prog_ifindex=t.UINT,
    expected_attach_type=t.Enum("bpf_attach_type", "BPF_???"),
    prog_btf_fd=_FD,
    func_info_rec_size=t.UINT,
    func_info=_POINTER,
    func_info_cnt=t.UINT,
    line_info_rec_size=t.UINT,
    line_info=_POINTER,
    line_info_cnt=t.UINT,
    attach_btf_id=t.UINT,
    attach_prog_fd=_FD,
    core_relo_cnt=t.UINT,
    fd_array=_POINTER,
    core_relos=_POINTER,
    core_relo_rec_size=t.UINT,
)
BPF_OBJ: Final = Struct(pathname=Wide(String()), bpf_fd=_FD, file_flags=t.Flags("bpf_map_flags", "BPF_F_???"))
_ATTACH_TYPE: Final = t.Enum("bpf_attach_type", "BPF_???")
BPF_PROG_ATTACH: Final = Struct(
    target_fd=_FD,
    attach_bpf_fd=_FD,
    attach_type=_ATTACH_TYPE,
    attach_flags=t.Flags("bpf_attach_flags", "BPF_F_???"),
    replace_bpf_fd=_FD,
)
BPF_GET_ID: Final = Struct(start_id=t.UINT, next_id=t.UINT, open_flags=t.Flags("bpf_map_flags", "BPF_F_???"))
BPF_INFO: Final = Struct(bpf_fd=_FD, info_len=t.UINT, info=_POINTER)
BPF_RAW_TRACEPOINT: Final = Struct(name=Wide(String()), prog_fd=_FD)
BPF_BTF_LOAD: Final = Struct(
    btf=_POINTER, btf_log_buf=_POINTER, btf_size=t.UINT, btf_log_size=t.UINT, btf_log_level=t.UINT
)
BPF_LINK_CREATE: Final = Struct(prog_fd=_FD, target_fd=_FD, attach_type=_ATTACH_TYPE, flags=t.HEX32)
BPF_LINK_UPDATE: Final = Struct(link_fd=_FD, new_prog_fd=_FD, flags=t.HEX32, old_prog_fd=_FD)
BPF_LINK_FD: Final = Struct(link_fd=_FD)
BPF_ENABLE_STATS: Final = Struct(type=t.UINT)
BPF_ITER_CREATE: Final = Struct(link_fd=_FD, flags=t.HEX32)
BPF_PROG_BIND_MAP: Final = Struct(prog_fd=_FD, map_fd=_FD, flags=t.HEX32)

PERF_EVENT_ATTR: Final = Struct(
    "type size config sample_period sample_type read_format bits",
    type=t.Enum("perf_type", "PERF_TYPE_???"),
    size=t.Enum("perf_size", "", "u32"),
    config=t.WideChoice(
        "type",
        "perf_type",
        {
            "PERF_TYPE_HARDWARE": t.Enum("perf_hardware", "PERF_COUNT_HW_???", "u64"),
            "PERF_TYPE_SOFTWARE": t.Enum("perf_software", "PERF_COUNT_SW_???", "u64"),
        },
        t.HEX64,
    ),
    sample_period=t.U64,
    sample_type=t.Flags("perf_sample", "PERF_SAMPLE_???", "u64"),
    read_format=t.Flags("perf_read", "PERF_FORMAT_???", "u64"),
    bits=BitFields(
        "u64",
        sparse=True,
        disabled=1,
        inherit=1,
        pinned=1,
        exclusive=1,
        exclude_user=1,
        exclude_kernel=1,
        exclude_hv=1,
        exclude_idle=1,
        mmap=1,
        comm=1,
        freq=1,
        inherit_stat=1,
        enable_on_exec=1,
        task=1,
        watermark=1,
        precise_ip=2,
        mmap_data=1,
        sample_id_all=1,
        exclude_host=1,
        exclude_guest=1,
        exclude_callchain_kernel=1,
        exclude_callchain_user=1,
        mmap2=1,
        comm_exec=1,
        use_clockid=1,
        context_switch=1,
        write_backward=1,
        namespaces=1,
        ksymbol=1,
        bpf_event=1,
        aux_output=1,
        cgroup=1,
        text_poke=1,
        build_id=1,
        inherit_thread=1,
        remove_on_exec=1,
        sigtrap=1,
        _reserved=26,
    ),
    wakeup_events=t.UINT,
    bp_type=t.HEX32,
    config1=t.HEX64,
    config2=t.HEX64,
    branch_sample_type=t.HEX64,
    sample_regs_user=t.HEX64,
    sample_stack_user=t.UINT,
    clockid=t.Enum("clockid", "CLOCK_???", "i32"),
    sample_regs_intr=t.HEX64,
    aux_watermark=t.UINT,
    sample_max_stack=t.U16,
    _reserved_2=t.U16,
    aux_sample_size=t.UINT,
    _reserved_3=t.UINT,
    sig_data=t.HEX64,
    config3=t.HEX64,
    config4=t.HEX64,
)

LANDLOCK_RULESET: Final = Struct(
    handled_access_fs=t.Flags("landlock_fs", "LANDLOCK_ACCESS_FS_???", "u64"),
    handled_access_net=t.Flags("landlock_net", "LANDLOCK_ACCESS_NET_???", "u64"),
    scoped=t.Flags("landlock_scope", "LANDLOCK_SCOPE_???", "u64"),
)
#: The kernel packs it: 12 bytes.
LANDLOCK_PATH_BENEATH: Final = Packed(
    allowed_access=t.Flags("landlock_fs", "LANDLOCK_ACCESS_FS_???", "u64"), parent_fd=_FD
)
LANDLOCK_NET_PORT: Final = Struct(
    allowed_access=t.Flags("landlock_net", "LANDLOCK_ACCESS_NET_???", "u64"), port=t.U64
)

_SQ_OFFSETS: Final = Struct(
    head=t.UINT,
    tail=t.UINT,
    ring_mask=t.UINT,
    ring_entries=t.UINT,
    flags=t.UINT,
    dropped=t.UINT,
    array=t.UINT,
    _resv1=t.UINT,
    user_addr=_POINTER,
)
_CQ_OFFSETS: Final = Struct(
    head=t.UINT,
    tail=t.UINT,
    ring_mask=t.UINT,
    ring_entries=t.UINT,
    overflow=t.UINT,
    cqes=t.UINT,
    flags=t.UINT,
    _resv1=t.UINT,
    user_addr=_POINTER,
)
IO_URING_PARAMS: Final = Ordered(
    "flags sq_thread_cpu sq_thread_idle sq_entries cq_entries features sq_off cq_off",
    sq_entries=t.UINT,
    cq_entries=t.UINT,
    flags=t.Flags("io_uring_setup", "IORING_SETUP_???"),
    sq_thread_cpu=t.UINT,
    sq_thread_idle=t.UINT,
    features=t.Flags("io_uring_features", "IORING_FEAT_???"),
    wq_fd=_FD,
    _resv=Repeat(t.UINT, 3),
    sq_off=_SQ_OFFSETS,
    cq_off=_CQ_OFFSETS,
)
IO_URING_BUF_REG: Final = Struct(
    ring_addr=_POINTER, ring_entries=t.UINT, bgid=t.U16, flags=t.U16, _resv=Pad(24, 8)
)

_FUTEX2: Final = t.Flags("futex2", "FUTEX2_???")
FUTEX_WAITV: Final = Struct(val=t.HEX64, uaddr=_POINTER, flags=_FUTEX2, _reserved=t.UINT)
