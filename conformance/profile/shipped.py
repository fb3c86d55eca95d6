"""What comes with the suite beside its code: the profiles and their pages.

In a checkout `targets/` and `docs/targets/` are beside the package, in a wheel inside of it.
"""

from __future__ import annotations

import re
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
_PAGE = re.compile(r"docs/targets/([\w-]+\.md)")


def shipped() -> dict[str, Path]:
    """Every profile by name."""
    beside = _PACKAGE.parent / "targets"
    folder = beside if beside.is_dir() else _PACKAGE / "targets"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"), key=lambda path: path.stem)}


def guide(profile: Path) -> Path | None:
    """What is said of a shipped profile, or of a copy of it: the page that its head names; None where there is none."""
    named = _PAGE.search(profile.read_text(encoding="utf-8"))
    beside = _PACKAGE.parent / "docs" / "targets"
    folder = beside if beside.is_dir() else _PACKAGE / "targets" / "docs"
    path = folder / named[1] if named else None
    return path if path is not None and path.is_file() else None
