"""Values to what JSON can say."""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING

from utrace.syscalls.values import (
    ABSENT,
    Absent,
    Address,
    Change,
    Cpus,
    Environment,
    FdSet,
    FileMode,
    FlagSet,
    HardwareAddress,
    Items,
    Joined,
    Macro,
    Mode,
    Named,
    Record,
    SignalSet,
    Text,
)

if TYPE_CHECKING:
    from utrace.syscalls.values import Data, Value


def _text_data(value: bytes) -> Data:
    data: dict[str, Data]
    try:
        text = value.decode()
    except UnicodeDecodeError:
        data = {"base64": b2a_base64(value, newline=False).decode("ascii")}
    else:
        if not (isinstance(value, Text) and value.is_cut):
            return text
        data = {"text": text}
    if isinstance(value, Text) and value.is_cut:
        data["cut"] = True
    return data


def _int_data(value: int) -> Data:  # noqa: PLR0911 - one return for each kind
    if isinstance(value, FlagSet):
        data: dict[str, Data] = {"value": int(value), "names": list(value.names)}
        if value.unknown:
            data["unknown"] = value.unknown
        return data
    if isinstance(value, Named):
        return {"value": int(value), "name": value.name}
    if isinstance(value, Joined):
        return {"value": int(value), "parts": [to_data(part) for part in value.parts]}
    if isinstance(value, Environment):
        variables = None if value.variables is None else to_data(value.variables)
        return {"address": hex(value), "count": value.count, "variables": variables}
    if isinstance(value, Address):
        return hex(value) if value else None
    if isinstance(value, Mode | FileMode):
        return f"{int(value):#o}"
    return int(value)


def to_data(value: Value) -> Data:  # noqa: PLR0911 - one return for each kind
    """Turn a value into what JSON can say.

    Flags become {"value", "names"}, enumerators {"value", "name"}, structs objects, addresses
    hexadecimal strings, NULL null.  Bytes become text; those that are not UTF-8 {"base64"}, and what was not
    read to its end {"text" or "base64", "cut"}.  docs/events.md has the whole.
    """
    match value:
        case int():
            return _int_data(value)
        case HardwareAddress():
            return str(value)
        case bytes():
            return _text_data(value)
        case Record():
            return {name: to_data(field) for name, field in value.items() if field is not ABSENT}
        case Items():
            items: list[Data] = [to_data(item) for item in value]
            return {"items": items, "cut": True} if value.is_cut else items
        case SignalSet() | FdSet() | Cpus():
            numbers: list[Data] = []
            numbers += sorted(value)
            return numbers
        case Change():
            return {"before": to_data(value.before), "after": to_data(value.after)}
        case Macro():
            return to_data(value.argument)
        case Absent():
            return None
        case _:
            return value
