"""Client passwords, and how they are refused (RFC 6749 sections 2.3, 2.3.1 and 5.2)."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, roles
from conformance.checks.test_authorization_response import HOSTILE, wrong_signs
from conformance.profile.model import Profile
from conformance.protocol import client_auth
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Authentication, Occasion, Proof
from conformance.protocol.par import Change, Par, PushAnswer
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable

#: What is not changed by form encoding: everything else tells whether a server decodes.
_UNCHANGED = re.compile(r"[A-Za-z0-9._*-]*")


def header_and_body(occasion: Occasion) -> Proof:
    """The right secret in the Authorization header and in the body."""
    secret = occasion.client.credentials.secret or ""
    ways: tuple[Authentication, ...] = (
        lambda _: client_auth.basic(occasion.client.client_id, secret),
        lambda _: client_auth.post(secret),
    )
    return client_auth.both(*ways)(occasion)


def assertion_and_secret(occasion: Occasion) -> Proof:
    """A right client assertion, and a secret beside it: the client's own, or any where it has none."""
    secret = occasion.client.credentials.secret or "any-secret-will-do"
    return client_auth.both(client_auth.registered, lambda _: client_auth.post(secret))(occasion)


@verifies("rfc6749-2.3-two-methods-refused")
@each(client=roles.with_secret)
async def test_two_methods_at_once_are_refused(par: Par, client: str) -> None:
    """A push that carries the right secret in the Authorization header and in the body is refused."""
    push = replace(par.ordinary(client), authentication=header_and_body)
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


def with_secret_or_assertion(profile: Profile) -> dict[str, str]:
    """One client for each method that sends a secret or signs with one or with a key."""
    return {**roles.with_secret(profile), **roles.with_assertion(profile)}


@verifies("rfc6749-2.3-two-methods-at-token-endpoint-refused")
@each(client=with_secret_or_assertion)
async def test_two_methods_at_once_redeem_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """A token request with a secret in header and body, or in the body beside an assertion, is refused."""
    twofold = assertion_and_secret if target.client(client).uses_assertion else header_and_body
    answer = await flows.redeemed(par, authorization, token, client, authentication=twofold)
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token, client))


def with_basic(profile: Profile) -> dict[str, str]:
    """A client that is registered for HTTP Basic."""
    return {name: role for name, role in roles.by_method(profile).items() if name == "client_secret_basic"}


@verifies("rfc6749-2.3.1-basic-supported")
@each(client=with_basic)
async def test_basic_is_supported(par: Par, authorization: Authorization, token: Token, client: str) -> None:
    """A client with a password authenticates with HTTP Basic, when it pushes and when it redeems its code."""
    answer = expect.accepted(await par.push(client))
    outcome = await authorization.code(answer)
    expect.redeemed(await token.redeem(outcome, answer.push))


def with_signs_to_encode(profile: Profile) -> dict[str, str]:
    """Clients that are registered for HTTP Basic; those whose name or password needs no encoding show nothing."""
    return {role: role for role, client in profile.clients.items() if client.auth == "client_secret_basic"}


