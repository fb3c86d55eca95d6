"""The environment variables that a profile reads: which there are, which have a default, which hold a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.profile.words import Key, holds_secret

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-((?:\$\{[^{}]*\}|[^}])*))?\}")


@dataclass(frozen=True)
class Variable:
    """One variable: where it stands first, its default as it is written, and whether its value is a secret.

    One that stands in the default of another is not needed where that other one is set: `unless`.
    """

    name: str
    key: Key
    default: str | None = None
    secret: bool = False
    unless: str | None = None

    @property
    def needed(self) -> bool:
        """Whether the profile cannot be loaded without it."""
        return self.default is None and self.unless is None


def variables(document: object) -> dict[str, Variable]:
    """Every variable of a document by name, in its order."""
    found: dict[str, Variable] = {}
    for variable in _variables(document, ()):
        found.setdefault(variable.name, variable)
    return found


def _variables(value: object, key: Key) -> Iterator[Variable]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _variables(item, (*key, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _variables(item, (*key, number))
    elif isinstance(value, str) and holds_secret(key):
        if key[-1] == "env":
            yield Variable(value, key, secret=True)
    elif isinstance(value, str):
        for match in _VARIABLE.finditer(value):
            yield Variable(match[1], key, match[2])
            for inner in _VARIABLE.finditer(match[2] or ""):
                yield Variable(inner[1], key, inner[2], unless=match[1])
