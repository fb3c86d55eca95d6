"""Every view of a run, made later from its record, without the target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from conformance.report import allure, pdf
from conformance.report.attestation import PrivateKey
from conformance.report.manifest import MANIFEST, ManifestError, differences, read_manifest
from conformance.report.record import Run
from conformance.report.seal import is_signed, seal
from conformance.report.write import VIEWS, write_whole


class ViewError(RuntimeError):
    """A view cannot stand where it should; the text says in one line why."""


def _file(name: str, render: Callable[[Run], str | bytes]) -> Callable[[Run, Path], Path]:
    def make(run: Run, folder: Path) -> Path:
        write_whole(folder / name, render(run))
        return folder / name

    return make


#: View to what makes it in a folder.
MAKERS: Final[Mapping[str, Callable[[Run, Path], Path]]] = {
    **{view: _file(name, render) for view, (name, render) in VIEWS.items()},
    "pdf": _file("report.pdf", pdf.render),
    "allure": lambda run, folder: allure.write(run, folder / "allure-results"),
}


def make(run: Run, views: Iterable[str], folder: Path, key: PrivateKey | None = None) -> list[Path]:
    """Make views of a run in a folder. The paths written.

    In the folder of a run they join the manifest: only if it is still as it was written, and with the auditor's key if
    the run is signed. Raises ViewError, pdf.PdfError, OSError.
    """
    sealed = (folder / MANIFEST).exists()
    if sealed:
        _unchanged(folder, signing=key is not None)
    folder.mkdir(parents=True, exist_ok=True)
    written = [MAKERS[view](run, folder) for view in views]
    if sealed or key is not None:
        written += seal(folder, run, key)
    return written


def _unchanged(folder: Path, *, signing: bool) -> None:
    if is_signed(folder) and not signing:
        raise ViewError(f"{folder} is signed: sign it anew with --sign-key, or write elsewhere with --into")
    try:
        found = differences(folder, read_manifest(folder))
    except ManifestError as mistake:
        raise ViewError(f"{mistake}; --into writes elsewhere") from mistake
    if found:
        raise ViewError(f"{folder} is not as the run wrote it ({', '.join(found.lines())}); --into writes elsewhere")
