"""The pytest plugin: options, collection by plan, verdicts, exit status. Hooks only; the work is done elsewhere."""

from __future__ import annotations

import itertools
import signal
import sys
import threading
from collections.abc import Generator
from concurrent.futures import TimeoutError as Unfinished
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from conformance import check as checks
from conformance.allure import Bridge, settle
from conformance.baseline import BaselineError
from conformance.check import Case
from conformance.plans import PlanError
from conformance.profile.load import ProfileError
from conformance.report.attestation import KeyFileError, private_key
from conformance.report.record import CheckResult
from conformance.report.text import visible
from conformance.run import EXIT, Session
from conformance.server import SettingsError
from conformance.verdict import NotApplicable, NotExercised, Violation

FIXTURES = ("par", "authorization", "token", "target", "wire", "clock", "facts", "browser")
_CASE = pytest.StashKey[Case]()
_RESULT = pytest.StashKey[CheckResult]()
_SESSION = pytest.StashKey[Session]()
_ENOUGH = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the command line takes."""
    group = parser.getgroup("par-conformance", "Pushed Authorization Requests")
    group.addoption("--target", metavar="PROFILE", help="profile of the target; default: the embedded server")
    group.addoption(
        "--plan", action="append", metavar="NAME", help="plan in force, in place of the profile's; may be repeated"
    )
    group.addoption("--report-dir", metavar="FOLDER", help="where the run is written; default: reports/")
    group.addoption("--fail-on", choices=("must", "should"), default="must", help="which broken level fails the gate")
    group.addoption("--baseline", metavar="RUN", help="an earlier run: the gate fails only on what it does not have")
    group.addoption("--sign-key", metavar="PEM", help="private key that signs the run (Ed25519 or P-256)")
    group.addoption("--concurrency", type=int, metavar="N", help="checks at the same time, over the profile's")
    group.addoption("--examples", type=int, metavar="N", help="examples of each fuzzed payload, over the profile's")
    group.addoption("--seed", type=int, metavar="N", help="draws the examples, over the profile's")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what would multiply the requests."""
    if getattr(config.option, "numprocesses", None) and _wants_checks(config):
        raise pytest.UsageError("use --concurrency N in place of -n N: every xdist worker would run every check")


def _wants_checks(config: pytest.Config) -> bool:
    return bool(config.getoption("target")) or not any("tests" in str(arg) for arg in config.args)


def _session(config: pytest.Config) -> Session:
    """The session of this run: made when the first check is met, so that plain unit tests never start a server."""
    if _SESSION not in config.stash:
        try:
            config.stash[_SESSION] = Session.begin(
                config.getoption("target"),
                plans=config.getoption("plan"),
                limits={name: config.getoption(name) for name in ("concurrency", "examples", "seed")},
                start=not config.option.collectonly,
            )
            if path := config.getoption("baseline"):
                config.stash[_SESSION].hold_against(Path(path))
            if path := config.getoption("sign_key"):
                config.stash[_SESSION].sign_key = private_key(Path(path))
        except (ProfileError, PlanError, SettingsError, BaselineError, KeyFileError) as mistakes:
            pytest.exit(f"\n{mistakes}", returncode=2)
    return config.stash[_SESSION]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a check its parameters, as the profile has them."""
    check = checks.check_of(metafunc.function)
    if check is None:
        return
    profile = _session(metafunc.config).loaded.profile
    for name, values in reversed(check.parameters):
        chosen = checks.values_of(values, profile)
        metafunc.parametrize(name, list(chosen.values()), ids=list(chosen))


@pytest.fixture
def par() -> None:
    """Pushed authorization requests; the engine hands the real value to the check."""


@pytest.fixture
def authorization() -> None:
    """The authorization endpoint, walked by a person."""


@pytest.fixture
def token() -> None:
    """The token endpoint."""


@pytest.fixture
def target() -> None:
    """Profile, metadata and features."""


@pytest.fixture
def wire() -> None:
    """HTTP as the check's own evidence."""


@pytest.fixture
def clock() -> None:
    """Time without sleeping."""


@pytest.fixture
def facts() -> None:
    """Measured facts of the run."""


