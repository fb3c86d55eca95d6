"""Mutual TLS (RFC 8705): certificates that authenticate at the PAR endpoint, and tokens that are bound to them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import roles
from conformance.checks.flows import claims_of_token, tokens
from conformance.checks.test_client_authentication import another, in_the_name_of
from conformance.profile.model import ClientAuth, Feature, Profile
from conformance.protocol import client_auth
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Authentication, Proof
from conformance.protocol.jws import base64url
from conformance.protocol.par import Par, PushAnswer
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

ENDPOINT = "pushed_authorization_request_endpoint"
BOUND = "tls_client_certificate_bound_access_tokens"
#: A SHA-256 thumbprint in base64url (RFC 8705 section 3.1).
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")


def with_certificate(profile: Profile) -> dict[str, str]:
    """One client for each method of mutual TLS."""
    return {method: role for method, role in roles.by_method(profile).items() if method.endswith("tls_client_auth")}


def of_method(profile: Profile, method: ClientAuth) -> dict[str, str]:
    """The client of one method of mutual TLS."""
    return {role: role for name, role in with_certificate(profile).items() if name == method}


def by_authority(profile: Profile) -> dict[str, str]:
    """The client whose certificate an authority issued."""
    return of_method(profile, "tls_client_auth")


def by_itself(profile: Profile) -> dict[str, str]:
    """The client whose certificate is registered itself."""
    return of_method(profile, "self_signed_tls_client_auth")


def showing(certificate: str) -> Authentication:
    """Show a certificate: a role's, or one that looks like it."""
    return lambda _: Proof(certificate=certificate)


async def push_with(par: Par, client: str, authentication: Authentication, endpoint: str | None = None) -> PushAnswer:
    """A push with another proof than the registered one; its control has the right one."""
    push = replace(par.ordinary(client), authentication=authentication, endpoint=endpoint)
    return await par.send(push, control=lambda: par.ordinary(client))


@verifies("rfc8705-2-certificate-accepted-on-push", needs=Feature.MTLS)
@each(client=with_certificate)
async def test_certificate_authenticates_a_push(par: Par, authorization: Authorization, client: str) -> None:
    """A client registered for mutual TLS pushes with its certificate and no other credential, and gets a code."""
    answer = expect.accepted(await par.push(client))
    expect.code(await authorization.open(answer))


@verifies("rfc8705-2.1-registered-subject-accepted", needs=Feature.MTLS)
@each(client=by_authority)
async def test_registered_subject_authenticates(par: Par, client: str) -> None:
    """A certificate of a trusted authority with the registered subject authenticates the client."""
    expect.accepted(await par.push(client))


@verifies("rfc8705-2.2-registered-certificate-accepted", needs=Feature.MTLS)
@each(client=by_itself)
async def test_registered_certificate_authenticates(par: Par, client: str) -> None:
    """A self-signed certificate that is registered for the client authenticates it."""
    expect.accepted(await par.push(client))


@verifies("rfc8705-2-missing-certificate-refused", needs=Feature.MTLS)
@each(client=with_certificate, endpoint=("for-certificates", "conventional"))
async def test_push_without_a_certificate_is_refused(par: Par, target: Target, client: str, endpoint: str) -> None:
    """A push of a client registered for mutual TLS without any certificate is refused, wherever it is sent."""
    url = target.par_endpoint if endpoint == "conventional" else None
    expect.not_accepted(await push_with(par, client, client_auth.nothing, url))


@verifies("rfc8705-2-foreign-certificate-refused", needs=Feature.MTLS)
@each(client=with_certificate)
async def test_certificate_of_another_client_is_refused(par: Par, target: Target, client: str) -> None:
    """A push with the certificate of one client and the client_id of another is refused."""
    own = target.client(client)
    expect.not_accepted(await push_with(par, client, in_the_name_of(own, another(target, own))))


@verifies("rfc8705-2-missing-client-id-refused", needs=Feature.MTLS)
@each(client=with_certificate)
async def test_certificate_does_not_replace_client_id(par: Par, client: str) -> None:
    """A push with a certificate but without client_id is refused."""
    expect.refused(await par.push(client, client_id=None))


