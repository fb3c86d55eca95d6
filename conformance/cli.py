"""The command line. Thin: `run` is pytest with --target, every other command calls one module."""

from __future__ import annotations

import json
import shlex
import time
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pytest
import typer
from rich.console import Console
from rich.table import Table

from conformance import __version__
from conformance.bench.cli import app as servers
from conformance.bridge.cli import app as bridges
from conformance.check import verified_by
from conformance.doctor import examine, print_findings
from conformance.emulator import emulate, lines
from conformance.init import InitError, init, next_steps, vendors
from conformance.plans import PlanError, in_force, load_plans
from conformance.profile.load import ProfileError, load
from conformance.profile.schema import profile_schema
from conformance.report import cli as reports
from conformance.report import schema
from conformance.requirements import load as load_catalogue
from conformance.run import reference_profile
from conformance.server import Settings, serve
from conformance.server.dialects import Dialect, load_dialects

CHECKS = Path(__file__).parent / "checks"

app = typer.Typer(
    name="par-conformance",
    help="Checks an OAuth authorization server against RFC 9126, Pushed Authorization Requests.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(servers, name="servers", help="Real authorization servers on loopback, for trying the suite on.")
app.add_typer(bridges, name="bridge", help="Authorization servers in front of APIs that decide for them.")


class Format(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    JSON = "json"


def _stop(text: str) -> typer.Exit:
    """Say what is wrong and leave with status 2: the profile or the command line is wrong."""
    typer.echo(text, err=True)
    return typer.Exit(2)


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Print the version."""
    if show:
        typer.echo(f"par-conformance {__version__}")
        raise typer.Exit


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    help="Run the checks against a target. The suite's own options (--plan, --fail-on, --baseline, --sign-key, "
    "--report-dir, --concurrency) and every option of pytest work: -k, -x, --co, --alluredir …",
)
def run(
    context: typer.Context,
    profile: Annotated[Path | None, typer.Argument(help="Profile of the target; default: the embedded server.")] = None,
) -> None:
    """Run the checks against a target."""
    arguments = [str(CHECKS), "-p", "conformance.plugin", "-p", "no:cacheprovider", "-q", "--no-header", "--tb=no"]
    arguments += ["-c", str(Path(__file__).parent / "pytest.ini"), "--rootdir", str(Path.cwd())]
    rest = list(context.args)
    if profile is not None and str(profile).startswith("-"):  # an option: no profile came before it
        if any(argument.endswith((".yaml", ".yml")) for argument in rest):
            raise _stop("The profile comes first, the options after it: par-conformance run PROFILE [OPTIONS]")
        profile, rest = None, [str(profile), *rest]
    if profile is not None:
        try:
            load(profile)  # pytest would tell the mistakes twice
        except ProfileError as mistakes:
            raise _stop(str(mistakes)) from None
        arguments += ["--target", str(profile)]
    raise typer.Exit(int(pytest.main([*arguments, *rest])))


@app.command(help="Check in seconds what most red runs come from, before a run.")
def doctor(profile: Annotated[Path, typer.Argument(help="Profile of the target.")]) -> None:
    """Examine a profile and its target."""
    try:
        findings = examine(profile)
    except ProfileError as mistakes:
        raise _stop(str(mistakes)) from None
    print_findings(findings, Console())
    good = all(finding.good for finding in findings)
    if good:
        typer.echo(f"next: par-conformance run {shlex.quote(str(profile))}")
    raise typer.Exit(0 if good else 1)


@app.command(name="schema", help="Print a JSON Schema: of the profile, for editors, or of report.json.")
def print_schema(
    of: Annotated[str, typer.Argument(help="profile or report")] = "profile",
) -> None:
    """Print a JSON Schema."""
    schemas = {"profile": profile_schema, "report": schema.run_schema}
    if of not in schemas:
        raise _stop(f"there is no schema of {of!r}: profile and report have one")
    typer.echo(json.dumps(schemas[of](), indent=2, ensure_ascii=False))


@app.command(help="List the requirements, with the checks that verify them or the reason why none can.")
def requirements(
    plan: Annotated[list[str] | None, typer.Option(help="Only those in force under these plans.")] = None,
    untested: Annotated[bool, typer.Option("--untested", help="Only those without a check.")] = False,
    output: Annotated[Format, typer.Option("--format", help="How to print them.")] = Format.TABLE,
) -> None:
    """List the requirements."""
    catalogue = load_catalogue()
    try:
        chosen = in_force(plan, catalogue) if plan else dict.fromkeys(catalogue.requirements)
    except PlanError as mistakes:
        raise _stop(str(mistakes)) from None
    checks = verified_by()
    rows = []
    for identifier in chosen:
        requirement = catalogue.requirements[identifier]
        verifying = [check for check, ids in checks.items() if identifier in ids]
        if untested and verifying:
            continue
        rows.append(
            {
                "id": identifier,
                "specification": catalogue.specification_of(identifier).title,
                "section": requirement.section,
                "level": str(requirement.level),
                "text": requirement.text,
                "url": catalogue.url(identifier),
                "checks": verifying,
                "untested": requirement.untested,
            }
        )
    if output is Format.JSON:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table("requirement", "level", "statement", "verified by")
    for row in rows:
        verified = ", ".join(map(str, row["checks"])) if row["checks"] else f"not tested: {row['untested']}"
        table.add_row(str(row["id"]), str(row["level"]), str(row["text"]), verified)
    Console().print(table)


@app.command(help="List the plans.")
def plans() -> None:
    """List the plans."""
    table = Table("plan", "title", "when to choose it")
    for name, plan in load_plans().items():
        table.add_row(name, plan.title, plan.about)
    Console().print(table)


reports.add_to(app)


@app.command(
    name="serve",
    help="Start the reference server, to look at it or to try a client on it; with --dialect, as a vendor's "
    "documentation describes that vendor's server: then the variables for its profile are printed.",
)
def serve_reference(
    profile: Annotated[Path | None, typer.Argument(help="Profile whose clients it knows.")] = None,
    dialect: Annotated[str | None, typer.Option(help="pingone, pingone-aic, authlete or signicat.")] = None,
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE (JSON) of its settings.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Loopback port; 0: a free one.")] = 0,
) -> None:
    """Start the reference server or a dialect of it, and wait for Ctrl-C."""
    given = dict(_setting(text) for text in setting or [])
    with ExitStack() as stack:
        try:
            if dialect is not None:
                told = lines(stack.enter_context(emulate(_dialect(dialect), given, profile=profile, port=port)))
            else:
                loaded = load(profile or reference_profile())
                settings = Settings.from_profile({**loaded.profile.settings, **given})
                running = stack.enter_context(serve(loaded.profile, loaded.keyring, settings=settings, port=port))
                told = iter((f"issuer  {running.issuer}", f"trust   {running.ca_file}", "Ctrl-C ends it"))
        except (ProfileError, OSError, ValueError) as mistakes:
            raise _stop(str(mistakes)) from None
        for line in told:
            typer.echo(line)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            typer.echo("# ended" if dialect else "ended")


def _dialect(name: str) -> Dialect:
    known = load_dialects()
    if name not in known:
        raise _stop(f"there is no dialect {name!r}; there are: {', '.join(known)}")
    return known[name]


@app.command(name="init", help="Write the profile of a vendor into this folder, and tell what it wants.")
def init_profile(
    vendor: Annotated[str | None, typer.Argument(help="The vendor; without it, the vendors are listed.")] = None,
) -> None:
    """Write the profile of a vendor into this folder."""
    if vendor is None:
        typer.echo("\n".join(vendors()))
        return
    try:
        path = init(vendor, Path.cwd())
    except InitError as problem:
        raise _stop(str(problem)) from None
    for line in next_steps(path):
        typer.echo(line)


def _setting(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def main() -> None:
    """Entry point of `par-conformance`."""
    app(prog_name="par-conformance")