@pytest.fixture
def browser() -> None:
    """A real browser: windows, one a person."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every check its case; drop what has no value to run with or is not in force; report those that wait last."""
    kept = []
    for item in items:
        function = item.obj if isinstance(item, pytest.Function) else None
        check = checks.check_of(function)
        if check is None or function is None or not isinstance(item, pytest.Function):
            kept.append(item)
            continue
        spec = getattr(item, "callspec", None)
        arguments: dict[str, Any] = dict(spec.params) if spec else {}
        if any(value is pytest.HIDDEN_PARAM or repr(value) == "<NotSetType.token: 0>" for value in arguments.values()):
            continue
        variant = item.name.partition("[")[2].removesuffix("]")
        name = checks.name_of(item.module.__name__, item.originalname, variant)
        case = Case(name, checks.title_of(function), function, check, arguments)
        if not _session(config).runs(case):
            continue
        item.stash[_CASE] = case
        kept.append(item)
    items[:] = sorted(kept, key=lambda item: _CASE in item.stash and item.stash[_CASE].check.waits)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start every chosen check at once."""
    cases = [item.stash[_CASE] for item in session.items if _CASE in item.stash]
    if cases and not session.config.option.collectonly:
        _session(session.config).start(cases, selection=_selection(session.config))


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, Any, Any]:
    """Hear Ctrl-C where a check is awaited: amid the hooks that report one it would pass for a defect.

    The second one is heard at once.
    """
    config = session.config
    own = threading.current_thread() is threading.main_thread() and bool(session.items)
    if not own or not all(_CASE in item.stash for item in session.items):
        return (yield)

    def heard(number: int, frame: FrameType | None) -> None:
        if config.stash.get(_ENOUGH, False):
            signal.default_int_handler(number, frame)
        config.stash[_ENOUGH] = True

    before = signal.signal(signal.SIGINT, heard)
    try:
        return (yield)
    finally:
        signal.signal(signal.SIGINT, before)


def _selection(config: pytest.Config) -> str | None:
    chosen = [*(("-k " + config.option.keyword,) if config.option.keyword else ())]
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        chosen += [arg for arg in config.args if "::" in arg or arg.endswith(".py")]
    return " ".join(chosen) or None


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Wait for the check's result and say it in pytest's way."""
    if _CASE not in pyfuncitem.stash:
        return None
    session = _session(pyfuncitem.config)
    result = _await(session, pyfuncitem)
    pyfuncitem.stash[_RESULT] = result
    if result.outcome == "violation" and session.is_failure(result):
        raise Violation(result.observed or "", f"{result.title}\n{visible(result.message or '')}")
    if result.outcome == "inconclusive":
        raise NotExercised(visible(result.message or ""))
    if result.outcome == "not-applicable":
        pytest.skip(visible(result.message or str(NotApplicable)))
    return True


def _await(session: Session, item: pytest.Item) -> CheckResult:
    """The result of a check as soon as it is there; until then a person sees how things stand."""
    live, capture, terminal = (
        session.live_line(),
        item.config.pluginmanager.get_plugin("capturemanager"),
        item.config.pluginmanager.get_plugin("terminalreporter"),
    )
    column = terminal._tw.width_of_current_line if terminal else 0
    name = item.stash[_CASE].name
    try:
        while True:
            if item.config.stash.get(_ENOUGH, False):
                session.engine.stop()  # first: pytest is about to read sources, which two threads cannot do at once
                raise KeyboardInterrupt
            try:
                return session.engine.result(name, timeout=0.1)
            except Unfinished:
                with capture.global_and_fixture_disabled() if capture else nullcontext():
                    live.show(column)
    finally:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            live.clear(column)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Put the check's true times and its verdict into pytest's report."""
    report = yield
    result = item.stash.get(_RESULT, None)
    if result is not None and report.when == "call":
        session = _session(item.config)
        report.verdict = session.word(result)
        report.duration = result.seconds
        if result.started:
            report.start, report.stop = result.started, result.started + result.seconds
        if report.failed:
            # The first line stands in the short summary, beside the name.
            report.longrepr = f"{visible(result.message or '')}\n  {result.name}\n  {result.title}"
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """The verdict's own word in place of passed and failed."""
    word = getattr(report, "verdict", None)
    if word is None or report.when != "call":
        return None
    letter = {"pass": ".", "fail": "F", "warn": "w", "note": "n", "deviation": "d", "inconclusive": "?"}
    letter |= {"known": "k", "new-check": "N"}
    return ("failed" if report.failed else word, letter.get(word, "-"), word.upper())


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Tell a wrong profile before anything else is done; let Allure see the true times and steps."""
    if session.config.getoption("target"):
        _session(session.config)
    if session.config.pluginmanager.get_plugin("allure_listener"):
        Bridge.register(session.config, lambda item: (_session(item.config), item.stash.get(_RESULT, None)))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """Write the report, whatever ended the run, and set the exit status."""
    if _SESSION not in session.config.stash:
        return
    own = session.config.stash[_SESSION]
    if not own.started:
        own.close()
        return
    interrupted = exitstatus in {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR}
    run = own.finish(
        Path(session.config.getoption("report_dir") or "reports"),
        fail_on=session.config.getoption("fail_on"),
        interrupted=interrupted or session.shouldstop is not False or session.shouldfail is not False,
    )
    _hide_what_came_late(session.config, own)
    if exitstatus != pytest.ExitCode.INTERNAL_ERROR:
        session.exitstatus = EXIT[run.gate]  # where pytest says 2, a run was begun and is incomplete


def _hide_what_came_late(config: pytest.Config, own: Session) -> None:
    """Secrets that were not known yet when pytest and Allure were told of a check."""
    redacted = own.engine.redactor.text
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    for report in itertools.chain.from_iterable(terminal.stats.values() if terminal else ()):
        if isinstance(getattr(report, "longrepr", None), str):
            report.longrepr = redacted(report.longrepr)
    folder = getattr(config.option, "allure_report_dir", None)
    if folder:
        settle(Path(folder), own.started_at.timestamp(), redacted)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what still runs; the summary by section comes after all that pytest says, the report's path last."""
    if _SESSION not in config.stash:
        return
    own = config.stash[_SESSION]
    own.close()
    if own.finished:
        own.print_summary(sys.stdout)
