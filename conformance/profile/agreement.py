"""Where a profile and the server's own metadata (RFC 8414) contradict each other.

One of the two is wrong, and the suite cannot know which: a contradiction is told before checks run on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.profile.mistake import Mistake
from conformance.profile.model import Client, Feature, Profile
from conformance.profile.words import Key, alternatives, dotted, printable, quoted

#: What the metadata must have, not empty, where the profile says that a feature is on.
_ADVERTISED_BY = {
    Feature.DPOP: ("dpop_signing_alg_values_supported", "RFC 9449 section 5.1"),
    Feature.RAR: ("authorization_details_types_supported", "RFC 9396 section 10"),
    Feature.PKCE: ("code_challenge_methods_supported", "RFC 8414 section 2"),
    Feature.INTROSPECTION: ("introspection_endpoint", "RFC 8414 section 2"),
    Feature.ENCRYPTED_REQUEST_OBJECTS: (
        "request_object_encryption_alg_values_supported",
        "OpenID Connect Discovery section 3",
    ),
}

#: Members that turn a feature off where they are false.
_REFUSED_BY = {
    Feature.JAR: "request_parameter_supported",
    Feature.JAR_BY_VALUE: "request_parameter_supported",
    Feature.JAR_BY_REFERENCE: "request_uri_parameter_supported",
}

#: Members, false where they are missing, that the profile must agree with in both directions.
_SAME_AS = {
    Feature.REQUIRE_PAR: ("require_pushed_authorization_requests", "RFC 9126 section 5"),
    Feature.REQUIRE_SIGNED_REQUEST_OBJECT: ("require_signed_request_object", "RFC 9101 section 10.5"),
}

_JWT_METHODS = {"client_secret_jwt", "private_key_jwt"}


def contradictions(profile: Profile, metadata: Mapping[str, object], *, file: str = "") -> list[Mistake]:
    """What the metadata says against the profile, in the order of the profile's keys.

    `metadata` is the server's document as it came: a member of a wrong type counts as missing here, for the
    checks tell that. `file` names the profile in the mistakes; its name by default.
    """
    return [
        Mistake(file=file or profile.name, key=dotted(key), found=printable(found), expected=expected, fix=fix)
        for key, found, expected, fix in _contradictions(profile, metadata)
    ]


_Told = Iterator[tuple[Key, str, str, str]]


def _contradictions(profile: Profile, metadata: Mapping[str, object]) -> _Told:
    issuer = metadata.get("issuer")
    if profile.issuer is not None and issuer is not None and issuer != profile.issuer:
        yield (
            ("issuer",),
            f"the metadata's issuer is {quoted(str(issuer))}",
            f"{quoted(profile.issuer)}, sign by sign (RFC 8414 section 3.3)",
            "Copy the issuer from the metadata, or correct the server.",
        )
    if not profile.endpoints.pushed_authorization_request and not _text(
        metadata, "pushed_authorization_request_endpoint"
    ):
        yield (
            ("endpoints", "pushed_authorization_request"),
            "no pushed_authorization_request_endpoint, neither in the metadata nor here",
            "the URL of the PAR endpoint (RFC 9126 section 5)",
            "Turn PAR on at the server, or write the URL here.",
        )
    for role, client in profile.clients.items():
        yield from _of_client(("clients", role), client, metadata)
    for feature, answer in profile.features.items():
        if isinstance(answer, bool):
            yield from _of_feature(profile, feature, answer, metadata)


def _of_client(at: Key, client: Client, metadata: Mapping[str, object]) -> _Told:
    # RFC 8414 section 2: what a server means that does not say how clients authenticate.
    member = "token_endpoint_auth_methods_supported"
    given = _texts(metadata, member)
    methods, default = (["client_secret_basic"], " by default") if given is None else (given, "")
    # The list is of methods of authentication (RFC 8414 section 2): of public clients it need say nothing.
    if client.auth not in methods and client.auth != "none":
        yield (
            (*at, "auth"),
            f"{member} is {_listed(methods)}{default}",
            f"{quoted(client.auth)} among them",
            "Correct auth as the client is registered, or the metadata.",
        )
    if client.auth in _JWT_METHODS:
        alg = _assertion_alg(client)
        member = "token_endpoint_auth_signing_alg_values_supported"
        yield from _listed_value((*at, "assertion_alg"), alg, member, metadata)
    if client.request_objects is not None:
        request_objects, member = client.request_objects, "request_object_{}_values_supported"
        for name, value, what in (
            ("alg", request_objects.alg, "signing_alg"),
            ("encryption_alg", request_objects.encryption_alg, "encryption_alg"),
            ("encryption_enc", request_objects.encryption_enc, "encryption_enc"),
        ):
            yield from _listed_value((*at, "request_objects", name), value, member.format(what), metadata)
    yield from _listed_value((*at, "response_mode"), client.response_mode, "response_modes_supported", metadata)
    for number, entry in enumerate(client.authorization_details or []):
        place: Key = (*at, "authorization_details", number, "type")
        kind = entry.get("type")
        if isinstance(kind, str):
            yield from _listed_value(place, kind, "authorization_details_types_supported", metadata)


def _assertion_alg(client: Client) -> str | None:
    """The algorithm of a client's assertions; None where only its keys can say it."""
    if client.assertion_alg is not None:
        return client.assertion_alg
    if client.auth == "client_secret_jwt":
        return "HS256"
    return client.keys.generate[0] if client.keys is not None and client.keys.generate else None


