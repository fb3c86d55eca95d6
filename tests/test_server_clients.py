"""Client authentication at the reference server."""

from __future__ import annotations

import base64
import hmac
import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx2
import jwt
import pytest

from conformance.profile.keyring import generate_key, key_pem
from conformance.server import jose
from tests.server_kit import JWT_BEARER, VERIFIER, Kit, basic, error_of, running


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    with running() as started:
        yield started


def push(
    kit: Kit, role: str, headers: dict[str, str] | None = None, http: httpx2.Client | None = None, **form: str
) -> httpx2.Response:
    """A push of the ordinary request of a role with exactly these credentials."""
    url = kit.url("pushed_authorization_request")
    return (http or kit.http).post(url, data=kit.request(role) | form, headers=headers or {})


def asserted(kit: Kit, assertion: str, role: str = "signed") -> httpx2.Response:
    return push(kit, role, client_assertion=assertion, client_assertion_type=JWT_BEARER)


@pytest.mark.parametrize("role", ["first", "second", "signed", "public"])
def test_the_registered_method_works(kit: Kit, role: str) -> None:
    assert kit.push(role).status_code == 201


def test_basic_is_form_encoded(kit: Kit) -> None:
    secret = kit.keyring.clients["first"].secret or ""
    raw = base64.b64encode(f"first-client:{secret}".encode()).decode()
    refused = push(kit, "first", {"Authorization": f"Basic {raw}"})
    assert error_of(refused) == (401, "invalid_client")
    encoded = base64.b64encode(f"first-client:{quote_plus(secret)}".encode()).decode()
    assert push(kit, "first", {"Authorization": f"basic {encoded}"}).status_code == 201


@pytest.mark.parametrize(
    "header",
    [
        basic("first-client", "wrong"),
        basic("nobody", "wrong"),
        basic("first-client", ""),
        "Basic !!!",
        "Basic",
        "Basic " + base64.b64encode(b"first-client:%zz").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Bearer abc",
        "DPoP abc",
    ],
)
def test_a_bad_header_is_answered_with_a_challenge(kit: Kit, header: str) -> None:
    answer = push(kit, "first", {"Authorization": header})
    assert error_of(answer) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


def test_without_the_header_there_is_no_challenge(kit: Kit) -> None:
    answer = push(kit, "second", client_secret="wrong")
    assert error_of(answer) == (401, "invalid_client")
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("role", ["first", "second", "secret_jwt", "signed", "mtls", "mtls_self_signed"])
def test_a_confidential_client_must_prove_itself(kit: Kit, role: str) -> None:
    assert error_of(push(kit, role)) == (401, "invalid_client")


def test_an_unknown_client_looks_like_a_wrong_secret(kit: Kit) -> None:
    unknown = push(kit, "second", client_id="nobody", client_secret="wrong")
    wrong = push(kit, "second", client_secret="wrong")
    assert (unknown.status_code, unknown.json()) == (wrong.status_code, wrong.json())


def test_another_method_than_the_registered_one_is_refused(kit: Kit) -> None:
    first, second = kit.keyring.clients["first"].secret or "", kit.keyring.clients["second"].secret or ""
    assert error_of(push(kit, "first", client_secret=first)) == (401, "invalid_client")
    assert error_of(push(kit, "second", {"Authorization": basic("second-client", second)})) == (401, "invalid_client")
    assert error_of(push(kit, "public", client_secret="x")) == (401, "invalid_client")
    assert error_of(asserted(kit, secret_assertion(kit, role="second"), "second")) == (401, "invalid_client")


def test_two_methods_at_once_are_refused(kit: Kit) -> None:
    headers, _ = kit.credentials("first")
    assert error_of(push(kit, "first", headers, client_secret="x")) == (400, "invalid_request")
    both = push(kit, "first", headers, client_assertion="x", client_assertion_type=JWT_BEARER)
    assert error_of(both) == (400, "invalid_request")


def test_the_token_endpoint_keeps_the_same_rules(kit: Kit) -> None:
    data = {"grant_type": "authorization_code", "code": "x", "client_id": "first-client"}
    assert error_of(kit.http.post(kit.url("token"), data=data)) == (401, "invalid_client")


# Assertions


def secret_assertion(kit: Kit, secret: str = "", role: str = "secret_jwt") -> str:
    now, client_id = int(kit.clock.now()), kit.client_id(role)
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": kit.running.issuer,
        "exp": now + 60,
        "jti": f"{time.time_ns()}",
    }
    signed = ".".join(jose.encode(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims))
    key = (secret or kit.keyring.clients[role].secret or "").encode()
    return f"{signed}.{jose.encode(hmac.digest(key, signed.encode(), 'sha256'))}"


def test_a_secret_can_sign(kit: Kit) -> None:
    assert asserted(kit, secret_assertion(kit), "secret_jwt").status_code == 201
    wrong = secret_assertion(kit, secret="another-secret-that-is-long-enough-to-sign")
    assert error_of(asserted(kit, wrong, "secret_jwt")) == (401, "invalid_client")


