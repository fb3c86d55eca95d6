"""Secrets, keys and certificates of a profile: each is had, or told without showing it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from conformance.profile import generate_key, read_key
from tests.profiles import ENVIRON, GONE, PASSWORD, SECRET, assert_tells, loaded, mistakes, only, profile

FIRST = "clients.first"
WITH_KEYS = {f"{FIRST}.auth": "private_key_jwt", f"{FIRST}.secret": GONE, f"{FIRST}.keys": {"env": "KEYS"}}
WITH_TLS = {
    f"{FIRST}.auth": "tls_client_auth",
    f"{FIRST}.secret": GONE,
    f"{FIRST}.certificate": {"certificate_file": "client.pem", "key_file": "client.key"},
}


def private_jwk(made_for: str = "ES256", **changes: Any) -> dict[str, Any]:
    """A private JWK with changed members; None takes one away."""
    key = generate_key(made_for, "one")
    jwk = jwt.get_algorithm_by_name(made_for).to_jwk(key.private, as_dict=True)
    jwk = {name: value for name, value in jwk.items() if name != "key_ops"} | {"alg": made_for} | changes
    return {name: value for name, value in jwk.items() if value is not None}


def jwk_set(*keys: Any) -> dict[str, str]:
    """An environment whose KEYS is a JWK set."""
    return {**ENVIRON, "KEYS": json.dumps({"keys": keys})}


SMALL = jwt.get_algorithm_by_name("RS256").to_jwk(
    rsa.generate_private_key(public_exponent=65537, key_size=1024), as_dict=True
)


@pytest.mark.parametrize(
    ("secret", "key", "found", "expected", "fix"),
    [
        ({"env": "NO_SUCH"}, "env", "variable NO_SUCH, which is not set", "the name of a variable", "Set NO_SUCH"),
        ({"env": "EMPTY"}, "env", "variable EMPTY, which is set, but empty", "holds the secret", "Set EMPTY"),
        ({"env": SECRET}, "env", "an environment variable (not shown)", "the name", "as CLIENT_SECRET"),
        ({"env": "${NAME}"}, "env", "(not shown)", "the name", "{env: NAME}"),
        ({"file": "no/such.txt"}, "file", '"no/such.txt": No such file', "relative to the profile", "Correct"),
        ({"file": SECRET}, "file", "a path (not shown): No such file", "can be read", "Correct"),
        ({"file": "."}, "file", '".": Is a directory', "can be read", "Correct"),
        ({"file": "empty.txt"}, "file", 'an empty file, "empty.txt"', "a secret", "Put the secret there"),
        ({"file": "bytes.bin"}, "file", "not UTF-8", "can be read", "Correct"),
        ({"file": "a\0b"}, "file", "it is no path", "can be read", "Correct"),
        ({"literal": SECRET}, "literal", "(not shown)", "embedded target alone", "write {env: NAME}"),
        ({"literal": "${MY_SECRET}"}, "literal", "(not shown)", "embedded", "write {env: MY_SECRET}"),
    ],
)
@pytest.mark.parametrize("place", [f"{FIRST}.secret", "users.first.password", "users.first.totp"])
def test_a_secret_that_cannot_be_had_is_told(tmp_path, place, secret, key, found, expected, fix):
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "bytes.bin").write_bytes(b"\xff\xfe\x00")

    mistake = only(tmp_path, profile({place: secret}), {**ENVIRON, "EMPTY": ""})

    assert mistake.line
    assert_tells(mistake, f"{place}.{key}", found, expected, fix)


def test_an_empty_literal_is_told_even_for_the_embedded_target(tmp_path):
    content = profile({"embedded": True, "issuer": GONE, f"{FIRST}.secret": {"literal": ""}})

    mistake = only(tmp_path, content)

    assert_tells(mistake, f"{FIRST}.secret.literal", "an empty text", "a secret", "Put the secret there")


def test_a_secret_is_read_from_a_file_beside_the_profile(tmp_path):
    (tmp_path / "secret.txt").write_text(f"{SECRET}\n")

    result = loaded(tmp_path, profile({f"{FIRST}.secret": {"file": "secret.txt"}}))

    assert result.keyring.clients["first"].secret == SECRET


def test_a_seed_that_is_no_base32_is_told(tmp_path):
    content = profile({"users.first.totp": {"env": "SEED"}})

    mistake = only(tmp_path, content, {**ENVIRON, "SEED": "not-a-seed-0189"})

    assert_tells(mistake, "users.first.totp", "that is no base32", "letters A to Z", "Copy the seed")


def test_a_seed_may_be_written_in_groups(tmp_path):
    content = profile({"users.first.totp": {"env": "SEED"}})

    assert loaded(tmp_path, content, {**ENVIRON, "SEED": "jbsw y3dp ehpk 3pxp"}).keyring.users["first"].totp


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "RS256", "PS256", "EdDSA"])
def test_private_keys_are_read_and_sign(tmp_path, alg):
    result = loaded(tmp_path, profile(WITH_KEYS), jwk_set(private_jwk(alg)))

    (key,) = result.keyring.clients["first"].keys
    assert key.alg == alg
    assert jwt.get_unverified_header(key.sign({"a": 1}))["alg"] == alg


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{'keys': []}", "no JSON: it breaks at line 1, column 2"),
        ("[]", "JSON without the member keys"),
        ("31415926", "JSON without the member keys"),
        ('{"jwks": []}', "JSON without the member keys"),
        ('{"keys": []}', "a JWK set without keys"),
        ('{"keys": {"kty": "EC"}}', "a JWK set without keys"),
        ("[" * 100_000, "JSON without the member keys"),
    ],
)
def test_what_is_no_jwk_set_is_told(tmp_path, text, found):
    mistake = only(tmp_path, profile(WITH_KEYS), {**ENVIRON, "KEYS": text})

    assert_tells(mistake, f"{FIRST}.keys.env", found, "a private JWK set (RFC 7517", "Export")


@pytest.mark.parametrize(
    ("jwk", "found"),
    [
        (private_jwk(d=None), "a public key alone: the private part, its member d, is missing"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "no asymmetric key"),
        ({}, "no asymmetric key"),
        ("key", "no JWK"),
        (private_jwk(use="enc"), "a key for encryption"),
        (private_jwk(alg="ECDH-ES"), "no signature algorithm: ES256"),
        (private_jwk(alg="ES384"), "does not go with its curve"),
        (private_jwk(alg="HS256"), "no signature algorithm"),
        (private_jwk(alg=["ES256"]), "no signature algorithm"),
        (private_jwk(kid=7), "kid is no string"),
        (private_jwk(x="AAAA"), "a broken key"),
        (private_jwk(x=5), "a broken key"),
        (private_jwk(d="AAAA"), "a broken key"),
        (private_jwk(kty="RSA", alg="RS256"), "a broken key"),
        (private_jwk("RS256", n=None), "a broken key"),
        (SMALL, "an RSA key of 1024 bits"),
    ],
)
def test_a_key_that_cannot_sign_is_told(tmp_path, jwk, found):
    environ = jwk_set(private_jwk(), jwk)

    mistake = only(tmp_path, profile(WITH_KEYS), environ)

    assert_tells(mistake, f"{FIRST}.keys.env", found, "private JWK set", "Export")
    assert mistake.found.startswith("entry 2 is ")
    for member in ("d", "k", "n", "x"):
        value = jwk.get(member) if isinstance(jwk, dict) else None
        assert not isinstance(value, str) or value not in str(mistake)


def test_what_a_broken_key_raises_shows_nothing_of_it():
    jwk = private_jwk(x="AAAA")

    with pytest.raises(ValueError, match="broken") as raised:
        read_key(jwk, "one")

    assert jwk["d"] not in str(raised.value)
    assert raised.value.__suppress_context__


def test_keys_may_stand_in_a_file(tmp_path):
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [private_jwk()]}))

    result = loaded(tmp_path, profile({**WITH_KEYS, f"{FIRST}.keys": {"file": "keys.json"}}))

    assert result.keyring.clients["first"].keys[0].alg == "ES256"


@pytest.mark.parametrize(
    ("changes", "key", "found"),
    [
        ({f"{FIRST}.assertion_alg": "PS256"}, "assertion_alg", '"PS256", but the client\'s keys are for ES256'),
        ({f"{FIRST}.assertion_alg": "HS256"}, "assertion_alg", '"HS256"'),
        ({f"{FIRST}.request_objects": {"alg": "RS256"}}, "request_objects.alg", '"RS256"'),
    ],
)
def test_an_algorithm_without_a_key_is_told(tmp_path, changes, key, found):
    mistake = only(tmp_path, profile({**WITH_KEYS, **changes}), jwk_set(private_jwk()))

    assert_tells(mistake, f"{FIRST}.{key}", found, "ES256", "add a key whose member alg is")


def test_the_ordinary_algorithm_of_request_objects_needs_a_key_too(tmp_path):
    changes = {**WITH_KEYS, f"{FIRST}.request_objects": {"required": True}}

    mistake = only(tmp_path, profile(changes), jwk_set(private_jwk("PS256")))

    assert_tells(mistake, f"{FIRST}.request_objects.alg", '"ES256"', "PS256", "Correct it")


@pytest.mark.parametrize(
    ("changes", "key", "found", "fix"),
    [
        ({f"{FIRST}.keys": {"generate": ["ES256"]}}, "keys.generate", "keys to be generated", "{env: NAME}"),
        (
            {f"{FIRST}.certificate": {"generate": True}},
            "certificate.generate",
            "a certificate to be generated",
            "key_file: PATH",
        ),
    ],
)
def test_only_the_embedded_target_has_things_generated(tmp_path, changes, key, found, fix):
    mistake = only(tmp_path, profile(changes))

    assert_tells(mistake, f"{FIRST}.{key}", f"{found}, but embedded is not true", "no other server", fix)


@pytest.mark.parametrize(
    ("changes", "key", "found", "expected"),
    [
        ({"keys": {"generate": ["ES257"]}}, "keys.generate[0]", "no key can be made for", "one of ES256, ES384"),
        ({"keys": {"generate": []}}, "keys.generate", "an empty list", "at least one algorithm"),
        (
            {"certificate": {"generate": True}, "client_id": "my_client"},
            "client_id",
            '"my_client"',
            "a generated certificate can bear",
        ),
    ],
)
def test_what_cannot_be_generated_is_told(tmp_path, changes, key, found, expected):
    embedded = {"embedded": True, "issuer": GONE} | {f"{FIRST}.{name}": value for name, value in changes.items()}

    mistake = only(tmp_path, profile(embedded))

    assert_tells(mistake, f"{FIRST}.{key}", found, expected, "")


@pytest.fixture
def client_files(tmp_path: Path) -> Path:
    """A folder with a client's certificate and key, and those of another."""
    for name in ("client", "other"):
        issued = trustme.CA().issue_cert(f"{name}.example")
        (tmp_path / f"{name}.pem").write_bytes(issued.cert_chain_pems[0].bytes())
        (tmp_path / f"{name}.key").write_bytes(issued.private_key_pem.bytes())
    key = serialization.load_pem_private_key((tmp_path / "client.key").read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    (tmp_path / "locked.key").write_bytes(locked)
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    return tmp_path


def test_a_certificate_and_its_key_are_read(client_files):
    result = loaded(client_files, profile(WITH_TLS))

    assert result.keyring.clients["first"].certificate is not None
    assert "BEGIN CERTIFICATE" in result.keyring.clients["first"].certificate.certificate


@pytest.mark.parametrize(
    ("name", "file", "found", "expected"),
    [
        ("certificate_file", "none.pem", '"none.pem": No such file', "a file that can be read"),
        ("certificate_file", "broken.pem", "no certificate in PEM, or a broken one", "a certificate in PEM"),
        ("certificate_file", "client.key", "no certificate in PEM", "a certificate in PEM"),
        ("key_file", "none.key", '"none.key": No such file', "a file that can be read"),
        ("key_file", "client.pem", "no private key in PEM", "a private key in PEM"),
        ("key_file", "locked.key", "a private key under a passphrase", "without passphrase"),
        ("key_file", "other.key", "the private key of another certificate", "private key of certificate_file"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_told(client_files, name, file, found, expected):
    mistake = only(client_files, profile({**WITH_TLS, f"{FIRST}.certificate.{name}": file}))

    assert_tells(mistake, f"{FIRST}.certificate.{name}", found, expected, "")


@pytest.mark.parametrize(
    ("file", "found"), [("none.pem", "No such file"), ("client.key", "without a certificate"), ("broken.pem", "broken")]
)
def test_a_ca_file_that_cannot_be_used_is_told(client_files, file, found):
    mistake = only(client_files, profile({"tls.ca_file": file}))

    assert_tells(mistake, "tls.ca_file", found, "certificates in PEM", "export the CA's certificate")


def test_a_secret_that_stands_elsewhere_too_is_taken_out_of_messages(tmp_path):
    changes = {"issuer": f"tenant/{PASSWORD}", f"{FIRST}.auth": SECRET, f"{FIRST}.assertion_alg": PASSWORD}

    told = mistakes(tmp_path, profile(changes))

    assert '"tenant/(not shown)"' in [one.found for one in told]
    assert '"(not shown)"' in [one.found for one in told]


def test_a_profile_with_every_secret_in_the_wrong_place_shows_none(tmp_path):
    changes = {
        f"{FIRST}.secret": SECRET,
        f"{FIRST}.client_secret": SECRET,
        f"{FIRST}.keys": {"env": SECRET, SECRET: 1},
        f"{FIRST}.certificate": {SECRET: None, "key_file": SECRET},
        f"{FIRST}.parameters": {"client_secret": [SECRET, 1]},
        "users.first.password": {"literal": PASSWORD, PASSWORD: PASSWORD},
        "users.first.totp": PASSWORD,
        "login.steps": [{"fill": {"password": PASSWORD, "pin": [PASSWORD]}, "password": PASSWORD}],
    }

    # `mistakes` itself asserts that neither is shown.
    assert len(mistakes(tmp_path, profile(changes))) > 8