@verifies("rfc8705-2-failure-error-code", needs=Feature.MTLS)
@each(client=with_certificate, certificate=("none", "foreign"))
async def test_error_of_a_wrong_certificate(par: Par, target: Target, client: str, certificate: str) -> None:
    """The error for a missing or wrong certificate is invalid_client."""
    own = target.client(client)
    way = client_auth.nothing if certificate == "none" else in_the_name_of(own, another(target, own))
    answer = await push_with(par, client, way)
    if answer.response is None:
        raise NotApplicable(f"the connection was closed in the handshake: {answer.died}")
    expect.an_error(answer)
    expect.that(
        answer.error == "invalid_client",
        "other-code",
        f"the error code is {answer.error}",
        expected="invalid_client",
        received=answer.error,
    )


def variant_of(target: Target, client: str, kind: str) -> str:
    """The name of a certificate that looks like the client's. NotApplicable where there is none."""
    held = target.client(client).credentials.certificate
    if held is None or held.variant(kind) is None:
        raise NotApplicable("the suite holds no other certificate of that authority")
    return f"{client}/{kind}"


@verifies("rfc8705-2.1-other-subject-refused", needs=Feature.MTLS)
@each(client=by_authority)
async def test_other_subject_of_the_same_authority_is_refused(par: Par, target: Target, client: str) -> None:
    """A certificate of a trusted authority with another subject than the registered one is refused."""
    expect.not_accepted(await push_with(par, client, showing(variant_of(target, client, "sibling"))))


@verifies("rfc8705-2.1-untrusted-authority-refused", needs=Feature.MTLS)
@each(client=by_authority)
async def test_subject_from_an_untrusted_authority_is_refused(par: Par, target: Target, client: str) -> None:
    """A certificate with the registered subject from an authority that the server does not trust is refused."""
    expect.not_accepted(await push_with(par, client, showing(variant_of(target, client, "impostor"))))


@verifies("rfc8705-2.2-unregistered-self-signed-refused", needs=Feature.MTLS)
@each(client=by_itself)
async def test_lookalike_of_a_registered_certificate_is_refused(par: Par, target: Target, client: str) -> None:
    """A self-signed certificate that looks like the registered one but has another key is refused."""
    expect.not_accepted(await push_with(par, client, showing(variant_of(target, client, "impostor"))))


# -- where it goes ----------------------------------------------------------------------------------------------------


@verifies("rfc8705-5-alias-of-par-endpoint-works", needs=Feature.MTLS)
@each(client=with_certificate)
async def test_alias_of_the_par_endpoint_takes_certificates(par: Par, target: Target, client: str) -> None:
    """A push with a certificate succeeds at the alias of the pushed authorization request endpoint."""
    aliases = target.metadata.document.get("mtls_endpoint_aliases")
    alias = aliases.get(ENDPOINT) if isinstance(aliases, dict) else None
    if not isinstance(alias, str):
        raise NotApplicable("the metadata has no alias of the pushed authorization request endpoint")
    expect.accepted(await par.send(replace(par.ordinary(client), endpoint=alias)))


@verifies("rfc8705-5-conventional-endpoint-works-without-alias", needs=Feature.MTLS)
@each(client=with_certificate)
async def test_conventional_endpoint_takes_certificates(par: Par, target: Target, client: str) -> None:
    """Without an alias for it, the conventional pushed authorization request endpoint takes certificates."""
    aliases = target.metadata.document.get("mtls_endpoint_aliases")
    if isinstance(aliases, dict) and ENDPOINT in aliases:
        raise NotApplicable("the metadata has an alias of the pushed authorization request endpoint")
    expect.accepted(await par.send(replace(par.ordinary(client), endpoint=target.par_endpoint)))


@verifies("rfc8705-6.1-clients-without-certificate-unharmed", needs=Feature.MTLS)
@each(client=roles.without_certificate)
async def test_other_clients_push_without_a_certificate(par: Par, target: Target, client: str) -> None:
    """Clients with other credentials can push without a certificate at the conventional endpoint."""
    expect.accepted(await par.send(replace(par.ordinary(client), endpoint=target.par_endpoint)))


# -- tokens that are bound to it --------------------------------------------------------------------------------------


@verifies("rfc8705-3.3-metadata-value-is-boolean", needs=Feature.MTLS)
async def test_metadata_member_is_a_boolean(target: Target) -> None:
    """tls_client_certificate_bound_access_tokens in the metadata, if it is there, is a JSON boolean."""
    if BOUND not in target.metadata.document:
        raise NotApplicable(f"the metadata does not have {BOUND}")
    value = target.metadata.document[BOUND]
    expect.that(isinstance(value, bool), "no-boolean", f"{BOUND} is {value!r}", expected="true", received=repr(value))


