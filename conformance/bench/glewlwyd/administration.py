"""glewlwyd is configured while it runs, over its administration API: scopes, users, clients, a plugin a profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2

from conformance.bench.material import local, make_keys, make_secret, registration, scopes
from conformance.bench.recipe import BenchError, Place
from conformance.profile.model import Client, Profile

#: What the clients may be restricted to is a property of ours; the others are known to the server's own web pages.
_ALLOWED = "allowed_scope"
_PROPERTIES = {
    _ALLOWED: {"multiple": True, "read": True, "write": True},
    "dpop_bound_access_tokens": {"multiple": False, "read": True, "write": True},
}

#: The settings by which the instances differ: the last part of their issuer names them.
_INSTANCES: dict[str, dict[str, Any]] = {
    "loose": {},
    "strict": {
        "request-parameter-ietf-strict": True,
        "request-maximum-exp": 600,
        "pkce-required": True,
    },
    "par-required": {"oauth-par-required": True},
}


class _Administrator:
    """A session of the administrator; the cookie is carried by hand, for it is bound to no domain."""

    def __init__(self, place: Place) -> None:
        self.client = httpx2.Client(base_url=f"{place.url}/api", trust_env=False, timeout=20)
        self.cookie = ""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call; its JSON answer, or None. BenchError if it is refused."""
        answer = self.client.request(method, path, json=body, headers={"cookie": self.cookie})
        if not answer.is_success:
            raise BenchError(f"glewlwyd refused {method} {path} with {answer.status_code}: {answer.text[:300]}")
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer.json() if answer.content else None


def configure(place: Place) -> None:
    """Set up everything that the profiles speak of. BenchError if the server refuses some of it."""
    admin = _Administrator(place)
    with admin.client:
        admin.call("POST", "/auth/", {"username": "admin", "password": "password"})
        admin.call(
            "PUT",
            "/profile/password",
            {
                "username": "admin",
                "old_password": "password",
                "password": make_secret(place.folder / "admin.secret"),
            },
        )
        _properties(admin)
        values = _scopes(admin, place.profiles)
        for user in {user.username: user for profile in place.profiles for user in profile.users.values()}.values():
            admin.call(
                "POST",
                "/user/",
                {
                    "username": user.username,
                    "password": make_secret(local(user.password.file, place.folder)),
                    "name": user.username.title(),
                    "email": f"{user.username}@users.example",
                    "scope": ["g_profile", *values],
                    "enabled": True,
                },
            )
        clients = {client.client_id: client for profile in place.profiles for client in profile.clients.values()}
        for client in clients.values():
            admin.call("POST", "/client/", _client(client, place.folder))
        for profile in place.profiles:
            name = str(profile.issuer).rpartition("/")[2]
            admin.call(
                "POST",
                "/mod/plugin/",
                {
                    "module": "oidc",
                    "name": name,
                    "display_name": profile.name,
                    "enabled": True,
                    "parameters": _plugin(place, name, values) | _INSTANCES[name],
                },
            )


def _properties(admin: _Administrator) -> None:
    """Make the store of clients keep the properties that it does not know by itself."""
    module = admin.call("GET", "/mod/client/database")
    module["parameters"]["data-format"] |= _PROPERTIES
    admin.call("PUT", "/mod/client/database", module)
    admin.call("PUT", "/mod/client/database/reset")


def _scopes(admin: _Administrator, profiles: tuple[Profile, ...]) -> list[str]:
    """Make every scope that some client may have, open to whoever logged in with a password. Returns their values.

    A client's forbidden scope is made too, else it would be refused as unknown rather than as forbidden.
    """
    clients = [client for profile in profiles for client in profile.clients.values()]
    granted = {value for client in clients for value in scopes(client)}
    forbidden = {client.forbidden_scope for client in clients if client.forbidden_scope}
    for value in sorted(granted | forbidden):
        scope = {
            "name": value,
            "display_name": value,
            "description": value,
            "password_required": True,
            "password_max_age": 0,
            "scheme": {},
            "scheme_required": {},
        }
        if value == "openid":
            admin.call("PUT", "/scope/openid", scope)
        else:
            admin.call("POST", "/scope/", scope)
    return sorted(granted | forbidden)


