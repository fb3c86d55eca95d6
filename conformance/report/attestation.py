"""The signed statement about a run: in-toto Statement v1, test-result predicate, in a DSSE envelope.

Statement: https://in-toto.io/Statement/v1, predicate: https://in-toto.io/attestation/test-result/v0.1, envelope: DSSE
1.0. Its subjects are the manifest and every file that the manifest lists. The key is the auditor's: a PEM file with an
Ed25519 key, or one on P-256 (then ECDSA with SHA-256, the signature in DER).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import BaseModel, ConfigDict, Field

from conformance.report.manifest import ATTESTATION, MANIFEST, sum_of
from conformance.report.record import Run
from conformance.report.text import visible
from conformance.report.write import write_whole
from conformance.verdict import Answer, Verdict

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://in-toto.io/attestation/test-result/v0.1"
#: The environment variable with the passphrase of an encrypted key.
PASSPHRASE: Final = "PAR_SIGN_PASSPHRASE"  # noqa: S105 - the name of a variable

#: Verdicts to the list of the predicate in which a requirement stands; of the others nothing is known.
_LISTS: Final = {
    Verdict.PASS: "passedTests",
    Verdict.STALE: "passedTests",
    Verdict.WARN: "warnedTests",
    Verdict.NOTE: "warnedTests",
    Verdict.FAIL: "failedTests",
    Verdict.DEVIATION: "failedTests",
}

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
PublicKey = Ed25519PublicKey | EllipticCurvePublicKey


class KeyFileError(ValueError):
    """A file holds no key that can sign or verify; the text says in one line why."""


class AttestationError(ValueError):
    """A statement is not what was signed, or not about these files; the text says in one line why."""


# -- keys ------------------------------------------------------------------------------------------------------------


def private_key(path: Path) -> PrivateKey:
    """The key to sign with, from a PEM file; its passphrase, if it has one, from PAR_SIGN_PASSPHRASE."""
    passphrase, content = os.environ.get(PASSPHRASE), _bytes(path)
    try:
        key = load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except TypeError as error:  # a passphrase is missing, or there is one too many
        raise KeyFileError(f"{path}: {_line(error)} ({PASSPHRASE})") from error
    except ValueError as error:
        raise KeyFileError(f"{path} is no private key in PEM: {_line(error)}") from error
    if not isinstance(key, PrivateKey) or not _curve(key):
        raise KeyFileError(f"{path}: a key has to be Ed25519 or on P-256")
    return key


def public_key(path: Path) -> PublicKey:
    """The key to verify with, from a PEM file."""
    content = _bytes(path)
    try:
        key = load_pem_public_key(content)
    except ValueError as error:
        raise KeyFileError(f"{path} is no public key in PEM: {_line(error)}") from error
    if not isinstance(key, PublicKey) or not _curve(key):
        raise KeyFileError(f"{path}: a key has to be Ed25519 or on P-256")
    return key


def key_id(key: PublicKey) -> str:
    """The id of a key: the SHA-256 sum (hex) of its SubjectPublicKeyInfo."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _curve(key: PrivateKey | PublicKey) -> bool:
    if isinstance(key, EllipticCurvePrivateKey | EllipticCurvePublicKey):
        return isinstance(key.curve, SECP256R1)
    return True


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as failure:
        raise KeyFileError(f"the key {path} cannot be read: {failure.strerror}") from failure


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


# -- the statement ---------------------------------------------------------------------------------------------------


def statement(run: Run, subjects: Mapping[str, str]) -> dict[str, Any]:
    """The in-toto statement about a run. `subjects`: file to SHA-256 sum (hex).

    The tests of the predicate are the requirements. A run that did not conform, or was not whole, is FAILED.
    """
    lists: dict[str, list[str]] = {name: [] for name in ("passedTests", "warnedTests", "failedTests")}
    for row in run.requirements:
        if name := _LISTS.get(row.verdict):
            lists[name].append(visible(row.id))
    # Who verifies a statement reads this word alone: what a chosen part of the checks has shown is no pass.
    passed = run.conformance is Answer.PASS and run.selection is None and not run.interrupted
    result = "FAILED" if not passed else "WARNED" if lists["warnedTests"] else "PASSED"
    annotations: dict[str, Any] = {
        "target": visible(run.target.name),
        "issuer": visible(run.target.issuer or ""),
        "plans": [visible(plan) for plan in run.plans],
        "suite": f"par-conformance {run.suite_version}",
        "conformance": run.conformance,
        "gate": run.gate,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat(),
    }
    profile = {
        "name": visible(run.target.profile),
        "digest": {"sha256": run.target.profile_sha256},
        "annotations": annotations,
    }
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())],
        "predicateType": PREDICATE,
        "predicate": {"result": result, "configuration": [profile], **lists},
    }


