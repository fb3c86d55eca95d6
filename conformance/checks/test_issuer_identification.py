"""iss in the authorization response (RFC 9207)."""

from __future__ import annotations

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_metadata import LOOPBACK, document
from conformance.http.message import split
from conformance.profile.model import Feature
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

MEMBER = "authorization_response_iss_parameter_supported"


def _has_iss(outcome: Outcome, where: str) -> None:
    expect.that(
        bool(outcome.parameters.get("iss")),
        "no-iss",
        f"{where} has no iss",
        expected="iss",
        received=", ".join(outcome.parameters) or "nothing",
    )


async def iss_of(par: Par, authorization: Authorization) -> str:
    """iss of an ordinary response. NotApplicable where it has none, which is a finding of its own."""
    _, outcome = await flows.code(par, authorization)
    iss = outcome.parameters.get("iss")
    if not iss:
        raise NotApplicable("the authorization response has no iss, which is a finding of its own")
    return iss


@verifies(
    "rfc9207-2-iss-with-code",
    "fapi2-security-profile-5.3.2.2-iss-in-response",
    "atproto-oauth-server-metadata-iss-in-response",
    needs=Feature.ISS,
)
@each(client=flows.first_and_public)
async def test_code_comes_with_iss(par: Par, authorization: Authorization, client: str) -> None:
    """The authorization response to a pushed request carries iss beside the code."""
    _, outcome = await flows.code(par, authorization, client)
    _has_iss(outcome, "the response with a code")


@verifies("rfc9207-2-iss-with-error", needs=Feature.ISS)
@each(way=("denial", "prompt-none"))
async def test_error_comes_with_iss(par: Par, authorization: Authorization, target: Target, way: str) -> None:
    """An error that is sent to the redirect_uri carries iss too."""
    _, outcome = await flows.error_at_client(par, authorization, target, way)
    _has_iss(outcome, "the error")


@verifies("rfc9207-2-iss-in-every-mode", needs=Feature.ISS)
@each(mode=("query", "fragment", "form_post"))
async def test_iss_is_there_in_every_response_mode(
    par: Par, authorization: Authorization, target: Target, mode: str
) -> None:
    """iss is there in whatever response_mode was pushed."""
    if mode not in (target.metadata.strings("response_modes_supported") or ["query", "fragment"]):
        raise NotApplicable(f"the metadata does not name the response mode {mode}")
    answer = await par.push(response_mode=mode)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"the response mode {mode} is refused: {answer.summary}")
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE or outcome.mode != mode:
        raise NotExercised(f"no code came by {mode}: {outcome.summary} {outcome.mode or ''}")
    _has_iss(outcome, f"the response by {mode}")
    usual, iss = await iss_of(par, authorization), outcome.parameters["iss"]
    expect.that(iss == usual, "other-issuer", f"iss by {mode} is {iss!r}", expected=usual, received=iss)


@verifies("rfc9207-2-iss-https", needs=Feature.ISS)
async def test_iss_is_an_https_url(par: Par, authorization: Authorization) -> None:
    """iss is an https URL without query and fragment."""
    iss = await iss_of(par, authorization)
    parts = split(iss)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    expect.that(
        (parts.scheme == "https" or plain) and bool(parts.hostname) and "?" not in iss and "#" not in iss,
        "wrong-iss",
        f"iss is {iss!r}",
        expected="an https URL without query and fragment",
        received=iss,
    )
    if plain:
        raise NotApplicable("the target is on loopback over plain http, which says nothing about its real address")


@verifies("rfc9207-2.3-iss-identical", needs=Feature.ISS)
async def test_iss_is_the_issuer_of_the_metadata(par: Par, authorization: Authorization, target: Target) -> None:
    """iss is, character by character, the issuer of the metadata."""
    issuer = document(target).get("issuer")
    iss = await iss_of(par, authorization)
    expect.that(iss == issuer, "other-issuer", f"iss is {iss!r}", expected=str(issuer), received=iss)


@verifies("rfc9207-2.3-iss-identical", needs=Feature.ISS)
@each(way=("denial", "prompt-none"))
async def test_iss_of_an_error_is_the_same(par: Par, authorization: Authorization, target: Target, way: str) -> None:
    """iss beside an error is, character by character, iss beside a code."""
    usual = await iss_of(par, authorization)
    _, outcome = await flows.error_at_client(par, authorization, target, way)
    iss = outcome.parameters.get("iss")
    if not iss:
        raise NotApplicable("the error has no iss, which is a finding of its own")
    expect.that(iss == usual, "other-issuer", f"iss of an error is {iss!r}", expected=usual, received=iss)


@verifies("rfc9207-2.3-support-announced")
async def test_iss_is_announced(par: Par, authorization: Authorization, target: Target) -> None:
    """A server that sends iss says so in its metadata."""
    value = document(target).get(MEMBER)
    _, outcome = await flows.code(par, authorization)
    if "iss" not in outcome.parameters or outcome.mode not in {"query", "fragment", "form_post"}:
        raise NotApplicable("the server does not send iss")
    if value is not None and not isinstance(value, bool):
        raise NotApplicable(f"{MEMBER} is no boolean, which is a finding of its own")
    expect.that(value is True, "not-announced", f"{MEMBER} is {value!r}", expected="true", received=repr(value))


@verifies("rfc9207-2.4-same-as-id-token", needs=Feature.OPENID)
async def test_iss_is_the_issuer_of_the_id_token(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """iss of the response and the claim iss of the ID token are the same."""
    answer, outcome = await flows.code(par, authorization, flows.openid_client(target))
    iss = outcome.parameters.get("iss")
    if not iss:
        raise NotApplicable("the server does not send iss")
    claims = flows.granted(await token.redeem(outcome, answer.push)).id_token
    if "iss" not in claims:
        raise NotExercised("no ID token with iss came")
    expect.that(
        claims["iss"] == iss,
        "other-issuer",
        "iss of the response is not iss of the ID token",
        expected=str(claims["iss"]),
        received=iss,
    )


@verifies("rfc9207-3-announced-and-sent")
async def test_announced_iss_is_sent(par: Par, authorization: Authorization, target: Target) -> None:
    """A server whose metadata says that it sends iss does so."""
    if document(target).get(MEMBER) is not True:
        raise NotApplicable("the metadata does not say that the server sends iss")
    _, outcome = await flows.code(par, authorization)
    _has_iss(outcome, "the response with a code")


@verifies("rfc9207-3-metadata-boolean")
async def test_announcement_of_iss_is_a_boolean(target: Target) -> None:
    """authorization_response_iss_parameter_supported, where it is published, is a boolean."""
    published = document(target)
    if MEMBER not in published:
        raise NotApplicable(f"the metadata does not have {MEMBER}")
    value = published[MEMBER]
    expect.that(
        isinstance(value, bool), "no-boolean", f"{MEMBER} is {value!r}", expected="true or false", received=repr(value)
    )
