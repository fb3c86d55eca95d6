"""The whole list: importing the modules fills it."""

from __future__ import annotations

from tests.hostile import bodies, elsewhere, framing, headers, markup, moods, pages, secured, values
from tests.hostile.entry import SERVERS, Hostile

__all__ = ["MODULES", "SERVERS", "Hostile"]

MODULES = (bodies, framing, headers, values, markup, pages, elsewhere, secured, moods)
