"""What is told behind descriptors and processes (-y, -yy, -Y), against the installed strace."""

from __future__ import annotations

import re
import sys
import textwrap
from typing import TYPE_CHECKING, Final

import pytest

from tests.live.cli.oracle import STRACE, TRACE, logged

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.requires("strace")

_PROGRAM: Final = textwrap.dedent(
    r"""
    import os, select, socket
    tcp = socket.socket(); tcp.getsockname(); tcp.bind(("127.0.0.1", 0)); tcp.listen()
    out = socket.socket(); out.connect(tcp.getsockname()); out.send(b"x")
    end, _ = tcp.accept(); end.send(b"x")
    out.close(); tcp.close(); end.close()
    six = socket.socket(socket.AF_INET6); six.setsockopt(41, 26, 0); six.bind(("::", 0)); six.listen()
    out = socket.socket(); out.connect(("127.0.0.1", six.getsockname()[1])); out.send(b"x")
    end, _ = six.accept(); end.send(b"x")
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 0)); udp.getsockname()
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); out.connect(udp.getsockname()); out.send(b"x")
    six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); six.bind(("::1", 0)); six.getsockname()
    left, right = socket.socketpair(); left.send(b"x")
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET); left.send(b"x")
    unix = socket.socket(socket.AF_UNIX); unix.bind('so"ck'); unix.listen()
    out = socket.socket(socket.AF_UNIX); out.connect('so"ck'); out.send(b"x")
    end, _ = unix.accept(); end.send(b"x")
    named = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); named.bind("\0a \1"); named.getsockname()
    for protocol in (0, 4, 15):
        link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        link.getsockname(); link.bind((0, 0)); link.getsockname()
    null = os.open("/dev/null", os.O_RDWR); os.write(null, b"x")
    event = os.eventfd(1); os.read(event, 8)
    poll = select.epoll(); poll.register(event)
    us = os.pidfd_open(os.getpid()); os.dup2(us, 60); os.close(us)
    r, w = os.pipe(); os.write(w, b"x"); os.read(r, 1)
    memory = os.memfd_create("na<1\n>e"); os.write(memory, b"x")
    gone = os.open('gone"x', os.O_CREAT | os.O_RDWR); os.unlink('gone"x'); os.write(gone, b"x")
    odd = os.open("an <odd> \xe9\t\\ (deleted)", os.O_CREAT | os.O_RDWR); os.write(odd, b"x")
    os.dup2(odd, 50); os.dup2(null, 50); os.close(50); os.close(odd)
    os.mkdir("here"); os.chdir("here"); os.rmdir("../here")
    os.close(os.open("/etc/passwd", os.O_RDONLY))
    """
)

#: Modules are imported before the program begins, and close what it forgot after its end.
_SHELL: Final = (
    "import os, select, socket, sys\nos.eventfd\n''.encode('idna')\nos.getppid()\n{}\nos._exit(0)\n"
)


def _shown(lines: list[str]) -> list[str]:
    """Give what follows the imports, without what differs from run to run."""
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        # The same inode, port or process is the same number in each run.
        return numbers.setdefault(found[0], f"N{len(numbers)}")

    start = next(i for i, line in enumerate(lines) if line.startswith("getppid("))
    text = "\n".join(re.sub(r" {2,}= ", " = ", line) for line in lines[start + 1 :])
    text = re.sub(r"0x[0-9a-f]{5,}", "ADDRESS", text)
    return re.sub(r"(?<![\w.])\d{4,}\b", number, text).splitlines()


@pytest.mark.parametrize(
    "options",
    [
        ["-y"],
        ["-yy"],
        ["-Y", "-yy"],
        ["--decode-fds=socket"],
        ["--decode-fds=dev"],
        ["--decode-fds=pidfd"],
        ["--decode-fds=path,dev"],
        ["--decode-fds=all"],
    ],
    ids=" ".join,
)
def test_descriptors_are_described_as_strace_does(options: list[str], tmp_path: Path) -> None:
    shown = []
    for tool in (TRACE, STRACE):
        place = tmp_path / "place"
        place.mkdir()
        words = [*options, "-e", "trace=%desc,%network,getppid,pidfd_open,epoll_ctl"]
        status, lines = logged(
            tool,
            tmp_path / "log",
            *words,
            *(sys.executable, "-I", "-S", "-c", _SHELL.format(_PROGRAM)),
            cwd=place,
        )
        assert status == 0
        shown.append(_shown([line.text for line in lines]))
        for left in place.iterdir():
            left.unlink()
        place.rmdir()
    assert shown[0] == shown[1]
    assert len(shown[0]) > 50
