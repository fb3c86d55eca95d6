"""The files of a run: each is written whole or not at all, and the record can be read back."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from conformance.report import har, html, junit, markdown, sarif
from conformance.report.record import VERSION, Run

#: The file that is the truth of a run.
RECORD: Final = "report.json"
#: View to the name of its file and what renders it. The record comes first: it is the truth.
VIEWS: Final[dict[str, tuple[str, Callable[[Run], str]]]] = {
    "json": (RECORD, lambda run: run.model_dump_json(indent=2) + "\n"),
    "html": ("report.html", html.render),
    "junit": ("junit.xml", junit.render),
    "markdown": ("summary.md", markdown.render),
    "sarif": ("report.sarif", sarif.render),
}


class RecordError(ValueError):
    """A file is no run record that this version can read."""


def write(run: Run, folder: Path) -> dict[str, Path]:
    """Write the record and every view into a folder, which is made if need be. View to its path.

    A file appears under its name only when it is complete; one that stood there is replaced. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for view, (name, render) in VIEWS.items():
        paths[view] = folder / name
        write_whole(paths[view], render(run))
    if har.in_browser(run):
        paths["har"] = folder / har.NAME
        write_whole(paths["har"], har.render(run))
    return paths


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file (text in UTF-8) beside its place and move it there. Raises OSError; then nothing is left behind."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def locate(path: Path) -> Path:
    """The record of a run: the path itself, or report.json in it where it is a folder."""
    return path / RECORD if path.is_dir() else path


def read(path: Path) -> Run:
    """Read a record back. Raises RecordError if the file is none, or of another version; OSError."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data["version"]
    except (ValueError, TypeError, KeyError) as error:
        raise RecordError(f"{path} is no run record: {error}") from error
    if version != VERSION:
        raise RecordError(f"{path} is a run record of version {version}; this suite reads version {VERSION}")
    try:
        return Run.model_validate(data)
    except ValueError as error:
        raise RecordError(f"{path} is no run record: {error}") from error
