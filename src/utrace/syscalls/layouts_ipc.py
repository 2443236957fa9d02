"""Structs of System V IPC, message queues, timers and the clock."""

from __future__ import annotations

from typing import Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.abi import AARCH64, I386, X86_64
from utrace.syscalls.layouts import TIMEVAL, PerAbi
from utrace.syscalls.structs import Ordered, Pad, Repeat

#: The upper halves of times, which only 32-bit conventions have; and a word that x86-64 keeps for nothing.
_HIGH: Final = Pad(0, 1, length_32=4)
_UNUSED: Final = t.ULONG


def _permissions(mode: t.ArgType, order: str) -> Ordered:
    return Ordered(
        order,
        key=t.HEX32,
        uid=t.ID,
        gid=t.ID,
        cuid=t.ID,
        cgid=t.ID,
        mode=mode,
        seq=t.U16,
        pad=t.U16,
        unused1=t.ULONG,
        unused2=t.ULONG,
    )


_WHOLE: Final = "uid gid mode key cuid cgid"
_SETTABLE: Final = "uid gid mode"
_MODE: Final = t.MODE32
_PERMISSIONS: Final = _permissions(_MODE, _WHOLE)
_SET_PERMISSIONS: Final = _permissions(_MODE, _SETTABLE)

SHMID_DS: Final = Ordered(
    "shm_perm shm_segsz shm_cpid shm_lpid shm_nattch shm_atime shm_dtime shm_ctime",
    shm_perm=_PERMISSIONS,
    shm_segsz=t.SIZE,
    shm_atime=t.LONG,
    _atime_high=_HIGH,
    shm_dtime=t.LONG,
    _dtime_high=_HIGH,
    shm_ctime=t.LONG,
    _ctime_high=_HIGH,
    shm_cpid=t.PID,
    shm_lpid=t.PID,
    shm_nattch=t.ULONG,
    _unused=Repeat(_UNUSED, 2),
)
SHMID_SET: Final = Ordered("shm_perm", shm_perm=_SET_PERMISSIONS)

_SEM_FIELDS: Final = "sem_perm sem_otime sem_ctime sem_nsems"
_SEM_X86: Final = Ordered(
    _SEM_FIELDS,
    sem_perm=_PERMISSIONS,
    sem_otime=t.LONG,
    _unused1=t.ULONG,
    sem_ctime=t.LONG,
    _unused2=t.ULONG,
    sem_nsems=t.ULONG,
    _unused=Repeat(_UNUSED, 2),
)
SEMID_DS: Final = PerAbi(
    {
        X86_64: _SEM_X86,
        I386: _SEM_X86,
        AARCH64: Ordered(
            _SEM_FIELDS,
            sem_perm=_PERMISSIONS,
            sem_otime=t.LONG,
            sem_ctime=t.LONG,
            sem_nsems=t.ULONG,
            _unused=Repeat(_UNUSED, 2),
        ),
    }
)
SEMID_SET: Final = Ordered("sem_perm", sem_perm=_SET_PERMISSIONS)

MSQID_DS: Final = Ordered(
    "msg_perm msg_stime msg_rtime msg_ctime msg_qnum msg_qbytes msg_lspid msg_lrpid",
    msg_perm=_PERMISSIONS,
    msg_stime=t.LONG,
    _stime_high=_HIGH,
    msg_rtime=t.LONG,
    _rtime_high=_HIGH,
    msg_ctime=t.LONG,
    _ctime_high=_HIGH,
    msg_cbytes=t.ULONG,
    msg_qnum=t.ULONG,
    msg_qbytes=t.ULONG,
    msg_lspid=t.PID,
    msg_lrpid=t.PID,
    _unused=Repeat(_UNUSED, 2),
)
MSQID_SET: Final = Ordered(
    "msg_perm msg_qbytes",
    msg_perm=_SET_PERMISSIONS,
    _stime=t.LONG,
    _stime_high=_HIGH,
    _rtime=t.LONG,
    _rtime_high=_HIGH,
    _ctime=t.LONG,
    _ctime_high=_HIGH,
    _cbytes=t.ULONG,
    _qnum=t.ULONG,
    msg_qbytes=t.ULONG,
)

MQ_ATTR: Final = Ordered(
    "mq_flags mq_maxmsg mq_msgsize mq_curmsgs",
    mq_flags=t.Flags("o_cloexec", "O_???", "long"),
    mq_maxmsg=t.LONG,
    mq_msgsize=t.LONG,
    mq_curmsgs=t.LONG,
    _reserved=Repeat(t.LONG, 4),
)

TIMEX: Final = Ordered(
    "modes offset freq maxerror esterror status constant precision tolerance time tick ppsfreq jitter shift"
    " stabil jitcnt calcnt errcnt stbcnt tai",
    modes=t.Flags("adjtimex", "ADJ_???"),
    offset=t.LONG,
    freq=t.LONG,
    maxerror=t.LONG,
    esterror=t.LONG,
    status=t.Flags("timex_status", "STA_???"),
    constant=t.LONG,
    precision=t.LONG,
    tolerance=t.LONG,
    time=TIMEVAL,
    tick=t.LONG,
    ppsfreq=t.LONG,
    jitter=t.LONG,
    shift=t.INT,
    stabil=t.LONG,
    jitcnt=t.LONG,
    calcnt=t.LONG,
    errcnt=t.LONG,
    stbcnt=t.LONG,
    tai=t.INT,
    _unused=Repeat(t.INT, 11),
)
