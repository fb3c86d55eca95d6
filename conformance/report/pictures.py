"""Pictures of a report as inline SVG: no script, no style attribute, colours by class.

Every function gives markup that stands by itself, with a text for screen readers. Texts in it are escaped;
lengths are in units of the view box.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from conformance.report.measures import Bar
from conformance.report.record import Fact
from conformance.report.text import visible
from conformance.report.words import VERDICTS, duration
from conformance.verdict import Verdict

_WIDTH: Final = 440
_HEIGHT: Final = 132
_BASE: Final = 104
#: Bits from which guessing a request_uri is out of reach (RFC 9126 section 7.1, RFC 6749 section 10.10).
ENOUGH_BITS: Final = 128
#: Outcome of a check to the verdict whose colour its bar has.
OUTCOMES: Final = {
    "pass": "pass",
    "violation": "fail",
    "inconclusive": "inconclusive",
    "not-applicable": "not-applicable",
}


def _frame(label: str, body: Markup, height: float = _HEIGHT, kind: str = "chart") -> Markup:
    return Markup(
        '<svg class="{kind}" role="img" aria-label="{label}" viewBox="0 0 {width} {height:g}">{body}</svg>'
    ).format(kind=kind, label=visible(label), width=_WIDTH, height=height, body=body)


def _rect(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> Markup:
    told = Markup("<title>{}</title>").format(visible(title)) if title else ""
    return Markup('<rect x="{x:.4g}" y="{y:.4g}" width="{w:.4g}" height="{h:.4g}" class="{kind}">{told}</rect>').format(
        x=x, y=y, w=max(width, 0), h=max(height, 0), kind=kind, told=told
    )


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "axis") -> Markup:
    return Markup('<text x="{x:.4g}" y="{y:.4g}" class="{kind}" text-anchor="{anchor}">{text}</text>').format(
        x=x, y=y, kind=kind, anchor=anchor, text=visible(text)
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str = "rule") -> Markup:
    return Markup('<line x1="{:.4g}" y1="{:.4g}" x2="{:.4g}" y2="{:.4g}" class="{}"/>').format(x1, y1, x2, y2, kind)


def _number(value: float, unit: str) -> str:
    if unit == "s":
        return duration(value)
    return f"{value:,.0f} {unit}".strip() if value >= 100 else f"{value:.3g} {unit}".strip()


def tally_bar(counts: Mapping[Verdict, int], label: str) -> Markup:
    """One bar of a row's verdicts, in their order; `label` is its text for screen readers."""
    total = sum(counts.values()) or 1
    x, parts = 0.0, Markup()
    for verdict in VERDICTS:
        if number := counts.get(verdict, 0):
            width = number / total * _WIDTH
            parts += _rect(x, 0, width, 14, f"fill-{verdict}", f"{VERDICTS[verdict].word}: {number}")
            x += width
    return Markup(
        '<svg class="bar" role="img" aria-label="{}" viewBox="0 0 {} 14" preserveAspectRatio="none">{}</svg>'
    ).format(visible(label), _WIDTH, parts)


def distribution(samples: Sequence[float], unit: str, label: str, classes: int = 24) -> Markup:
    """A histogram.

    Of 100 samples and more, the largest hundredth shares the last class, lest one outlier flatten all.
    """
    low, high = min(samples), max(samples)
    if len(samples) >= 100:
        high = sorted(samples)[math.ceil(len(samples) * 0.99) - 1]
    width = (high - low) / classes or 1.0
    counts = [0] * classes
    for sample in samples:
        counts[min(int((sample - low) / width), classes - 1)] += 1
    step, tallest = _WIDTH / classes, max(counts)
    body = Markup().join(
        _rect(
            number * step + 1,
            _BASE - count / tallest * (_BASE - 10),
            step - 2,
            count / tallest * (_BASE - 10),
            "fill-accent",
            f"{_number(low + number * width, unit)} to {_number(low + (number + 1) * width, unit)}: {count}",
        )
        for number, count in enumerate(counts)
        if count
    )
    end = _number(high, unit) + (" and more" if max(samples) > high else "")
    body += _line(0, _BASE, _WIDTH, _BASE)
    body += _text(0, _BASE + 20, _number(low, unit)) + _text(_WIDTH, _BASE + 20, end, "end")
    return _frame(f"{label}: histogram of {len(samples)} samples", body)


def lifetime(samples: Sequence[float], label: str) -> Markup:
    """The declared lifetime against what was seen.

    Samples, in seconds: declared, last seen valid, first seen invalid. The last one or two may be missing.
    """
    scale = (_WIDTH - 8) / (max(samples) * 1.25 or 1)
    declared = samples[0]
    told = f"declared {duration(declared)}"
    body = _text(0, 12, "declared") + _rect(0, 18, declared * scale, 14, "fill-muted")
    body += _text(declared * scale + 6, 30, duration(declared), kind="axis value")
    if len(samples) > 1:
        valid, invalid = samples[1], samples[2] if len(samples) > 2 else samples[1]
        body += _text(0, 58, "seen") + _rect(0, 64, valid * scale, 14, "fill-pass", "seen valid")
        seen = f"valid at {duration(valid)}"
        if len(samples) > 2:
            body += _rect(valid * scale, 64, (invalid - valid) * scale, 14, "fill-unsure", "not known")
            body += _line(invalid * scale, 58, invalid * scale, 84, "mark")
            seen += f", invalid at {duration(invalid)}"
        body += _text(0, _BASE + 4, seen)
        told += f"; {seen}"
    return _frame(f"{label}: {told}", body, _BASE + 12)


