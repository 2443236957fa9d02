from __future__ import annotations

from utrace.testing import Exec, Loop, Syscall, User, Wait
from utrace.testing.sim.image import DATA, Image


def test_each_step_has_an_address_of_its_own() -> None:
    image = Image((User(), Loop(2, (Wait(), User())), Wait()))
    addresses = [code.address for code in (*image.code, *image.code[1].body)]
    assert len(set(addresses)) == len(addresses)


def test_strings_of_calls_lie_in_memory() -> None:
    image = Image((Syscall("openat", (-100, b"/etc/x")), Exec("other")))
    call, execute = image.code
    assert call.number == 257
    assert call.args == (-100, DATA)
    memory = image.memory()
    assert memory.read_cstring(call.args[1], 99) == (b"/etc/x", True)
    assert memory.read_cstring(execute.args[0], 99) == (b"other", True)
