"""Forms as they arrive: application/x-www-form-urlencoded in strict UTF-8, repeated names kept apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

#: More pairs than this are refused: nobody needs them, and each one costs time.
MOST_PAIRS = 10_000

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Form:
    """Name and value pairs in the order they came."""

    pairs: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The first value; a parameter without a value counts as omitted (RFC 6749, section 3.1)."""
        return next((value for other, value in self.pairs if other == name and value), None)

    def all(self, name: str) -> list[str]:
        """Every value that is not empty."""
        return [value for other, value in self.pairs if other == name and value]

    def names(self) -> set[str]:
        """The names of all parameters that have a value."""
        return {name for name, value in self.pairs if value}

    def repeated(self) -> set[str]:
        """The names that came more than once, with or without a value."""
        names = [name for name, _ in self.pairs]
        return {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()


def parse_form(raw: bytes) -> Form:
    """The pairs of a form-encoded text. ValueError for a broken escape, no UTF-8, or far too many pairs."""
    pieces = [piece for piece in raw.split(b"&") if piece]
    if len(pieces) > MOST_PAIRS:
        raise ValueError("too many parameters")
    pairs = []
    for piece in pieces:
        name, _, value = piece.partition(b"=")
        pairs.append((decode(name), decode(value)))
    return Form(tuple(pairs))


def decode(raw: bytes) -> str:
    """One form-encoded name or value as text. ValueError for a broken escape or no UTF-8."""
    text = raw.replace(b"+", b" ")
    if b"%" in text:
        if _BAD_ESCAPE.search(text):
            raise ValueError("a percent sign without two hexadecimal digits")
        text = unquote_to_bytes(text)
    return text.decode("utf-8")
