"""The command line as a person uses it, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def suite(*arguments: str, cwd: Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def report_of(folder: Path) -> dict[str, object]:
    found = json.loads(next(folder.glob("reports/*/*/report.json")).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_run_of_a_selection_writes_every_view(tmp_path: Path) -> None:
    done = suite("run", str(ROOT / "targets/reference.yaml"), "-k", "request_uri_is_refused", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    folder = next(tmp_path.glob("reports/reference/*"))
    assert {path.name for path in folder.iterdir()} >= {"report.json", "report.html", "junit.xml"}
    assert str(folder.relative_to(tmp_path) / "report.html") in done.stdout.replace("\n", "")


def test_collect_only_starts_nothing(tmp_path: Path) -> None:
    done = suite("run", str(ROOT / "targets/reference.yaml"), "--co", cwd=tmp_path)

    assert done.returncode == 0
    assert "test_push_that_carries_a_request_uri_is_refused[urn]" in done.stdout
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("profile", [(), (str(ROOT / "targets/reference.yaml"),)])
def test_options_may_stand_first(profile: tuple[str, ...], tmp_path: Path) -> None:
    done = suite("run", "-k", "carries_a_request_uri", "--co", *profile, cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_push_that_carries_a_request_uri_is_refused[urn]" in done.stdout
    assert "test_http_get_is_refused" not in done.stdout


def test_five_mistakes_are_five_messages(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(
        "name: Wrong\n"
        "issuer: http://127.0.0.1:1\n"
        "planes: [rfc9126]\n"
        "clients:\n"
        "  first:\n"
        "    client_id: a\n"
        "    auth: client_secret_basik\n"
        "    redirect_uris: [not-absolute]\n"
        "  second:\n"
        "    client_id: b\n"
        "    auth: client_secret_post\n"
        "    secret: {literal: my-secret-in-clear}\n"
        "    redirect_uris: [https://b.example/cb]\n"
        "  public:\n"
        "    client_id: c\n"
        "    auth: client_secret_basic\n"
        "    secret: {env: PAR_NO_SUCH_VARIABLE}\n"
        "    redirect_uris: [https://c.example/cb]\n",
        encoding="utf-8",
    )

    done = suite("run", "wrong.yaml", cwd=tmp_path)

    said = done.stdout + done.stderr
    assert done.returncode == 2
    for key in ("planes", "clients.first.auth", "redirect_uris", "clients.second.secret", "PAR_NO_SUCH_VARIABLE"):
        assert key in said
    assert "Traceback" not in said
    assert "my-secret-in-clear" not in said


def test_missing_profile_is_told(tmp_path: Path) -> None:
    done = suite("run", "nowhere.yaml", cwd=tmp_path)

    assert done.returncode == 2
    assert "nowhere.yaml" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_xdist_is_refused(tmp_path: Path) -> None:
    done = suite("run", str(ROOT / "targets/reference.yaml"), "-n", "2", cwd=tmp_path)

    assert done.returncode != 0
    assert "--concurrency" in done.stdout + done.stderr


def test_absent_target_ends_in_10(profile_at: Callable[..., Path], tmp_path: Path) -> None:
    done = suite("run", str(profile_at("http://127.0.0.1:9")), cwd=tmp_path)

    assert done.returncode == 10, done.stdout
    assert "does not answer" in done.stdout


@pytest.mark.parametrize("among", ["test_jar_parameters", "test_jar_parameters or test_browser"])
def test_interrupted_run_writes_what_it_has(tmp_path: Path, among: str) -> None:
    # The first answers come in a second; one that waits for a request_uri to expire keeps the run from its end.
    chosen = f"{among} or test_expired_request_uri_brings_no_code"
    process = subprocess.Popen(
        [sys.executable, "-m", "conformance", "run", str(ROOT / "targets/reference.yaml"), "-k", chosen],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.read(5)  # the first dots: the run is on its way
    os.killpg(process.pid, signal.SIGINT)  # a terminal tells everybody, the browser too
    told, _ = process.communicate(timeout=30)

    assert "Traceback" not in told
    found = report_of(tmp_path)
    assert found["interrupted"] is True
    assert found["gate"] == "incomplete"
    assert process.returncode == 10


def test_allure_results_have_true_times_and_steps(tmp_path: Path) -> None:
    done = suite(
        "run",
        str(ROOT / "targets/reference.yaml"),
        "-k",
        "carries_a_request_uri",
        "--alluredir",
        "allure",
        cwd=tmp_path,
    )

    assert done.returncode == 0
    results = [json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "allure").glob("*-result.json")]
    assert len(results) == 3
    for result in results:
        assert result["stop"] > result["start"]
        assert [step["name"] for step in result["steps"]] == [
            "pushed authorization request: POST 400",
            "control: POST 201",
        ]
        assert any(label["value"] == "rfc9126-2.1-request-uri-refused" for label in result["labels"])


@pytest.mark.parametrize("of", ["profile", "report"])
def test_schema_is_printed(of: str, tmp_path: Path) -> None:
    done = suite("schema", of, cwd=tmp_path)

    assert done.returncode == 0
    assert json.loads(done.stdout)["type"] == "object"


def test_requirements_are_listed(tmp_path: Path) -> None:
    done = suite("requirements", "--format", "json", "--plan", "rfc9126", cwd=tmp_path)

    rows = json.loads(done.stdout)
    row = next(row for row in rows if row["id"] == "rfc9126-2.1-request-uri-refused")
    assert row["checks"]
    assert row["url"].startswith("https://")


def test_doctor_finds_the_reference_server_well(tmp_path: Path) -> None:
    done = suite("doctor", str(ROOT / "targets/reference.yaml"), cwd=tmp_path)

    assert done.returncode == 0, done.stdout
    assert "a person logs in" in done.stdout
