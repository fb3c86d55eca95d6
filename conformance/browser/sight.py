"""What a check saw and did in the browser: pictures and steps, raw until the record is made."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from conformance.http.redaction import Redactor
from conformance.report import record

#: How large a picture may be that goes into the record (bytes).
LARGEST_PICTURE = 120_000
#: Pictures of one check that are taken; of one that passes the last one is shown.
MOST_PICTURES = 5


@dataclass(frozen=True)
class RawPicture:
    """A page as a person saw it; `text` is what can be read on it, so that secrets on it are found later."""

    caption: str
    url: str
    jpeg: bytes = field(repr=False)
    text: str = field(repr=False)


@dataclass
class Sight:
    """The pictures and steps of one check. Playwright's own trace is not kept: it holds what was typed."""

    pictures: list[RawPicture] = field(default_factory=list, repr=False)
    steps: list[tuple[float, str]] = field(default_factory=list, repr=False)
    """Unix seconds and words."""

    def shown(self, redactor: Redactor, *, passed: bool) -> list[record.Picture]:
        """The pictures for the report; one on which a secret can be read is withheld."""
        return [_picture(raw, redactor) for raw in (self.pictures[-1:] if passed else self.pictures)]

    def trace(self, redactor: Redactor) -> list[record.Step]:
        """What was done, redacted."""
        return [record.Step(at=at, text=redactor.text(text)) for at, text in self.steps]


def _picture(raw: RawPicture, redactor: Redactor) -> record.Picture:
    withheld = None
    if redactor.text(raw.text) != raw.text:
        withheld = "a secret could be read on it"
    elif len(raw.jpeg) > LARGEST_PICTURE:
        withheld = "it is too large"
    data = "" if withheld else "data:image/jpeg;base64," + base64.b64encode(raw.jpeg).decode("ascii")
    return record.Picture(caption=redactor.text(raw.caption), url=redactor.text(raw.url), data=data, withheld=withheld)
