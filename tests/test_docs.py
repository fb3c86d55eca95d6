"""The documents name what exists."""

from __future__ import annotations

import re
from pathlib import Path

from conformance.check import verified_by

DOCS = Path(__file__).parent.parent / "docs"


def test_every_peer_check_has_a_check_of_ours_or_a_reason() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+) \|$", (DOCS / "peer-checks.md").read_text(encoding="utf-8"), re.M)
    known = set(verified_by())

    assert [int(number) for number, _, _ in rows] == list(range(1, 149))
    for number, _, cell in rows:
        named = re.findall(r"`(test_\w+::test_\w+)`", cell)
        assert named or cell.startswith("not checked: "), number
        assert [name for name in named if name not in known] == [], number
