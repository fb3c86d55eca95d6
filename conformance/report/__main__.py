"""Render one view of a run record: `python -m conformance.report report.json --format html`."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from conformance.report.schema import run_schema
from conformance.report.terminal import print_summary
from conformance.report.write import VIEWS, RecordError, read, write_whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 rendered; 2 the file is no run record, or cannot be read or written."""
    parser = argparse.ArgumentParser(prog="python -m conformance.report", description=__doc__)
    parser.add_argument("record", type=Path, nargs="?", help="a report.json; not needed for the schema")
    parser.add_argument(
        "--format", choices=["terminal", *VIEWS, "schema"], default="terminal", help="default: terminal"
    )
    parser.add_argument("--output", type=Path, help="a file to write, in place of standard output")
    options = parser.parse_args(arguments)
    if options.format != "schema" and options.record is None:
        parser.error("the path of a report.json is missing")
    try:
        if options.format == "terminal":
            print_summary(read(options.record), {"json": options.record}, Console())
            return 0
        text = _text(options.format, options.record)
        if options.output:
            write_whole(options.output, text)
        else:
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8")  # the views say that they are UTF-8
            sys.stdout.write(text)
    except (RecordError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _text(view: str, record: Path) -> str:
    if view == "schema":
        return json.dumps(run_schema(), indent=2) + "\n"
    return VIEWS[view][1](read(record))


if __name__ == "__main__":
    raise SystemExit(main())
