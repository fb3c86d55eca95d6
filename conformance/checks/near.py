"""Values that are nearly an issued one, and differ from it however they are written down.

A server may keep what it issued sealed in the value itself. A reader of base64 passes over unused bits of the last
sign and over a single sign too many, a reader of hex over letters that are none, a UUID's over upper and lower case:
such a value is the issued one in another spelling, and nobody is nearer to guessing it.
"""

from __future__ import annotations

from string import digits


def changed(value: str) -> str:
    """The value with its last letter or digit changed: in base64 in its two highest bits, in hex too."""
    end = next((place for place in range(len(value), 0, -1) if value[place - 1].isalnum()), len(value))
    last = value[end - 1 : end]
    return value[: max(end - 1, 0)] + ("a" if last in digits + "wxyz" else "0") + value[end:]


def longer(value: str) -> str:
    """The value and four digits more: three bytes in base64, two in hex, a larger number."""
    return value + "1010"


def other_case(value: str) -> str | None:
    """The value with its letters the other way round; None unless it plainly has letters of both kinds."""
    kinds = [sum(sign.isupper() for sign in value), sum(sign.islower() for sign in value)]
    return value.swapcase() if min(kinds) > 2 else None