@verifies("rfc6749-2.3.1-basic-in-any-case")
@each(client=with_basic, scheme=("basic", "BASIC"))
async def test_case_of_the_scheme_does_not_matter(par: Par, client: str, scheme: str) -> None:
    """The name of the scheme Basic may be written in any case (RFC 7617 section 2, RFC 9110 section 11.1)."""

    def spelt(occasion: Occasion) -> Proof:
        own = occasion.client
        (name, value), *_ = client_auth.basic(own.client_id, own.credentials.secret or "").headers
        return Proof(headers=((name, value.replace("Basic", scheme, 1)),))

    push = replace(par.ordinary(client), authentication=spelt)
    expect.accepted(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("rfc6749-2.3.1-basic-form-encoded")
@each(client=with_signs_to_encode)
async def test_basic_is_form_encoded(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """User name and password of HTTP Basic are form-encoded before they are joined, at both endpoints."""
    own = target.client(client)
    secret = own.credentials.secret or ""
    if _UNCHANGED.fullmatch(own.client_id) and _UNCHANGED.fullmatch(secret):
        raise NotApplicable("form encoding changes neither the client_id nor the secret of this client")

    def raw(_: Occasion) -> Proof:
        text = base64.b64encode(f"{own.client_id}:{secret}".encode()).decode()
        return Proof(headers=(("Authorization", f"Basic {text}"),))

    answer = await par.send(par.ordinary(own), control=lambda: replace(par.ordinary(own), authentication=raw))
    expect.accepted(answer)
    outcome = await authorization.code(answer)
    redeemed = await token.redeem(outcome, answer.push)
    if not redeemed.accepted:
        control = await flows.redeemed(par, authorization, token, own, authentication=raw)
        expect.redeemed(redeemed, control=control)


@verifies("rfc6749-2.3.1-credentials-in-url-refused")
@each(client=roles.with_secret)
async def test_secret_in_the_url_authenticates_nobody(par: Par, target: Target, client: str) -> None:
    """A client_secret in the query of the PAR endpoint's URL does not authenticate the client."""
    own = target.client(client)
    query = (("client_id", own.client_id), ("client_secret", own.credentials.secret or ""))
    push = replace(par.ordinary(client), authentication=client_auth.nothing, query=query)
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("rfc6749-2.3.1-credentials-in-url-refused")
@each(client=roles.with_secret)
async def test_secret_in_the_url_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target, client: str
) -> None:
    """A client_secret in the query of the token endpoint's URL does not authenticate the client."""
    own = target.client(client)
    query = (("client_id", own.client_id), ("client_secret", own.credentials.secret or ""))
    answer, outcome = await flows.code(par, authorization, client)
    redeemed = await token.redeem(outcome, answer.push, authentication=client_auth.nothing, query=query)
    expect.not_redeemed(redeemed, control=await flows.redeemed(par, authorization, token, client))


async def wrong(par: Par, client: str, authentication: Authentication = client_auth.wrong) -> PushAnswer:
    """A push whose authentication fails. NotExercised where it did not fail."""
    push = replace(par.ordinary(client), authentication=authentication)
    return expect.an_error(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("rfc6749-5.2-invalid-client")
@each(client=roles.with_secret_or_key)
async def test_wrong_credentials_are_told_invalid_client(par: Par, client: str) -> None:
    """Wrong credentials are answered with invalid_client."""
    answer = await wrong(par, client)
    expect.that(
        answer.error == "invalid_client",
        "other-code",
        f"wrong credentials are answered with {answer.summary}",
        expected="invalid_client",
        received=answer.summary,
    )


@verifies("rfc6749-5.2-invalid-client-when-missing")
@each(client=roles.with_secret_or_key)
async def test_missing_credentials_are_told_invalid_client(par: Par, client: str) -> None:
    """Missing credentials are answered with invalid_client."""
    answer = await wrong(par, client, client_auth.nothing)
    expect.that(
        answer.error == "invalid_client",
        "other-code",
        f"missing credentials are answered with {answer.summary}",
        expected="invalid_client",
        received=answer.summary,
    )


@verifies("rfc6749-5.2-unauthorized-status")
@each(client=with_basic)
async def test_wrong_credentials_in_the_header_have_the_status_401(par: Par, client: str) -> None:
    """Wrong credentials in an Authorization header are answered with the status 401."""
    answer = await wrong(par, client)
    expect.that(
        answer.status == 401,
        f"status-{answer.status}",
        f"wrong credentials in the header are answered with {answer.summary}",
        expected="HTTP 401",
        received=answer.summary,
    )


@verifies("rfc6749-5.2-www-authenticate")
@each(client=with_basic)
async def test_refused_header_names_its_scheme(par: Par, client: str) -> None:
    """The refusal of credentials in an Authorization header names the scheme Basic in WWW-Authenticate."""
    answer = await wrong(par, client)
    if answer.status != 401:
        raise NotApplicable(f"the refusal has not the status 401, which is a finding of its own: {answer.summary}")
    said = answer.response.all("www-authenticate") if answer.response else []
    expect.that(
        any(re.search(r"(^|,)\s*basic\b", value, re.IGNORECASE) for value in said),
        "no-challenge",
        f"WWW-Authenticate is {', '.join(said) or 'missing'}",
        expected="WWW-Authenticate: Basic",
        received=", ".join(said) or "no WWW-Authenticate",
    )


@verifies("rfc6749-5.2-error-characters")
@each(
    fault={
        "scope": {"scope": HOSTILE},
        "redirect_uri": {"redirect_uri": f"https://attacker.example/{HOSTILE}"},
        "response_type": {"response_type": HOSTILE},
        "code_challenge_method": {"code_challenge_method": HOSTILE},
        "request": {"request": HOSTILE},
        "request_uri": {"request_uri": HOSTILE},
        "name": {HOSTILE: "any", "request_uri": "urn:example:any"},
    }
)
async def test_error_of_the_par_endpoint_has_allowed_signs_only(par: Par, fault: dict[str, Change]) -> None:
    """error, error_description and error_uri have only the characters that are allowed, whatever was pushed."""
    answer = await par.push(**fault)
    if answer.accepted:
        raise NotApplicable("this fault is not refused at the push: there is no error to look at")
    members = expect.an_error(answer).json or {}
    for name in ("error", "error_description", "error_uri"):
        text = members.get(name, "")
        signs = wrong_signs(name, text) if isinstance(text, str) else repr(text)
        expect.that(
            not signs,
            "wrong-characters",
            f"{name} has characters that are not allowed",
            expected="printable ASCII without quotation mark and backslash",
            received=signs,
        )