def sign(folder: Path, run: Run, files: Mapping[str, str], key: PrivateKey) -> Path:
    """Sign the manifest of a folder and the files that it lists. Raises OSError."""
    payload = json.dumps(
        statement(run, {**files, MANIFEST: sum_of(folder / MANIFEST)}), ensure_ascii=False, separators=(",", ":")
    ).encode()
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key_id(key.public_key()), "sig": base64.b64encode(_sign(key, payload)).decode()}],
    }
    path = folder / ATTESTATION
    write_whole(path, json.dumps(envelope, separators=(",", ":")) + "\n")
    return path


def read_statement(folder: Path, key: PublicKey | None) -> dict[str, Any]:
    """The statement of a folder, its signature verified if there is a key.

    Raises AttestationError if it is not what was signed, by this key, or no statement about a test result; OSError.
    """
    payload, signatures = _open((folder / ATTESTATION).read_bytes())
    if key is not None:
        own = [signature for keyid, signature in signatures if keyid in {None, key_id(key)}]
        if not own:
            raise AttestationError("the run is signed with another key")
        if not any(_verifies(key, payload, signature) for signature in own):
            raise AttestationError("the signature does not fit: the statement was changed, or the key is another one")
    try:
        found = json.loads(payload)
        kinds = found["_type"], found["predicateType"]
    except (ValueError, TypeError, KeyError) as error:
        raise AttestationError("what was signed is no in-toto statement") from error
    if kinds != (STATEMENT, PREDICATE):
        raise AttestationError(f"what was signed is no test result but {kinds[1]!r}")
    return dict(found)


def subjects_of(found: Mapping[str, Any]) -> dict[str, str]:
    """The files that a statement speaks of, and their SHA-256 sums (hex). AttestationError if it does not say."""
    try:
        return {entry["name"]: entry["digest"]["sha256"] for entry in found["subject"]}
    except (TypeError, KeyError) as error:
        raise AttestationError("the statement does not say which files it is about") from error


# -- the envelope ----------------------------------------------------------------------------------------------------


def encoded(kind: str, payload: bytes) -> bytes:
    """What is signed: the pre-authentication encoding of DSSE."""
    name = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def _sign(key: PrivateKey, payload: bytes) -> bytes:
    data = encoded(PAYLOAD_TYPE, payload)
    return key.sign(data) if isinstance(key, Ed25519PrivateKey) else key.sign(data, ECDSA(SHA256()))


def _verifies(key: PublicKey, payload: bytes, signature: bytes) -> bool:
    data = encoded(PAYLOAD_TYPE, payload)
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, data)
        else:
            key.verify(signature, data, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


class _Signature(BaseModel):
    """One signature of an envelope."""

    model_config = ConfigDict(extra="forbid")

    sig: str
    keyid: str | None = None


class _Envelope(BaseModel):
    """A DSSE envelope, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    payload: str
    payload_type: str = Field(alias="payloadType")
    signatures: list[_Signature]


def _open(text: bytes) -> tuple[bytes, list[tuple[str | None, bytes]]]:
    """The payload and the signatures (key id, signature) of an envelope. AttestationError if it is none."""
    try:
        envelope = _Envelope.model_validate_json(text)
        signatures = [(entry.keyid, _decoded(entry.sig)) for entry in envelope.signatures]
        payload = _decoded(envelope.payload)
    except ValueError as error:  # both the model's and base64's
        raise AttestationError("the attestation is no DSSE envelope") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise AttestationError(f"the attestation carries {envelope.payload_type!r}, not {PAYLOAD_TYPE}")
    return payload, signatures


def _decoded(text: str) -> bytes:
    """Base64 in either alphabet, in its one right form. binascii.Error if it is not."""
    plain = text.translate(str.maketrans("-_", "+/"))
    data = base64.b64decode(plain, validate=True)
    if base64.b64encode(data).decode() != plain:
        raise binascii.Error("not in its one right form")
    return data
