"""References to authorization requests: those that the server issues, and those of others (RFC 9101 section 5.2)."""

from __future__ import annotations

import secrets
from urllib.parse import quote

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import roles
from conformance.checks.objects import asked, reaches_loopback, signer
from conformance.checks.test_metadata import LOOPBACK
from conformance.http.listener import listening
from conformance.http.message import split
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par, Push
from conformance.target import Target
from conformance.verdict import NotApplicable

#: The media type of request objects (RFC 9101 section 9.4.1).
OBJECT = "application/oauth-authz-req+jwt"
#: What may stand beside the reference, with a state of its own: so it can be told which of the two was carried out.
BESIDE = ("nothing", "complete-request")
STATE_BESIDE = "beside-the-reference"


@verifies("rfc9101-5.2-request-uri-at-most-512-characters", "openid-core-6.2-request-uri-at-most-512-characters")
async def test_issued_request_uri_is_short(par: Par) -> None:
    """The request_uri that the server issues has no more than 512 ASCII characters."""
    value = (await par.accepted()).request_uri or ""
    expect.that(
        len(value) <= 512 and value.isascii(),
        "too-long" if value.isascii() else "not-ascii",
        f"the request_uri has {len(value)} characters",
        expected="at most 512 ASCII characters",
        received=f"{len(value)} characters",
    )


@verifies("rfc9101-5.2-issued-request-uri-is-urn")
async def test_issued_request_uri_is_a_urn(par: Par) -> None:
    """The request_uri that the server issues is a URN."""
    value = (await par.accepted()).request_uri or ""
    expect.that(
        value.lower().startswith("urn:"),
        "other-form",
        f"the request_uri is of the form {value.split(':')[0]}:",
        expected="urn:ietf:params:oauth:request_uri:…",
        received=value.split(":")[0] + ":…",
    )


def _request(par: Par, target: Target) -> tuple[Push, str]:
    """A request that somebody could have put behind a reference: signed where a client of the profile signs."""
    try:
        push = par.object(signer(target))
    except NotApplicable:
        push = par.ordinary()
        return push, "this.is.nothing"
    return push, dict(push.parameters)["request"]


async def _visit(authorization: Authorization, push: Push, reference: str, beside: str) -> Outcome:
    pairs = [("client_id", push.client.client_id), ("request_uri", reference)]
    if beside != "nothing":
        pairs += [(name, STATE_BESIDE if name == "state" else value) for name, value in asked(push)]
    return await authorization.visit(tuple(pairs))


def _brings_nothing(outcome: Outcome, *, control: Outcome) -> None:
    """The reference was refused. To pass it over is a finding of its own: rfc9101-7-unsupported-request-uri-refused."""
    if outcome.granted and outcome.parameters.get("state") == STATE_BESIDE:
        raise NotApplicable("the request_uri was passed over, and the request beside it carried out")
    expect.no_code(outcome, control=control)


async def _control(par: Par, authorization: Authorization, push: Push) -> Outcome:
    return await authorization.open(await par.accepted(push.client))


@verifies("rfc9101-5.2-http-request-uri-refused", "openid-core-6.2-http-request-uri-refused")
@each(beside=BESIDE)
async def test_plain_http_request_uri_is_refused(
    par: Par, authorization: Authorization, target: Target, beside: str
) -> None:
    """An authorization request whose request_uri is a plain http URL brings no code, though an object waits there."""
    push, token = _request(par, target)
    if split(target.authorization_endpoint).hostname not in LOOPBACK:
        outcome = await _visit(authorization, push, "http://client.example/request.jwt", beside)
    else:
        async with listening({"/request.jwt": (OBJECT, token.encode())}) as listener:
            outcome = await _visit(authorization, push, f"{listener.url}/request.jwt", beside)
    _brings_nothing(outcome, control=await _control(par, authorization, push))


@verifies("rfc9101-5.2-other-schemes-refused")
@each(scheme=("file", "data", "ftp", "javascript"), beside=BESIDE)
async def test_request_uri_of_another_scheme_is_refused(
    par: Par, authorization: Authorization, target: Target, scheme: str, beside: str
) -> None:
    """An authorization request whose request_uri is neither issued nor an https URL brings no code."""
    push, token = _request(par, target)
    reference = {
        "file": "file:///par-conformance/request.jwt",
        "data": f"data:{quote(OBJECT)},{token}",
        "ftp": "ftp://client.example/request.jwt",
        "javascript": "javascript:void(0)",
    }[scheme]
    outcome = await _visit(authorization, push, reference, beside)
    _brings_nothing(outcome, control=await _control(par, authorization, push))


@verifies("rfc9101-10.4.1-unregistered-request-uri-refused")
@each(beside=BESIDE)
async def test_unregistered_request_uri_is_refused(
    par: Par, authorization: Authorization, target: Target, beside: str
) -> None:
    """An authorization request with an https request_uri that is registered for nobody brings no code."""
    push, _ = _request(par, target)
    outcome = await _visit(authorization, push, "https://unregistered.example/request.jwt", beside)
    _brings_nothing(outcome, control=await _control(par, authorization, push))


@verifies("rfc9101-10.4.1-unregistered-request-uri-not-fetched")
async def test_unregistered_request_uri_is_not_fetched(par: Par, authorization: Authorization, target: Target) -> None:
    """The server opens no connection to an https request_uri that is registered for nobody."""
    await _fetches_nothing(par, authorization, target)


