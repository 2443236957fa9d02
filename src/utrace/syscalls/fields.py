"""What structs are made of: numbers, and what is more than a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from utrace.syscalls.abi import Abi
    from utrace.syscalls.argtypes import ArgType
    from utrace.syscalls.pointers import BytesDecoder


class Embedded(Protocol):
    """A field that is more than one number: a struct, an array, a signal set."""

    def size(self, abi: Abi) -> int:
        """Bytes it takes."""
        ...

    def align(self, abi: Abi) -> int:
        """Alignment of its first byte."""
        ...

    def bind_bytes(self, abi: Abi) -> BytesDecoder:
        """Make the function from its bytes to a value."""
        ...


Field: TypeAlias = "ArgType | Embedded"


def is_embedded(field: Field) -> TypeIs[Embedded]:
    """Tell what is more than a number; isinstance() looks a Protocol through anew each time."""
    return hasattr(field, "bind_bytes")
