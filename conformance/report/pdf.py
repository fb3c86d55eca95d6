"""The view on paper: the HTML page printed by Chromium, with a header, page numbers and a table of contents.

Chromium cannot print the page on which an anchor stands. So the page is printed twice: first with placeholders as wide
as a number, then with the numbers that the named destinations of the first print tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Final

from markupsafe import Markup
from playwright.sync_api import Browser, Error, sync_playwright

from conformance.browser.find import NoBrowserError, find, how_to_install
from conformance.profile.model import BrowserUse
from conformance.report.html import render as render_html
from conformance.report.record import Run
from conformance.report.text import one_line

#: How long one print may take (milliseconds): a thousand findings with their evidence take a minute.
PRINT_MILLISECONDS: Final = 600_000
_MARGINS: Final = {"top": "20mm", "bottom": "17mm", "left": "14mm", "right": "14mm"}
_LINE: Final = Markup(
    '<div style="width: 100%; margin: 0 14mm; display: flex; justify-content: space-between; gap: 6mm; '
    'font: 7.5pt sans-serif; color: #565d68">{}</div>'
)


class PdfError(RuntimeError):
    """The report could not be printed; the text says in one line why."""


def render(run: Run) -> bytes:
    """The PDF of a run. Raises PdfError, in one line, where there is no browser or it does not print."""
    try:
        with sync_playwright() as playwright:
            found = find(BrowserUse(), bundled=playwright.chromium.executable_path)
            try:
                browser = playwright.chromium.launch(executable_path=found.executable)
            except Error as error:
                raise PdfError(f"{found.name} does not start ({_line(error)}): {how_to_install('chromium')}") from error
            pages = pages_of(_print(browser, run, {}))
            return _print(browser, run, pages)
    except NoBrowserError as problem:
        raise PdfError(f"a PDF is printed by Chromium: {problem}") from problem
    except Error as error:
        raise PdfError(f"Chromium did not print the report: {_line(error)}") from error


def _print(browser: Browser, run: Run, pages: Mapping[str, int]) -> bytes:
    # No script and no network: everything that the page needs stands in it.
    context = browser.new_context(java_script_enabled=False, offline=True)
    try:
        page = context.new_page()
        page.set_default_timeout(PRINT_MILLISECONDS)
        page.set_content(render_html(run, pages), wait_until="load")
        return page.pdf(
            format="A4",
            margin=_MARGINS,  # type: ignore[arg-type]
            print_background=True,
            display_header_footer=True,
            header_template=_header(run),
            footer_template=_footer(run),
            tagged=True,
            outline=True,
        )
    finally:
        context.close()


def _header(run: Run) -> str:
    name = Markup("<span>{}</span>").format(one_line(run.target.name, 70))
    moment = run.started.astimezone(UTC) if run.started.tzinfo else run.started
    return _LINE.format(name + Markup("<span>Conformance report, {}</span>").format(f"{moment:%Y-%m-%d %H:%M} UTC"))


def _footer(run: Run) -> str:
    made = f"par-conformance {run.suite_version}, profile SHA-256 {run.target.profile_sha256[:12]}"
    numbers = Markup('page <span class="pageNumber"></span> of <span class="totalPages"></span>')
    return _LINE.format(Markup("<span>{}</span><span>{}</span>").format(one_line(made), numbers))


def _line(error: Error) -> str:
    return next((line.strip() for line in error.message.splitlines() if line.strip()), "no reason was given")


# -- reading the page numbers of a print ----------------------------------------------------------------------------

_REFERENCE = re.compile(rb"(\d+) 0 R")
_DESTINATION = re.compile(rb"/([^\s/\[\]<>()]+)\s*\[(\d+) 0 R\s*/XYZ")


def pages_of(pdf: bytes) -> dict[str, int]:
    """On which page (from 1) each named destination of a PDF that Chromium wrote stands.

    Reads what Chromium writes: a plain cross-reference table, and the destinations as a dictionary of the catalogue.
    PdfError if it is anything else.
    """
    objects = _Objects(pdf)
    catalog = objects.of(objects.root)
    numbers = {page: number for number, page in enumerate(objects.leaves(_pointer(catalog, b"Pages")), 1)}
    destinations = objects.of(_pointer(catalog, b"Dests"))
    return {
        re.sub(r"#([0-9A-Fa-f]{2})", lambda hexed: chr(int(hexed[1], 16)), name.decode("latin-1")): numbers[int(page)]
        for name, page in _DESTINATION.findall(destinations)
    }


class _Objects:
    """The objects of a PDF, by the table at its end."""

    def __init__(self, pdf: bytes) -> None:
        self._pdf = pdf
        start = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*\Z", pdf)
        table = re.compile(rb"xref\s+0 (\d+)\s+").match(pdf, int(start[1])) if start else None
        if table is None:
            raise PdfError("Chromium wrote a PDF whose pages cannot be told: it has no plain table of objects")
        # An entry has 20 bytes: ten of the offset, the generation, in use or free, the end of the line.
        end = table.end() + 20 * int(table[1])
        self._offsets = [int(pdf[entry : entry + 10]) for entry in range(table.end(), end, 20)]
        self.root = _pointer(pdf[end:], b"Root")

    def of(self, number: int) -> bytes:
        """An object's text."""
        start = self._offsets[number]
        return self._pdf[start : self._pdf.index(b"endobj", start)]

    def leaves(self, number: int) -> list[int]:
        """The pages below a node of the tree of pages, in their order."""
        kids = re.search(rb"/Kids\s*\[([^\]]*)\]", self.of(number))
        if kids is None:
            return [number]
        return [page for kid in _REFERENCE.findall(kids[1]) for page in self.leaves(int(kid))]


def _pointer(text: bytes, key: bytes) -> int:
    found = re.search(rb"/%s\s+(\d+) 0 R" % key, text)
    if found is None:
        raise PdfError(f"Chromium wrote a PDF whose pages cannot be told: it has no {key.decode()}")
    return int(found[1])
