"""The other views: JUnit, SARIF, Markdown, the terminal."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from conformance.report import junit, markdown, sarif
from conformance.report.record import Run
from conformance.report.terminal import print_summary
from conformance.verdict import Level, Verdict
from tests.record_parts import HOSTILE, STARTED, check, record, requirement
from tests.records import big_run, clean_run, sample_run

#: Element to its attributes (needed ones end in *) and its children: the shape that CI servers share.
JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": (
        {"name*", "tests*", "failures*", "errors*", "skipped", "time", "timestamp"},
        {"properties", "testcase"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name*", "value*"}, set()),
    "testcase": ({"name*", "classname", "time"}, {"skipped", "error", "failure", "system-out"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
    "system-out": (set(), set()),
}


def cases(run: Run) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(junit.render(run))
    return {str(case.get("name")): case for case in root.iter("testcase")}


def children(case: ElementTree.Element) -> list[str]:
    return [child.tag for child in case]


@pytest.mark.parametrize("run", [sample_run(), clean_run(), record([], [])], ids=["sample", "clean", "empty"])
def test_junit_has_the_common_shape(run: Run) -> None:
    root = ElementTree.fromstring(junit.render(run))
    assert root.tag == "testsuites"
    for element in root.iter():
        known, inside = JUNIT[element.tag]
        assert set(element.attrib) <= {name.rstrip("*") for name in known}
        assert {name.rstrip("*") for name in known if name.endswith("*")} <= set(element.attrib)
        assert {child.tag for child in element} <= inside
        if "time" in element.attrib:
            assert re.fullmatch(r"\d+\.\d{3}", element.attrib["time"])


def test_junit_adds_up() -> None:
    root = ElementTree.fromstring(junit.render(sample_run()))
    for element in [root, *root.iter("testsuite")]:
        found = list(element.iter("testcase"))
        assert int(element.get("tests", "")) == len(found)
        assert int(element.get("failures", "")) == sum(case.find("failure") is not None for case in found)
        assert int(element.get("errors", "")) == sum(case.find("error") is not None for case in found)
    assert len({(case.get("classname"), case.get("name")) for case in root.iter("testcase")}) == int(
        root.get("tests", "")
    )


def test_junit_judges_as_the_gate_does() -> None:
    found = cases(sample_run())
    assert children(found["test_push.py::test_push_that_carries_a_request_uri_is_refused"]) == ["failure"]
    assert children(found["test_push.py::test_oversized_push_is_refused"]) == ["failure"]
    assert children(found["test_dpop.py::test_proof_of_another_key_is_refused"]) == ["error"]
    assert children(found["test_jar.py::test_unsigned_request_object_is_refused"]) == ["skipped"]
    assert children(found["rfc9126-7.1-store-not-shared"]) == ["skipped"]
    assert children(found["test_lifetime.py::test_request_uri_expires"]) == ["system-out"]
    assert children(found["test_push.py::test_push_answer_is_not_cached"]) == ["system-out"]
    assert children(found["test_push.py::test_scope_of_the_stored_request_counts"]) == []


def test_junit_files_a_check_under_the_gravest_requirement_that_it_broke() -> None:
    case = cases(sample_run())["test_use.py::test_request_uri_is_used_once"]
    assert case.get("classname") == "fapi2/5.3.2.2"
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == "fapi2-5.3.2.2-request-uri-one-time: code-issued"
    assert "expected: A code the first time" in (failure.text or "")


def test_junit_carries_what_xml_cannot() -> None:
    text = junit.render(sample_run())
    assert not [c for c in text if not c.isprintable() and c not in "\n\t"]
    told = cases(sample_run())["test_push.py::test_push_that_carries_a_request_uri_is_refused"].find("failure")
    assert told is not None
    assert "\\x1b[31mred\\x1b[0m" in (told.text or "")
    assert "\\ufffe" in (told.text or "")
    assert "<script>" in (told.text or "")


def test_junit_holds_checks_whose_requirements_are_not_in_force() -> None:
    done = [
        check("a", "A.", ["gone"], "violation", message="Seen."),
        check("b", "B.", ["gone"], "inconclusive"),
        check("c", "C.", ["gone"], "not-applicable"),
        check("d", "D.", ["gone"]),
    ]
    found = cases(record([], done))
    assert [children(found[name]) for name in "abcd"] == [["system-out"], ["error"], ["skipped"], []]


# SARIF


def test_sarif_has_a_rule_for_each_result() -> None:
    (run,) = sarif.log(sample_run())["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len(rules) == len(run["results"]) == 8
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["helpUri"].startswith("https://")
    assert [result["level"] for result in run["results"]] == [
        *["error"] * 5,
        *["warning"] * 2,
        "note",
    ]


def test_sarif_suppresses_a_listed_deviation() -> None:
    results = {result["ruleId"]: result for result in sarif.log(sample_run())["runs"][0]["results"]}
    (told,) = results["rfc9126-4-expired-refused"]["suppressions"]
    assert told["kind"] == "external"
    assert told["justification"].startswith("The vendor grants ten seconds")
    assert "suppressions" not in results["rfc9126-2.1-request-uri-refused"]


def test_sarif_points_at_the_profile_and_at_no_line() -> None:
    (run,) = sarif.log(sample_run())["runs"]
    assert run["artifacts"][0]["location"]["uri"] == "example-bank.yaml"
    for result in run["results"]:
        (location,) = result["locations"]
        assert location["physicalLocation"] == {"artifactLocation": {"uri": "example-bank.yaml", "index": 0}}
        assert location["logicalLocations"][0]["name"] == result["ruleId"]


def test_sarif_says_when_the_run_was_not_whole() -> None:
    (told,) = sarif.log(sample_run())["runs"][0]["invocations"]
    assert told["executionSuccessful"] is False
    assert told["toolExecutionNotifications"][0]["level"] == "error"
    (clean,) = sarif.log(clean_run())["runs"][0]["invocations"]
    assert clean == {
        "executionSuccessful": True,
        "startTimeUtc": "2026-11-20T09:30:00.000Z",
        "endTimeUtc": "2026-11-20T09:31:11.400Z",
    }
    naive = clean_run(started=STARTED.replace(tzinfo=None))
    assert sarif.log(naive)["runs"][0]["invocations"][0]["startTimeUtc"] == "2026-11-20T09:30:00.000Z"


def test_sarif_knows_a_finding_again() -> None:
    later = sample_run(suite_version="2.0.0", finished=STARTED)
    first, second = (
        [result["partialFingerprints"] for result in sarif.log(run)["runs"][0]["results"]]
        for run in (sample_run(), later)
    )
    assert first == second
    assert len({told["finding/v1"] for told in first}) == len(first)


def test_sarif_links_to_nothing_odd() -> None:
    row = requirement("rfc9126-2.1-first", Verdict.FAIL, "Text.", fix=None).model_copy(
        update={"url": "javascript:alert(1)"}
    )
    (rule,) = sarif.log(record([row], []))["runs"][0]["tool"]["driver"]["rules"]
    assert "helpUri" not in rule
    assert "help" not in rule


# Markdown


def test_markdown_tells_both_answers_the_tally_and_the_findings() -> None:
    text = markdown.render(sample_run())
    assert text.startswith("## Example Bank, staging: conformance ✗ fail, gate ✗ fail\n\nThe server breaks 4")
    assert "| RFC 9126 | 2 | 1 | 1 | 0 | 2 | 1 | 17 | 0 | 1 |" in text
    assert "| **All** | **3** |" in text
    assert (
        "| ✗ fail | MUST | [rfc9126-2.1-request-uri-refused](<https://www.rfc-editor.org/rfc/rfc9126#section-2.1>)"
        "<br>A pushed request that itself carries request\\_uri is refused. | `accepted` |"
    ) in text


def test_markdown_of_a_clean_run_is_short() -> None:
    text = markdown.render(clean_run())
    assert "Gravest" not in text
    assert "**All**" not in text
    assert len(text.splitlines()) < 12


def test_markdown_counts_what_it_leaves_out() -> None:
    text = markdown.render(big_run(40))
    assert "25 more findings in the report." in text
    assert len(text) < 10_000


def test_markdown_tells_the_limits_of_a_run() -> None:
    text = markdown.render(clean_run(interrupted=True, selection="-k push", problems=["Down."]))
    assert "> - The run was interrupted.\n> - `Down.`\n> - Only a part was run: `-k push`" in text


@pytest.mark.parametrize("text", [HOSTILE, "`", "``a` b```", "|", "", " \n "])
def test_a_code_span_holds_anything(text: str) -> None:
    span = markdown.code(text, 1000)
    match = re.fullmatch(r"(`+)(?P<inside>[^\n|]*?[^`]|[^`|\n]) ?\1", span)
    assert match
    assert match[1] not in match["inside"].replace(match[1] + "`", "")


def test_plain_text_is_no_markup() -> None:
    assert markdown.plain("[a](https://evil.example) <b> *x* `y` | @me #1") == (
        "\\[a\\]\\(https\\://evil.example\\) \\<b\\> \\*x\\* \\`y\\` \\| \\@me \\#1"
    )


def test_no_row_of_a_table_is_broken_by_what_was_seen() -> None:
    row = requirement("rfc9126-2.1-first", Verdict.FAIL, HOSTILE, checks=["a"])
    done = check("a", "A.", [row.id], "violation", observed=HOSTILE)
    lines = [line for line in markdown.render(record([row], [done])).splitlines() if line.startswith("| ✗")]
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in lines] == [5]


# The terminal


def printed(run: Run, *, width: int = 100, color: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=color, color_system="truecolor" if color else None)
    print_summary(run, {"json": Path("reports/x/report.json"), "html": Path("reports/x/report.html")}, console)
    return stream.getvalue()


def test_the_terminal_tells_the_tally_findings_and_answers() -> None:
    lines = [line.rstrip() for line in printed(sample_run()).splitlines()]
    assert "✗ 3 fail  ↺ 1 stale  ≈ 1 deviation  ? 1 inconclusive  ! 2 warn  i 1 note  ✓ 17 pass" in lines
    assert "RFC 9126           2  1  1  ·  2  1  17  ·  1" in lines
    assert "  section 2.1      1  ·  ·  ·  ·  ·   ·  ·  ·" in lines
    first = lines.index("✗ fail MUST fapi2-5.3.2.2-request-uri-one-time  observed: code-issued")
    assert lines.index("! warn SHOULD rfc9126-2.2-no-cache  observed: cacheable") > first
    assert "Conformance ✗ fail   Gate ✗ fail   The server breaks 4 requirements; the gate does not hold." in lines


def test_the_path_of_the_report_is_the_last_line() -> None:
    assert printed(sample_run(), width=20).splitlines()[-1] == "Report: reports/x/report.html"
    stream = io.StringIO()
    print_summary(clean_run(), {}, Console(file=stream, width=100))
    assert stream.getvalue().rstrip().endswith("unexpected was seen.")


def test_quiet_sections_are_left_out() -> None:
    assert "section" not in printed(clean_run())


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    report = [line for line in printed(sample_run(), width=width).splitlines() if not line.startswith("Report: ")]
    assert max(map(len, report)) <= width


def test_a_soft_wrapping_console_loses_nothing() -> None:
    stream = io.StringIO()
    print_summary(sample_run(), {}, Console(file=stream, width=60, soft_wrap=True, highlight=False))
    assert "three" in stream.getvalue()


def test_the_terminal_obeys_no_server() -> None:
    row = requirement("rfc9126-2.1-first", Verdict.FAIL, HOSTILE, checks=["a"])
    done = check("a", "A.", [row.id], "violation", observed="\x1b[2J[bold]x[/bold]", message=HOSTILE)
    told = printed(record([row], [done], problems=[HOSTILE], selection="[red]"), color=True, width=200)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", told)
    assert "\x1b" not in plain
    assert not [c for c in plain if not c.isprintable() and c != "\n"]
    assert "\\x1b[2J[bold]x[/bold]" in plain
    assert "Only a part was run: [red]" in plain


def test_many_findings_are_counted() -> None:
    assert "and 10 more findings in the report" in printed(big_run(30))


def test_limits_are_told() -> None:
    assert "! The run was interrupted." in printed(clean_run(interrupted=True))


def test_a_level_that_a_plan_lifted_is_the_one_told() -> None:
    row = requirement("rfc9126-2.1-first", Verdict.FAIL, "Text.", level=Level.MAY, applied=Level.MUST)
    assert "✗ fail MUST rfc9126-2.1-first" in printed(record([row], []))
