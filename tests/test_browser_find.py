"""Finding a browser: who is asked first, and what a person is told who has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.browser import find as module
from conformance.browser.find import Found, NoBrowserError, find
from conformance.profile.model import BrowserUse


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "a-browser"
    path.write_text("#!/bin/sh\n", encoding="ascii")
    path.chmod(0o755)
    return path


@pytest.fixture
def nothing_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "which", lambda name: None)


def test_the_environment_goes_before_the_profile(program: Path) -> None:
    found = find(BrowserUse(executable="/somewhere/else"), {"PAR_BROWSER": str(program)})

    assert found == Found("chromium", executable=str(program))


def test_the_profile_goes_before_what_playwright_has(program: Path) -> None:
    found = find(BrowserUse(executable=str(program)), {}, bundled="/bin/sh")

    assert found.executable == str(program)


def test_a_channel_is_left_to_playwright() -> None:
    assert find(BrowserUse(channel="msedge"), {}, bundled="/bin/sh") == Found("chromium", channel="msedge")


def test_playwrights_own_goes_before_that_of_the_machine() -> None:
    assert find(BrowserUse(), {}, bundled="/bin/sh").executable == "/bin/sh"


def test_the_machine_s_own_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"google-chrome": "/opt/chrome", "chromium": "/usr/bin/chromium"}
    monkeypatch.setattr(module.shutil, "which", there.get)

    assert find(BrowserUse(), {}, bundled="/not/installed").executable == "/usr/bin/chromium"


def test_the_quicker_one_has_no_windows_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"chromium": "/usr/bin/chromium", "chromium-headless-shell": "/usr/bin/shell"}
    monkeypatch.setattr(module.shutil, "which", there.get)

    assert find(BrowserUse(), {}, bundled="/not/installed").executable == "/usr/bin/shell"
    assert find(BrowserUse(headless=False), {}, bundled="/not/installed").executable == "/usr/bin/chromium"


@pytest.mark.usefixtures("nothing_on_path")
@pytest.mark.parametrize(
    ("engine", "way_out"), [("chromium", "apt-get install chromium"), ("firefox", "playwright install firefox")]
)
def test_without_any_one_line_says_how_to_get_one(engine: str, way_out: str) -> None:
    with pytest.raises(NoBrowserError) as problem:
        find(BrowserUse(engine=engine), {}, bundled="/not/installed")

    assert way_out in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("path", ["/not/there", "/etc"])
def test_a_name_that_leads_nowhere_is_no_reason_to_look_on(path: str) -> None:
    with pytest.raises(NoBrowserError, match="PAR_BROWSER names"):
        find(BrowserUse(), {"PAR_BROWSER": path}, bundled="/bin/sh")


def test_a_name_of_the_profile_that_leads_nowhere_is_told_as_such() -> None:
    with pytest.raises(NoBrowserError, match="executable names"):
        find(BrowserUse(executable="/not/there"), {})