def _listed_value(key: Key, value: str | None, member: str, metadata: Mapping[str, object]) -> _Told:
    """A value that must stand in a list of the metadata, where the server gives that list."""
    known = _texts(metadata, member)
    if value is None or known is None or value in known:
        return
    yield (
        key,
        f"{member} is {_listed(known)}",
        f"{quoted(value)} among them",
        f"Correct {dotted(key[-1:])}, or the metadata.",
    )


def _of_feature(profile: Profile, feature: Feature, answer: bool, metadata: Mapping[str, object]) -> _Told:
    key: Key = ("features", feature.value)
    off = f"Turn it on at the server, or write features.{feature}: false."
    if feature in _SAME_AS:
        member, section = _SAME_AS[feature]
        # A policy that is kept without being announced is judged by a check of its own.
        if answer != (metadata.get(member) is True) and member in metadata:
            said = str(metadata[member]).lower() if isinstance(metadata.get(member), bool) else "no boolean: false"
            fix = f"Correct features.{feature}, or the server."
            yield key, f"{member} is {said}", f"{str(answer).lower()} ({section})", fix
        return
    if not answer:
        return
    if feature in _REFUSED_BY and metadata.get(_REFUSED_BY[feature]) is False:
        yield key, f"{_REFUSED_BY[feature]} is false", "true, as the profile says", off
    elif feature in _ADVERTISED_BY and not metadata.get(_ADVERTISED_BY[feature][0]):
        member, section = _ADVERTISED_BY[feature]
        if not (feature is Feature.INTROSPECTION and profile.endpoints.introspection):
            yield key, f"{member} is missing or empty", f"a value ({section})", off
    elif feature is Feature.PKCE and "S256" not in (_texts(metadata, "code_challenge_methods_supported") or []):
        found = _listed(_texts(metadata, "code_challenge_methods_supported") or [])
        yield key, f"code_challenge_methods_supported is {found}", '"S256" among them', off
    elif feature is Feature.ISS and metadata.get("authorization_response_iss_parameter_supported") is not True:
        found = "authorization_response_iss_parameter_supported is not true"
        yield key, found, "true (RFC 9207 section 3)", off
    elif feature is Feature.JARM and not _speaks_jarm(metadata):
        found = "response_modes_supported has no mode with jwt"
        yield (
            key,
            found,
            "one of jwt, query.jwt, fragment.jwt, form_post.jwt among them (JARM section 4)",
            off,
        )
    elif feature is Feature.REFRESH_TOKENS:
        yield from _listed_value(key, "refresh_token", "grant_types_supported", metadata)


def _speaks_jarm(metadata: Mapping[str, object]) -> bool:
    modes = _texts(metadata, "response_modes_supported") or []
    return any(mode == "jwt" or mode.endswith(".jwt") for mode in modes)


def _text(metadata: Mapping[str, object], member: str) -> str | None:
    value = metadata.get(member)
    return value if isinstance(value, str) and value else None


def _texts(metadata: Mapping[str, object], member: str) -> list[str] | None:
    value = metadata.get(member)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value
    return None


def _listed(values: list[str]) -> str:
    """A list of the server for a person: what it sends is not to be trusted with the terminal."""
    shown = [quoted(value, 40) for value in values[:12]]
    more = [f"and {len(values) - 12} more"] if len(values) > 12 else []
    return alternatives(shown + more).removeprefix("one of ") if values else "empty"