def _client(registered: Client, folder: Path) -> dict[str, Any]:
    """A client's registration in the words of this server."""
    metadata = registration(registered, folder)
    public = metadata["token_endpoint_auth_method"] == "none"  # noqa: S105 - a method, not a password
    client = {
        "client_id": metadata["client_id"],
        "name": metadata["client_id"],
        "confidential": not public,
        "enabled": True,
        "redirect_uri": metadata["redirect_uris"],
        "authorization_type": ["code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_method": [metadata["token_endpoint_auth_method"]],
        "scope": [],
        _ALLOWED: metadata.get("scope", "").split(),
    }
    if "client_secret" in metadata:
        client["client_secret"] = metadata["client_secret"]
    if "jwks" in metadata and "client_secret" in metadata:
        # Keys of a client are looked at, for request objects too, only if it may authenticate with them.
        client["token_endpoint_auth_method"].append("private_key_jwt")
    for name in ("jwks", "authorization_details_types", "request_object_signing_alg"):
        if name in metadata:
            client[name] = metadata[name]
    if "token_endpoint_auth_signing_alg" in metadata:
        client["token_endpoint_signing_alg"] = metadata["token_endpoint_auth_signing_alg"]
    if metadata.get("dpop_bound_access_tokens"):
        client["dpop_bound_access_tokens"] = "yes"
    if registered.resource:
        client["resource"] = registered.resource
    return client


def _plugin(place: Place, name: str, values: list[str]) -> dict[str, Any]:
    """The parameters of one OpenID Connect instance, in the server's own words."""
    keys = place.folder / "server.jwks"
    make_keys(keys, ("RS256", "ES256"), "server")
    return {
        "iss": f"{place.url}/api/{name}",
        "subject-type": "public",
        "jwks-private": keys.read_text(encoding="utf-8"),
        "default-kid": "server-RS256",
        "jwks-show": True,
        "access-token-duration": 3600,
        "refresh-token-duration": 1209600,
        "code-duration": 60,
        "refresh-token-rolling": False,
        "refresh-token-one-use": "never",
        "allow-non-oidc": True,
        "auth-type-code-enabled": True,
        "auth-type-code-revoke-replayed": True,
        "auth-type-token-enabled": False,
        "auth-type-none-enabled": False,
        "auth-type-password-enabled": False,
        "auth-type-client-enabled": False,
        "auth-type-device-enabled": False,
        "auth-type-refresh-enabled": True,
        "allowed-scope": values,
        "restrict-scope-client-property": _ALLOWED,
        "request-parameter-allow": True,
        "request-parameter-ietf-strict": False,
        "request-uri-allow-https-non-secure": False,
        "client-jwks-parameter": "jwks",
        "pkce-allowed": True,
        "pkce-method-plain-allowed": False,
        "pkce-required": False,
        "pkce-required-public-client": True,
        "introspection-revocation-allowed": True,
        "introspection-revocation-allow-target-client": True,
        "oauth-dpop-allowed": True,
        "oauth-dpop-iat-duration": 60,
        "oauth-dpop-dpop_bound_access_tokens-property": "dpop_bound_access_tokens",
        "resource-allowed": True,
        "resource-client-property": "resource",
        "oauth-rar-allowed": True,
        "rar-types-client-property": "authorization_details_types",
        "rar-allow-auth-unsigned": True,
        "rar-allow-auth-unencrypted": True,
        "rar-types": {"payment": {"scopes": ["openid"], "description": "A payment"}},
        "oauth-par-allowed": True,
        "oauth-par-required": False,
        "oauth-par-request_uri-prefix": "urn:ietf:params:oauth:request_uri:",
        "oauth-par-duration": 90,
        "oauth-as-iss-id": True,
    }