def thumbprint(client: RegisteredClient) -> str:
    """x5t#S256 of a client's certificate."""
    held = client.credentials.certificate
    if held is None:
        raise NotExercised("the client has no certificate")
    certificate = x509.load_pem_x509_certificate(held.certificate.encode("ascii"))
    return base64url(hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())


def confirmed(members: dict[str, Any]) -> object:
    """cnf.x5t#S256 of a token; None where it has none."""
    confirmation = members.get("cnf")
    return confirmation.get("x5t#S256") if isinstance(confirmation, dict) else None


async def shown(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a JWT access token of a client says, and what introspection says of it; empty where nothing does."""
    return await members_of(token, await tokens(par, authorization, token, client), target.client(client))


async def members_of(
    token: Token, answer: TokenAnswer, client: RegisteredClient
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same of an access token that is there."""
    told = await token.introspect(str(answer.json["access_token"]), client) or {}
    return claims_of_token(answer), told if told.get("active") is True else {}


def needs_bound_tokens(target: Target) -> None:
    """NotApplicable unless the metadata says that tokens are bound to certificates."""
    if not target.metadata.flag(BOUND):
        raise NotApplicable(f"the metadata does not say {BOUND}")


def judge_thumbprint(members: dict[str, Any], client: RegisteredClient, where: str) -> None:
    """The confirmation names the certificate."""
    found, right = confirmed(members), thumbprint(client)
    expect.that(
        isinstance(found, str) and found.rstrip("=").translate(str.maketrans("+/", "-_")).strip() == right,
        "thumbprint-missing" if found is None else "other-thumbprint",
        f"cnf.x5t#S256 of {where} is {found!r}",
        expected=right,
        received=repr(found),
    )


@verifies("rfc8705-3.1-thumbprint-in-jwt-access-token", needs=Feature.MTLS)
@each(client=with_certificate)
async def test_jwt_access_token_carries_the_certificate(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """A bound access token that is a JWT carries the certificate's SHA-256 thumbprint as cnf.x5t#S256."""
    needs_bound_tokens(target)
    claims, _ = await shown(par, authorization, token, target, client)
    if not claims:
        raise NotApplicable("the access token is no JWT that can be read")
    judge_thumbprint(claims, target.client(client), "the access token")


@verifies("rfc8705-3.2-thumbprint-in-introspection", needs=(Feature.MTLS, Feature.INTROSPECTION))
@each(client=with_certificate)
async def test_introspection_carries_the_certificate(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """The introspection answer for a bound access token carries cnf.x5t#S256 at its top level."""
    needs_bound_tokens(target)
    _, told = await shown(par, authorization, token, target, client)
    if not told:
        raise NotApplicable("the server does not tell this client about its token by introspection")
    judge_thumbprint(told, target.client(client), "the introspection answer")


@verifies("rfc8705-3-refreshed-token-bound", needs=(Feature.MTLS, Feature.REFRESH_TOKENS))
@each(client=with_certificate)
async def test_refreshed_token_carries_the_certificate(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """What shows the certificate of an access token shows it of a refreshed one, too."""
    needs_bound_tokens(target)
    own = target.client(client)
    first = await tokens(par, authorization, token, client)
    before = await members_of(token, first, own)
    if not any(map(confirmed, before)):
        raise NotApplicable("no access token shows the certificate, which is a finding of its own")
    refreshed = await token.refresh(first, own)
    if not refreshed.accepted:
        raise NotExercised(f"the tokens were not refreshed: {refreshed.summary}")
    for old, new in zip(before, await members_of(token, refreshed, own), strict=True):
        if confirmed(old) and new:
            judge_thumbprint(new, own, "a refreshed access token")


@verifies("rfc8705-3.1-thumbprint-well-formed", needs=Feature.MTLS)
@each(client=with_certificate)
async def test_thumbprint_is_plain_base64url(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """The thumbprint is base64url without padding, line breaks or spaces."""
    found = [confirmed(members) for members in await shown(par, authorization, token, target, client)]
    seen = [value for value in found if value is not None]
    if not seen:
        raise NotApplicable("no token shows a thumbprint of the certificate")
    for value in seen:
        expect.that(
            isinstance(value, str) and bool(_THUMBPRINT.fullmatch(value)),
            "other-encoding",
            f"the thumbprint is {value!r}",
            expected="43 characters of base64url",
            received=repr(value),
        )
