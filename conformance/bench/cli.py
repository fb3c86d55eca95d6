"""`servers up`, `servers list`, `servers down`: the bench on the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from conformance.bench import SERVERS, STATE, BenchError, Started, export_lines
from conformance.bench import down as stop_server
from conformance.bench import listing as all_servers
from conformance.bench import up as start_server

app = typer.Typer(help="Real authorization servers to test against, started on this machine.", no_args_is_help=True)

State = Annotated[Path, typer.Option(help="Folder that the servers are installed in.")]


def _fail(error: BenchError) -> typer.Exit:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", markup=False)
    return typer.Exit(2)


def _shown(path: Path) -> str:
    """A path as a person at this prompt would type it."""
    short = os.path.relpath(path)
    return str(path) if short.startswith("..") else short


def _tell(started: Started) -> None:
    """Where the server is, and how to run the suite against it."""
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"{started.name} {started.version} answers at {started.url} (process {started.pid})", markup=False)
    for line in export_lines(started.environment):
        out.print(line, markup=False)
    for profile in started.profiles:
        out.print(f"par-conformance run {_shown(profile)}", markup=False)


@app.command()
def up(
    name: Annotated[str, typer.Argument(help="Server to start; `servers list` tells the names.")],
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Loopback port; default: its own.")] = None,
    state: State = STATE,
) -> None:
    """Install a server if need be, start it, wait until it answers, and say how to test it."""
    try:
        started = start_server(name, state=state, port=port)
    except BenchError as error:
        raise _fail(error) from error
    _tell(started)


@app.command("list")
def show(state: State = STATE) -> None:
    """Tell which servers there are, and which of them run."""
    table = Table("server", "what it is", "runs at", "process", box=None)
    for name, started in all_servers(state=state).items():
        where = (started.url, str(started.pid)) if started else ("", "")
        table.add_row(name, SERVERS[name].summary, *where)
    Console().print(table)


@app.command()
def down(name: Annotated[str, typer.Argument(help="Server to stop, or `all`.")], state: State = STATE) -> None:
    """Stop a server that `up` started, or all of them."""
    try:
        ended = [one for one in (SERVERS if name == "all" else [name]) if stop_server(one, state=state)]
    except BenchError as error:
        raise _fail(error) from error
    typer.echo(f"stopped: {', '.join(ended)}" if ended else "nothing was running")


if __name__ == "__main__":
    app()
