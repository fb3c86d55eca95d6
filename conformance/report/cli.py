"""The commands about runs that were made: views anew, verifying, comparing. Thin: each calls one module."""

from __future__ import annotations

import io
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from conformance.report import attestation, comparison_views, terminal
from conformance.report.comparison import compare as compared
from conformance.report.make import ViewError, make
from conformance.report.pdf import PdfError
from conformance.report.record import Run
from conformance.report.seal import verify as verified
from conformance.report.write import RECORD, RecordError, locate, read, write_whole

RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or its report.json.")]


class View(StrEnum):
    """A view of a run."""

    TERMINAL = "terminal"
    HTML = "html"
    PDF = "pdf"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    ALLURE = "allure"
    ALL = "all"


class ComparisonView(StrEnum):
    """A view of several runs."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    HTML = "html"


#: What `report` makes where nothing is chosen: what a run writes beside its record.
ORDINARY = (View.HTML, View.JUNIT, View.MARKDOWN, View.SARIF)


def add_to(app: typer.Typer) -> None:
    """Add the commands to an application."""
    app.command(help="Make views of a run later, from its report.json, without the target.")(report)
    app.command(help="Say whether anything of a run was changed, added or is missing: exit status 0 if not, else 1.")(
        verify
    )
    app.command(
        help="Hold runs against each other: new, mended, changed, unmatched. From three runs on with their history. "
        "Exit status 1 if the last run breaks a MUST that the one before it did not break."
    )(compare)


def report(
    run: RunPath,
    view: Annotated[list[View] | None, typer.Option("--format", help="May be repeated.")] = None,
    into: Annotated[Path | None, typer.Option("--into", help="Where to; default: beside the record.")] = None,
    sign_key: Annotated[
        Path | None, typer.Option("--sign-key", help="Private key (PEM) that signs the folder.")
    ] = None,
) -> None:
    """Make views of a run."""
    path = locate(run)
    record = _read(path)
    chosen = list(dict.fromkeys(view or ORDINARY))
    if View.ALL in chosen:
        chosen = [*ORDINARY, View.PDF, View.ALLURE]
    if View.TERMINAL in chosen:
        terminal.print_summary(record, {"json": path}, Console())
        chosen.remove(View.TERMINAL)
        if not chosen:
            return
    folder = into or path.parent
    # Beside itself the record stays as it is: it is the truth.
    elsewhere = [] if (folder / RECORD).exists() and (folder / RECORD).samefile(path) else ["json"]
    try:
        key = attestation.private_key(sign_key) if sign_key else None
        for written in make(record, [*elsewhere, *(str(name) for name in chosen)], folder, key):
            typer.echo(written)
    except (PdfError, ViewError, attestation.KeyFileError) as problem:
        raise _stop(str(problem)) from None
    except OSError as failure:
        raise _stop(f"{failure.filename or folder} cannot be written: {failure.strerror}") from None


def verify(
    run: RunPath,
    key: Annotated[Path | None, typer.Option("--key", help="The auditor's public key (PEM).")] = None,
) -> None:
    """Say whether a run is as it was written."""
    folder = locate(run).parent
    try:
        public = attestation.public_key(key) if key else None
        found = verified(folder, public)
    except attestation.KeyFileError as problem:
        raise _stop(str(problem)) from None
    except OSError as failure:
        raise _stop(f"{failure.filename or folder} cannot be read: {failure.strerror}") from None
    for line in found.lines:
        typer.echo(line)
    raise typer.Exit(0 if found.good else 1)


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="Folders of runs, the earliest first.")],
    view: Annotated[ComparisonView, typer.Option("--format")] = ComparisonView.TERMINAL,
    output: Annotated[Path | None, typer.Option("--output", help="A file, in place of standard output.")] = None,
) -> None:
    """Hold runs against each other."""
    if len(runs) < 2:
        raise _stop("two runs at least are needed to compare them")
    records = [_read(locate(path)) for path in runs]
    if view is ComparisonView.TERMINAL and output is None:
        comparison_views.print_comparison(records, Console(highlight=False, soft_wrap=True))
    else:
        _write(_rendered(view, records), output)
    raise typer.Exit(1 if compared(records[-2], records[-1]).breaks else 0)


def _rendered(view: ComparisonView, records: Sequence[Run]) -> str:
    if view is ComparisonView.HTML:
        return comparison_views.render_html(records)
    if view is ComparisonView.MARKDOWN:
        return comparison_views.render_markdown(records)
    text = io.StringIO()
    comparison_views.print_comparison(records, Console(file=text, highlight=False, width=160))
    return text.getvalue()


def _write(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        write_whole(output, text)
    except OSError as failure:
        raise _stop(f"{output} cannot be written: {failure.strerror}") from None
    typer.echo(output)


def _read(path: Path) -> Run:
    try:
        return read(path)
    except RecordError as mistake:
        raise _stop(str(mistake)) from None
    except OSError as failure:
        raise _stop(f"{path} cannot be read: {failure.strerror}") from None


def _stop(text: str) -> typer.Exit:
    """Say what is wrong and leave with status 2: the command line is wrong."""
    typer.echo(text, err=True)
    return typer.Exit(2)
