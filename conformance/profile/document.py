"""A profile as a document: its values, the line of each key, and the mistakes found so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from conformance.profile.mistake import Mistake
from conformance.profile.words import Key, dotted, holds_secret, is_hidden, looks_secret, printable, quoted, show

_KNOWN = {"env", "file", "literal", "generate"}
_BOOL = TypeAdapter(bool)


@dataclass(frozen=True)
class Document:
    """What was read from one file. Rules ask it for values and tell it mistakes.

    A value of the wrong kind, or one that a mistake was told about, is as good as none to a rule: so one
    mistake is told once.
    """

    file: str
    folder: Path
    data: dict[str, object] = field(repr=False)
    lines: Mapping[Key, int] = field(repr=False)
    #: Texts as they were written, where environment variables were put into them.
    written: Mapping[Key, str] = field(default_factory=dict, repr=False)
    mistakes: list[Mistake] = field(default_factory=list)
    #: Keys that a misspelled one stands for: they are not missing.
    meant: set[Key] = field(default_factory=set)

    def line(self, *key: str | int) -> int | None:
        """The line of a key, or of the nearest one above it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key)

    def value(self, *key: str | int) -> object:
        """What stands at a place; None if nothing does."""
        node: object = self.data
        for part in key:
            if isinstance(node, dict):
                node = node.get(part)
            elif isinstance(node, list) and isinstance(part, int) and 0 <= part < len(node):
                node = node[part]
            else:
                return None
        return node

    def has(self, *key: str | int) -> bool:
        """Whether something stands at a place, or was meant to: what a mistake tells of is not missing."""
        return self.value(*key) is not None or key in self.meant or self.told(*key)

    def told(self, *key: str | int) -> bool:
        """Whether a mistake was told about this very key."""
        name = dotted(key)
        return any(mistake.key == name for mistake in self.mistakes)

    def text(self, *key: str | int) -> str | None:
        """A text to judge; None where there is none, or none that is worth judging."""
        value = self.value(*key)
        return value if isinstance(value, str) and not self.told(*key) else None

    def mapping(self, *key: str | int) -> dict[str, object]:
        """A mapping; an empty one where there is none."""
        value = self.value(*key)
        return value if isinstance(value, dict) else {}

    def sequence(self, *key: str | int) -> list[object]:
        """A list; an empty one where there is none."""
        value = self.value(*key)
        return value if isinstance(value, list) else []

    def flag(self, *key: str | int, default: bool) -> bool:
        """A boolean, read as the model reads it; its default where it is missing or something else."""
        try:
            return _BOOL.validate_python(self.value(*key))
        except ValidationError:
            return default

    @property
    def embedded(self) -> bool:
        """Whether the suite starts its own server from this profile."""
        return self.flag("embedded", default=False)

    def show(self, *key: str | int) -> str:
        """What stands at a place, for a person; a secret is not shown."""
        written = self.written.get(key)
        # The value may come from a variable whose very name says that it is a secret.
        hidden = is_hidden(key) or (written is not None and looks_secret(written))
        shown = show(self.value(*key), hidden=hidden)
        return f"{shown}, from {quoted(written)}" if written and not is_hidden(key) else shown

    def tell(self, key: Key, *, found: str, expected: str, fix: str, unnamed: bool = False) -> None:
        """Note a mistake. `unnamed` leaves the key's last part out, for it may be a secret.

        An unknown key inside a field for secrets is left out in any case.
        """
        line = self.line(*key)
        if holds_secret(key) and any(part not in _KNOWN for part in key[3:] if isinstance(part, str)):
            key = key[:3]
        elif unnamed:
            key = key[:-1]
        self.mistakes.append(
            Mistake(
                file=self.file,
                key=dotted(key),
                found=printable(found),
                expected=printable(expected),
                fix=printable(fix),
                line=line,
            )
        )
