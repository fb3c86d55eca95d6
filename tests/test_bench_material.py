"""Secrets, keys and registrations that the bench makes from a profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.bench import BenchError
from conformance.bench.material import (
    local,
    make,
    make_keys,
    make_secret,
    public_jwks,
    registration,
    registrations,
    write_private,
)
from conformance.profile.keyring import resolve
from conformance.profile.model import Profile


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ".servers" / "some-server"
    made.mkdir(parents=True)
    return made


def a_profile(**clients: dict[str, Any]) -> Profile:
    basic = {
        "client_id": "first-client",
        "auth": "client_secret_basic",
        "secret": {"file": "../.servers/some-server/first.secret"},
        "redirect_uris": ["https://client.example/callback"],
    }
    user = {"username": "alice", "password": {"file": "../.servers/some-server/alice.secret"}}
    return Profile.model_validate({"name": "x", "clients": {"first": basic, **clients}, "users": {"first": user}})


SIGNED = {
    "client_id": "signed-client",
    "auth": "private_key_jwt",
    "assertion_alg": "PS256",
    "keys": {"file": "../.servers/some-server/signed.jwks"},
    "redirect_uris": ["https://signed.example/callback"],
    "request_objects": {"alg": "ES256", "required": True},
    "scope": "openid profile",
    "further_scope": "email",
    "require_par": True,
    "dpop": True,
    "authorization_details": [{"type": "payment", "amount": "1"}, {"type": "account"}],
}


def test_secrets_and_keys_are_made_for_their_owner_only(folder: Path) -> None:
    make(a_profile(signed=SIGNED), folder)

    made = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert made == {"first.secret": 0o600, "alice.secret": 0o600, "signed.jwks": 0o600}


def test_the_suite_can_use_what_was_made(folder: Path) -> None:
    """The loader finds the files from the folder of the profile, a sibling of the servers' one."""
    profile = a_profile(signed=SIGNED)
    make(profile, folder)
    targets = folder.parent.parent / "targets"
    targets.mkdir()

    keyring = resolve(profile, targets)

    assert len(keyring.clients["first"].secret or "") >= 43
    assert [key.alg for key in keyring.clients["signed"].keys] == ["PS256", "ES256"]


def test_what_is_there_already_is_kept(folder: Path) -> None:
    first = make_secret(folder / "first.secret")
    make_keys(folder / "some.jwks", ["ES256"], "some")
    keys = (folder / "some.jwks").read_bytes()

    make_keys(folder / "some.jwks", ["ES256"], "some")

    assert make_secret(folder / "first.secret") == first
    assert (folder / "some.jwks").read_bytes() == keys


def test_a_private_file_replaces_an_open_one(folder: Path) -> None:
    path = folder / "settings.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)

    write_private(path, "new")

    assert path.read_text(encoding="utf-8") == "new"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("path", ["../.servers/other/x.secret", "/etc/x.secret", "x.secret", None])
def test_a_profile_that_reads_from_elsewhere_is_refused(folder: Path, path: str | None) -> None:
    with pytest.raises(BenchError, match="its files belong in"):
        local(path, folder)


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_public_keys_have_nothing_private(folder: Path, alg: str) -> None:
    make_keys(folder / "some.jwks", [alg], "some")

    (key,) = public_jwks(folder / "some.jwks")["keys"]

    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)
    assert (key["alg"], key["kid"], key["use"]) == (alg, f"some-{alg}", "sig")


def test_a_client_is_registered_as_its_profile_says(folder: Path) -> None:
    profile = a_profile(signed=SIGNED)
    make(profile, folder)

    metadata = registration(profile.clients["signed"], folder)

    jwks = metadata.pop("jwks")
    assert [key["alg"] for key in jwks["keys"]] == ["PS256", "ES256"]
    assert metadata == {
        "client_id": "signed-client",
        "redirect_uris": ["https://signed.example/callback"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "PS256",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "openid profile email",
        "request_object_signing_alg": "ES256",
        "require_signed_request_object": True,
        "require_pushed_authorization_requests": True,
        "dpop_bound_access_tokens": True,
        "authorization_details_types": ["account", "payment"],
    }


def test_a_client_of_two_profiles_is_registered_once(folder: Path) -> None:
    profile = a_profile()
    make(profile, folder)

    (client,) = registrations([profile, profile], folder)

    assert client["client_secret"] == (folder / "first.secret").read_text(encoding="utf-8").strip()
    assert json.dumps(client)
