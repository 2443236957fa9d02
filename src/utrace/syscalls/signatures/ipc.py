"""System V IPC and POSIX message queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts_ipc as s
from utrace.syscalls.layouts import SEMBUF, TIMESPEC
from utrace.syscalls.packed import IpcCommand, IpcFlags
from utrace.syscalls.pointers import RETURNED, Array, Buffer, Out, Path, Ptr
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.special import SIGNAL_EVENT, IpcMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.signature import Signature

_KEY: Final = t.Special("IPC_PRIVATE", 0)
_GET: Final = IpcFlags()
_MSG: Final = t.Flags("msg_flags", "MSG_???")
# The commands without IPC_64, which chooses the younger layout.
_COMMAND: Final = 0xFFFFFEFF
_OPEN_MODE: Final = t.When("oflag", 0o100, t.MODE)

SEM_COMMAND: Final = IpcCommand("sem_cmd", "SEM_???")

_SHMCTL: Final[Mapping[str, t.ArgType]] = {
    "IPC_STAT SHM_STAT SHM_STAT_ANY": Out(s.SHMID_DS),
    "IPC_SET": Ptr(s.SHMID_SET),
}
_SEMCTL: Final[Mapping[str, t.ArgType]] = {
    "IPC_STAT SEM_STAT SEM_STAT_ANY": Out(s.SEMID_DS),
    "IPC_SET": Ptr(s.SEMID_SET),
}
_MSGCTL: Final[Mapping[str, t.ArgType]] = {
    "IPC_STAT MSG_STAT MSG_STAT_ANY": Out(s.MSQID_DS),
    "IPC_SET": Ptr(s.MSQID_SET),
}

CALLS: Final[Mapping[str, Signature]] = {
    "shmget": sig(key=_KEY, size=t.SIZE, shmflg=IpcFlags("shm_flags", ("SHM_HUGE_SHIFT", 26, 63))),
    "shmat": sig(Returns.ADDRESS, shmid=t.INT, shmaddr=t.ADDRESS, shmflg=t.Flags("shmat", "SHM_???")),
    "shmdt": sig(shmaddr=t.ADDRESS),
    "shmctl": sig(
        shmid=t.INT,
        cmd=IpcCommand("shm_cmd", "SHM_???"),
        buf=t.Choice("cmd", "shm_cmd", _SHMCTL, t.ADDRESS, _COMMAND),
    ),
    "semget": sig(key=_KEY, nsems=t.INT, semflg=_GET),
    "semop": sig(semid=t.INT, sops=Array(SEMBUF, "nsops"), nsops=t.UINT),
    "semtimedop": sig(semid=t.INT, sops=Array(SEMBUF, "nsops"), nsops=t.UINT, timeout=Ptr(TIMESPEC)),
    "semctl": sig(
        semid=t.INT,
        semnum=t.INT,
        cmd=SEM_COMMAND,
        arg=t.Choice("cmd", "sem_cmd", _SEMCTL, t.ADDRESS, _COMMAND),
    ),
    "msgget": sig(key=_KEY, msgflg=_GET),
    "msgsnd": sig(msqid=t.INT, msgp=IpcMessage("msgsz"), msgsz=t.SIZE, msgflg=_MSG),
    "msgrcv": sig(msqid=t.INT, msgp=Out(IpcMessage(RETURNED)), msgsz=t.SIZE, msgtyp=t.LONG, msgflg=_MSG),
    "msgctl": sig(
        msqid=t.INT,
        cmd=IpcCommand("msg_cmd", "MSG_???"),
        buf=t.Choice("cmd", "msg_cmd", _MSGCTL, t.ADDRESS, _COMMAND),
    ),
    "mq_open": sig(
        Returns.FD,
        name=Path(),
        oflag=t.Flags("open", "O_???"),
        mode=_OPEN_MODE,
        attr=t.When("oflag", 0o100, Ptr(s.MQ_ATTR)),
    ),
    "mq_timedsend": sig(
        mqdes=t.FD, msg_ptr=Buffer("msg_len"), msg_len=t.SIZE, msg_prio=t.UINT, abs_timeout=Ptr(TIMESPEC)
    ),
    "mq_timedreceive": sig(
        mqdes=t.FD,
        msg_ptr=Out(Buffer(RETURNED)),
        msg_len=t.SIZE,
        msg_prio=Out(t.UINT),
        abs_timeout=Ptr(TIMESPEC),
    ),
    "mq_notify": sig(mqdes=t.FD, sevp=Ptr(SIGNAL_EVENT)),
    "mq_getsetattr": sig(mqdes=t.FD, newattr=Ptr(s.MQ_ATTR), oldattr=Out(s.MQ_ATTR)),
    "mq_unlink": sig(name=Path()),
}
