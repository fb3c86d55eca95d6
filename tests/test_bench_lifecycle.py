"""Starting and stopping: with a small server of the test's own in place of one that must be installed."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from conformance.bench import SERVERS, BenchError, Recipe, down, lifecycle, listing, running, up
from conformance.bench.cli import app
from conformance.bench.process import free_port, identity, is_free, start, stop
from conformance.bench.recipe import Launch, Place

SCRIPT = """
import http.server, json, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"environment": sorted(os.environ)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
PROFILE = """
name: Small server
issuer: ${SMALL_URL:-http://127.0.0.1:%d}
clients:
  first:
    client_id: first-client
    auth: client_secret_basic
    secret: {file: ../.servers/small/first.secret}
    redirect_uris: [https://client.example/callback]
"""
NEVER = "import time; time.sleep(60)"
Register = Callable[..., Recipe]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ".servers"


@pytest.fixture
def small(tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    """Put a recipe of a small server into the list, as the tests want it; whatever runs is stopped afterwards."""
    targets = tmp_path / "targets"
    targets.mkdir()
    monkeypatch.setattr(lifecycle, "TARGETS", targets)

    def launch(place: Place) -> Launch:
        return Launch((sys.executable, "-c", SCRIPT, str(place.port)), {"GIVEN": "1"})

    def register(**changes: object) -> Recipe:
        recipe = Recipe(
            name="small",
            summary="a small server",
            port=free_port(0),
            variable="SMALL_URL",
            profiles=("small.yaml",),
            install=lambda folder: "1.0",
            launch=launch,
        )
        recipe = dataclasses.replace(recipe, **changes)  # type: ignore[arg-type]
        (targets / "small.yaml").write_text(PROFILE % recipe.port, encoding="utf-8")
        monkeypatch.setitem(SERVERS, "small", recipe)
        return recipe

    yield register
    if "small" in SERVERS:
        down("small", state=state)


def test_a_server_is_started_told_and_stopped(small: Register, state: Path) -> None:
    recipe = small()

    started = up("small", state=state)

    assert started.url == recipe.default_url
    assert started.environment == {}
    assert httpx2.get(started.url, trust_env=False).status_code == 200
    said = json.loads((state / "small/server.json").read_text(encoding="utf-8"))
    assert {"pid", "url", "started", "version", "profile"} <= set(said)
    assert (said["pid"], said["version"], said["profile"]) == (started.pid, "1.0", str(started.profile))
    assert (state / "small").stat().st_mode & 0o777 == 0o700
    assert listing(state=state)["small"] == started

    assert down("small", state=state)
    assert identity(started.pid) is None
    assert listing(state=state)["small"] is None
    assert not down("small", state=state)


def test_a_running_server_is_left_alone(small: Register, state: Path) -> None:
    small()

    assert up("small", state=state) == up("small", state=state)


def test_a_server_elsewhere_is_told_by_its_variable(small: Register, state: Path) -> None:
    small()
    port = free_port(0)

    started = up("small", state=state, port=port)

    assert started.environment == {"SMALL_URL": f"http://127.0.0.1:{port}"}


def test_another_port_is_found_if_its_own_is_taken(small: Register, state: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        recipe = small(port=taken.getsockname()[1])
        started = up("small", state=state)

    assert started.url != recipe.default_url


def test_a_port_that_was_asked_for_must_be_free(small: Register, state: Path) -> None:
    small()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(BenchError, match=f"port {port} is taken"):
            up("small", state=state, port=port)


def test_profiles_follow_the_servers_to_another_folder(small: Register, tmp_path: Path) -> None:
    """Their paths start at the repository's .servers; a server elsewhere gets a copy that reads from there."""
    small()
    elsewhere = tmp_path / "elsewhere"

    with running("small", state=elsewhere) as started:
        text = started.profile.read_text(encoding="utf-8")

    assert started.profile.parent == elsewhere / "small"
    assert f"{elsewhere}/small/first.secret" in text
    assert "../.servers" not in text


def test_running_stops_what_it_started_and_nothing_else(small: Register, state: Path) -> None:
    small()
    with running("small", state=state) as started:
        assert identity(started.pid) == started.identity
    assert identity(started.pid) is None

    kept = up("small", state=state)
    with running("small", state=state) as again:
        assert again == kept
    assert identity(kept.pid) == kept.identity


def test_our_environment_is_not_handed_on(small: Register, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET_OF_OURS", "x")
    small()

    with running("small", state=state) as started:
        seen = httpx2.get(started.url, trust_env=False).json()["environment"]

    assert "GIVEN" in seen
    assert "A_SECRET_OF_OURS" not in seen


def test_a_server_that_ends_at_once_is_told_with_its_log(small: Register, state: Path) -> None:
    small(launch=lambda place: Launch((sys.executable, "-c", "raise SystemExit('no such setting')")))

    with pytest.raises(BenchError, match=r"server\.log"):
        up("small", state=state)

    assert "no such setting" in (state / "small/server.log").read_text(encoding="utf-8")
    assert listing(state=state)["small"] is None


def test_a_server_that_never_answers_is_stopped(small: Register, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "PATIENCE", 0.2)
    small(launch=lambda place: Launch((sys.executable, "-c", f"print('up', flush=True); {NEVER}")))

    with pytest.raises(BenchError, match="did not answer"):
        up("small", state=state)

    assert listing(state=state)["small"] is None


def test_a_server_that_cannot_be_settled_is_stopped(small: Register, state: Path) -> None:
    pids = []

    def settle(place: Place) -> None:
        pids.append(place.port)
        raise BenchError("the administration says no")

    small(settle=settle)

    with pytest.raises(BenchError, match="the administration says no"):
        up("small", state=state)

    assert is_free(pids[0])


def test_an_unknown_name_is_told_with_the_known_ones(state: Path) -> None:
    with pytest.raises(BenchError, match=r"no server 'nothing'.*oidc-provider"):
        up("nothing", state=state)


def test_a_process_of_the_same_number_is_not_touched(tmp_path: Path) -> None:
    pid = start(Launch((sys.executable, "-c", NEVER)), tmp_path / "log")
    known = identity(pid)
    assert known is not None

    assert not stop(pid, "somebody else")
    assert identity(pid) == known

    assert stop(pid, known)
    assert identity(pid) is None


def test_a_server_that_hangs_on_is_ended_all_the_same(tmp_path: Path) -> None:
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {NEVER}"
    pid = start(Launch((sys.executable, "-c", stubborn)), tmp_path / "log")
    while "deaf" not in (tmp_path / "log").read_text(encoding="utf-8"):
        os.sched_yield()

    assert stop(pid, identity(pid) or "", seconds=0.2)


def test_a_stale_record_is_no_running_server(small: Register, state: Path) -> None:
    small()
    started = up("small", state=state)
    stop(started.pid, started.identity)

    assert listing(state=state)["small"] is None
    assert up("small", state=state).pid != started.pid


def test_the_command_line_tells_how_to_go_on(small: Register, state: Path) -> None:
    small()
    port = free_port(0)
    runner = CliRunner()

    told = runner.invoke(app, ["up", "small", "--port", str(port), "--state", str(state)])
    listed = runner.invoke(app, ["list", "--state", str(state)])
    stopped = runner.invoke(app, ["down", "all", "--state", str(state)])
    again = runner.invoke(app, ["down", "small", "--state", str(state)])

    assert told.exit_code == 0
    assert f"export SMALL_URL=http://127.0.0.1:{port}" in told.stdout
    assert "par-conformance run " in told.stdout
    assert f"http://127.0.0.1:{port}" in listed.stdout
    assert stopped.stdout == "stopped: small\n"
    assert again.stdout == "nothing was running\n"


def test_the_command_line_tells_a_mistake_in_one_sentence(state: Path) -> None:
    told = CliRunner().invoke(app, ["up", "nothing", "--state", str(state)])

    assert told.exit_code == 2
    assert told.stderr.startswith("error: there is no server 'nothing'")
