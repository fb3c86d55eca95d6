"""`python -m conformance.browser.install`: bring a browser where there is none, by whatever way this machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from conformance.browser.find import NoBrowserError, find, how_to_install
from conformance.profile.model import BrowserUse

#: Longest time for one way (seconds).
PATIENCE = 600


def bundled() -> str:
    """Where Playwright keeps its own Chromium, whether it is there or not."""
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def has_browser() -> bool:
    """Whether the browser checks would find one."""
    try:
        find(BrowserUse(), bundled=bundled())
    except NoBrowserError:
        return False
    return True


def ways() -> list[list[str]]:
    """The commands that may bring a browser here: Playwright's download, and the system's packages for its owner."""
    commands = [[str(Path(sys.executable).with_name("playwright")), "install", "chromium"]]
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        commands = [
            [apt, "update", "-qq"],
            # The shell is three times as quick; not every release has it. Pictures need a font.
            [apt, "install", "-y", "-qq", "--no-install-recommends", "chromium-headless-shell", "fonts-dejavu-core"],
            [apt, "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
            *commands,
        ]
    return commands


def main() -> int:
    """Try every way until there is a browser. 0 also without one: then the run says so."""
    for command in ways():
        if has_browser():
            return 0
        sys.stderr.write(f"no browser yet: {' '.join(command)}\n")
        try:
            subprocess.run(  # noqa: S603 - fixed commands
                command, timeout=PATIENCE, check=False, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired) as failure:
            sys.stderr.write(f"{failure}\n")
    if not has_browser():
        sys.stderr.write(f"still no browser, its checks will be inconclusive: {how_to_install('chromium')}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
