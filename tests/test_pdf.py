"""The report on paper: numbered pages, a table of contents that is right, and a clear word where it cannot be made.

Needs a Chromium for all but the errors.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.cli import app
from conformance.report import html, pdf, write
from tests.records import clean_run, sample_run


@cache
def printed() -> bytes:
    return pdf.render(sample_run())


def test_the_report_is_printed_with_numbers_for_every_entry() -> None:
    pages = pdf.pages_of(printed())
    page = html.render(sample_run(), pages)
    entries = re.findall(r'href="#([^"]+)"><span class="entry">.*?<span class="page">(\d+)</span>', page)

    assert printed().startswith(b"%PDF")
    assert len(entries) > 20
    for anchor, number in entries:
        assert pages[anchor] == int(number)
    assert ">000<" not in page
    order = [pages[name] for name in ("answers", "run", "findings", "facts", "matrix", "appendix", "evidence")]
    assert order == sorted(order)
    assert pages["answers"] == 1


def test_the_second_print_has_the_pages_of_the_first() -> None:
    """The numbers of the contents are those of the pages that they are printed on."""
    with pytest.MonkeyPatch.context() as patch:
        seen: list[dict[str, int]] = []
        original = pdf.pages_of
        patch.setattr(pdf, "pages_of", lambda text: seen.append(original(text)) or seen[-1])
        whole = pdf.render(clean_run())
    assert seen[0] == original(whole)


def test_the_command_makes_it_beside_the_record(tmp_path: Path) -> None:
    write.write(clean_run(), tmp_path)
    done = CliRunner().invoke(app, ["report", str(tmp_path), "--format", "pdf"])

    assert done.exit_code == 0, done.output
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_without_a_browser_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAR_BROWSER", str(tmp_path / "nowhere"))
    write.write(clean_run(), tmp_path)
    done = CliRunner().invoke(app, ["report", str(tmp_path), "--format", "pdf"])

    assert done.exit_code == 2
    assert len(done.output.strip().splitlines()) == 1
    assert "a PDF is printed by Chromium: PAR_BROWSER names" in done.output
    assert not (tmp_path / "report.pdf").exists()


def test_a_browser_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "chromium"
    fake.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PAR_BROWSER", str(fake))
    with pytest.raises(pdf.PdfError, match="does not start") as told:
        pdf.render(clean_run())
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", [b"", b"%PDF-1.4", b"%PDF-1.4\nstartxref\n3\n%%EOF"])
def test_what_cannot_be_read_is_told(text: bytes) -> None:
    with pytest.raises(pdf.PdfError, match="pages cannot be told"):
        pdf.pages_of(text)


def test_the_page_for_paper_has_no_script_and_its_evidence_at_the_end() -> None:
    page = html.render(sample_run(), {})

    assert "<script" not in page
    assert "<details" not in page
    assert 'id="evidence-' in page
    assert page.index('id="appendix"') < page.index('id="evidence"')
    for anchor in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{anchor}"' in page, anchor
