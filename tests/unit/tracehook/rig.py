"""Tracees over a kernel that only writes down what it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.unit.core.backend import Client, Script
from utrace.core.engine_life import Engine
from utrace.core.events import Event
from utrace.core.laws import check
from utrace.core.reporting import Pause, Wake
from utrace.core.task_life import Need, TracedTask
from utrace.kernel.api import Disposition, Fact, FactKind, ResumeRequest, SeizeOutcome, Spawn, Tid
from utrace.tracehook.tracee import Process, Tracee
from utrace.tracehook.tracee_life import live
from utrace.tracehook.tracees import Tracees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from utrace.core.reporting import Reply

ROOT: Final = 100
X86_64: Final = 0xC000003E
PC, SP = 0x1000, 0x7000


class RecordingKernel:
    """Implements `utrace.kernel.api.Kernel`: every request is done, and written down.

    Attributes:
        log: requests, and by `Rig` callbacks and pauses, in order; a tid other than the root's in front.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.dispositions: dict[int, Disposition | None] = {}
        self.parentages: dict[int, tuple[Tid, Tid]] = {}
        self.offspring: list[Tid] = []
        self.regsets: dict[int, bytes] = {}
        self.memory = b""
        self.siginfos: list[bytes] = []
        self.reapable = True

    def note(self, tid: int, *what: object) -> bool:
        words = " ".join(str(word) for word in what)
        self.log.append(words if tid == ROOT else f"{tid} {words}")
        return True

    def next_fact(self, tid: int, request: int, signo: int, /) -> Fact:
        raise NotImplementedError

    def serve(self, *_: object) -> None:
        raise NotImplementedError

    def pass_on(self, *_: object) -> None:
        raise NotImplementedError

    def pass_on_no_more(self) -> list[int]:
        raise NotImplementedError

    @property
    def recorder(self) -> None:
        return None

    def ring(self) -> None:
        raise NotImplementedError

    def resume(self, tid: int, request: int, signo: int, /) -> bool:
        return self.note(tid, ResumeRequest(request).name, *([signo] if signo else []))

    def pending_fact(self, tid: int, /) -> bool:
        return False

    def was_continued(self, tid: int, /, *, forget: bool) -> bool:
        raise NotImplementedError

    def interrupt(self, tid: int, /) -> bool:
        return self.note(tid, "interrupt")

    def detach(self, tid: int, signo: int, /) -> bool:
        return self.note(tid, "detach", *([signo] if signo else []))

    def seize(self, tid: int, *, exit_kill: bool) -> SeizeOutcome:
        raise NotImplementedError

    def spawn(self, program: Spawn, *, exit_kill: bool) -> Tid:
        raise NotImplementedError

    def spawn_error(self, tid: int, /) -> int:
        raise NotImplementedError

    def threads(self, tgid: int, /) -> list[Tid]:
        raise NotImplementedError

    def children(self, tid: int, /) -> list[Tid]:
        return self.offspring

    def parentage(self, tid: int, /) -> tuple[Tid, Tid] | None:
        return self.parentages.get(tid)

    def disposition(self, tid: int, /) -> Disposition | None:
        return self.dispositions.get(tid, Disposition(0, 0, 0))

    def set_siginfo(self, tid: int, siginfo: bytes, /) -> bool:
        self.siginfos.append(siginfo)
        return self.note(tid, "set_siginfo", int.from_bytes(siginfo[:4], "little"))

    def set_syscall(self, tid: int, nr: int, args: Sequence[int] | None, /) -> bool:
        return self.note(tid, "set_syscall", nr)

    def set_result(self, tid: int, value: int, /) -> bool:
        return self.note(tid, "set_result", value)

    def get_regs(self, tid: int, /) -> bytes | None:
        return self.regsets.get(tid)

    def set_regs(self, tid: int, regset: bytes, /) -> bool:
        raise NotImplementedError

    def request_buffer(self, request: int, tid: int, addr: int, buffer: bytes, /) -> tuple[int, bytes]:
        raise NotImplementedError

    def request_number(self, request: int, tid: int, addr: int, data: int, /) -> int:
        raise NotImplementedError

    def request_i386(
        self, request: int, tid: int, addr: int, data: int, buffer: bytes, /
    ) -> tuple[int, bytes]:
        raise NotImplementedError

    def get_regset(self, tid: int, kind: int, length: int | None = None, /) -> bytes | None:
        raise NotImplementedError

    def set_regset(self, tid: int, kind: int, regset: bytes, /) -> bool:
        raise NotImplementedError

    def syscall_restart(self, tid: int, nrs: Mapping[int, frozenset[int]], /) -> bool:
        return self.note(tid, "syscall_restart")

    def watch_reap(self, tid: int, /) -> bool:
        self.note(tid, "watch_reap")
        return self.reapable

    def watch_zombie(self, tid: int, /) -> None:
        self.note(tid, "watch_zombie")

    def is_own_child(self, tid: int, /) -> bool:
        raise NotImplementedError

    def kill(self, tid: int, signo: int, /) -> bool:
        raise NotImplementedError

    def tgkill(self, tid: int, signo: int, /) -> bool:
        return self.note(tid, "tgkill", signo)

    def blocked_syscall(self, tid: int, /) -> int | None:
        return None

    def read_memory(self, tid: int, address: int, length: int, /) -> bytes:
        return self.memory[:length]

    def read_cstring(self, tid: int, address: int, limit: int, /) -> tuple[bytes, bool]:
        raise NotImplementedError

    def write_memory(self, tid: int, address: int, data: bytes, /) -> int:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Rig:
    """A process of one thread, ROOT, and who it gives birth to.

    Attributes:
        follow: names of clients whose engines children inherit.
        launch: the next tracee is a child of ours that has yet to run its program.
    """

    def __init__(self, *, own_child: bool = True, launched: bool = False) -> None:
        self.kernel = RecordingKernel()
        self.log = self.kernel.log
        self.follow: set[str] = set()
        self.launch = launched
        self.tracees: Tracees[Tracee] = Tracees(self.kernel, self._make, self._follows)
        self.root = self.tracees.adopt(ROOT, ROOT, own_child=own_child)
        self.launch = False
        self.task = self.root.task

    def _make(
        self,
        kernel: object,
        kin: Tracees[Tracee],
        task: TracedTask,
        process: Process,
        own_child: bool,
    ) -> Tracee:
        tracee = Tracee(self.kernel, kin, task, process, own_child=own_child)
        tracee.begin(live(tracee, launched=self.launch))
        return tracee

    def _follows(self, ops: object) -> bool:
        return isinstance(ops, Client) and ops.name in self.follow

    def engine(self, name: str, mask: int, *, of: Tracee | None = None, **script: Script) -> Engine:
        task = (of or self.root).task
        engine = Engine(task, Client(name, script), signal_callback=True)
        engine.mask = mask
        task.link(engine)
        return engine

    def thread(self, tid: int) -> Tracee:
        """Give ROOT's process another traced thread."""
        return self.tracees.adopt(tid, ROOT, own_child=True)

    def feed(self, kind: FactKind, value: int = 0, detail: object = None, tid: int = ROOT) -> list[str]:
        """Feed a fact and all that follows from it; tell what happened."""
        before = len(self.log)
        for tracee, fact in self.tracees.route((tid, int(kind), value, detail)):
            self._feed(tracee, fact)
        self.settle()
        return self.log[before:]

    def settle(self) -> list[str]:
        """Do what is asked for, as the loop does; tell what happened."""
        before = len(self.log)
        tracees = self.tracees
        while tracees.ready or tracees.needs:
            if tracees.ready:
                tracee, fact = tracees.ready.pop(0)
                if not tracee.over:
                    self._feed(tracee, fact)
                continue
            task, need, _ = tracees.needs.pop(0)
            known = tracees.of_task(task)
            if known is None or need is Need.RELEASE:
                continue
            if need is not Need.WAKE:
                tracees.attend(known, break_in=need is Need.INTERRUPT)
            elif task.held and not task.is_wanted_stopped():
                self._send(known, Wake.LET_RUN)
        return self.log[before:]

    def _feed(self, tracee: Tracee, fact: Fact) -> None:
        if tracee.task.held:
            tracee.superseded = fact
            self._send(tracee, Wake.KILLED)
        else:
            self._send(tracee, fact)

    def _send(self, tracee: Tracee, reply: Fact | Reply) -> None:
        task = tracee.task
        try:
            effect = tracee.send(reply)
            check(task)
            while isinstance(effect, Engine):
                client = effect.ops
                assert isinstance(client, Client)
                callback = (Event(task.callback).name or "?").lower()
                self.kernel.note(tracee.tid, f"{client.name}.{callback}")
                effect = tracee.send(client.answer(callback))
                check(task)
        except StopIteration:
            assert tracee.over
            self.kernel.note(tracee.tid, "over")
            return
        if effect is Pause.RUN:
            self.kernel.resume(tracee.tid, tracee.request, tracee.signo)
        else:
            self.kernel.note(tracee.tid, effect.name.lower())


def entry(nr: int, *args: int) -> tuple[int, tuple[int, ...]]:
    """Give value and detail of a SYSCALL_ENTRY."""
    return nr, (X86_64, PC, SP, *args, *([0] * (6 - len(args))))


def ending(result: int) -> tuple[int, tuple[int, ...]]:
    """Give value and detail of a SYSCALL_EXIT."""
    return result, (X86_64, PC, SP, int(-4095 <= result < 0))


def siginfo(signo: int, code: int = 0) -> bytes:
    """Give a raw siginfo_t with what the kernel always fills in."""
    head = signo.to_bytes(4, "little") + bytes(4) + code.to_bytes(4, "little", signed=True)
    return head.ljust(128, b"\0")


def x86_64_regset(*, orig_rax: int, rax: int) -> bytes:
    """Give an x86-64 NT_PRSTATUS with a system call's registers."""
    words = [0] * 27
    words[15], words[10], words[16], words[19] = orig_rax, rax, PC, SP
    return b"".join((word % 2**64).to_bytes(8, "little") for word in words)
