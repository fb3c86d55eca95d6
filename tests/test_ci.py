"""What continuous integration runs: the commands of the action and of the GitLab template, and what they leave."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROFILE = str(ROOT / "targets" / "reference.yaml")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine on which the suite is installed."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "par-conformance"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m conformance "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PAR_PROFILE": PROFILE,
        "PAR_ARGUMENTS": "-k carries_a_request_uri",
    }


def shell(script: str, cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def template() -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs and the job of the GitLab template."""
    inputs, jobs = yaml.safe_load_all((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))
    return inputs["spec"]["inputs"], jobs["par-conformance"]


def test_the_run_of_the_action_leaves_a_summary_and_both_answers(environment: dict[str, str], tmp_path: Path) -> None:
    files = {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    done = shell(str(ROOT / "ci" / "run.sh"), tmp_path, environment | files)

    assert done.returncode == 0, done.stdout + done.stderr
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text(encoding="utf-8").splitlines())
    assert outputs["gate"] == outputs["conformance"] == "pass"
    assert (tmp_path / outputs["folder"] / "report.html").exists()
    assert "conformance ✓ pass" in (tmp_path / "summary").read_text(encoding="utf-8")


def test_a_wrong_profile_ends_with_the_status_of_the_suite(environment: dict[str, str], tmp_path: Path) -> None:
    files = {"GITHUB_OUTPUT": str(tmp_path / "output")}
    done = shell(str(ROOT / "ci" / "run.sh"), tmp_path, environment | files | {"PAR_PROFILE": "nowhere.yaml"})

    assert done.returncode == 2
    assert not (tmp_path / "output").exists()


def test_the_commands_of_gitlab_run(environment: dict[str, str], tmp_path: Path) -> None:
    inputs, job = template()
    values = {name: str(entry.get("default", "")) for name, entry in inputs.items()} | {"profile": PROFILE}
    variables = {
        name: re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda match: values[match[1]], text)
        for name, text in job["variables"].items()
    }
    environment = {**environment, **variables, "PAR_PLANS": "rfc9126", "PAR_ARGUMENTS": "-k carries_a_request_uri"}
    done = shell("\n".join(job["script"]), tmp_path, environment)

    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.glob(job["artifacts"]["reports"]["junit"]))
    assert job["artifacts"]["when"] == "always"


def test_every_input_is_used_and_every_use_has_an_input() -> None:
    inputs, _ = template()
    text = (ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8").split("\n---\n")[1]
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == set(inputs)
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    steps = yaml.safe_dump(action["runs"])
    assert set(re.findall(r"inputs\.([a-z-]+)", steps)) == set(action["inputs"])
    given = {step["name"]: step.get("env", {}) for step in action["runs"]["steps"] if "name" in step}["Run the checks"]
    script = (ROOT / "ci" / "run.sh").read_text(encoding="utf-8")
    assert set(re.findall(r"PAR_[A-Z_]+", script)) == set(given)


def test_no_input_is_pasted_into_a_command() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("name", ["action.yml", "ci/github-scheduled.yml"])
def test_actions_of_others_are_pinned_by_commit(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for use in re.findall(r"uses: (\S+)(.*)", text):
        assert use[0].startswith("./") or re.search(r"@[0-9a-f]{40}$", use[0]), use
        assert use[0].startswith("./") or re.search(r"# v\d+\.\d+\.\d+$", use[1]), use


def test_the_scheduled_workflow_asks_for_little() -> None:
    found = yaml.safe_load((ROOT / "ci" / "github-scheduled.yml").read_text(encoding="utf-8"))
    assert found["permissions"] == {"contents": "read"}
    assert "schedule" in found[True]  # `on` is a boolean to YAML 1.1


@pytest.mark.parametrize("name", ["ci/run.sh", "ci/allure-html.sh"])
def test_scripts_are_right_for_bash(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / name)], check=True)
