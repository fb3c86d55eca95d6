"""Which clients of a profile a check is run with: readable names to roles."""

from __future__ import annotations

from conformance.profile.model import Profile


def by_method(profile: Profile) -> dict[str, str]:
    """One client for each authentication method that the profile's clients use: method to role."""
    found: dict[str, str] = {}
    for role, client in profile.clients.items():
        found.setdefault(client.auth, role)
    return found


def confidential(profile: Profile) -> dict[str, str]:
    """One client for each method that has a credential."""
    return {method: role for method, role in by_method(profile).items() if method != "none"}


def further_confidential(profile: Profile) -> dict[str, str]:
    """Every client with a credential beside the one of each method that `confidential` names."""
    named = set(confidential(profile).values())
    return {role: role for role, client in profile.clients.items() if client.auth != "none" and role not in named}


def with_secret_or_key(profile: Profile) -> dict[str, str]:
    """One client for each method whose credential is sent or signed in the request itself."""
    return {method: role for method, role in confidential(profile).items() if "tls" not in method}


def with_assertion(profile: Profile) -> dict[str, str]:
    """One client for each method that sends a JWT (RFC 7523)."""
    return {method: role for method, role in by_method(profile).items() if method.endswith("_jwt")}


def with_secret(profile: Profile) -> dict[str, str]:
    """One client for each method that sends the secret itself."""
    return {
        method: role
        for method, role in by_method(profile).items()
        if method in {"client_secret_basic", "client_secret_post"}
    }


def with_dpop(profile: Profile) -> dict[str, str]:
    """The client whose tokens are bound by DPoP, or the first one where the profile names none."""
    role = next((role for role, client in profile.clients.items() if client.dpop), "first")
    return {role: role}


def able_to_prove(profile: Profile) -> dict[str, str]:
    """Clients that may use DPoP, registered for it or not: one of each kind, for the key is the flow's own."""
    kinds = {next(iter(with_dpop(profile))): "registered"}
    for role, client in profile.clients.items():
        required = client.request_objects is not None and client.request_objects.required
        kind = "public" if client.auth == "none" else "other"
        if (
            kind not in kinds.values()
            and "tls" not in client.auth
            and not required
            and (not client.dpop or kind == "public")
        ):
            kinds.setdefault(role, kind)
    return {kind: role for role, kind in kinds.items()}


def signing_confidential(profile: Profile) -> dict[str, str]:
    """One client with credentials for each method among those that use request objects."""
    found: dict[str, str] = {}
    for role, client in profile.clients.items():
        if client.request_objects is not None and client.auth != "none":
            found.setdefault(client.auth, role)
    return found


def without_certificate(profile: Profile) -> dict[str, str]:
    """One client for each method that needs no certificate."""
    return {method: role for method, role in by_method(profile).items() if "tls" not in method}
