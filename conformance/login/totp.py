"""Time-based one-time passwords (RFC 6238) for logins that ask for a second factor."""

from __future__ import annotations

import base64
import hmac
import struct

STEP = 30
DIGITS = 6


def now(seed: str, moment: float) -> str:
    """The six digits for a base32 seed at a moment (Unix seconds). ValueError if the seed is no base32."""
    key = base64.b32decode(seed.replace(" ", "").upper() + "=" * (-len(seed.replace(" ", "")) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(moment) // STEP), "sha1")
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)
