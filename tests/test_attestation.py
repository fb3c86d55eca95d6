"""A sealed run: the manifest, the signed statement, and what verifying says after any change."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from typer.testing import CliRunner

from conformance.cli import app
from conformance.report import attestation, manifest, seal, write
from conformance.report.make import ViewError, make
from conformance.verdict import Answer
from tests.records import clean_run, sample_run

Key = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
KEYS = {"ed25519": ed25519.Ed25519PrivateKey.generate(), "p256": ec.generate_private_key(ec.SECP256R1())}
NAMES = ["junit.xml", "report.html", "report.json", "report.sarif", "summary.md"]


def pem(key: Key, encryption: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def public_pem(key: Key) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    write.write(sample_run(), path)
    return path


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest) -> ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
    found = KEYS[request.param]
    assert isinstance(found, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey)
    return found


def test_the_manifest_lists_every_file(folder: Path) -> None:
    assert [path.name for path in seal.seal(folder, sample_run())] == ["manifest.json"]
    assert list(manifest.read_manifest(folder)) == NAMES
    assert seal.verify(folder).good
    assert "not signed" in seal.verify(folder).lines[-1]


def test_what_was_encoded_is_what_dsse_says() -> None:
    # The example of the protocol's own document.
    encoded = attestation.encoded("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_the_statement_is_a_test_result(folder: Path, key: attestation.PrivateKey) -> None:
    seal.seal(folder, sample_run(), key)
    envelope = json.loads((folder / "attestation.intoto.jsonl").read_text(encoding="utf-8"))
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    found = json.loads(base64.b64decode(envelope["payload"]))
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert [subject["name"] for subject in found["subject"]] == sorted([*NAMES, "manifest.json"])
    predicate = found["predicate"]
    assert predicate["result"] == "FAILED"
    assert "rfc9126-2.1-request-uri-refused" in predicate["failedTests"]
    assert "rfc9126-4-expired-refused" in predicate["failedTests"]  # a deviation is a violation still
    assert "rfc9126-2.2-no-cache" in predicate["warnedTests"]
    assert "rfc9126-2.10-later-section" in predicate["passedTests"]
    assert predicate["configuration"][0]["name"] == "example-bank.yaml"
    assert predicate["configuration"][0]["digest"] == {"sha256": sample_run().target.profile_sha256}


def test_only_a_whole_run_passes() -> None:
    def result(**changes: object) -> str:
        return str(attestation.statement(clean_run(**changes), {})["predicate"]["result"])

    assert result() == "PASSED"
    assert result(conformance=Answer.INCOMPLETE) == "FAILED"
    assert result(selection="-k metadata") == "FAILED"
    assert result(interrupted=True) == "FAILED"


def test_a_sealed_run_verifies(folder: Path, key: attestation.PrivateKey) -> None:
    seal.seal(folder, sample_run(), key)
    found = seal.verify(folder, key.public_key())
    assert found.good, found.lines
    assert "5 files" in found.lines[0]
    assert "FAILED" in found.lines[-1]


def test_any_changed_byte_is_noticed(folder: Path, key: attestation.PrivateKey) -> None:
    seal.seal(folder, sample_run(), key)
    chance = random.Random(9126)
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for position in [0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(12))]:
            changed = bytearray(whole)
            changed[position] ^= 1 << chance.randrange(7)
            path.write_bytes(bytes(changed))
            assert not seal.verify(folder, key.public_key()).good, (path.name, position)
        path.write_bytes(whole)
    assert seal.verify(folder, key.public_key()).good


def test_every_byte_of_the_statement_counts(folder: Path) -> None:
    key = KEYS["ed25519"]
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    seal.seal(folder, clean_run(), key)
    path = folder / "attestation.intoto.jsonl"
    whole = path.read_bytes()
    for position in range(len(whole) - 260, len(whole) - 1):  # the key id and the signature
        changed = bytearray(whole)
        changed[position] ^= 1
        path.write_bytes(bytes(changed))
        assert not seal.verify(folder, key.public_key()).good, position


def test_missing_and_added_files_are_named(folder: Path) -> None:
    seal.seal(folder, sample_run())
    (folder / "summary.md").unlink()
    (folder / "report.html").write_text("other", encoding="utf-8")
    (folder / "sub").mkdir()
    (folder / "sub" / "note.txt").write_text("a note", encoding="utf-8")
    found = seal.verify(folder)
    assert not found.good
    assert found.lines[:3] == ("changed  report.html", "missing  summary.md", "added    sub/note.txt")


def test_a_manifest_made_anew_does_not_hide_a_change(folder: Path, key: attestation.PrivateKey) -> None:
    seal.seal(folder, sample_run(), key)
    (folder / "report.json").write_text(clean_run().model_dump_json(), encoding="utf-8")
    manifest.write_manifest(folder)
    assert not seal.verify(folder).good
    assert "not the one that was signed" in seal.verify(folder, key.public_key()).lines[0]


def test_another_key_does_not_verify(folder: Path, key: attestation.PrivateKey) -> None:
    seal.seal(folder, sample_run(), key)
    found = seal.verify(folder, ed25519.Ed25519PrivateKey.generate().public_key())
    assert not found.good
    assert found.lines == ("the run is signed with another key",)


def test_an_unsigned_run_does_not_verify_with_a_key(folder: Path, key: attestation.PrivateKey) -> None:
    seal.seal(folder, sample_run())
    assert seal.verify(folder, key.public_key()).lines == ("the run is not signed",)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 1, "files": {"a": 1}}', '{"version": 2, "files": {}}'])
def test_what_is_no_manifest_is_told(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    assert not seal.verify(folder).good


@pytest.mark.parametrize("text", ["", "{}", "null", '{"payload": 1}', "\udcff"])
def test_what_is_no_envelope_is_told(folder: Path, text: str) -> None:
    seal.seal(folder, sample_run())
    (folder / "attestation.intoto.jsonl").write_text(text, encoding="utf-8", errors="surrogateescape")
    assert seal.verify(folder).lines == ("the attestation is no DSSE envelope",)


def test_keys_are_read_from_pem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(pem(KEYS["p256"], BestAvailableEncryption(b"open sesame")))
    monkeypatch.delenv(attestation.PASSPHRASE, raising=False)
    with pytest.raises(attestation.KeyFileError, match="PAR_SIGN_PASSPHRASE"):
        attestation.private_key(path)
    monkeypatch.setenv(attestation.PASSPHRASE, "open sesame")
    assert attestation.private_key(path).public_key() == KEYS["p256"].public_key()
    monkeypatch.delenv(attestation.PASSPHRASE)
    for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        path.write_bytes(pem(key))
        with pytest.raises(attestation.KeyFileError, match="Ed25519 or on P-256"):
            attestation.private_key(path)
        path.write_bytes(public_pem(key))
        with pytest.raises(attestation.KeyFileError, match="Ed25519 or on P-256"):
            attestation.public_key(path)
    path.write_text("no key", encoding="utf-8")
    with pytest.raises(attestation.KeyFileError, match="is no private key in PEM"):
        attestation.private_key(path)
    with pytest.raises(attestation.KeyFileError, match=r"^the key .* cannot be read: No such file"):
        attestation.public_key(tmp_path / "nowhere.pem")


def test_views_made_later_join_the_manifest(folder: Path) -> None:
    seal.seal(folder, sample_run())
    make(sample_run(), ["allure"], folder)
    assert seal.verify(folder).good
    (folder / "summary.md").write_text("other", encoding="utf-8")
    with pytest.raises(ViewError, match=r"changed  summary\.md.*--into"):
        make(sample_run(), ["html"], folder)


def test_a_signed_run_is_not_touched_without_the_key(folder: Path, key: attestation.PrivateKey) -> None:
    seal.seal(folder, sample_run(), key)
    with pytest.raises(ViewError, match="is signed"):
        make(sample_run(), ["allure"], folder)
    make(sample_run(), ["allure"], folder, key)
    assert seal.verify(folder, key.public_key()).good


def test_the_commands_sign_and_verify(folder: Path, tmp_path: Path) -> None:
    private, public = tmp_path / "auditor.pem", tmp_path / "auditor.pub.pem"
    private.write_bytes(pem(KEYS["ed25519"]))
    public.write_bytes(public_pem(KEYS["ed25519"]))
    command = CliRunner()
    assert command.invoke(app, ["verify", str(folder)]).exit_code == 1
    done = command.invoke(app, ["report", str(folder), "--format", "markdown", "--sign-key", str(private)])
    assert done.exit_code == 0, done.output
    assert command.invoke(app, ["verify", str(folder), "--key", str(public)]).exit_code == 0
    with (folder / "report.json").open("ab") as file:
        file.write(b" ")
    done = command.invoke(app, ["verify", str(folder), "--key", str(public)])
    assert done.exit_code == 1
    assert "changed  report.json" in done.output
    assert command.invoke(app, ["verify", str(folder), "--key", str(private)]).exit_code == 2
    assert command.invoke(app, ["report", str(folder), "--format", "html"]).exit_code == 2
