"""Fixtures of the suite's own tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.webserver import Answer, serving

#: Under this name tests report what they count.
COUNTED = "counted"
Counted = Callable[[str, Iterable[str], Iterable[str]], None]


@pytest.fixture
def web() -> Iterator[Callable[[Answer], str]]:
    """Start a web server that answers everything by a function; its URL comes back."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(serving(answer))


@pytest.fixture
def profile_at(tmp_path: Path) -> Callable[..., Path]:
    """Write a small profile for an issuer."""

    def write(issuer: str, **changes: object) -> Path:
        secret = tmp_path / "first.secret"
        secret.write_text("a-secret-of-the-first-client", encoding="utf-8")
        password = tmp_path / "password"
        password.write_text("correct horse battery staple", encoding="utf-8")
        profile = {
            "name": "Test target",
            "issuer": issuer,
            "clients": {
                "first": {
                    "client_id": "first-client",
                    "auth": "client_secret_basic",
                    "secret": {"file": "first.secret"},
                    "redirect_uris": ["https://client.example/callback"],
                },
                "second": {
                    "client_id": "second-client",
                    "auth": "client_secret_post",
                    "secret": {"file": "first.secret"},
                    "redirect_uris": ["https://second.example/callback"],
                },
            },
            "users": {"first": {"username": "alice", "password": {"file": "password"}}},
            "limits": {"concurrency": 8, "request_seconds": 2, "check_seconds": 8},
            **changes,
        }
        path = tmp_path / "target.yaml"
        path.write_text(yaml.safe_dump(profile), encoding="utf-8")
        return path

    return write


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Counted:
    """Say which of which were as they should be: the run ends with how many there were in all tests together."""
    return lambda about, good, of: record_property(COUNTED, [about, sorted(good), sorted(of)])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no worker is left with it at the end.

    Before it what measures memory: a process that is started counts that of its parent as its own.
    """
    first = ("test_worst_ones_stay_small", "test_no_variant_gets_a_finding")
    items.sort(key=lambda item: next((at for at, name in enumerate(first) if name in item.name), len(first)))


def _counts(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, int, list[str]]]:
    """What was counted, how many there are, and which were not as they should be in any test."""
    good: dict[str, set[str]] = {}
    of: dict[str, set[str]] = {}
    reports = (report for found in reporter.stats.values() for report in found)
    for name, value in (pair for report in reports for pair in getattr(report, "user_properties", ())):
        if name == COUNTED:
            good.setdefault(value[0], set()).update(value[1])
            of.setdefault(value[0], set()).update(value[2])
    for about, names in sorted(of.items()):
        yield about, len(names), sorted(names - good[about])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where one was never as it should be: no single test can know that of a check."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and any(lacking for _, _, lacking in _counts(reporter)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what was counted."""
    for about, number, lacking in _counts(terminalreporter):
        terminalreporter.write_line(f"{about}: {number - len(lacking)} of {number}")
        for name in lacking:
            terminalreporter.write_line(f"      not {name}")