def limit(samples: Sequence[float], unit: str, label: str) -> Markup:
    """Up to where something is accepted.

    Samples: the largest that was accepted, the smallest that was refused. The last one may be missing.
    """
    scale = (_WIDTH - 8) / (max(samples) * 1.1 or 1)
    accepted, told = samples[0], f"accepted at {_number(samples[0], unit)}"
    body = _rect(0, 18, accepted * scale, 14, "fill-pass", "accepted")
    if len(samples) > 1:
        refused = samples[1]
        body += _rect(accepted * scale, 18, (refused - accepted) * scale, 14, "fill-unsure", "not known")
        body += _line(refused * scale, 12, refused * scale, 38, "mark")
        told += f", refused at {_number(refused, unit)}"
    body += _text(0, 58, told)
    return _frame(f"{label}: {told}", body, 66)


def randomness(samples: Sequence[float], label: str) -> Markup:
    """Bits of each character position, the first to the left, and their sum against what is enough."""
    step = _WIDTH / len(samples)
    tallest = max(*samples, 1.0)
    body = Markup().join(
        _rect(
            number * step + step * 0.1,
            _BASE - bits / tallest * (_BASE - 14),
            step * 0.8,
            bits / tallest * (_BASE - 14),
            "fill-accent",
            f"position {number + 1}: {bits:.2f} bits",
        )
        for number, bits in enumerate(samples)
    )
    total = sum(samples)
    body += _line(0, _BASE, _WIDTH, _BASE)
    body += _text(0, _BASE + 20, "first character") + _text(_WIDTH, _BASE + 20, "last", "end")
    body += _text(_WIDTH / 2, _BASE + 20, f"up to {max(samples):.1f} bits each", "middle")
    scale = (_WIDTH - 8) / (max(total, ENOUGH_BITS) * 1.1)
    body += _rect(0, _BASE + 42, total * scale, 14, "fill-accent", f"{total:.0f} bits in all")
    body += _line(ENOUGH_BITS * scale, _BASE + 36, ENOUGH_BITS * scale, _BASE + 62, "limit")
    body += _text(0, _BASE + 80, f"{total:.0f} bits in all, at most") + _text(
        min(ENOUGH_BITS * scale, _WIDTH), _BASE + 80, f"{ENOUGH_BITS} are enough", "end"
    )
    told = f"{label}: {total:.0f} bits over {len(samples)} positions; {ENOUGH_BITS} are enough"
    return _frame(told, body, _BASE + 88)


def course(bars: Sequence[Bar], label: str) -> Markup:
    """The timeline of a run: a lane for what ran side by side, waits drawn thin, coloured by outcome."""
    if not bars:
        return Markup()
    lanes = max(bar.lane for bar in bars) + 1
    end = max(bar.start + bar.seconds for bar in bars) or 1.0
    thick = min(12.0, max(3.0, 260 / lanes))
    scale, parts = _WIDTH / end, []
    for bar in bars:
        y, kind = bar.lane * thick, f"fill-{OUTCOMES[bar.outcome]}"
        title = f"{bar.title} ({duration(bar.seconds)})"
        if bar.waits:
            parts.append(_rect(bar.start * scale, y + thick * 0.4, bar.seconds * scale, thick * 0.2, kind, title))
            parts += [
                _rect(begin * scale, y + thick * 0.1, length * scale, thick * 0.8, kind) for begin, length in _busy(bar)
            ]
        else:
            width = max(bar.seconds * scale, 0.8)
            parts.append(_rect(bar.start * scale, y + thick * 0.1, width, thick * 0.8, kind, title))
    return Markup(
        '<svg class="course" role="img" aria-label="{}" viewBox="0 0 {} {:g}" height="{:g}" '
        'preserveAspectRatio="none">{}</svg>'
    ).format(visible(label), _WIDTH, lanes * thick, lanes * thick, Markup().join(parts))


def _busy(bar: Bar) -> list[tuple[float, float]]:
    """The stretches of a check between its waits: (start, seconds)."""
    stretches, at = [], bar.start
    for start, seconds in sorted(bar.waits):
        if start > at:
            stretches.append((at, start - at))
        at = max(at, start + seconds)
    if bar.start + bar.seconds > at:
        stretches.append((at, bar.start + bar.seconds - at))
    return stretches


def of_fact(fact: Fact) -> Markup:
    """The picture of a fact by what its samples are; empty where too few samples stand."""
    label = f"{fact.name}: {fact.value} {fact.unit}".strip()
    if fact.picture == "lifetime" and fact.samples:
        return lifetime(fact.samples, label)
    if fact.picture == "limit" and fact.samples:
        return limit(fact.samples, fact.unit, label)
    if fact.picture == "randomness" and fact.samples:
        return randomness(fact.samples, label)
    if len(fact.samples) > 1:
        return distribution(fact.samples, fact.unit.split(" (")[0], label)
    return Markup()
