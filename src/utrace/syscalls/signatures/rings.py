"""Asynchronous I/O, io_uring and the younger futex calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls import layouts as s
from utrace.syscalls.layouts_kernel import FUTEX_WAITV, IO_URING_BUF_REG, IO_URING_PARAMS
from utrace.syscalls.pointers import RETURNED, Array, Out, Ptr, Signals
from utrace.syscalls.signature import Returns, sig
from utrace.syscalls.structs import Struct
from utrace.syscalls.values import Address
from utrace.syscalls.vectors import IoVector, SigmaskArgument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.signature import Signature

_FUTEX2: Final = t.Flags("futex2", "FUTEX2_???")
_CLOCK: Final = t.Enum("clockid", "CLOCK_???")

_REGISTER: Final[Mapping[str, t.ArgType]] = {
    "IORING_REGISTER_BUFFERS": IoVector("nr_args", 0),
    "IORING_REGISTER_FILES IORING_REGISTER_EVENTFD IORING_REGISTER_EVENTFD_ASYNC": Array(t.FD, "nr_args"),
    "IORING_REGISTER_PBUF_RING IORING_UNREGISTER_PBUF_RING": Array(IO_URING_BUF_REG, "nr_args"),
}

_CONTEXT: Final = t.Number("ulong", Address)
_EVENT: Final = Struct(data=t.HEX64, obj=t.POINTER64, res=t.I64, res2=t.I64)
_EVENTS: Final = Out(Array(_EVENT, RETURNED))


def _control_block() -> t.ArgType:
    from utrace.syscalls.aio import ControlBlock  # noqa: PLC0415 - few programs have any

    return ControlBlock()


def _control_blocks() -> t.ArgType:
    from utrace.syscalls.aio import ControlBlocks  # noqa: PLC0415 - as above

    return ControlBlocks("nr")


CALLS: Final[Mapping[str, Signature]] = {
    "io_setup": sig(nr_events=t.UINT, ctx_idp=Out(t.HEX)),
    "io_destroy": sig(ctx_id=_CONTEXT),
    "io_submit": sig(ctx_id=_CONTEXT, nr=t.LONG, iocbpp=t.Deferred(_control_blocks)),
    "io_cancel": sig(ctx_id=_CONTEXT, iocb=t.Deferred(_control_block), result=Out(_EVENT)),
    "io_getevents": sig(ctx_id=_CONTEXT, min_nr=t.LONG, nr=t.LONG, events=_EVENTS, timeout=Ptr(s.TIMESPEC)),
    "io_pgetevents": sig(
        ctx_id=_CONTEXT,
        min_nr=t.LONG,
        nr=t.LONG,
        events=_EVENTS,
        timeout=Ptr(s.TIMESPEC),
        usig=SigmaskArgument(),
    ),
    "io_uring_setup": sig(Returns.FD, entries=t.UINT, params=Out(IO_URING_PARAMS, also_on_error=True)),
    "io_uring_enter": sig(
        fd=t.FD,
        to_submit=t.UINT,
        min_complete=t.UINT,
        flags=t.Flags("io_uring_enter", "IORING_ENTER_???"),
        # IORING_ENTER_EXT_ARG: a struct of its own.
        sig=t.Bits("flags", {8: t.ADDRESS}, Signals()),
        sigsz=t.SIZE,
    ),
    "io_uring_register": sig(
        fd=t.FD,
        opcode=t.Enum("io_uring_register", "IORING_REGISTER_???"),
        arg=t.Choice("opcode", "io_uring_register", _REGISTER, t.ADDRESS),
        nr_args=t.UINT,
    ),
    "futex_waitv": sig(
        waiters=Array(FUTEX_WAITV, "nr_futexes"),
        nr_futexes=t.UINT,
        flags=t.HEX32,
        timeout=Ptr(s.TIMESPEC64),
        clockid=_CLOCK,
    ),
    "futex_wake": sig(uaddr=t.ADDRESS, mask=t.HEX, nr=t.INT, flags=_FUTEX2),
    "futex_wait": sig(
        uaddr=t.ADDRESS, val=t.HEX, mask=t.HEX, flags=_FUTEX2, timeout=Ptr(s.TIMESPEC64), clockid=_CLOCK
    ),
    "futex_requeue": sig(waiters=Array(FUTEX_WAITV, 2), flags=t.HEX32, nr_wake=t.INT, nr_requeue=t.INT),
}
