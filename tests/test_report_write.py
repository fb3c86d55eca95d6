"""The files of a run are whole or absent, the record comes back as it was, and one view can be rendered later."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import jsonschema
import pytest

from conformance.report import html, write
from conformance.report.__main__ import main
from conformance.report.record import VERSION, Run
from conformance.report.schema import run_schema
from tests.records import clean_run, sample_run

FILES = {
    "json": "report.json",
    "html": "report.html",
    "junit": "junit.xml",
    "markdown": "summary.md",
    "sarif": "report.sarif",
}


def test_every_view_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "target" / "20261120T093000Z"
    paths = write.write(sample_run(), folder)
    assert {view: path.name for view, path in paths.items()} == FILES
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES.values())
    assert paths["html"].read_text(encoding="utf-8") == html.render(sample_run())


def test_the_record_comes_back_as_it_was(tmp_path: Path) -> None:
    paths = write.write(sample_run(), tmp_path)
    assert write.read(paths["json"]) == sample_run()


def test_a_second_run_replaces_the_files_of_the_first(tmp_path: Path) -> None:
    write.write(sample_run(), tmp_path)
    write.write(clean_run(), tmp_path)
    assert write.read(tmp_path / "report.json") == clean_run()
    assert len(list(tmp_path.iterdir())) == len(FILES)


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")

    def full(_: int) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write.write_whole(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_record_is_there_even_if_a_view_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Run) -> NoReturn:
        raise RuntimeError("the view broke")

    monkeypatch.setitem(write.VIEWS, "html", ("report.html", broken))
    with pytest.raises(RuntimeError, match="the view broke"):
        write.write(sample_run(), tmp_path)
    assert write.read(tmp_path / "report.json") == sample_run()
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no run record"),
        ("[]", "is no run record"),
        ("{}", "is no run record"),
        ('{"version": 1}', "is no run record"),
        ('{"version": 99}', "version 99; this suite reads version 1"),
        (b"\xff\xfe", "is no run record"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str | bytes, told: str) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(write.RecordError, match=told):
        write.read(path)


def test_the_record_keeps_to_its_schema() -> None:
    schema = run_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for run in (sample_run(), clean_run()):
        validator.validate(json.loads(run.model_dump_json()))
    data = json.loads(clean_run().model_dump_json())
    for broken in (data | {"surprise": 1}, {key: value for key, value in data.items() if key != "gate"}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(broken)


def test_the_schema_names_its_version() -> None:
    assert run_schema()["$id"] == f"urn:par-conformance:report:{VERSION}"
    assert list(run_schema())[:3] == ["$schema", "$id", "title"]


@pytest.mark.parametrize("view", FILES)
def test_a_view_is_rendered_from_a_record(view: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = write.write(sample_run(), tmp_path)
    assert main([str(paths["json"]), "--format", view]) == 0
    assert capsys.readouterr().out == paths[view].read_text(encoding="utf-8")


def test_a_view_is_rendered_into_a_file(tmp_path: Path) -> None:
    paths = write.write(sample_run(), tmp_path)
    out = tmp_path / "other.html"
    assert main([str(paths["json"]), "--format", "html", "--output", str(out)]) == 0
    assert out.read_bytes() == paths["html"].read_bytes()


def test_the_terminal_is_the_ordinary_view(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = write.write(clean_run(), tmp_path)
    assert main([str(paths["json"])]) == 0
    assert "Conformance ✓ pass" in capsys.readouterr().out


def test_the_schema_needs_no_record(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--format", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == run_schema()


def test_mistakes_of_the_command_line_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "absent.json"), "--format", "html"]) == 2
    assert "absent.json" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["--format", "html"])
    assert ended.value.code == 2


def test_the_module_can_be_run(tmp_path: Path) -> None:
    paths = write.write(clean_run(), tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "conformance.report", str(paths["json"]), "--format", "markdown"],
        check=True,
        capture_output=True,
        cwd=Path(write.__file__).parents[2],
    )
    assert done.stdout.decode() == paths["markdown"].read_text(encoding="utf-8")