@pytest.mark.parametrize("endpoint", ["token", "pushed_authorization_request"])
def test_audiences_of_rfc9126(kit: Kit, endpoint: str) -> None:
    assert asserted(kit, kit.assertion("signed", aud=kit.url(endpoint))).status_code == 201
    assert asserted(kit, kit.assertion("signed", aud=["https://x.example", kit.url(endpoint)])).status_code == 201


@pytest.mark.parametrize("setting", ["issuer", "issuer-string"])
def test_the_newer_audience_rule(setting: str) -> None:
    with running(assertion_audience=setting) as kit:
        issuer = kit.running.issuer
        assert asserted(kit, kit.assertion("signed")).status_code == 201
        assert (asserted(kit, kit.assertion("signed", aud=[issuer])).status_code == 201) == (setting == "issuer")
        for audience in (kit.url("token"), kit.url("pushed_authorization_request"), [issuer, "https://x.example"]):
            assert error_of(asserted(kit, kit.assertion("signed", aud=audience))) == (401, "invalid_client")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": None},
        {"aud": "https://other.example"},
        {"aud": []},
        {"aud": 7},
        {"aud": [7]},
        {"aud": {"x": 1}},
        {"iss": None},
        {"iss": "second-signed-client"},
        {"sub": None},
        {"sub": "second-signed-client"},
        {"sub": 5},
        {"exp": None},
        {"exp": 0},
        {"exp": -1},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 10**30},
        {"exp": 4102444800},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"iat": "now"},
        {"nbf": 4102444800},
        {"iat": 4102444800},
    ],
)
def test_bad_claims_are_refused(kit: Kit, changes: dict[str, Any]) -> None:
    assert error_of(asserted(kit, kit.assertion("signed", **changes))) == (401, "invalid_client")


@pytest.mark.parametrize("suffix", ["/", ".evil.example", "?x"])
def test_a_similar_audience_is_refused(kit: Kit, suffix: str) -> None:
    assertion = kit.assertion("signed", aud=kit.running.issuer + suffix)
    assert error_of(asserted(kit, assertion)) == (401, "invalid_client")


def test_clocks_may_differ_a_little(kit: Kit) -> None:
    now = int(kit.clock.now())
    assert asserted(kit, kit.assertion("signed", iat=now + 10, nbf=now + 10)).status_code == 201
    for claim in ("iat", "nbf"):
        late = kit.assertion("signed", **{claim: now + 61})
        assert error_of(asserted(kit, late)) == (401, "invalid_client")
    assert error_of(asserted(kit, kit.assertion("signed", exp=now - 1))) == (401, "invalid_client")


def test_an_assertion_is_good_once_wherever(kit: Kit) -> None:
    assertion = kit.assertion("signed")
    assert asserted(kit, assertion).status_code == 201
    assert error_of(asserted(kit, assertion)) == (401, "invalid_client")
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_assertion_type": JWT_BEARER}
    again = kit.http.post(kit.url("token"), data=form | {"client_assertion": assertion})
    assert error_of(again) == (401, "invalid_client")


def test_the_typ_of_assertions(kit: Kit) -> None:
    for typ in (None, "JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"):
        assert asserted(kit, kit.assertion("signed", {"typ": typ})).status_code == 201
    for typ in ("oauth-authz-req+jwt", "dpop+jwt", "at+jwt"):
        assert error_of(asserted(kit, kit.assertion("signed", {"typ": typ}))) == (401, "invalid_client")


def forged(kit: Kit, header: dict[str, Any], signature: str = "") -> str:
    """The claims of a valid assertion under another header."""
    claims = kit.assertion("signed").split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{head}.{claims}.{signature}"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", 1, None, [], "HS256", "ES512", "XX"])
def test_unsigned_assertions_are_refused(kit: Kit, alg: object) -> None:
    assert error_of(asserted(kit, forged(kit, {"alg": alg}))) == (401, "invalid_client")
    assert error_of(asserted(kit, forged(kit, {"alg": alg}, "AAAA"))) == (401, "invalid_client")


def test_assertions_with_other_keys_are_refused(kit: Kit) -> None:
    signed = kit.keyring.clients["signed"].key("ES256")
    claims = jwt.decode(kit.assertion("signed"), options={"verify_signature": False})
    for key in (generate_key("ES256", signed.kid), kit.keyring.clients["signed_second"].key()):
        assert error_of(asserted(kit, key.sign(claims))) == (401, "invalid_client")
    assert error_of(asserted(kit, signed.sign(claims, {"kid": "unknown"}))) == (401, "invalid_client")
    secret = key_pem(signed).encode()
    unsigned = forged(kit, {"alg": "HS256", "kid": signed.kid}).rpartition(".")[0]
    mac = jwt.get_algorithm_by_name("HS256").sign(unsigned.encode(), secret)
    confused = unsigned + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    assert error_of(asserted(kit, confused)) == (401, "invalid_client")
    tampered = kit.assertion("signed")
    flipped = tampered[:-10] + ("A" if tampered[-10] != "A" else "B") + tampered[-9:]
    assert error_of(asserted(kit, flipped)) == (401, "invalid_client")
    embedded = signed.sign(claims, {"jwk": generate_key("ES256", "x").public_jwk(), "kid": None, "x": 1})
    assert asserted(kit, embedded).status_code == 201  # an embedded key is ignored, not trusted


