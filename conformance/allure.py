"""Allure results under the concurrent engine: true times, and one step for each exchange and wait."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import allure_commons
import pytest
from allure_commons.model2 import Attachment, Label, Link, StatusDetails, TestResult, TestStepResult

from conformance.report.record import CheckResult, Exchange, Wait

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
        started = found.started
        found = session.engine.with_evidence(found)
        result.start, result.stop = _milliseconds(started, found.seconds)
        result.description = found.title
        word = session.word(found)
        result.labels += [Label("verdict", word), Label("severity", session.severity(found))]
        for requirement in found.requirements:
            specification = session.catalogue.specification_of(requirement)
            section = session.catalogue.requirements[requirement].section
            result.labels += [
                Label("epic", specification.title),
                Label("feature", f"{specification.id} section {section}"),
                Label("story", requirement),
            ]
            result.links.append(Link("link", session.catalogue.url(requirement), requirement))
        happened: list[Exchange | Wait] = sorted(
            [*found.exchanges, *found.waits], key=lambda happening: happening.started
        )
        result.steps += [_step(happening) for happening in happened]


def _milliseconds(started: float, seconds: float) -> tuple[int, int]:
    """Start and stop as Allure counts them, from Unix seconds and a duration in seconds."""
    return int(started * 1000), int((started + seconds) * 1000)


def _step(happening: Exchange | Wait) -> TestStepResult:
    start, stop = _milliseconds(happening.started, happening.seconds)
    if isinstance(happening, Wait):
        return TestStepResult(name=f"wait: {happening.reason}", start=start, stop=stop, status="passed")
    step = TestStepResult(
        name=f"{happening.purpose}: {happening.method} {happening.status or 'no answer'}",
        start=start,
        stop=stop,
        status="passed" if happening.error is None else "broken",
        statusDetails=StatusDetails(message=happening.error) if happening.error else None,
    )
    source = f"{uuid.uuid4()}-attachment.json"
    body = json.dumps(happening.model_dump(), indent=1, ensure_ascii=False)
    allure_commons.plugin_manager.hook.report_attached_data(body=body, file_name=source)
    step.attachments.append(Attachment(source=source, name="exchange", type="application/json"))
    return step
