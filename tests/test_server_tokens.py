"""The reference server's token endpoint, userinfo and introspection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import jwt
import pytest

from tests.server_kit import CHALLENGE, VERIFIER, Kit, error_of, running

OTHER_VERIFIER = "another-verifier-of-at-least-forty-three-chars"


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    with running() as started:
        yield started


def userinfo(kit: Kit, token: str, scheme: str = "Bearer") -> httpx2.Response:
    return kit.http.get(kit.url("userinfo"), headers={"Authorization": f"{scheme} {token}"})


def introspect(kit: Kit, token: str, role: str = "first") -> dict[str, Any]:
    found: dict[str, Any] = kit.post("introspection", role, {"token": token}).json()
    return found


def test_tokens_for_a_code(kit: Kit) -> None:
    answer = kit.redeem(kit.code())
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (tokens["token_type"], tokens["scope"]) == ("Bearer", "openid profile")
    assert userinfo(kit, tokens["access_token"]).json() == {"sub": "subject-first", "preferred_username": "alice"}
    seen = introspect(kit, tokens["access_token"])
    assert (seen["active"], seen["client_id"], seen["scope"]) == (True, "first-client", "openid profile")
    assert introspect(kit, tokens["access_token"], "second") == {"active": False}
    assert introspect(kit, "x") == {"active": False}


def test_the_id_token(kit: Kit) -> None:
    nonce = "n" * 384
    token = kit.redeem(kit.code(nonce=nonce)).json()["id_token"]
    keys = jwt.PyJWKSet.from_dict(kit.http.get(kit.url("jwks")).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, ["RS256"], audience="first-client", issuer=kit.running.issuer)
    assert claims["nonce"] == nonce
    assert claims["sub"] == "subject-first"
    assert claims["acr"] == "urn:example:acr:password"
    assert abs(claims["auth_time"] - kit.clock.now()) < 5


def test_without_openid_there_is_no_id_token(kit: Kit) -> None:
    tokens = kit.redeem(kit.code(scope="profile")).json()
    assert "id_token" not in tokens
    assert userinfo(kit, tokens["access_token"]).status_code == 403


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"code": None}, "invalid_request"),
        ({"code": "x"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"redirect_uri": "https://client.example/other"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": OTHER_VERIFIER}, "invalid_grant"),
        ({"code_verifier": CHALLENGE}, "invalid_grant"),
        ({"code_verifier": "é" * 43}, "invalid_grant"),
        ({"resource": "https://api.example/accounts"}, "invalid_target"),
    ],
)
def test_bad_redemptions(kit: Kit, changes: dict[str, Any], error: str) -> None:
    code = kit.code()
    assert error_of(kit.redeem(code, **changes)) == (400, error)
    assert kit.redeem(code).status_code == 200  # a failed attempt does not burn the code


def test_a_code_is_for_its_client(kit: Kit) -> None:
    code = kit.code()
    foreign = kit.redeem(code, "second", redirect_uri="https://client.example/callback")
    assert error_of(foreign) == (400, "invalid_grant")
    assert kit.redeem(code).status_code == 200


def test_a_second_redemption_revokes(kit: Kit) -> None:
    code = kit.code()
    tokens = kit.redeem(code).json()
    assert error_of(kit.redeem(code)) == (400, "invalid_grant")
    assert userinfo(kit, tokens["access_token"]).status_code == 401
    assert introspect(kit, tokens["access_token"]) == {"active": False}
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert error_of(kit.post("token", "first", refresh)) == (400, "invalid_grant")


def test_codes_and_tokens_end(kit: Kit) -> None:
    code, token = kit.code(), kit.redeem(kit.code()).json()["access_token"]
    kit.clock.offset += 61
    assert error_of(kit.redeem(code)) == (400, "invalid_grant")
    assert userinfo(kit, token).status_code == 200
    kit.clock.offset += 240
    assert userinfo(kit, token).status_code == 401
    assert introspect(kit, token) == {"active": False}


def test_pkce_downgrade(kit: Kit) -> None:
    plain = kit.code(code_challenge=None, code_challenge_method=None)
    assert error_of(kit.redeem(plain, code_verifier=VERIFIER)) == (400, "invalid_grant")
    assert kit.redeem(plain, code_verifier=None).status_code == 200


def test_plain_pkce_where_it_is_allowed() -> None:
    with running(plain_pkce=True) as kit:
        code = kit.code(code_challenge=VERIFIER, code_challenge_method=None)
        assert error_of(kit.redeem(code, code_verifier=OTHER_VERIFIER)) == (400, "invalid_grant")
        assert kit.redeem(code).status_code == 200
        assert kit.server.metadata()["code_challenge_methods_supported"] == ["S256", "plain"]


def test_refreshing(kit: Kit) -> None:
    tokens = kit.redeem(kit.code()).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for _ in range(2):
        again = kit.post("token", "first", form).json()
        assert again["access_token"] != tokens["access_token"]
        assert "refresh_token" not in again
    assert kit.post("token", "first", form | {"scope": "openid"}).json()["scope"] == "openid"
    assert error_of(kit.post("token", "first", form | {"scope": "openid email"})) == (400, "invalid_scope")
    assert error_of(kit.post("token", "second", form)) == (400, "invalid_grant")
    access = {"grant_type": "refresh_token", "refresh_token": tokens["access_token"]}
    assert error_of(kit.post("token", "first", access)) == (400, "invalid_grant")


def test_a_public_client_gets_no_unbound_refresh_token(kit: Kit) -> None:
    tokens = kit.redeem(kit.code("public"), "public").json()
    assert "access_token" in tokens
    assert "refresh_token" not in tokens
    assert error_of(kit.post("introspection", "public", {"token": "x", "client_id": "public-client"}))[0] == 401


def test_duplicates_and_media_types(kit: Kit) -> None:
    headers, _ = kit.credentials("first")
    body = "grant_type=authorization_code&code=x&code=x"
    form = headers | {"Content-Type": "application/x-www-form-urlencoded"}
    assert error_of(kit.http.post(kit.url("token"), content=body, headers=form)) == (400, "invalid_request")
    assert error_of(kit.http.post(kit.url("token"), json={}, headers=headers)) == (400, "invalid_request")
    assert kit.http.get(kit.url("token")).status_code == 405


def test_userinfo_asks_for_a_token(kit: Kit) -> None:
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x"}, {"Authorization": "DPoP x"}):
        answer = kit.http.get(kit.url("userinfo"), headers=headers)
        assert answer.status_code == 401
        assert "error=" in answer.headers["www-authenticate"]


# Details and resources

DETAIL = '[{"type":"payment","amount":"12.50","currency":"EUR","creditor":"Marten Bakery"}]'


def test_details_go_through_to_the_token(kit: Kit) -> None:
    code = kit.code("rar", authorization_details=DETAIL, resource="https://api.example/accounts")
    tokens = kit.redeem(code, "rar").json()
    assert tokens["authorization_details"][0]["creditor"] == "Marten Bakery"
    assert tokens["scope"] == "openid"
    seen = introspect(kit, tokens["access_token"], "rar")
    assert seen["authorization_details"] == tokens["authorization_details"]
    assert seen["aud"] == ["https://api.example/accounts"]


@pytest.mark.parametrize(
    "details",
    [
        "x",
        "{}",
        "[]",
        "[1]",
        "[[]]",
        '[{"amount": "1"}]',
        '[{"type": 1}]',
        '[{"type": "unknown"}]',
        '[{"type":"payment","amount":12.5,"currency":"EUR","creditor":"x"}]',
        '[{"type":"payment","amount":"1","currency":"EUR"}]',
        '[{"type":"payment","amount":"1","currency":"EUR","creditor":"x","more":1}]',
        '[{"type":"payment","type":"payment","amount":"1","currency":"EUR","creditor":"x"}]',
        "[" * 100_000,
    ],
)
def test_bad_details(kit: Kit, details: str) -> None:
    assert error_of(kit.push("rar", authorization_details=details)) == (400, "invalid_authorization_details")


def test_details_are_for_registered_clients(kit: Kit) -> None:
    assert error_of(kit.push("second", authorization_details=DETAIL)) == (400, "invalid_authorization_details")
    assert error_of(kit.push("second", resource="https://api.example/accounts")) == (400, "invalid_target")
