"""What verdicts, answers and levels are called for people, and which is graver than which."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.verdict import Answer, Level, Verdict


@dataclass(frozen=True)
class Word:
    """A judgement for people: a sign beside the word, so that colour is never alone, and what it means."""

    sign: str
    word: str
    meaning: str


VERDICTS: dict[Verdict, Word] = {
    Verdict.FAIL: Word("✗", "fail", "A MUST is broken, and no entry of the profile's deviations covers it."),
    Verdict.STALE: Word(
        "↺",
        "stale",
        "The profile lists a deviation that is no longer seen: take the entry out of the profile.",
    ),
    Verdict.DEVIATION: Word(
        "≈",
        "deviation",
        "It is broken, and the profile's owner knows: the entry gives a reason and an end. "
        "For the auditor it remains a violation; the gate lets it pass until its end.",
    ),
    Verdict.INCONCLUSIVE: Word(
        "?",
        "inconclusive",
        "It could not be put to the test: the control failed, or the target was down or throttled the suite.",
    ),
    Verdict.WARN: Word("!", "warn", "A SHOULD is not followed. It breaks neither answer, but needs a reason."),
    Verdict.NOTE: Word("i", "note", "A fact worth telling about a MAY, or about what the text only expects."),
    Verdict.PASS: Word(
        "✓", "pass", "Put to the test and kept; where a refusal was asked for, the control was accepted."
    ),
    Verdict.NOT_APPLICABLE: Word("–", "not applicable", "The target does not have the feature that it speaks of."),
    Verdict.UNTESTED: Word("○", "untested", "No check puts it to the test; the reason stands beside it."),
}

ANSWERS: dict[Answer, Word] = {
    Answer.PASS: Word("✓", "pass", ""),
    Answer.FAIL: Word("✗", "fail", ""),
    Answer.INCOMPLETE: Word("?", "incomplete", ""),
}

#: What each answer says about conformance: the auditor's question.
CONFORMANCE: dict[Answer, str] = {
    Answer.PASS: "Every MUST in force that was put to the test is kept.",
    Answer.FAIL: "At least one MUST in force is broken; a listed deviation counts as broken.",
    Answer.INCOMPLETE: "No broken MUST was seen, but not everything could be put to the test.",
}

#: What each answer says about the gate: the question of continuous integration.
GATE: dict[Answer, str] = {
    Answer.PASS: "Nothing unexpected was seen.",
    Answer.FAIL: "Something was seen that the profile does not list.",
    Answer.INCOMPLETE: "Nothing unexpected was seen, but not everything could be put to the test.",
}

#: The same where the gate was held against an earlier run.
GATE_BASELINE: dict[Answer, str] = {
    Answer.PASS: "Nothing was seen that neither the profile nor the baseline has.",
    Answer.FAIL: "Something was seen that neither the profile nor the baseline has.",
    Answer.INCOMPLETE: "Nothing new was seen, but not everything could be put to the test.",
}

#: What became of a finding from an earlier run to a later one, in the order in which it is told.
STATES: dict[str, Word] = {
    "new": Word("+", "new", "Seen now; the earlier run had this check and did not see it. It counts for the gate."),
    "changed": Word("~", "changed", "Broken in both runs, but not in the same way or not with the same verdict."),
    "new-check": Word("*", "new check", "Seen by a check that the earlier run did not have: nothing got worse."),
    "known": Word("=", "known", "The same in both runs."),
    "mended": Word("-", "mended", "Seen in the earlier run; the same check does not see it any more."),
    "unmatched": Word("?", "unmatched", "Only one of the runs came to a conclusion: nothing to compare."),
}

LEVELS: dict[Level, str] = {
    Level.MUST: "The document demands it (MUST, MUST NOT, SHALL, REQUIRED). Broken, it is a fail.",
    Level.SHOULD: "The document recommends it (SHOULD, SHOULD NOT, RECOMMENDED). Broken, it is a warn.",
    Level.MAY: "The document allows it (MAY, OPTIONAL). What the server does is a note.",
    Level.EXPECTED: "The text has no keyword, yet others rely on it. Broken, it is a note.",
}

#: Verdicts that make a finding, the gravest first.
GRAVITY = (
    Verdict.FAIL,
    Verdict.STALE,
    Verdict.DEVIATION,
    Verdict.INCONCLUSIVE,
    Verdict.WARN,
    Verdict.NOTE,
)
#: Verdicts in the order of tables.
ORDER = tuple(VERDICTS)

_NUMBERS = re.compile(r"\d+|\D+")


def gravity(verdict: Verdict, level: Level) -> tuple[int, int]:
    """Sort key: the gravest verdict first, and in it the strongest level."""
    return ORDER.index(verdict), tuple(Level).index(level)


def by_number(text: str) -> list[tuple[int, str]]:
    """Sort key under which section 2.10 follows 2.9 and rfc8414 precedes rfc9126."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBERS.findall(text)]


def specification(identifier: str) -> str:
    """The name of a specification for people: `rfc9126` is RFC 9126; other ids stay as they are."""
    match = re.fullmatch(r"rfc(\d+)", identifier)
    return f"RFC {match[1]}" if match else identifier


def listed(parts: Iterable[str]) -> str:
    """Words in a row: `a, b and c`."""
    words = list(parts)
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def plural(number: int, word: str) -> str:
    """A number with its noun: `1 check`, `3 checks`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def duration(seconds: float) -> str:
    """A duration for people: milliseconds below a second, then seconds, then minutes and hours."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
