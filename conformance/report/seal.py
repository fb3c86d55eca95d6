"""Sealing the folder of a run, and saying later whether it is still what was sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.report.attestation import (
    AttestationError,
    PrivateKey,
    PublicKey,
    key_id,
    read_statement,
    sign,
    subjects_of,
)
from conformance.report.manifest import (
    ATTESTATION,
    MANIFEST,
    ManifestError,
    differences,
    read_manifest,
    sum_of,
    write_manifest,
)
from conformance.report.record import Run


@dataclass(frozen=True)
class Finding:
    """What verifying a run came to: whether it is as it was sealed, and what to tell a person, line by line."""

    good: bool
    lines: tuple[str, ...]


def seal(folder: Path, run: Run, key: PrivateKey | None = None) -> list[Path]:
    """Write the manifest of a folder as it stands and, with a key, sign it. The paths written. Raises OSError.

    Without a key a statement that stood there is taken away: it would speak of other files.
    """
    written = [write_manifest(folder)]
    if key is None:
        (folder / ATTESTATION).unlink(missing_ok=True)
    else:
        written.append(sign(folder, run, read_manifest(folder), key))
    return written


def is_signed(folder: Path) -> bool:
    """Whether a folder has a signed statement."""
    return (folder / ATTESTATION).exists()


def verify(folder: Path, key: PublicKey | None = None) -> Finding:
    """Whether anything of a run was changed, added or is missing; with a key also who says so. Raises OSError."""
    try:
        listed = read_manifest(folder)
        told = [] if not is_signed(folder) else _attested(folder, listed, key)
    except (ManifestError, AttestationError) as mistake:
        return Finding(False, (str(mistake),))
    found = differences(folder, listed)
    if found:
        return Finding(False, (*found.lines(), "the run is not as it was written"))
    if key is not None and not told:
        return Finding(False, ("the run is not signed",))
    whole = f"{len(listed)} files are as the manifest says"
    unsigned = "the run is not signed: whoever changed a file could have changed the manifest too"
    return Finding(True, (whole, *(told or [unsigned])))


def _attested(folder: Path, listed: Mapping[str, str], key: PublicKey | None) -> list[str]:
    """What the signed statement says. AttestationError if it is not about these files."""
    found = read_statement(folder, key)
    subjects = subjects_of(found)
    if subjects.pop(MANIFEST, None) != sum_of(folder / MANIFEST):
        raise AttestationError("the manifest is not the one that was signed")
    if subjects != dict(listed):
        raise AttestationError("the signed statement and the manifest list different files")
    if key is None:
        return [f"the signature was not verified: give the auditor's public key with --key ({ATTESTATION})"]
    result = found.get("predicate", {}).get("result")
    return [f"signed with the key {key_id(key)}", f"the statement says: {result}"]
