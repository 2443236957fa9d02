"""Keys and keyrings by operation.

Reference: keyctl(2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.syscalls import argtypes as t
from utrace.syscalls.pointers import RETURNED, Buffer, Out, String
from utrace.syscalls.signature import sig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utrace.syscalls.signature import Signature

_KEY: Final = t.Enum("key_spec", "", "i32")
_TEXT: Final = Out(Buffer(RETURNED))

#: What each operation takes behind itself; registers beyond the row are not used.
_OPERATIONS: Final[Mapping[str, tuple[t.ArgType, ...]]] = {
    "KEYCTL_GET_KEYRING_ID": (_KEY, t.INT),
    "KEYCTL_JOIN_SESSION_KEYRING": (String(),),
    "KEYCTL_UPDATE": (_KEY, Buffer("arg4"), t.ULONG),
    "KEYCTL_REVOKE KEYCTL_CLEAR KEYCTL_INVALIDATE KEYCTL_ASSUME_AUTHORITY": (_KEY,),
    "KEYCTL_CHOWN": (_KEY, t.ID, t.ID),
    "KEYCTL_SETPERM": (_KEY, t.Flags("key_perm", "KEY_???")),
    "KEYCTL_DESCRIBE KEYCTL_READ KEYCTL_GET_SECURITY": (_KEY, _TEXT, t.ULONG),
    "KEYCTL_LINK KEYCTL_UNLINK": (_KEY, _KEY),
    "KEYCTL_SEARCH": (_KEY, String(), String(), _KEY),
    "KEYCTL_INSTANTIATE": (_KEY, Buffer("arg4"), t.ULONG, _KEY),
    "KEYCTL_INSTANTIATE_IOV": (_KEY, t.ADDRESS, t.ULONG, _KEY),
    "KEYCTL_NEGATE": (_KEY, t.UINT, _KEY),
    "KEYCTL_SET_REQKEY_KEYRING": (t.Enum("key_reqkey", "KEY_REQKEY_DEFL_???", "i32"),),
    "KEYCTL_SET_TIMEOUT": (_KEY, t.UINT),
    "KEYCTL_SESSION_TO_PARENT": (),
    "KEYCTL_REJECT": (_KEY, t.UINT, t.UINT, _KEY),
    "KEYCTL_GET_PERSISTENT": (t.ID, _KEY),
    "KEYCTL_DH_COMPUTE": (t.ADDRESS, _TEXT, t.ULONG, t.ADDRESS),
    "KEYCTL_RESTRICT_KEYRING": (_KEY, String(), String()),
    "KEYCTL_MOVE": (_KEY, _KEY, _KEY, t.Flags("key_move", "KEYCTL_MOVE_???")),
    "KEYCTL_CAPABILITIES": (_TEXT, t.ULONG),
}


def _register(position: int) -> t.Choice:
    cases = {names: row[position] if position < len(row) else t.MISSING for names, row in _OPERATIONS.items()}
    return t.Choice("operation", "keyctl", cases, t.HEX)


CALLS: Final[Mapping[str, Signature]] = {
    "add_key": sig(type=String(), description=String(), payload=Buffer("plen"), plen=t.SIZE, keyring=_KEY),
    "request_key": sig(type=String(), description=String(), callout_info=String(), dest_keyring=_KEY),
    "keyctl": sig(
        operation=t.Enum("keyctl", "KEYCTL_???"),
        arg2=_register(0),
        arg3=_register(1),
        arg4=_register(2),
        arg5=_register(3),
    ),
}
