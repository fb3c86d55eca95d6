"""The HTML report: what stands in it and where, that it holds hostile text, and that it can be read by everyone."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from conformance import report
from conformance.report.html import BODY_LIMIT, body, cut, render, slug, steps
from conformance.report.record import Message, Run, Wait
from conformance.verdict import Answer, Level, Verdict
from tests.record_parts import HOSTILE, check, exchange, record, requirement
from tests.records import big_run, clean_run, sample_run

STYLE = (Path(report.__path__[0]) / "report.css").read_text(encoding="utf-8")


def page(run: Run) -> BeautifulSoup:
    return BeautifulSoup(render(run), "html.parser")


@pytest.fixture(scope="module")
def sample() -> BeautifulSoup:
    return page(sample_run())


def text(element: Tag | None) -> str:
    assert element is not None
    return " ".join(element.get_text(" ").split())


def test_the_page_is_in_the_order_of_an_auditor(sample: BeautifulSoup) -> None:
    assert [section["id"] for section in sample.select("main > section")] == [
        "answers",
        "run",
        "findings",
        "deviations",
        "facts",
        "matrix",
        "checks",
        "appendix",
    ]


def test_both_answers_and_the_sentence_come_first(sample: BeautifulSoup) -> None:
    answers = [text(answer) for answer in sample.select("#answers .answer")]
    assert answers[0].startswith("Conformance for the auditor ✗ fail At least one MUST")
    assert answers[1].startswith("Gate for continuous integration ✗ fail")
    assert text(sample.select_one(".sentence")) == sample_run().sentence
    assert "Example Bank, staging" in text(sample.h1)


@pytest.mark.parametrize("conformance", list(Answer))
@pytest.mark.parametrize("gate", list(Answer))
def test_each_pair_of_answers_is_told(conformance: Answer, gate: Answer) -> None:
    told = [text(part) for part in page(clean_run(conformance=conformance, gate=gate)).select(".answer .big")]
    assert [words.split()[-1] for words in told] == [conformance, gate]


def test_who_what_when_and_under_whose_authorization(sample: BeautifulSoup) -> None:
    told, run = text(sample.select_one("#run")), sample_run()
    for part in (
        "Jo Example, head of identity",
        "2026-12-31",
        "PT-2026-118",
        "https://login.bank.example/as/par",
        "rfc9126 and fapi2",
        run.target.profile_sha256,
        "2026-11-20 09:30:00 UTC",
        "71.4 s",
        "hypothesis 6.170.15",
        "private_key_jwt",
        "20261120",
    ):
        assert part in told


def test_a_target_without_authorization_is_told() -> None:
    target = sample_run().target.model_copy(update={"authorization_by": None, "issuer": None})
    told = text(page(clean_run(target=target)).select_one("#run"))
    assert "only a target on loopback needs none" in told
    assert "Issuer not known" in told


def test_what_limits_the_run_is_told_at_the_top() -> None:
    run = clean_run(interrupted=True, selection="-k push", problems=["The target went away."])
    told = text(page(run).select_one("#answers .callout"))
    for part in ("interrupted", "-k push", "The target went away.", "limits.expires_in"):
        assert part in told


def test_findings_are_grouped_and_the_gravest_come_first(sample: BeautifulSoup) -> None:
    groups = [text(heading) for heading in sample.select("#findings .group > h3")]
    assert groups == [
        "✗ Fail 3",
        "↺ Stale 1",
        "≈ Deviation 1",
        "? Inconclusive 1",
        "! Warn 2",
        "i Note 1",
    ]


def test_a_finding_tells_everything(sample: BeautifulSoup) -> None:
    finding = sample.select_one('[id="finding-fapi2-5.3.2.2-request-uri-one-time"]')
    told = text(finding)
    for part in (
        "✗ fail",
        "MUST (the document: SHOULD)",
        "A request_uri is accepted once.",
        "What it means Somebody who sees an authorization URL",
        "What to do",
        "fapi2 says SHOULD; applied as MUST: the plan fapi2 demands one-time use.",
        "Sent The same authorization request twice",
        "Expected A code the first time",
        "Received A code both times.",
        "Evidence: 3 exchanges, 310 ms",
        "To repeat it",
        "curl -i -X POST",
    ):
        assert part in told
    assert finding is not None
    link = finding.select_one(".where a")
    assert link is not None
    assert link["href"] == "https://openid.net/specs/fapi-security-profile-2_0.html#section-5.3.2.2"
    assert link["rel"] == ["noopener", "noreferrer"]


def test_the_exchanges_of_a_finding_stand_in_order_with_waits(sample: BeautifulSoup) -> None:
    evidence = sample.select("#finding-rfc9126-4-expired-refused .exchanges > li")
    assert [item["class"] for item in evidence] == [["exchange"], ["wait"], ["exchange"]]
    assert "Waited 66.0 s: until expires_in is over" in text(evidence[1])
    assert "GET https://login.bank.example/as/authorize" in text(evidence[2])
    assert "Location: https://login.bank.example/login" in text(evidence[2])


def test_evidence_of_a_check_stands_once(sample: BeautifulSoup) -> None:
    second = sample.select_one("#finding-rfc9126-4-one-time-use")
    assert second is not None
    assert second.select_one(".evidence") is None
    link = second.select_one(".elsewhere a")
    assert link is not None
    assert link["href"] == "#finding-fapi2-5.3.2.2-request-uri-one-time"


def test_an_exchange_without_answer_says_why(sample: BeautifulSoup) -> None:
    told = text(sample.select_one('[id="finding-rfc9449-10.1-dpop-jkt-bound"] .exchanges'))
    assert "no answer" in told
    assert "No answer within 15 s." in told


def test_deviations_tell_reason_end_and_state(sample: BeautifulSoup) -> None:
    rows = [text(row) for row in sample.select("#deviations tbody tr")]
    assert "2026-12-31 , 41 days left matched" in rows[0]
    assert "2026-10-31 , past by 20 days expired" in rows[1]
    assert "no end stale" in rows[2]
    assert "unused" in rows[3]
    assert "The profile lists none." in text(page(clean_run()).select_one("#deviations"))


def test_facts_have_pictures(sample: BeautifulSoup) -> None:
    labels = [str(picture["aria-label"]) for picture in sample.select("#facts svg[role=img]")]
    lifetime = "declared 60.0 s; valid at 66.0 s, invalid at 70.0 s"
    limit = "accepted at 1,048,576 bytes, refused at 1,049,600 bytes"
    for part in (lifetime, limit, "128 are enough", "histogram", "Timeline"):
        assert any(part in label for label in labels)
    assert "Server header" in text(sample.select_one("#facts .further"))
    assert "Nothing was measured." in text(page(record([], [])).select_one("#facts"))


def test_the_matrix_is_whole_and_says_why_nothing_was_seen(sample: BeautifulSoup) -> None:
    rows = sample.select("#matrix tr[data-verdict]")
    assert len(rows) == len(sample_run().requirements)
    untested = sample.select_one('[id="row-rfc9126-7.1-store-not-shared"]')
    assert "○ untested The store of the server cannot be seen from outside." in text(untested)
    assert [text(head) for head in sample.select("#matrix .head")][:2] == ["Section 2.1", "Section 2.2"]


def test_a_requirement_without_check_or_reason_says_so() -> None:
    row = requirement("rfc9126-2.1-first", Verdict.UNTESTED, "Text.")
    assert text(page(record([row], [])).select_one("tr[data-verdict]")).endswith("No check covers it.")


def test_what_a_finding_says_is_said_once() -> None:
    found = check("a::b", "B.", ["rfc9126-2.1-first"], "violation", message="it was accepted")
    row = requirement("rfc9126-2.1-first", Verdict.FAIL, "Text.", checks=["a::b"], reason="it was accepted")
    assert text(page(record([row], [found])).select_one(".finding")).count("it was accepted") == 1


def test_checks_that_differ_in_parameters_alone_stand_together() -> None:
    names = ["a.py::test_other_methods[GET]", "a.py::test_other_methods[PUT]", "a.py::test_post", "a.py::test_gone"]
    row = requirement("rfc9126-2.1-first", Verdict.PASS, "Text.", checks=names)
    cell = page(record([row], [check(name, "T.", [row.id]) for name in names[:3]])).select_one("td .links")
    assert text(cell) == "other methods: GET , PUT ; post ; gone"
    assert cell is not None
    assert [str(link["href"]) for link in cell.select("a")] == ["#check-1", "#check-2", "#check-3"]


def test_the_overview_adds_up(sample: BeautifulSoup) -> None:
    last = [cell.get_text() for cell in sample.select(".overview tfoot .figure")]
    assert [int(number) for number in last] == [3, 1, 1, 1, 2, 1, 18 - 1, 2, 1]


def test_every_inner_link_has_its_target(sample: BeautifulSoup) -> None:
    ids = [str(element["id"]) for element in sample.select("[id]")]
    assert len(ids) == len(set(ids))
    for link in sample.select('a[href^="#"]'):
        assert str(link["href"])[1:] in ids


def test_a_clean_run_says_so() -> None:
    assert "Nothing to tell" in text(page(clean_run()).select_one("#findings"))


def test_a_run_in_which_nothing_ran_is_a_page() -> None:
    assert page(record([], [])).select_one("main")


# What a server sent is hostile.


def test_hostile_text_is_text(sample: BeautifulSoup) -> None:
    assert len(sample.select("script")) == 1
    assert not sample.select("img, iframe, object, embed, base")
    names = {name for element in sample.select("*") for name in element.attrs}
    assert not [name for name in names if name.startswith("on") or name == "style"]
    shown = text(sample.select_one('[id="finding-rfc9126-2.1-request-uri-refused"]'))
    assert "<script>document.title='owned'</script>" in shown
    assert "\\x1b" in shown
    assert "\\u202e" in shown


def test_no_character_of_the_page_is_invisible() -> None:
    markup = render(sample_run())
    assert not [c for c in markup if not c.isprintable() and c not in "\n\t"]


def test_only_links_of_the_catalogue_and_of_the_profile_can_be_followed(sample: BeautifulSoup) -> None:
    hosts = {str(link["href"]).split("/")[2] for link in sample.select("a[href]") if "//" in str(link["href"])}
    assert hosts == {"www.rfc-editor.org", "openid.net", "tickets.bank.example"}
    assert not [link for link in sample.select("a[href]") if not re.match(r"https://|#", str(link["href"]))]


def test_a_record_that_somebody_changed_opens_nothing() -> None:
    row = requirement('rfc9126-2.1-"><b>', Verdict.FAIL, HOSTILE, checks=[HOSTILE]).model_copy(
        update={"url": "javascript:alert(1)", "specification": HOSTILE, "section": HOSTILE}
    )
    done = check(HOSTILE, HOSTILE, [row.id], "violation", observed=HOSTILE, message=HOSTILE)
    changed = page(record([row], [done], plans=[HOSTILE], seed=HOSTILE, selection=HOSTILE))
    assert len(changed.select("script")) == 1
    assert not changed.select("img, b, [onerror], a[href^=javascript]")


def test_the_policy_allows_the_one_style_and_the_one_script(sample: BeautifulSoup) -> None:
    meta = sample.select_one('meta[http-equiv="Content-Security-Policy"]')
    assert meta is not None
    policy = dict(part.strip().split(" ", 1) for part in str(meta["content"]).split(";"))
    assert policy["default-src"] == "'none'"
    for name in ("style", "script"):
        element = sample.select_one(name)
        assert element is not None
        digest = base64.b64encode(hashlib.sha256(element.get_text().encode()).digest()).decode()
        assert policy[f"{name}-src"] == f"'sha256-{digest}'"
    assert policy["img-src"] == "data:"
    assert policy["form-action"] == policy["base-uri"] == "'none'"


def test_nothing_is_loaded(sample: BeautifulSoup) -> None:
    sources = [str(element.get("src") or element.get("href")) for element in sample.select("[src], link")]
    assert sources == ["data:,"]
    assert "url(" not in STYLE
    assert "@import" not in STYLE


# Bounds.


def test_a_long_body_is_cut_and_says_so() -> None:
    message = Message(body="x" * (BODY_LIMIT + 10), size=900_000)
    assert len(body(message)) == BODY_LIMIT
    assert cut(message) == "4,096 characters are shown; 900,000 bytes were received or sent."
    assert cut(Message(body="x", size=5)) == "The body was cut; it had 5 bytes."
    assert cut(Message(body="ä", size=2)) == ""


def test_each_parameter_of_a_form_stands_on_its_own_line() -> None:
    message = Message(headers=[("content-type", "application/x-www-form-urlencoded")], body="a=1&b=<2>&c")
    assert re.findall(r">([^<]*)</span>", body(message)) == ["a=1&amp;", "b=&lt;2&gt;&amp;", "c"]


def test_the_middle_of_very_many_exchanges_is_left_out() -> None:
    many = check("a", "A.", [], exchanges=[exchange(number, "push", started=number) for number in range(1, 101)])
    told = steps(many)
    assert len(told) == 25
    assert told[12] == 76
    few = check("b", "B.", [], exchanges=[exchange(number, "push", started=number) for number in range(1, 26)])
    assert len(steps(few)) == 25
    assert 1 not in steps(few)


def test_steps_are_in_the_order_of_time() -> None:
    waits = [Wait(started=exchange(1, "", started=2).started, seconds=1, reason="")]
    both = check("a", "A.", [], exchanges=[exchange(1, "", started=1), exchange(2, "", started=3)], waits=waits)
    assert [type(step).__name__ for step in steps(both)] == ["Exchange", "Wait", "Exchange"]


def test_what_was_sent_is_told_by_the_exchanges_where_the_check_is_silent() -> None:
    row = requirement("rfc9126-2.1-first", Verdict.FAIL, "Text.", checks=["a"])
    exchanges = [exchange(number, "push", started=number) for number in range(1, 9)]
    told = text(page(record([row], [check("a", "A.", [row.id], "violation", exchanges=exchanges)])).select_one(".seen"))
    assert told.startswith("Sent push: POST https://login.bank.example/as/par → 201")
    assert told.endswith("and 2 more exchanges")


def test_the_same_run_gives_the_same_page() -> None:
    assert render(sample_run()) == render(sample_run())


def test_a_thousand_findings_stay_of_reasonable_size() -> None:
    assert len(render(big_run(1000))) < 12_000_000


def test_anchors_are_plain() -> None:
    assert slug("rfc9126-2.1-a b\"'<>") == "rfc9126-2.1-a-b----"


def test_a_level_without_keyword_is_told() -> None:
    row = requirement("rfc9126-5-x", Verdict.NOTE, "Text.", level=Level.EXPECTED)
    assert "RFC 9126 has no keyword for it." in text(page(record([row], [])).select_one(".finding"))


# Everyone can read it.


def test_headings_are_in_order(sample: BeautifulSoup) -> None:
    levels = [int(heading.name[1]) for heading in sample.select("h1, h2, h3, h4, h5, h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_landmarks_labels_and_language(sample: BeautifulSoup) -> None:
    for landmark in ("header", "nav[aria-label]", "main", "footer", "form[role=search][aria-label]"):
        assert len(sample.select(landmark)) == 1
    assert sample.html is not None
    assert sample.html["lang"] == "en"
    for field in sample.select("input:not([type=checkbox]), select"):
        assert sample.select_one(f'label[for="{field["id"]}"]')
    for box in sample.select("input[type=checkbox]"):
        assert box.parent is not None
        assert box.parent.name == "label"
    for table in sample.select("table"):
        assert table.caption is not None
    for section in sample.select("section[aria-labelledby], article[aria-labelledby]"):
        assert sample.find(id=str(section["aria-labelledby"]))
    assert [part for part in sample.select("svg:not([role=img])") if part.get("aria-hidden") != "true"] == []


def test_the_filters_wait_for_the_script(sample: BeautifulSoup) -> None:
    form = sample.select_one("form")
    assert form is not None
    assert form.has_attr("hidden")
    assert not sample.select("main [hidden]:not(.nothing)")


def test_a_verdict_is_never_colour_alone(sample: BeautifulSoup) -> None:
    for badge in sample.select(".badge"):
        assert re.fullmatch(r"[✗↺≈?!i✓–○] [a-z ]+", text(badge))


def _palettes() -> Iterator[tuple[str, dict[str, str]]]:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", light))
    yield "light", colours
    yield "dark", colours | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", dark))


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted([_luminance(one), _luminance(other)])
    return (high + 0.05) / (low + 0.05)


TONES = ["pass", "fail", "stale", "deviation", "inconclusive", "warn", "note", "na"]
TEXTS = [
    *[(tone, f"{tone}-tint") for tone in TONES],
    *[(tone, ground) for tone in TONES for ground in ("paper", "page")],
    *[(ink, ground) for ink in ("ink", "soft", "link") for ground in ("page", "paper", "faint")],
    *[("ink", f"{tone}-tint") for tone in TONES],
    *[("soft", f"{tone}-tint") for tone in ("pass", "fail", "inconclusive")],
]


@pytest.mark.parametrize(("name", "palette"), list(_palettes()))
def test_every_text_has_the_contrast_of_wcag_aa(name: str, palette: dict[str, str]) -> None:
    weak = [
        (ink, ground, round(_contrast(palette[ink], palette[ground]), 2))
        for ink, ground in TEXTS
        if _contrast(palette[ink], palette[ground]) < 4.5
    ]
    assert not weak, name


@pytest.mark.parametrize(("name", "palette"), list(_palettes()))
def test_bars_and_edges_can_be_told_from_the_paper(name: str, palette: dict[str, str]) -> None:
    weak = [tone for tone in [*TONES, "accent", "muted"] if _contrast(palette[tone], palette["paper"]) < 3]
    assert not weak, name