@pytest.mark.parametrize("text", ["x", "a.b", "a.b.c", "..", "a.b.c.d.e", "é.é.é", "e30.e30.e30", "\x00"])
def test_garbage_is_no_assertion(kit: Kit, text: str) -> None:
    assert error_of(asserted(kit, text)) == (401, "invalid_client")


def test_the_assertion_type_must_be_right(kit: Kit) -> None:
    assertion = kit.assertion("signed")
    assert error_of(push(kit, "signed", client_assertion=assertion)) == (401, "invalid_client")
    assert error_of(push(kit, "signed", client_assertion_type=JWT_BEARER)) == (401, "invalid_client")
    wrong = push(kit, "signed", client_assertion=assertion, client_assertion_type="x")
    assert error_of(wrong) == (401, "invalid_client")


def test_the_named_client_must_be_the_proven_one(kit: Kit) -> None:
    answer = push(kit, "signed_second", client_assertion=kit.assertion("signed"), client_assertion_type=JWT_BEARER)
    assert error_of(answer) == (400, "invalid_request")


def test_a_request_object_is_no_assertion(kit: Kit) -> None:
    assert error_of(asserted(kit, kit.request_object())) == (401, "invalid_client")


def test_status_400_where_it_is_allowed() -> None:
    with running(invalid_client_status=400) as kit:
        assert error_of(push(kit, "second", client_secret="wrong")) == (400, "invalid_client")
        assert error_of(push(kit, "first", {"Authorization": "Basic x"})) == (401, "invalid_client")


# Certificates


def tls_client(kit: Kit, role: str, folder: Path) -> httpx2.Client:
    held = kit.keyring.clients[role].certificate
    assert held
    file = folder / f"{role}.pem"
    file.write_text(held.certificate + held.key, encoding="ascii")
    context = ssl.create_default_context(cafile=str(kit.running.ca_file))
    context.load_cert_chain(file)
    return httpx2.Client(verify=context, trust_env=False)


@pytest.mark.parametrize("role", ["mtls", "mtls_self_signed"])
def test_a_certificate_proves_its_client_only(kit: Kit, role: str, tmp_path: Path) -> None:
    other = {"mtls": "mtls_self_signed", "mtls_self_signed": "mtls"}[role]
    url = kit.server.mtls_url("pushed_authorization_request")
    assert url
    with tls_client(kit, role, tmp_path) as http:
        assert http.post(url, data=kit.request(role)).status_code == 201
        assert error_of(http.post(url, data=kit.request(other))) == (401, "invalid_client")
        assert error_of(http.post(url, data=kit.request("second"))) == (401, "invalid_client")
        elsewhere = http.post(kit.url("pushed_authorization_request"), data=kit.request(role))
        assert error_of(elsewhere) == (401, "invalid_client")
    assert error_of(kit.http.post(url, data=kit.request(role))) == (401, "invalid_client")
    assert kit.http.post(url, data=kit.request("public")).status_code == 201


def test_tokens_may_be_bound_to_the_certificate(tmp_path: Path) -> None:
    with running(mtls_bound_tokens=True) as kit, tls_client(kit, "mtls", tmp_path) as http:
        assert kit.server.metadata()["tls_client_certificate_bound_access_tokens"] is True
        aliases = kit.server.metadata()["mtls_endpoint_aliases"]
        uri = http.post(aliases["pushed_authorization_request_endpoint"], data=kit.request("mtls")).json()[
            "request_uri"
        ]
        code = kit.browser().finish("mtls-client", uri)["code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": "mtls-client"}
        form |= {"redirect_uri": "https://mtls.example/callback", "code_verifier": VERIFIER}
        token = http.post(aliases["token_endpoint"], data=form).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert http.get(aliases["userinfo_endpoint"], headers=bearer).status_code == 200
        assert kit.http.get(kit.url("userinfo"), headers=bearer).status_code == 401
        asked = http.post(aliases["introspection_endpoint"], data={"token": token, "client_id": "mtls-client"})
        assert set(asked.json()["cnf"]) == {"x5t#S256"}


def test_an_untrusted_certificate_does_not_get_through(kit: Kit, tmp_path: Path) -> None:
    with (
        running(profile={"clients": kit.profile.model_dump()["clients"]}) as other,
        tls_client(other, "mtls_self_signed", tmp_path) as http,
    ):
        url = kit.server.mtls_url("pushed_authorization_request") or ""
        with pytest.raises(httpx2.TransportError):
            http.post(url, data=kit.request("mtls_self_signed"))


def test_a_self_signed_certificate_is_its_own_issuer(kit: Kit) -> None:
    certificate = kit.server.clients["mtls-self-signed-client"].certificate
    assert certificate
    certificate.verify_directly_issued_by(certificate)
    assert kit.keyring.clients["mtls_self_signed"].certificate.issuer is None
