"""Allure results under the concurrent engine: true times, and one step for each exchange and wait."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import allure_commons
import pytest
from allure_commons.model2 import TestResult

from conformance.report import allure as view
from conformance.report.record import CheckResult
from conformance.report.write import write_whole

if TYPE_CHECKING:
    from conformance.run import Session

Lookup = Callable[[pytest.Item], "tuple[Session, CheckResult | None]"]


class Bridge:
    """Turns what a check did into Allure's model when a result is about to be written."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._item: pytest.Item | None = None

    @classmethod
    def register(cls, config: pytest.Config, lookup: Lookup) -> None:
        """Plug into pytest (to know the current item) and into Allure (to change its result)."""
        bridge = cls(lookup)
        config.pluginmanager.register(bridge, "par-conformance-allure")
        allure_commons.plugin_manager.register(bridge)

    @pytest.hookimpl(tryfirst=True, wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Remember which item is being reported."""
        self._item = item
        return (yield)

    @allure_commons.hookimpl(tryfirst=True)
    def report_result(self, result: TestResult) -> None:
        """Fill a result with the check's own times, steps, labels and attachments."""
        if self._item is None:
            return
        session, found = self._lookup(self._item)
        if found is None or found.started is None:
            return
        found = session.engine.with_evidence(session.engine.told(found))
        view.fill(result, found, session.places(found), session.word(found), session.severity(found))
        view.add_steps(result, found, _attach)


def settle(folder: Path, since: float, redacted: Callable[[str], str]) -> None:
    """Redact the results written since a moment (Unix seconds) once more: at the end every secret is known."""
    for path in folder.glob("*.json"):
        if path.stat().st_mtime < since - 1:
            continue
        content = json.loads(path.read_text(encoding="utf-8"))
        settled = _settled(content, redacted)
        if settled != content:
            write_whole(path, json.dumps(settled, indent=1, ensure_ascii=False))


def _settled(value: Any, redacted: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list):
        return [_settled(item, redacted) for item in value]
    if isinstance(value, dict):
        return {name: _settled(item, redacted) for name, item in value.items()}
    return value


def _attach(body: str, name: str) -> None:
    allure_commons.plugin_manager.hook.report_attached_data(body=body, file_name=name)
