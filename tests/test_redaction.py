"""Secrets are taken out by where they came from, and equal ones stay equal."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote

import pytest

from conformance.http.evidence import Evidence, RawExchange
from conformance.http.message import Request, Response
from conformance.http.redaction import Redactor

SECRET = "s3cret value/with+signs%"
CODE = "SplxlOBeZQQYbYS6WxSbIA"
COOKIE = "c00kie-value-of-a-session"
TOKEN = "2YotnFZFEjr1zCsicMWpAA-long-token"


def exchange() -> RawExchange:
    basic = base64.b64encode(f"client:{SECRET}".encode()).decode()
    request = Request(
        "POST",
        "https://as.example/token?code=" + CODE,
        (("Authorization", f"Basic {basic}"), ("Cookie", f"sid={COOKIE}")),
        f"client_secret={quote(SECRET, safe='')}&code={CODE}&scope=openid".encode(),
    )
    body = f'{{"access_token": "{TOKEN}", "scope": "openid"}}'.encode()
    headers = (("Location", f"https://client.example/cb?code={CODE}"), ("Set-Cookie", f"sid={COOKIE}; Secure"))
    return RawExchange("test", request, Response(200, headers, body, "https://as.example/token", 0.0, 0.1), 0.0, 0.1)


def test_no_secret_is_left_in_a_record() -> None:
    redactor = Redactor([SECRET])
    evidence = Evidence()
    evidence.add(exchange(), redactor)

    text = evidence.records(redactor)[0].model_dump_json()

    for secret in (SECRET, quote(SECRET, safe=""), CODE, COOKIE, TOKEN):
        assert secret not in text
    assert base64.b64encode(f"client:{SECRET}".encode()).decode() not in text


@pytest.mark.parametrize("secret", ["a-secret-of-16-by", "a-secret-of-17-byt", "a-secret-of-18-byte"])
@pytest.mark.parametrize("client", ["c", "cl", "cli"])
def test_no_bit_of_a_secret_is_left_at_its_edge_in_base64(client: str, secret: str) -> None:
    whole = base64.b64encode(f"{client}:{secret}".encode()).decode()
    before = base64.b64encode(f"{client}:".encode()).decode().rstrip("=")

    shown = Redactor([secret]).text(f"Basic {whole}")

    found = re.fullmatch(r"Basic (\w*)‹secret:[0-9a-f]{8}›=*", shown)
    assert found
    assert before.startswith(found[1])
    assert len(found[1]) * 6 <= len(f"{client}:") * 8


def test_what_is_no_secret_stays() -> None:
    redactor = Redactor([SECRET])
    evidence = Evidence()
    evidence.add(exchange(), redactor)

    text = evidence.records(redactor)[0].model_dump_json()

    assert "openid" in text
    assert "https://client.example/cb" in text


def test_equal_secrets_have_equal_marks() -> None:
    redactor = Redactor([])
    redactor.learn(CODE)
    redactor.learn(TOKEN)

    assert redactor.text(CODE) == redactor.text(CODE)
    assert redactor.text(CODE) != redactor.text(TOKEN)
    assert CODE not in redactor.text(f"<p>your code is {CODE}</p>")


def test_of_a_jwt_only_the_signature_is_taken_out() -> None:
    redactor = Redactor([])
    redactor.learn("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjbGllbnQifQ.c2lnbmF0dXJlLW9mLXRoZS1qd3Q")

    text = redactor.text("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjbGllbnQifQ.c2lnbmF0dXJlLW9mLXRoZS1qd3Q")

    assert "eyJpc3MiOiJjbGllbnQifQ" in text
    assert "c2lnbmF0dXJlLW9mLXRoZS1qd3Q" not in text


def test_fingerprint_is_of_the_run() -> None:
    assert Redactor([]).fingerprint(SECRET) != Redactor([]).fingerprint(SECRET)


def test_many_encrypted_cookies_leave_other_tokens_readable() -> None:
    redactor = Redactor()
    header = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0"
    ciphertexts = [f"ciphertext-{number:04}-of-a-cookie" for number in range(100)]
    redactor.learn_headers([("Set-Cookie", f"restart={header}..aXY.{text}.dGFn; Path=/") for text in ciphertexts])
    token = "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjE3OTU4NTk2NDV9.signature-that-is-secret"
    redactor.learn(token)

    shown = redactor.text(f"client_assertion={token}&cookie={ciphertexts[7]}")

    assert "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjE3OTU4NTk2NDV9." in shown
    assert "signature-that-is-secret" not in shown
    assert ciphertexts[7] not in shown
