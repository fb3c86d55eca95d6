"""The manifest of a run: the SHA-256 sum of each of its files, and what a folder has to say against it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.report.write import write_whole

#: The manifest itself.
MANIFEST: Final = "manifest.json"
#: The signed statement about the manifest and the files that it lists.
ATTESTATION: Final = "attestation.intoto.jsonl"
VERSION: Final = 1

_SUM = re.compile(r"[0-9a-f]{64}")


class ManifestError(ValueError):
    """A folder has no manifest, or one that this version cannot read."""


@dataclass(frozen=True)
class Differences:
    """What of a folder is not as its manifest says, by the names of files."""

    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing or self.added)

    def lines(self) -> list[str]:
        """A line for each file."""
        return [
            f"{word}  {name}"
            for word, names in (("changed", self.changed), ("missing", self.missing), ("added  ", self.added))
            for name in names
        ]


def sums(folder: Path) -> dict[str, str]:
    """The SHA-256 sum (hex) of every file of a run, by its path within the folder. Raises OSError."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return {name: sum_of(folder / name) for name in names if name not in {MANIFEST, ATTESTATION}}


def sum_of(path: Path) -> str:
    """The SHA-256 sum (hex) of one file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path) -> Path:
    """Write the manifest of what stands in a folder now. Raises OSError."""
    path = folder / MANIFEST
    write_whole(path, _text(sums(folder)))
    return path


def read_manifest(folder: Path) -> dict[str, str]:
    """The sums that the manifest lists. ManifestError if there is none, or it is not exactly as it was written."""
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text)
    except FileNotFoundError as error:
        raise ManifestError(f"{path} is missing: nothing says what the run was") from error
    except ValueError as error:
        raise ManifestError(f"{path} is no manifest: {error}") from error
    files = data.get("files") if isinstance(data, dict) else None
    if not isinstance(files, dict) or not all(isinstance(s, str) and _SUM.fullmatch(s) for s in files.values()):
        raise ManifestError(f"{path} is no manifest: it lists no sums")
    if data.get("version") != VERSION:
        raise ManifestError(f"{path} has version {data.get('version')!r}; this suite reads version {VERSION}")
    if text != _text(files):
        raise ManifestError(f"{path} was changed: it is not in the form in which it was written")
    return files


def differences(folder: Path, listed: Mapping[str, str]) -> Differences:
    """What of a folder is not as listed. Raises OSError."""
    there = sums(folder)
    return Differences(
        changed=tuple(name for name in listed if name in there and there[name] != listed[name]),
        missing=tuple(name for name in listed if name not in there),
        added=tuple(name for name in there if name not in listed),
    )


def _text(files: Mapping[str, str]) -> str:
    return json.dumps({"version": VERSION, "files": dict(sorted(files.items()))}, indent=2, ensure_ascii=False) + "\n"
