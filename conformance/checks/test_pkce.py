"""PKCE through a push: what was pushed is what is enforced (RFC 7636, RFC 9700 sections 2.1.1 and 4.8.2)."""

from __future__ import annotations

import base64
import secrets
from dataclasses import replace

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_metadata import no_metadata
from conformance.checks.test_privacy import occurs
from conformance.http.message import Response
from conformance.profile.model import Feature
from conformance.protocol import pkce
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Change, Par, Push, PushAnswer
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable

#: A verifier with every kind of sign that is allowed, and the longest one (RFC 7636 section 4.1).
VERIFIERS = {"43-signs": "-._~" + "aZ09" * 9 + "x.y", "128-signs": "-._~" + "bY18" * 31}
UNKNOWN_METHOD = "par-conformance"


def uses_pkce(target: Target, client: str = "first") -> None:
    """Stop where a client's ordinary request has no code_challenge."""
    if not target.client(client).entry.pkce:
        raise NotApplicable(f"the profile says that the client of the role {client!r} does not use PKCE")


def challenging(par: Par, client: str, challenge: str, method: Change, verifier: str | None = None) -> Push:
    """A client's ordinary request with this code_challenge; `verifier` is what its token request will send."""
    push = par.ordinary(client, code_challenge=challenge, code_challenge_method=method)
    return replace(push, verifier=verifier)


