"""The profiles that come with the suite: `targets/` beside the package in a checkout, inside of it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent.parent


def shipped() -> dict[str, Path]:
    """Every profile by name."""
    beside = _PACKAGE.parent / "targets"
    folder = beside if beside.is_dir() else _PACKAGE / "targets"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
