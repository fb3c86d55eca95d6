"""What a server and the suite must both know: made once, from what the profile says, in files for the owner only."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jwt

from conformance.bench.recipe import BenchError
from conformance.profile.keyring import SigningKey, generate_key
from conformance.profile.model import Client, Profile

_JWT_METHODS = {"client_secret_jwt": "HS256", "private_key_jwt": "ES256"}


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def private_jwk(key: SigningKey) -> dict[str, Any]:
    """The private key as a JWK."""
    private: Any = key.private
    jwk: dict[str, Any] = jwt.get_algorithm_by_name(key.alg).to_jwk(private, as_dict=True)
    return {name: value for name, value in jwk.items() if name != "key_ops"} | {
        "kid": key.kid,
        "alg": key.alg,
        "use": "sig",
    }


def public_jwks(path: Path) -> dict[str, Any]:
    """The public half of a file of private keys."""
    private = ("d", "p", "q", "dp", "dq", "qi", "k")
    keys = json.loads(path.read_text(encoding="utf-8"))["keys"]
    return {"keys": [{name: value for name, value in key.items() if name not in private} for key in keys]}


def make_keys(path: Path, algorithms: Iterable[str], prefix: str) -> None:
    """Write a set of fresh private keys, one an algorithm, unless the file is there."""
    if not path.exists():
        keys = [private_jwk(generate_key(alg, f"{prefix}-{alg}")) for alg in algorithms]
        write_private(path, json.dumps({"keys": keys}, indent=2))


def make_secret(path: Path) -> str:
    """Return the secret in a file; make it of 256 random bits if the file is not there."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32) + "\n")
    return path.read_text(encoding="utf-8").strip()


def local(path: str | None, folder: Path) -> Path:
    """The file in a server's folder that a profile names. BenchError if the profile looks elsewhere."""
    named = Path(path or "")
    if named.parent.as_posix() != f"../.servers/{folder.name}":
        raise BenchError(f"a profile of {folder.name} reads {path!r}: its files belong in ../.servers/{folder.name}/")
    return folder / named.name


def algorithms(client: Client) -> list[str]:
    """Which algorithms a client signs with: its assertions first, then its request objects."""
    wanted = [client.assertion_alg or _JWT_METHODS["private_key_jwt"]] if client.auth == "private_key_jwt" else []
    if client.request_objects:
        wanted.append(client.request_objects.alg)
    return list(dict.fromkeys(wanted)) or ["ES256"]


def make(profile: Profile, folder: Path) -> None:
    """Make every secret and key that a profile reads from a server's folder, unless it is there already."""
    for role, client in profile.clients.items():
        if client.secret:
            make_secret(local(client.secret.file, folder))
        if client.keys:
            make_keys(local(client.keys.file, folder), algorithms(client), role)
    for user in profile.users.values():
        make_secret(local(user.password.file, folder))


def scopes(client: Client) -> list[str]:
    """Every scope value that a client may have."""
    return list(dict.fromkeys(f"{client.scope or ''} {client.further_scope or ''}".split()))


def registration(client: Client, folder: Path) -> dict[str, Any]:
    """What a client is registered with, in the names of RFC 7591 and of the specifications that add to it."""
    metadata: dict[str, Any] = {
        "client_id": client.client_id,
        "redirect_uris": client.redirect_uris,
        "token_endpoint_auth_method": client.auth,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }
    if scopes(client):
        metadata["scope"] = " ".join(scopes(client))
    if client.secret:
        metadata["client_secret"] = make_secret(local(client.secret.file, folder))
    if client.keys:
        metadata["jwks"] = public_jwks(local(client.keys.file, folder))
    if client.auth in _JWT_METHODS:
        metadata["token_endpoint_auth_signing_alg"] = client.assertion_alg or _JWT_METHODS[client.auth]
    if client.request_objects:
        metadata["request_object_signing_alg"] = client.request_objects.alg
        metadata["require_signed_request_object"] = client.request_objects.required
    if client.require_par:
        metadata["require_pushed_authorization_requests"] = True
    if client.dpop:
        metadata["dpop_bound_access_tokens"] = True
    if client.authorization_details:
        metadata["authorization_details_types"] = sorted(
            {str(detail["type"]) for detail in client.authorization_details}
        )
    return metadata


def registrations(profiles: Iterable[Profile], folder: Path) -> list[dict[str, Any]]:
    """The clients of several profiles of one server, each once."""
    return list({client["client_id"]: client for client in _all(profiles, folder)}.values())


def _all(profiles: Iterable[Profile], folder: Path) -> Iterator[dict[str, Any]]:
    for profile in profiles:
        for client in profile.clients.values():
            yield registration(client, folder)
