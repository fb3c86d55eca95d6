"""Finding a browser: the profile's or the environment's, Playwright's own, or one that this machine has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conformance.profile.model import BrowserUse

#: The environment variable that names a browser; it goes before the profile.
VARIABLE = "PAR_BROWSER"
#: A Chromium that has no windows: three times as quick.
SHELL = "chromium-headless-shell"
#: Browsers of this machine that Playwright drives as Chromium, by what they are called on PATH, the quickest first.
ON_PATH = (
    SHELL,
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
)

Engine = Literal["chromium", "firefox", "webkit"]


class NoBrowserError(Exception):
    """There is no browser, or it does not start; the text says in one line what to do."""


@dataclass(frozen=True)
class Found:
    """A browser: its engine, and a path or a channel of Playwright's."""

    engine: Engine
    executable: str | None = None
    channel: str | None = None

    @property
    def name(self) -> str:
        """What to call it."""
        return self.executable or self.channel or self.engine


def find(use: BrowserUse, environ: Mapping[str, str] = os.environ, *, bundled: str | None = None) -> Found:
    """The browser that a profile and an environment lead to.

    `bundled` is where Playwright keeps its own browser of this engine, whether it is there or not. NoBrowserError, in
    one line with the way out, if there is none.
    """
    path = environ.get(VARIABLE) or use.executable
    if path:
        named = shutil.which(path) or path
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            origin = VARIABLE if environ.get(VARIABLE) else "browser.executable"
            raise NoBrowserError(f"{origin} names {path}, which is no program that can be started")
        return Found(use.engine, executable=named)
    if use.channel:
        return Found(use.engine, channel=use.channel)
    if bundled and os.access(bundled, os.X_OK):
        return Found(use.engine, executable=bundled)
    if use.engine == "chromium":
        for name in ON_PATH:
            if (own := shutil.which(name)) and (use.headless or name != SHELL):
                return Found(use.engine, executable=own)
    raise NoBrowserError(f"no browser was found: {how_to_install(use.engine)}")


def how_to_install(engine: Engine) -> str:
    """One line for a person without a browser."""
    if engine == "chromium":
        return f"`apt-get install chromium`, or `playwright install chromium`, or name one in {VARIABLE}"
    return f"`playwright install {engine}` brings it"
