"""What is wrong with a profile, told to a person: where, what stands there, what should, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

#: A shorter secret is part of ordinary words (characters): taking it out would only spoil the text.
_SHORTEST = 6


@dataclass(frozen=True)
class Mistake:
    """One mistake in a profile. No text of it ever shows a secret."""

    file: str
    #: Dotted path: `clients.first.secret.env`, `deviations[0].until`; empty for the file as a whole.
    key: str
    found: str
    expected: str
    fix: str
    #: Line in the file, from 1; None where the mistake is not of one place.
    line: int | None = None

    @property
    def place(self) -> str:
        """Where it stands: file, line, key."""
        return f"{self.file}:{self.line} {self.key}".rstrip() if self.line else f"{self.file} {self.key}".rstrip()

    @property
    def about(self) -> str:
        """What is wrong, whatever the place."""
        return f"  found:    {self.found}\n  expected: {self.expected}\n  fix:      {self.fix}"

    @property
    def cause(self) -> str:
        """Equal for mistakes that one act mends: a variable that is not set may stand in many places."""
        return self.about if "environment variable" in self.found else str(self)

    def __str__(self) -> str:
        return f"{self.place}\n{self.about}"


class ProfileError(Exception):
    """A profile that cannot be used. `mistakes` has all of them, by file and line; `str` is for a person."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda one: (one.file, one.line or 0, one.key)))
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        told: dict[str, list[Mistake]] = {}
        for mistake in self.mistakes:
            told.setdefault(mistake.cause, []).append(mistake)
        title = "The profile has one mistake." if len(told) == 1 else f"The profile has {len(told)} mistakes."
        blocks = ("\n".join([*(one.place for one in same), same[0].about]) for same in told.values())
        return "\n\n".join([title, *blocks])


def without(mistakes: Iterable[Mistake], secrets: Iterable[str]) -> list[Mistake]:
    """The mistakes with every one of these texts taken out: the last net, for none should be in them."""
    hidden = sorted((secret for secret in secrets if len(secret) >= _SHORTEST), key=len, reverse=True)

    def clean(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, "(not shown)")
        return text

    return [replace(one, found=clean(one.found), fix=clean(one.fix)) for one in mistakes]