@verifies("rfc7636-4.2-s256-supported", needs=Feature.PKCE)
async def test_s256_is_supported(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """A pushed code_challenge with S256 is accepted, and its code redeemed with the verifier."""
    uses_pkce(target)
    verifier = pkce.new_verifier()
    push = challenging(par, "first", pkce.challenge(verifier), "S256", verifier)
    without = {"code_challenge": None, "code_challenge_method": None}
    answer = expect.accepted(await par.send(push, control=lambda: par.ordinary(**without)))
    outcome = expect.code(await authorization.open(answer))
    expect.redeemed(await token.redeem(outcome, answer.push))


MALFORMED = {
    "42-signs": "a" * 42,
    "129-signs": "a" * 129,
    "plus": "a" * 42 + "+",
    "padding": base64.urlsafe_b64encode(bytes(32)).decode(),
    "space": "a" * 21 + " " + "a" * 21,
    "beyond-ascii": "a" * 42 + "\u00e9",
}


@verifies("rfc7636-4.2-malformed-challenge-refused", needs=Feature.PKCE)
@each(challenge=MALFORMED)
async def test_malformed_challenge_is_refused(
    par: Par, authorization: Authorization, target: Target, challenge: str
) -> None:
    """A code_challenge that is too short, too long, or has signs that are not allowed is refused."""
    uses_pkce(target)
    await flows.no_code(par, authorization, await par.push(code_challenge=challenge))


@verifies("rfc7636-4.3-missing-method-is-plain", needs=Feature.PKCE)
@each(client=flows.with_pkce)
async def test_missing_method_is_never_s256(par: Par, authorization: Authorization, token: Token, client: str) -> None:
    """A code_challenge without a method is refused or counts as plain: its code is not redeemed as with S256."""
    verifier = pkce.new_verifier()
    push = challenging(par, client, pkce.challenge(verifier), None, verifier)
    redeemed = await flows.redeemed_if_any(par, authorization, token, push, lambda: par.ordinary(client))
    if redeemed is None:
        return
    expect.that(
        not redeemed.accepted,
        "read-as-s256",
        "a code_challenge without a method was verified as S256, or not at all",
        expected="plain, or a refusal",
        received=redeemed.summary,
    )


@verifies("rfc7636-4.4-challenge-bound-to-code", needs=Feature.PKCE)
@each(client=flows.with_pkce)
async def test_verifier_of_a_parallel_request_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A code is not redeemed with the verifier of another request of the same client, pushed before or after it."""
    earlier, code = await flows.code(par, authorization, client)
    later, control = await flows.code(par, authorization, client)
    answer = await token.redeem(code, earlier.push, code_verifier=later.push.verifier)
    expect.not_redeemed(answer, control=await token.redeem(control, later.push))


@verifies("rfc7636-4.4-challenge-not-exposed", needs=Feature.PKCE)
async def test_challenge_stands_in_no_response(par: Par, authorization: Authorization, target: Target) -> None:
    """The pushed code_challenge cannot be read out of the code or the rest of the authorization response."""
    uses_pkce(target)
    answer, outcome = await flows.code(par, authorization)
    challenge = answer.push.value("code_challenge") or ""
    expect.that(
        not any(occurs(challenge, text) for text in (outcome.code or "", outcome.location or "")),
        "challenge-shown",
        "the code_challenge stands in the authorization response",
        expected="a code that shows nothing",
        received="the code_challenge",
    )


@verifies("rfc7636-4.4.1-missing-challenge-refused", needs=Feature.REQUIRE_PKCE)
@each(client=flows.with_pkce)
async def test_missing_challenge_is_refused_where_pkce_is_required(
    par: Par, authorization: Authorization, client: str
) -> None:
    """Where PKCE is required, a request without code_challenge leads to no code."""
    answer = await par.push(client, code_challenge=None, code_challenge_method=None)
    await flows.no_code(par, authorization, answer)


async def told(par: Par, authorization: Authorization, **changes: Change) -> tuple[str, str | None, Response | None]:
    """How a fault of PKCE is told: the error code, its explanation, the answer. NotExercised where it was accepted."""
    answer = await par.push(**changes)
    if not answer.accepted:
        expect.an_error(answer)
        members = answer.json or {}
        return answer.error or "", members.get("error_description") or members.get("error_uri"), answer.response
    outcome = await authorization.open(answer)
    if outcome.granted:
        raise NotApplicable("the request brought a code, which is a finding of its own")
    if outcome.ending is not Ending.ERROR_REDIRECT:
        raise NotApplicable(f"the error is not told to the client: {outcome.summary}")
    explained = outcome.parameters.get("error_description") or outcome.parameters.get("error_uri")
    return outcome.error or "", explained, outcome.page


def _invalid_request(error: str) -> None:
    expect.that(
        error == "invalid_request",
        "other-code",
        f"the error code is {error or 'missing'}",
        expected="invalid_request",
        received=error,
    )


@verifies("rfc7636-4.4.1-missing-challenge-error", needs=Feature.REQUIRE_PKCE)
async def test_missing_challenge_is_told_invalid_request(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """Where PKCE is required, a missing code_challenge is answered with invalid_request."""
    uses_pkce(target)
    error, _, _ = await told(par, authorization, code_challenge=None, code_challenge_method=None)
    _invalid_request(error)


@verifies("rfc7636-4.4.1-unknown-method-refused", needs=Feature.PKCE)
@each(method=(UNKNOWN_METHOD, "s256", "S512", "none"))
async def test_unknown_method_is_refused(par: Par, authorization: Authorization, target: Target, method: str) -> None:
    """A code_challenge_method that does not exist leads to no code; names of methods are exact."""
    uses_pkce(target)
    if method in (target.metadata.strings("code_challenge_methods_supported") or []):
        raise NotApplicable(f"the metadata names the method {method}")
    await flows.no_code(par, authorization, await par.push(code_challenge_method=method))


@verifies("rfc7636-4.4.1-unknown-method-error", needs=Feature.PKCE)
async def test_unknown_method_is_told_invalid_request(par: Par, authorization: Authorization, target: Target) -> None:
    """An unknown code_challenge_method is answered with invalid_request."""
    uses_pkce(target)
    error, _, _ = await told(par, authorization, code_challenge_method=UNKNOWN_METHOD)
    _invalid_request(error)


@verifies("rfc7636-4.4.1-error-explained", needs=Feature.PKCE)
@each(fault=("missing-challenge", "unknown-method"))
async def test_fault_of_pkce_is_explained(par: Par, authorization: Authorization, target: Target, fault: str) -> None:
    """A refusal for a missing challenge or an unknown method explains itself."""
    uses_pkce(target)
    if fault == "missing-challenge":
        target.require(Feature.REQUIRE_PKCE)
        _, explained, _ = await told(par, authorization, code_challenge=None, code_challenge_method=None)
    else:
        _, explained, _ = await told(par, authorization, code_challenge_method=UNKNOWN_METHOD)
    expect.that(
        bool(explained),
        "not-explained",
        "the refusal has neither error_description nor error_uri",
        expected="error_description or error_uri",
        received="none",
    )


@verifies("rfc7636-4.5-missing-verifier-refused", needs=Feature.PKCE)
@each(client=flows.with_pkce)
async def test_code_is_not_redeemed_without_verifier(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A code of a request with code_challenge is not redeemed without code_verifier."""
    answer = await flows.redeemed(par, authorization, token, client, code_verifier=None)
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc7636-4.5-missing-verifier-refused", needs=Feature.PKCE)
async def test_code_is_not_redeemed_with_an_empty_verifier(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A code of a request with code_challenge is not redeemed with an empty code_verifier."""
    uses_pkce(target)
    answer = await flows.redeemed(par, authorization, token, "first", code_verifier="")
    expect.not_redeemed(answer, control=await flows.redeemed(par, authorization, token))


@verifies("rfc7636-4.5-bound-method-used", needs=Feature.PKCE)
@each(client=flows.with_pkce)
async def test_challenge_itself_is_no_verifier(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A code of a request with S256 is not redeemed by sending the challenge itself as verifier."""
    answer, outcome = await flows.code(par, authorization, client)
    redeemed = await token.redeem(outcome, answer.push, code_verifier=answer.push.value("code_challenge"))
    expect.not_redeemed(redeemed, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc7636-4.6-right-verifier-accepted", needs=Feature.PKCE)
@each(verifier=VERIFIERS)
async def test_every_right_verifier_redeems_its_code(
    par: Par, authorization: Authorization, token: Token, target: Target, verifier: str
) -> None:
    """A verifier of the smallest or the largest length, with all signs that are allowed, redeems its code."""
    uses_pkce(target)
    # The last signs are drawn, for a server may refuse a challenge that came before (RFC 9700 section 2.1.1).
    verifier = verifier[:-8] + secrets.token_hex(4)
    push = challenging(par, "first", pkce.challenge(verifier), "S256", verifier)
    answer = expect.accepted(await par.send(push, control=par.ordinary))
    redeemed = await token.redeem(await authorization.code(answer), answer.push)
    expect.redeemed(redeemed, control=await flows.redeemed(par, authorization, token))


def _near_miss(push: Push) -> str:
    verifier = push.verifier or ""
    return verifier[:-1] + ("A" if verifier[-1:] != "A" else "B")


WRONG = {
    "other": lambda _: pkce.new_verifier(),
    "last-sign-changed": _near_miss,
    "one-sign-more": lambda push: (push.verifier or "") + "A",
}


@verifies("rfc7636-4.6-wrong-verifier-refused", "rfc9700-2.1.1-challenge-enforced", needs=Feature.PKCE)
@each(client=flows.with_pkce, wrong=WRONG)
async def test_wrong_verifier_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, client: str, wrong: object
) -> None:
    """A code_verifier that is not the one of the pushed code_challenge redeems no code."""
    assert callable(wrong)
    answer, outcome = await flows.code(par, authorization, client)
    redeemed = await token.redeem(outcome, answer.push, code_verifier=wrong(answer.push))
    expect.not_redeemed(redeemed, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc7636-4.6-wrong-verifier-refused", "rfc9700-2.1.1-challenge-enforced", needs=Feature.PKCE)
async def test_verifier_of_a_challenge_in_another_case_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A code is not redeemed with a verifier whose challenge is the pushed one in other letters: case matters."""
    uses_pkce(target)
    verifier = pkce.new_verifier()
    push = challenging(par, "first", pkce.challenge(verifier).swapcase(), "S256", verifier)
    redeemed = await flows.redeemed_if_any(par, authorization, token, push, par.ordinary)
    expect.that(
        redeemed is None or not redeemed.accepted,
        "token-issued",
        "the code_challenge was compared regardless of case",
        expected="invalid_grant",
        received=redeemed.summary if redeemed else "",
    )


@verifies("rfc7636-4.6-wrong-verifier-refused", "rfc9700-2.1.1-challenge-enforced", needs=Feature.PKCE)
@each(client=flows.with_pkce)
async def test_second_wrong_verifier_redeems_no_code(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A code for which a wrong code_verifier came is not redeemed with another wrong one."""
    answer, outcome = await flows.code(par, authorization, client)
    for _ in range(2):
        redeemed = await token.redeem(outcome, answer.push, code_verifier=pkce.new_verifier())
    expect.not_redeemed(redeemed, control=await flows.redeemed(par, authorization, token, client))


@verifies("rfc7636-4.6-invalid-grant", needs=Feature.PKCE)
async def test_wrong_verifier_is_told_invalid_grant(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A wrong code_verifier is answered with invalid_grant."""
    uses_pkce(target)
    answer = await flows.redeemed(par, authorization, token, "first", code_verifier=pkce.new_verifier())
    if not answer.refused:
        raise NotApplicable(f"the verifier was not refused, which is a finding of its own: {answer.summary}")
    expect.that(
        answer.error == "invalid_grant",
        "other-code",
        f"the error code is {answer.error}",
        expected="invalid_grant",
        received=answer.summary,
    )
    await flows.tokens(par, authorization, token)


@verifies("rfc7636-7.2-plain-refused", needs=Feature.PKCE)
@each(client=flows.with_pkce, method={"said": "plain", "unsaid": None})
async def test_plain_is_not_accepted(
    par: Par, authorization: Authorization, token: Token, client: str, method: Change
) -> None:
    """The method plain, said or by leaving the method out, is refused: no code comes, or it is worth nothing."""
    verifier = pkce.new_verifier()
    push = challenging(par, client, verifier, method, verifier)
    redeemed = await flows.redeemed_if_any(par, authorization, token, push, lambda: par.ordinary(client))
    if redeemed is None:
        return
    expect.that(
        not redeemed.accepted,
        "plain-accepted",
        "a code was redeemed with a plain code_challenge",
        expected="S256 only",
        received=redeemed.summary,
    )


@verifies("rfc9700-2.1.1-pkce-supported")
@each(client=flows.with_pkce)
async def test_pkce_is_supported(par: Par, authorization: Authorization, token: Token, client: str) -> None:
    """A pushed code_challenge is accepted and looked at: its verifier redeems the code, and no other one does."""
    answer = expect.accepted(await par.push(client))
    right = await token.redeem(await authorization.code(answer), answer.push)
    wrong = await flows.redeemed(par, authorization, token, client, code_verifier=pkce.new_verifier())
    expect.redeemed(right)
    expect.that(
        not wrong.accepted,
        "ignored",
        "the code_challenge makes no difference: any verifier redeems the code",
        expected="invalid_grant",
        received=wrong.summary,
    )


async def without_challenge(par: Par, client: str) -> PushAnswer:
    """A push without code_challenge. NotApplicable where the server wants one."""
    answer = await par.push(client, code_challenge=None, code_challenge_method=None)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants a code_challenge: {answer.summary}")
    return answer


@verifies("rfc9700-4.8.2-verifier-without-challenge-refused")
@each(client=flows.first_and_public)
async def test_verifier_without_challenge_is_refused(
    par: Par, authorization: Authorization, token: Token, client: str
) -> None:
    """A token request with code_verifier is refused where the pushed request had no code_challenge."""
    answer, plain = await without_challenge(par, client), await without_challenge(par, client)
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        raise NotApplicable(f"a request without code_challenge brings no code: {outcome.summary}")
    sent = await token.redeem(outcome, answer.push, code_verifier=pkce.new_verifier())
    control = await token.redeem(await authorization.code(plain), plain.push, code_verifier=None)
    expect.not_redeemed(sent, control=control)


@verifies("rfc9700-2.1.1-constant-challenge-detected")
async def test_constant_challenge_is_detected(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A code_challenge that comes again after its code was redeemed brings no tokens any more."""
    uses_pkce(target)
    answer, outcome = await flows.code(par, authorization)
    flows.granted(await token.redeem(outcome, answer.push))
    verifier = answer.push.verifier
    push = challenging(par, "first", answer.push.value("code_challenge") or "", "S256", verifier)
    redeemed = await flows.redeemed_if_any(par, authorization, token, push, par.ordinary)
    if redeemed is None:
        return
    expect.that(
        not redeemed.accepted,
        "constant-challenge",
        "the same code_challenge was accepted in a second flow",
        expected="a refusal",
        received=redeemed.summary,
    )


@verifies("rfc9700-2.1.1-pkce-in-metadata", "rfc8414-2-code-challenge-methods-supported")
async def test_methods_of_pkce_stand_in_the_metadata(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A server that verifies code challenges says so in code_challenge_methods_supported."""
    if not target.metadata.document:
        raise no_metadata(target)
    if target.metadata.document.get("code_challenge_methods_supported"):
        return
    uses_pkce(target)
    if flows.granted(await flows.redeemed(par, authorization, token)).accepted:
        wrong = await flows.redeemed(par, authorization, token, "first", code_verifier=pkce.new_verifier())
        if wrong.accepted:
            raise NotApplicable("the server does not have PKCE")
    expect.that(
        False,
        "not-published",
        "the server verifies code challenges, and the metadata has no code_challenge_methods_supported",
        expected="code_challenge_methods_supported",
        received="no such member",
    )
