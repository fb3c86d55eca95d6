"""Text that a server sent, made safe to look at: what is invisible or steers a display is written out.

Control characters, terminal escapes, bidirectional controls, zero-width and unassigned characters and unusual
spaces become escapes such as `\\x1b` or `\\u202e`. Line feeds and tabs stay: every view can show them.
"""

from __future__ import annotations

import re
from itertools import groupby

from markupsafe import Markup, escape

#: Everything but printable ASCII, line feeds and tabs: looked at one by one.
_UNUSUAL = re.compile(r"[^\x20-\x7e\n\t]")
_UNUSUAL_RUN = re.compile(r"[^\x20-\x7e\n\t]+")
_NAMED = {"\r": "\\r", "\0": "\\0"}
#: What an escape takes, markup and all (characters, about).
_ESCAPE = 20


def escaped(character: str) -> str:
    """The escape that stands for one character: `\\r`, `\\x1b`, `\\u202e`, `\\U000e0001`."""
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _one(match: re.Match[str]) -> str:
    character = match[0]
    return character if character.isprintable() else escaped(character)


def visible(text: str) -> str:
    """The text with every character visible. Letters of all scripts stay; so do line feeds and tabs."""
    return _UNUSUAL.sub(_one, text)


def one_line(text: str, limit: int = 0) -> str:
    """The text on one visible line, white space drawn together, cut to `limit` characters (0: not cut)."""
    line = " ".join(visible(text.replace("\r\n", "\n")).split())
    return line if not limit or len(line) <= limit else line[: limit - 1].rstrip() + "…"


def evidence(text: str) -> Markup:
    """HTML for text that a server sent: escaped, and its invisible characters as marked escapes.

    Only for the content of elements, never for an attribute's value.
    """

    def mark(match: re.Match[str]) -> str:
        return "".join(
            "".join(run) if printable else f'<span class="escape">{"".join(map(escaped, run))}</span>'
            for printable, run in groupby(match[0], str.isprintable)
        )

    # Escaping first: the marks are then the only markup in the text.
    return Markup(_UNUSUAL_RUN.sub(mark, str(escape(text))))  # noqa: S704 - escaped one step before


def within(text: str, limit: int) -> str:
    """The beginning of a text that is not longer than `limit` once each of its characters is made visible."""
    if len(text) <= limit and not _UNUSUAL_RUN.search(text):
        return text
    room = limit
    for place, character in enumerate(text):
        room -= 1 if character.isprintable() or character in "\n\t" else _ESCAPE
        if room < 0:
            return text[:place]
    return text


def web_link(url: str | None) -> str | None:
    """The URL if a person may follow it (http or https and nothing odd in it), else None."""
    return url if url and re.fullmatch(r"https?://[\x21-\x7e]+", url) else None
