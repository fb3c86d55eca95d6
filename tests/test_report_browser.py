"""The HTML report in a real browser: nothing runs that should not, filters work, it fits, prints and opens fast.

Needs a Chromium: one on the PATH, or the one that Playwright installed.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from conformance.browser.find import find
from conformance.profile.model import BrowserUse
from conformance.report.html import render
from tests.hostile.run import attempt
from tests.hostile.servers import SERVERS
from tests.records import big_run, clean_run, sample_run

#: Where axe cannot tell the contrast: of signs whose word stands beside them, and of words in pictures.
UNTOLD = {"nonBmp", "shortTextContent", "imgNode"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = find(BrowserUse(), bundled=playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=found.executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reports")
    urls = {}
    for name, run in (("sample", sample_run()), ("clean", clean_run()), ("big", big_run(1000))):
        path = folder / f"{name}.html"
        path.write_text(render(run), encoding="utf-8")
        urls[name] = path.as_uri()
    return urls


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def complaints(page: Page) -> list[str]:
    """Collects what the console says and which requests leave the page."""
    told: list[str] = []

    def said(message: ConsoleMessage) -> None:
        told.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url) if not request.url.startswith("file:") else None)
    return told


def shown(page: Page, selector: str) -> int:
    return page.locator(f"{selector}:visible").count()


def counted(page: Page, number: int, total: int) -> None:
    """Waits until the page says how many requirements are shown."""
    expect(page.locator("#status")).to_have_text(f"{number} of {total} requirements are shown")


def test_nothing_of_the_server_runs_and_nothing_is_loaded(page: Page, files: dict[str, str]) -> None:
    told = complaints(page)
    page.goto(files["sample"])
    page.get_by_role("button", name="Unfold evidence").click()
    page.wait_for_timeout(200)
    assert page.title() == "Example Bank, staging: conformance fail, gate fail"
    assert [text for text in told if text != "data:,"] == []


def test_a_report_from_the_most_hostile_server_stays_quiet(page: Page, tmp_path: Path) -> None:
    server = next(server for server in SERVERS if server.name == "markup_everywhere")
    found = attempt(replace(server, full=False), tmp_path)
    html = next(found.folder.rglob("report.html"))
    told = complaints(page)
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.goto(html.as_uri())
    page.get_by_role("button", name="Unfold evidence").click()
    page.emulate_media(media="print")
    page.wait_for_timeout(200)

    assert "owned" in html.read_text(encoding="utf-8"), "there was something to run"
    assert [text for text in told if text != "data:,"] == []
    assert page.title() == f"Hostile target: conformance {found.run.conformance}, gate {found.run.gate}"
    assert page.locator("body svg[onload], body img[onerror], body script:not(:last-child)").count() == 0
    assert page.locator("a[href^='javascript:']").count() == 0


def test_the_policy_stops_a_script_that_got_in(page: Page, files: dict[str, str]) -> None:
    page.goto(files["sample"])
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = 1'}))")
    hostile = '<img src=x onerror="document.title=1">'
    page.evaluate("(hostile) => document.body.insertAdjacentHTML('beforeend', hostile)", hostile)
    page.wait_for_timeout(100)
    assert page.title().startswith("Example Bank")


def test_a_search_leaves_what_fits(page: Page, files: dict[str, str]) -> None:
    page.goto(files["sample"])
    page.get_by_role("searchbox", name="Search").fill("DPoP  key")
    counted(page, 1, 29)
    assert shown(page, "tr[data-verdict]") == 1
    assert shown(page, "#matrix .part") == 1
    assert shown(page, ".finding") == 1
    assert shown(page, ".group") == 1
    page.get_by_role("searchbox", name="Search").fill("nothing has this")
    page.get_by_text("Nothing matches the search and the filters.").wait_for()
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#status")).to_be_empty()
    assert shown(page, "tr[data-verdict]") == 29


def test_verdicts_and_specifications_filter(page: Page, files: dict[str, str]) -> None:
    page.goto(files["sample"])
    page.get_by_role("checkbox", name="pass").uncheck()
    counted(page, 12, 29)
    page.get_by_label("Specification", exact=True).select_option("rfc9101")
    counted(page, 2, 29)
    assert shown(page, ".finding") == 0


def test_a_link_to_a_hidden_row_shows_it(page: Page, files: dict[str, str]) -> None:
    page.goto(files["sample"])
    page.get_by_role("searchbox", name="Search").fill("dpop")
    counted(page, 2, 29)
    page.evaluate("location.hash = '#row-rfc9126-2.2-no-cache'")
    page.locator('[id="row-rfc9126-2.2-no-cache"]').wait_for(state="visible")


def test_evidence_folds_out_by_keyboard_and_its_command_is_copied(page: Page, files: dict[str, str]) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(files["sample"])
    summary = page.locator(".evidence summary").first
    summary.focus()
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Copy the command").first
    button.wait_for()
    button.click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl -i -X POST")


def test_the_first_stop_of_the_keyboard_leads_to_the_answers(page: Page, files: dict[str, str]) -> None:
    page.goto(files["sample"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Go to the answers"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("name", ["sample", "clean"])
@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_the_page_fits(browser: Browser, files: dict[str, str], name: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(files[name])
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_dark_and_light_follow_the_reader_and_paper_is_light(browser: Browser, files: dict[str, str]) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto(files["sample"])
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.emulate_media(media="print")
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.close()
    assert grounds == ["rgb(247, 246, 243)", "rgb(255, 255, 255)", "rgb(19, 22, 27)", "rgb(255, 255, 255)"]


def test_print_shows_the_evidence_and_no_filters(page: Page, files: dict[str, str]) -> None:
    page.goto(files["sample"])
    assert shown(page, ".exchange") == 0
    page.emulate_media(media="print")
    assert page.locator(".exchange").first.evaluate("(part) => part.checkVisibility({contentVisibilityAuto: false})")
    assert shown(page, ".filters") == 0
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_page_is_whole_without_scripts(browser: Browser, files: dict[str, str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files["sample"])
    assert page.locator("tr[data-verdict]").count() == 29
    assert page.locator(".filters").is_hidden()
    page.locator(".evidence summary").first.click()
    assert page.locator(".exchange").first.is_visible()
    context.close()


def test_a_thousand_findings_open_in_two_seconds(page: Page, files: dict[str, str]) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # the page's own time: the machine may be busy

    def spent() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    before = spent()
    page.goto(files["big"])
    page.evaluate("document.body.offsetHeight")
    assert 0 < spent() - before < 2
    page.get_by_role("searchbox", name="Search").fill("statement 777")
    counted(page, 1, 1000)


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The rules of axe-core; they are fetched, and never a part of the project."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail("no npm to fetch axe-core with: the tests need it")
    folder = tmp_path_factory.mktemp("axe")
    quietly = ("--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    done = subprocess.run([npm, "install", *quietly, "axe-core@4.14.1"], cwd=folder, check=False, timeout=120)
    if done.returncode:
        pytest.fail("axe-core could not be fetched")
    return (folder / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing(browser: Browser, files: dict[str, str], axe: str, scheme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(files["sample"])
    page.add_style_tag(content="* { content-visibility: visible !important }")  # contrast is told of what is drawn
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations', 'incomplete']})")

    assert len(found["passes"]) > 40
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
    unknown = [node for rule in found["incomplete"] if rule["id"] == "color-contrast" for node in rule["nodes"]]
    of_words = [node for node in unknown if node["any"][0]["data"]["messageKey"] not in UNTOLD]
    assert [(node["html"], node["any"][0]["message"]) for node in of_words] == []
    context.close()
