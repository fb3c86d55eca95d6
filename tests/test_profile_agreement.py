"""Where a profile and the server's metadata contradict each other: told, with what to do."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from conformance.profile import Mistake, Profile, contradictions, load
from conformance.server import serve
from tests.profiles import GONE, assert_tells, profile

FIRST = "clients.first"

METADATA: dict[str, Any] = {
    "issuer": "http://127.0.0.1:8080/realms/test",
    "pushed_authorization_request_endpoint": "http://127.0.0.1:8080/par",
    "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt", "client_secret_jwt"],
    "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
    "request_object_signing_alg_values_supported": ["ES256"],
    "request_object_encryption_alg_values_supported": ["RSA-OAEP-256"],
    "request_object_encryption_enc_values_supported": ["A256GCM"],
    "scopes_supported": ["openid", "profile"],
    "response_modes_supported": ["query", "jwt"],
    "code_challenge_methods_supported": ["S256"],
    "dpop_signing_alg_values_supported": ["ES256"],
    "authorization_details_types_supported": ["payment"],
    "authorization_response_iss_parameter_supported": True,
    "request_parameter_supported": True,
    "request_uri_parameter_supported": True,
    "require_pushed_authorization_requests": True,
    "require_signed_request_object": False,
    "introspection_endpoint": "http://127.0.0.1:8080/introspect",
    "grant_types_supported": ["authorization_code", "refresh_token"],
}

AGREES = {
    f"{FIRST}.further_scope": "profile",
    f"{FIRST}.forbidden_scope": "admin",
    f"{FIRST}.response_mode": "query",
    f"{FIRST}.authorization_details": [{"type": "payment"}],
    "features": {
        "require_par": True,
        "require_signed_request_object": False,
        "pkce": True,
        "iss": True,
        "jar": True,
        "jar_by_value": True,
        "jar_by_reference": True,
        "encrypted_request_objects": True,
        "jarm": True,
        "dpop": True,
        "rar": True,
        "introspection": True,
        "refresh_tokens": True,
        "cors": "detect",
    },
}

SIGNED = {f"{FIRST}.auth": "private_key_jwt", f"{FIRST}.secret": GONE, f"{FIRST}.keys": {"generate": ["PS256"]}}


def against(changes: dict[str, object], metadata: dict[str, Any]) -> list[Mistake]:
    """What changed metadata say against a changed profile."""
    document = {name: value for name, value in (METADATA | metadata).items() if value is not GONE}
    return contradictions(Profile.model_validate(profile(changes)), document)


def test_a_profile_that_agrees_is_not_contradicted():
    assert against(AGREES, {}) == []


@pytest.mark.parametrize(
    ("changes", "metadata", "key", "found", "expected", "fix"),
    [
        ({}, {"issuer": "http://127.0.0.1:8080/realms/test/"}, "issuer", "test/", "sign by sign", "Copy the issuer"),
        ({}, {"issuer": "x\x1b[2J"}, "issuer", "\\u001b", "sign by sign", "Copy"),
        (
            {},
            {"pushed_authorization_request_endpoint": GONE},
            "endpoints.pushed_authorization_request",
            "neither in the metadata nor here",
            "RFC 9126 section 5",
            "Turn PAR on",
        ),
        (
            {f"{FIRST}.auth": "client_secret_post"},
            {},
            f"{FIRST}.auth",
            '"client_secret_basic", "private_key_jwt"',
            '"client_secret_post" among them',
            "Correct auth",
        ),
        (
            {f"{FIRST}.auth": "client_secret_post"},
            {"token_endpoint_auth_methods_supported": GONE},
            f"{FIRST}.auth",
            '"client_secret_basic" by default',
            '"client_secret_post"',
            "Correct auth",
        ),
        (
            {f"{FIRST}.auth": "client_secret_jwt", f"{FIRST}.assertion_alg": "HS512"},
            {},
            f"{FIRST}.assertion_alg",
            'token_endpoint_auth_signing_alg_values_supported is "ES256"',
            '"HS512" among them',
            "Correct assertion_alg",
        ),
        ({f"{FIRST}.auth": "client_secret_jwt"}, {}, f"{FIRST}.assertion_alg", "ES256", '"HS256"', "Correct"),
        (SIGNED, {}, f"{FIRST}.assertion_alg", '"ES256"', '"PS256"', "Correct"),
        (
            {f"{FIRST}.request_objects": {"alg": "RS256"}},
            {},
            f"{FIRST}.request_objects.alg",
            'request_object_signing_alg_values_supported is "ES256"',
            '"RS256" among them',
            "Correct alg",
        ),
        (
            {f"{FIRST}.request_objects": {"encryption_alg": "ECDH-ES", "encryption_enc": "A256GCM"}},
            {},
            f"{FIRST}.request_objects.encryption_alg",
            '"RSA-OAEP-256"',
            '"ECDH-ES" among them',
            "Correct encryption_alg",
        ),
        (
            {f"{FIRST}.request_objects": {"encryption_alg": "RSA-OAEP-256", "encryption_enc": "A128GCM"}},
            {},
            f"{FIRST}.request_objects.encryption_enc",
            '"A256GCM"',
            '"A128GCM" among them',
            "Correct encryption_enc",
        ),
        ({f"{FIRST}.response_mode": "form_post"}, {}, f"{FIRST}.response_mode", "modes", '"form_post"', "Correct"),
        (
            {f"{FIRST}.authorization_details": [{"type": "loan"}]},
            {},
            f"{FIRST}.authorization_details[0].type",
            '"payment"',
            '"loan" among them',
            "Correct type",
        ),
        ({"features.require_par": False}, {}, "features.require_par", "is true", "false (RFC 9126", "Correct"),
        (
            {"features.require_par": True},
            {"require_pushed_authorization_requests": False},
            "features.require_par",
            "is false",
            "true",
            "or the server",
        ),
        (
            {"features.require_signed_request_object": True},
            {},
            "features.require_signed_request_object",
            "is false",
            "true",
            "Correct",
        ),
        (
            {"features.dpop": True},
            {"dpop_signing_alg_values_supported": GONE},
            "features.dpop",
            "missing",
            "9449",
            "Turn",
        ),
        (
            {"features.rar": True},
            {"authorization_details_types_supported": []},
            "features.rar",
            "empty",
            "9396",
            "Turn",
        ),
        (
            {"features.pkce": True},
            {"code_challenge_methods_supported": GONE},
            "features.pkce",
            "missing or empty",
            "RFC 8414",
            "features.pkce: false",
        ),
        (
            {"features.pkce": True},
            {"code_challenge_methods_supported": ["plain"]},
            "features.pkce",
            '"plain"',
            '"S256" among them',
            "features.pkce: false",
        ),
        (
            {"features.iss": True},
            {"authorization_response_iss_parameter_supported": GONE},
            "features.iss",
            "is not true",
            "RFC 9207",
            "features.iss: false",
        ),
        ({"features.jar": True}, {"request_parameter_supported": False}, "features.jar", "is false", "true", "Turn"),
        (
            {"features.jar_by_reference": True},
            {"request_uri_parameter_supported": False},
            "features.jar_by_reference",
            "request_uri_parameter_supported is false",
            "true",
            "Turn it on",
        ),
        ({"features.jarm": True}, {"response_modes_supported": ["query"]}, "features.jarm", "no mode", "jwt", "Turn"),
        ({"features.jarm": True}, {"response_modes_supported": GONE}, "features.jarm", "no mode", "jwt", "Turn"),
        (
            {"features.encrypted_request_objects": True},
            {"request_object_encryption_alg_values_supported": GONE},
            "features.encrypted_request_objects",
            "missing",
            "a value",
            "Turn",
        ),
        (
            {"features.introspection": True},
            {"introspection_endpoint": GONE},
            "features.introspection",
            "missing",
            "a value",
            "Turn",
        ),
        (
            {"features.refresh_tokens": True},
            {"grant_types_supported": ["authorization_code"]},
            "features.refresh_tokens",
            '"authorization_code"',
            '"refresh_token" among them',
            "Correct refresh_tokens",
        ),
    ],
)
def test_a_contradiction_is_told(changes, metadata, key, found, expected, fix):
    told = against(changes, metadata)

    assert len(told) == 1
    assert told[0].file == "Local server"
    assert_tells(told[0], key, found, expected, fix)


@pytest.mark.parametrize(
    ("changes", "metadata"),
    [
        ({"issuer": GONE, "metadata_url": "http://localhost/m"}, {"issuer": "http://else.example"}),
        (
            {"endpoints.pushed_authorization_request": "http://localhost/par"},
            {"pushed_authorization_request_endpoint": GONE},
        ),
        # A server may keep scopes to itself, and the list is of methods of authentication (RFC 8414 section 2).
        ({f"{FIRST}.scope": "openid accounts"}, {}),
        ({"features.require_par": True}, {"require_pushed_authorization_requests": GONE}),
        ({f"{FIRST}.auth": "none", f"{FIRST}.secret": GONE}, {}),
        ({f"{FIRST}.request_objects": {"alg": "PS256"}}, {"request_object_signing_alg_values_supported": [1]}),
        ({f"{FIRST}.auth": "private_key_jwt", f"{FIRST}.keys": {"env": "KEYS"}}, {}),
        ({"features": {"jar": True, "jar_by_value": True}}, {"request_parameter_supported": GONE}),
        ({"features": {"dpop": False, "pkce": False, "iss": False}}, {}),
        (
            {"features.introspection": True, "endpoints.introspection": "http://localhost/i"},
            {"introspection_endpoint": GONE},
        ),
    ],
)
def test_what_the_metadata_leave_open_contradicts_nothing(changes, metadata):
    assert against(changes, metadata) == []


def test_the_reference_server_and_its_profile_agree():
    loaded = load(Path(__file__).parent.parent / "targets" / "reference.yaml")

    with serve(loaded.profile, loaded.keyring) as running:
        trust = ssl.create_default_context(cafile=str(running.ca_file))
        with urlopen(f"{running.issuer}/.well-known/oauth-authorization-server", context=trust) as answer:
            metadata = json.load(answer)

    assert contradictions(loaded.profile, metadata) == []


def test_a_server_that_lists_thousands_of_values_is_told_in_one_line():
    (told,) = against({f"{FIRST}.response_mode": "query"}, {"response_modes_supported": ["x" * 900] * 5000})

    assert len(told.found) < 1000
    assert told.found.endswith("and 4988 more")


def test_the_file_is_named_where_it_is_known():
    (told,) = contradictions(Profile.model_validate(profile()), METADATA | {"issuer": "x"}, file="targets/a.yaml")

    assert str(told).startswith("targets/a.yaml issuer\n")
