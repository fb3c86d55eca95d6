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

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return (
            f"{place} {self.key}".rstrip()
            + f"\n  found:    {self.found}\n  expected: {self.expected}\n  fix:      {self.fix}"
        )


class ProfileError(Exception):
    """A profile that cannot be used. `mistakes` has all of them, by file and line; `str` is for a person."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda one: (one.file, one.line or 0, one.key)))
        super().__init__(self.mistakes)

    def __str__(self) -> str:
        count = len(self.mistakes)
        title = "The profile has one mistake." if count == 1 else f"The profile has {count} mistakes."
        return "\n\n".join([title, *(str(mistake) for mistake in self.mistakes)])


def without(mistakes: Iterable[Mistake], secrets: Iterable[str]) -> list[Mistake]:
    """The mistakes with every one of these texts taken out: the last net, for none should be in them."""
    hidden = sorted((secret for secret in secrets if len(secret) >= _SHORTEST), key=len, reverse=True)

    def clean(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, "(not shown)")
        return text

    return [replace(one, found=clean(one.found), fix=clean(one.fix)) for one in mistakes]
