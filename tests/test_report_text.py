"""Text that a server sent is visible in full and steers nothing; words and orders for people."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.report.text import evidence, one_line, visible, web_link
from conformance.report.words import (
    ANSWERS,
    CONFORMANCE,
    GATE,
    LEVELS,
    VERDICTS,
    by_number,
    duration,
    gravity,
    listed,
    plural,
    specification,
)
from conformance.verdict import Answer, Level, Verdict
from tests.record_parts import HOSTILE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with a tab\tand a line\nfeed", "plain, with a tab\tand a line\nfeed"),
        ("Grüße, 日本語, עברית, ⟨secret⟩", "Grüße, 日本語, עברית, ⟨secret⟩"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\r\nb\0", "a\\r\nb\\0"),
        ("\x7f\x85\xa0\xad", "\\x7f\\x85\\xa0\\xad"),
        ("\u202egpj.exe\u2066", "\\u202egpj.exe\\u2066"),
        ("\u200b\u200d\ufeff\u2028", "\\u200b\\u200d\\ufeff\\u2028"),
        ("\ufffe\U000e0041\U0010ffff", "\\ufffe\\U000e0041\\U0010ffff"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_is_invisible_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_nothing_but_printable_characters_line_feeds_and_tabs_is_left(text: str) -> None:
    assert all(character.isprintable() or character in "\n\t" for character in visible(text))
    assert visible(visible(text)) == visible(text)


@given(st.text())
def test_evidence_is_markup_of_its_own_only(text: str) -> None:
    markup = str(evidence(text))
    assert html.unescape(re.sub(r"<[^>]*>", "", markup)) == visible(text)
    assert set(re.findall(r"<[^>]*>", markup)) <= {'<span class="escape">', "</span>"}


def test_evidence_marks_its_escapes() -> None:
    assert str(evidence("<b>\x1b")) == '&lt;b&gt;<span class="escape">\\x1b</span>'


def test_one_line_is_one_line_and_is_cut() -> None:
    assert one_line("a\r\n b\t\tc\n") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"
    assert "\n" not in one_line(HOSTILE)


@pytest.mark.parametrize(
    ("url", "follows"),
    [
        ("https://www.rfc-editor.org/rfc/rfc9126#section-2.1", True),
        ("http://127.0.0.1/", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//evil.example/", False),
        ("https://evil.example/ x", False),
        ("https://evil.example/\x00", False),
        ("https://bücher.example/", False),
        ("", False),
        (None, False),
    ],
)
def test_only_plain_web_links_can_be_followed(url: str | None, follows: bool) -> None:
    assert web_link(url) == (url if follows else None)


def test_every_judgement_has_words() -> None:
    assert set(VERDICTS) == set(Verdict)
    assert set(ANSWERS) == set(CONFORMANCE) == set(GATE) == set(Answer)
    assert set(LEVELS) == set(Level)
    assert len({word.sign for word in VERDICTS.values()}) == len(Verdict)


def test_the_gravest_comes_first() -> None:
    assert gravity(Verdict.FAIL, Level.MUST) < gravity(Verdict.STALE, Level.MUST)
    assert gravity(Verdict.FAIL, Level.MUST) < gravity(Verdict.FAIL, Level.SHOULD)
    assert gravity(Verdict.NOTE, Level.MAY) < gravity(Verdict.PASS, Level.MUST)


def test_numbers_are_in_their_order() -> None:
    assert sorted(["10.2", "2.10", "2.9", "A.1", "2"], key=by_number) == ["A.1", "2", "2.9", "2.10", "10.2"]
    assert sorted(["rfc9126", "fapi2", "rfc8414"], key=by_number) == ["fapi2", "rfc8414", "rfc9126"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 ms"),
        (0.0342, "34 ms"),
        (0.9996, "1.0 s"),
        (12.34, "12.3 s"),
        (99.97, "1 min 40 s"),
        (605, "10 min 5 s"),
        (7260, "2 h 1 min"),
    ],
)
def test_durations_are_told_as_people_do(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_words_in_a_row() -> None:
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed("abc")] == ["", "a", "a and b", "a, b and c"]
    assert [plural(1, "check"), plural(1200, "check")] == ["1 check", "1,200 checks"]
    assert [specification("rfc9126"), specification("openid-core")] == ["RFC 9126", "openid-core"]
