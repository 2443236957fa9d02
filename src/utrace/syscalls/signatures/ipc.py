"""System V IPC and POSIX message queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.layouts import SEMBUF, TIMESPEC
from utrace.syscalls.packed import IpcFlags
from utrace.syscalls.pointers import Array, Path, Ptr
from utrace.syscalls.signature import Returns, sig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.signature import Signature

_KEY: Final = t.Special("IPC_PRIVATE", 0)
_GET: Final = IpcFlags()
_CMD: Final = t.Enum("ipc_cmd", "IPC_???")

CALLS: Final[Mapping[str, Signature]] = {
    "shmget": sig(key=_KEY, size=t.SIZE, shmflg=IpcFlags("shm_flags", ("SHM_HUGE_SHIFT", 26, 63))),
    "shmat": sig(Returns.ADDRESS, shmid=t.INT, shmaddr=t.ADDRESS, shmflg=t.Flags("shmat", "SHM_???")),
    "shmdt": sig(shmaddr=t.ADDRESS),
    "shmctl": sig(shmid=t.INT, cmd=_CMD, buf=t.ADDRESS),
    "semget": sig(key=_KEY, nsems=t.INT, semflg=_GET),
    "semop": sig(semid=t.INT, sops=Array(SEMBUF, "nsops"), nsops=t.UINT),
    "semtimedop": sig(semid=t.INT, sops=Array(SEMBUF, "nsops"), nsops=t.UINT, timeout=Ptr(TIMESPEC)),
    "semctl": sig(semid=t.INT, semnum=t.INT, cmd=_CMD, arg=t.HEX),
    "msgget": sig(key=_KEY, msgflg=_GET),
    "msgsnd": sig(msqid=t.INT, msgp=t.ADDRESS, msgsz=t.SIZE, msgflg=t.Flags("msg_flags", "MSG_???")),
    "msgrcv": sig(
        msqid=t.INT, msgp=t.ADDRESS, msgsz=t.SIZE, msgtyp=t.LONG, msgflg=t.Flags("msg_flags", "MSG_???")
    ),
    "msgctl": sig(msqid=t.INT, cmd=_CMD, buf=t.ADDRESS),
    "mq_unlink": sig(name=Path()),
}
