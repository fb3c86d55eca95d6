"""DPoP at the reference server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.server import jose
from tests.server_kit import Kit, answer_of, error_of, new_key, running

PAR = "pushed_authorization_request"


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    with running() as started:
        yield started


def thumbprint(key: Any) -> str:
    return jose.thumbprint(key.public_jwk())


def flow(kit: Kit, key: Any | None, role: str = "dpop", **changes: Any) -> str:
    """A code whose push came with a proof of this key."""
    headers = {"DPoP": kit.proof(key, PAR)} if key else {}
    answer = kit.push(role, headers=headers, **changes)
    assert answer.status_code == 201, answer.text
    return kit.browser().finish(kit.client_id(role), answer.json()["request_uri"])["code"]


def redeem(kit: Kit, code: str, key: Any | None, role: str = "dpop", **proof: Any) -> Any:
    return kit.redeem(code, role, headers={"DPoP": kit.proof(key, "token", **proof)} if key else {})


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"])
def test_a_bound_token(kit: Kit, alg: str) -> None:
    key = new_key(alg)
    tokens = redeem(kit, flow(kit, key), key).json()
    assert tokens["token_type"] == "DPoP"
    seen = kit.post("introspection", "dpop", {"token": tokens["access_token"]}).json()
    assert seen["cnf"] == {"jkt": thumbprint(key)}
    ath = jose.encode(hashlib.sha256(tokens["access_token"].encode()).digest())
    proof = kit.proof(key, "userinfo", htm="GET", ath=ath)
    headers = {"Authorization": f"DPoP {tokens['access_token']}", "DPoP": proof}
    assert kit.http.get(kit.url("userinfo"), headers=headers).status_code == 200
    for changed in (
        {"Authorization": headers["Authorization"]},
        headers,  # the proof was used
        {"Authorization": f"Bearer {tokens['access_token']}", "DPoP": kit.proof(key, "userinfo", htm="GET", ath=ath)},
        headers | {"DPoP": kit.proof(key, "userinfo", htm="GET")},
        headers | {"DPoP": kit.proof(new_key(), "userinfo", htm="GET", ath=ath)},
    ):
        refused = kit.http.get(kit.url("userinfo"), headers=changed)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("DPoP error=")


def test_a_proof_at_the_push_binds_the_code(kit: Kit) -> None:
    key = new_key()
    code = flow(kit, key)
    assert error_of(redeem(kit, code, new_key())) == (400, "invalid_grant")
    assert error_of(redeem(kit, code, None)) == (400, "invalid_dpop_proof")
    assert redeem(kit, code, key).status_code == 200


def test_dpop_jkt_binds_the_code(kit: Kit) -> None:
    key = new_key()
    code = flow(kit, None, "first", dpop_jkt=thumbprint(key))
    assert error_of(redeem(kit, code, None, "first")) == (400, "invalid_grant")
    assert error_of(redeem(kit, code, new_key(), "first")) == (400, "invalid_grant")
    assert redeem(kit, code, key, "first").status_code == 200


def test_the_two_must_agree(kit: Kit) -> None:
    key, other = new_key(), new_key()
    differing = kit.push("dpop", headers={"DPoP": kit.proof(key, PAR)}, dpop_jkt=thumbprint(other))
    assert error_of(differing) == (400, "invalid_dpop_proof")
    agreeing = kit.push("dpop", headers={"DPoP": kit.proof(key, PAR)}, dpop_jkt=thumbprint(key))
    assert agreeing.status_code == 201


def test_a_registered_client_always_shows_a_proof(kit: Kit) -> None:
    assert error_of(redeem(kit, flow(kit, None), None)) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    ("headers", "claims"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": None}, {}),
        ({"typ": 5}, {}),
        ({"jwk": None}, {}),
        ({"jwk": {}}, {}),
        ({"jwk": "x"}, {}),
        ({"jwk": {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}}, {}),
        ({"jwk": {"kty": "EC", "crv": "P-256", "x": 5, "y": []}}, {}),
        ({"jwk": {"kty": "oct", "k": "AAAA"}}, {}),
        ({"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}, {}),
        ({"crit": ["x"], "x": 1}, {}),
        ({}, {"htm": "GET"}),
        ({}, {"htm": None}),
        ({}, {"htm": "post"}),
        ({}, {"htu": None}),
        ({}, {"htu": 5}),
        ({}, {"htu": "https://[/"}),
        ({}, {"htu": "https://other.example/par"}),
        ({}, {"iat": None}),
        ({}, {"iat": "x"}),
        ({}, {"iat": 1}),
        ({}, {"iat": 4102444800}),
        ({}, {"iat": 10**400}),
        ({}, {"jti": None}),
        ({}, {"jti": ""}),
        ({}, {"jti": 5}),
    ],
)
def test_bad_proofs(kit: Kit, headers: dict[str, Any], claims: dict[str, Any]) -> None:
    proof = kit.proof(new_key(), PAR, headers, **claims)
    assert error_of(kit.push("first", headers={"DPoP": proof})) == (400, "invalid_dpop_proof")


def test_more_bad_proofs(kit: Kit) -> None:
    key = new_key()
    good = kit.proof(key, PAR)
    head, body, signature = good.split(".")
    private = key.public_jwk() | {"d": "AAAA"}
    for proof in (
        "x",
        "",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{good}, {good}",
        kit.proof(key, "token"),
        kit.proof(key, PAR, {"jwk": new_key().public_jwk()}),
        kit.proof(key, PAR, {"jwk": new_key("RS256").public_jwk()}),
        kit.proof(key, PAR, {"jwk": private}),
    ):
        assert error_of(kit.push("first", headers={"DPoP": proof})) == (400, "invalid_dpop_proof"), proof
    data, headers = kit.request("first"), kit.credentials("first")[0]
    two = [*headers.items(), ("DPoP", kit.proof(key, PAR)), ("DPoP", kit.proof(key, PAR))]
    assert error_of(kit.http.post(kit.url(PAR), data=data, headers=two)) == (400, "invalid_dpop_proof")


def test_a_proof_is_good_once(kit: Kit) -> None:
    headers = {"DPoP": kit.proof(new_key(), PAR)}
    assert kit.push("first", headers=headers).status_code == 201
    assert error_of(kit.push("first", headers=headers)) == (400, "invalid_dpop_proof")


def test_the_target_is_normalised(kit: Kit) -> None:
    url = kit.url(PAR)
    for htu in (f"{url}?x=1", f"{url}#x", url.replace("https", "HTTPS"), kit.server.mtls_url(PAR)):
        assert kit.push("first", headers={"DPoP": kit.proof(new_key(), PAR, htu=htu)}).status_code == 201
    for htu in (f"{url}/", url.upper(), url.replace("https", "http")):
        refused = kit.push("first", headers={"DPoP": kit.proof(new_key(), PAR, htu=htu)})
        assert error_of(refused) == (400, "invalid_dpop_proof")


def test_the_front_channel_cannot_rebind(kit: Kit) -> None:
    key, other = new_key(), new_key()
    answer = kit.push("dpop", headers={"DPoP": kit.proof(key, PAR)})
    browser = kit.browser()
    opened = browser.authorize("dpop-client", answer.json()["request_uri"], dpop_jkt=thumbprint(other))
    page = browser.login(browser.follow(opened))
    code = answer_of(browser.submit(page, decision="allow").headers["location"])["code"]
    assert error_of(redeem(kit, code, other)) == (400, "invalid_grant")
    assert redeem(kit, code, key).status_code == 200


def test_a_public_clients_refresh_token_is_bound(kit: Kit) -> None:
    key = new_key()
    tokens = redeem(kit, flow(kit, key, "public"), key, "public").json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "public-client"}
    other = {"DPoP": kit.proof(new_key(), "token")}
    assert error_of(kit.post("token", "public", form, other)) == (400, "invalid_grant")
    assert error_of(kit.post("token", "public", form)) == (400, "invalid_grant")
    assert kit.post("token", "public", form, {"DPoP": kit.proof(key, "token")}).json()["token_type"] == "DPoP"


def test_nonces() -> None:
    with running(dpop_nonce=True, dpop_nonce_lifetime=100) as kit:
        key = new_key()
        challenged = kit.push("first", headers={"DPoP": kit.proof(key, PAR)})
        assert error_of(challenged) == (400, "use_dpop_nonce")
        nonce = challenged.headers["dpop-nonce"]
        answer = kit.push("first", headers={"DPoP": kit.proof(key, PAR, nonce=nonce)})
        assert answer.status_code == 201
        assert answer.headers["dpop-nonce"] == nonce
        kit.clock.offset += 60
        rotated = kit.push("first", headers={"DPoP": kit.proof(key, PAR, nonce=nonce)})
        assert rotated.status_code == 201
        assert rotated.headers["dpop-nonce"] != nonce
        kit.clock.offset += 41
        for stale in (nonce, "x", 5):
            refused = kit.push("first", headers={"DPoP": kit.proof(key, PAR, nonce=stale)})
            assert error_of(refused) == (400, "use_dpop_nonce")
        assert kit.push("first").status_code == 201


def test_a_challenge_does_not_burn_an_assertion() -> None:
    with running(dpop_nonce=True) as kit:
        key = new_key()
        form = kit.request("dpop") | kit.credentials("dpop")[1]
        challenged = kit.http.post(kit.url(PAR), data=form, headers={"DPoP": kit.proof(key, PAR)})
        proof = kit.proof(key, PAR, nonce=challenged.headers["dpop-nonce"])
        assert kit.http.post(kit.url(PAR), data=form, headers={"DPoP": proof}).status_code == 201


def test_where_dpop_is_a_duty() -> None:
    with running(require_dpop=True) as kit:
        assert error_of(kit.push("first")) == (400, "invalid_dpop_proof")
        assert kit.push("first", dpop_jkt=thumbprint(new_key())).status_code == 201
        key = new_key()
        assert redeem(kit, flow(kit, key, "first"), key, "first").status_code == 200


def test_without_the_feature() -> None:
    with running(dpop=False) as kit:
        assert kit.push("first", headers={"DPoP": "x"}).status_code == 201
        assert "dpop_signing_alg_values_supported" not in kit.server.metadata()
        assert redeem(kit, flow(kit, new_key()), new_key()).json()["token_type"] == "Bearer"