async def _fetches_nothing(par: Par, authorization: Authorization, target: Target) -> None:
    """The server does not connect to an https URL of the suite's own: no hand is shaken, but all are counted."""
    reaches_loopback(target)
    push, _ = _request(par, target)
    async with listening() as listener:
        reference = listener.url.replace("http:", "https:", 1) + "/request.jwt"
        for beside in BESIDE:  # some servers look at a reference only where the rest of a request stands beside it
            await _visit(authorization, push, reference, beside)
        hits = await listener.connections()
    expect.that(
        not hits,
        "fetched",
        "the server connected to the address of an unregistered request_uri",
        expected="no connection",
        received=f"{hits} connections",
    )
    authorization.needs_code(await _control(par, authorization, push))


@verifies("openid-core-6.2-registration-enforced")
@each(beside=BESIDE)
async def test_announced_registration_of_request_uris_is_enforced(
    par: Par, authorization: Authorization, target: Target, beside: str
) -> None:
    """Where the metadata requires registration, an https request_uri that is not registered brings no code."""
    _requires_registration(target)
    push, _ = _request(par, target)
    outcome = await _visit(authorization, push, "https://unregistered.example/request.jwt", beside)
    _brings_nothing(outcome, control=await _control(par, authorization, push))


@verifies("openid-core-6.2-registration-enforced")
async def test_announced_registration_of_request_uris_forbids_the_fetch(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """Where the metadata requires registration, an https request_uri that is not registered is not fetched."""
    _requires_registration(target)
    await _fetches_nothing(par, authorization, target)


def _requires_registration(target: Target) -> None:
    if not target.metadata.flag("require_request_uri_registration"):
        raise NotApplicable("the metadata does not say require_request_uri_registration")


@verifies("openid-core-6.2-issued-request-uri-exempt-from-registration")
@each(client=roles.by_method)
async def test_issued_request_uri_needs_no_registration(
    par: Par, authorization: Authorization, target: Target, client: str
) -> None:
    """A request_uri from a push works even where the metadata requires that references be registered."""
    _requires_registration(target)
    expect.code(await authorization.open(await par.accepted(client)))


#: The error codes for a reference that the server cannot use (RFC 9101 section 7).
UNUSABLE = frozenset({"request_uri_not_supported", "invalid_request_uri"})


@verifies("rfc9101-7-unsupported-request-uri-refused", "openid-core-6.2-unsupported-request-uri-answered")
@each(scheme=("https", "http", "ftp"), beside=BESIDE)
async def test_foreign_request_uri_is_told_apart(
    par: Par, authorization: Authorization, target: Target, scheme: str, beside: str
) -> None:
    """A request_uri that the server did not issue and does not fetch is refused, with the error code for that."""
    fetches = target.has(Feature.JAR_BY_REFERENCE) or target.metadata.flag("request_uri_parameter_supported")
    if fetches and scheme == "https":
        raise NotApplicable("the server fetches request objects")
    push, _ = _request(par, target)
    outcome = await _visit(authorization, push, f"{scheme}://client.example/request.jwt", beside)
    expect.no_code(outcome, control=await _control(par, authorization, push))
    # A reference alone is no request of OpenID Connect: what is missing (scope, response_type) may be told as well.
    bound = ("rfc9101-7-unsupported-request-uri-refused",) if beside == "nothing" else ()
    expect.that(
        outcome.ending is not Ending.ERROR_REDIRECT or outcome.error in UNUSABLE or scheme != "https",
        "other-code",
        f"the error code is {outcome.error}",
        *bound,
        expected=" or ".join(sorted(UNUSABLE)),
        received=outcome.summary,
    )


@verifies("rfc9101-7-unknown-request-uri-error-code")
@each(beside=BESIDE)
async def test_unknown_request_uri_is_told_as_such(
    par: Par, authorization: Authorization, target: Target, beside: str
) -> None:
    """The error for an unknown request_uri of the issued form is invalid_request_uri, or invalid_request."""
    answer = await par.accepted()
    issued = answer.request_uri or ""
    unknown = issued[: -len(issued) // 3] + secrets.token_urlsafe(len(issued))[: len(issued) // 3]
    outcome = await _visit(authorization, answer.push, unknown, beside)
    if outcome.ending is not Ending.ERROR_REDIRECT:
        raise NotApplicable(f"the error is not told to the client: {outcome.summary}")
    expect.that(
        outcome.error in {"invalid_request_uri", "invalid_request"},
        "other-code",
        f"the error code is {outcome.error}",
        expected="invalid_request_uri or invalid_request",
        received=outcome.summary,
    )


@verifies("rfc9101-8-authorization-endpoint-uses-https")
async def test_authorization_endpoint_is_https(target: Target) -> None:
    """The authorization endpoint is an https URL."""
    parts = split(target.authorization_endpoint)
    if parts.scheme == "http" and parts.hostname in LOOPBACK and split(target.issuer).scheme == "http":
        raise NotApplicable("the target is on loopback over plain http, which says nothing about its real address")
    expect.that(
        parts.scheme == "https",
        "plain-http",
        f"the endpoint is {target.authorization_endpoint}",
        expected="https",
        received=parts.scheme,
    )
