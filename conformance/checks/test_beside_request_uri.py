"""What stands beside a request_uri, each parameter by itself: only what was pushed counts (RFC 9126 section 4)."""

from __future__ import annotations

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows
from conformance.checks.test_pushed_request import ATTACKER
from conformance.http.message import split
from conformance.login.browser import Browser
from conformance.profile.model import Feature
from conformance.protocol import pkce
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par, PushAnswer, needs_accepted
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, Violation


async def with_outside(
    par: Par,
    authorization: Authorization,
    answer: PushAnswer,
    browser: Browser | None = None,
    /,
    **outside: Change,
) -> Outcome | None:
    """Open a push with further parameters in the query: the code, or None where the server refuses such a request.

    A `browser` of its own knows nothing of what a person has granted before. NotExercised where an ordinary request is
    refused as well.
    """
    outcome = await authorization.open(answer, browser=browser, query=outside)
    if outcome.ending is Ending.CODE:
        return outcome
    if outcome.granted:
        raise Violation(
            "other-response",
            f"the parameters beside request_uri changed the response: {outcome.summary}",
            expected="the pushed request, or a refusal",
            received=outcome.summary,
        )
    await flows.code(par, authorization, answer.push.client)
    return None


@verifies("rfc9126-4-outside-value-without-effect", "rfc9101-5-pushed-parameters-not-overridden-by-query")
async def test_state_beside_request_uri_does_not_win(par: Par, authorization: Authorization) -> None:
    """A state in the query does not replace the pushed one."""
    answer = await par.accepted()
    outcome = await with_outside(par, authorization, answer, state="from-the-query")
    if outcome is not None:
        expect.that(
            outcome.parameters.get("state") == answer.push.value("state"),
            "query-used",
            "the state of the query came back",
            expected="the pushed state",
            received=outcome.parameters.get("state"),
        )


@verifies("rfc9126-4-outside-parameter-not-merged", "rfc9101-5-pushed-parameters-not-extended-by-query")
async def test_state_beside_request_uri_is_not_added(par: Par, authorization: Authorization) -> None:
    """A state in the query is not taken where none was pushed."""
    answer = await par.push(state=None)
    if answer.refused:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants a state: {answer.summary}")
    outcome = await with_outside(par, authorization, needs_accepted(answer), state="from-the-query")
    if outcome is not None:
        expect.that(
            outcome.parameters.get("state") != "from-the-query",
            "query-used",
            "the state of the query came back although none was pushed",
            expected="no state",
            received="from-the-query",
        )


@verifies("rfc9126-4-outside-value-without-effect", "rfc9101-5-pushed-parameters-not-overridden-by-query")
@each(which=("registered", "attacker"))
async def test_redirect_uri_beside_request_uri_does_not_win(
    par: Par, authorization: Authorization, target: Target, which: str
) -> None:
    """A redirect_uri in the query does not replace the pushed one, be it registered or not."""
    registered = target.client("first").entry.redirect_uris
    if which == "registered" and len(registered) < 2:
        raise NotApplicable("the first client has one redirect URI only")
    outside = registered[1] if which == "registered" else ATTACKER
    answer = await par.accepted()
    outcome = await authorization.open(answer, redirect_uri=outside)
    went_to = (outcome.location or "").split("#")[0].split("?")[0]
    expect.that(
        not (outcome.granted and went_to == outside),
        "query-used",
        "the code went to the redirect_uri of the query",
        expected=answer.push.value("redirect_uri"),
        received=went_to,
    )
    if which == "attacker":
        expect.that(
            split(went_to).hostname != split(ATTACKER).hostname,
            "redirected-to-query",
            "the browser was sent to an unregistered address of the query",
            expected="the pushed redirect_uri, or an error page",
            received=went_to,
        )
    if not outcome.granted:
        await flows.code(par, authorization)


@verifies("rfc9126-4-outside-value-without-effect", "rfc9101-5-pushed-parameters-not-overridden-by-query")
async def test_scope_beside_request_uri_does_not_win(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A scope in the query does not widen the pushed one."""
    entry = target.client("first").entry
    if not entry.scope or not entry.further_scope:
        raise NotApplicable("the profile names no further_scope for the first client")
    answer = await par.accepted()
    outcome = await with_outside(par, authorization, answer, scope=f"{entry.scope} {entry.further_scope}")
    if outcome is None:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, outcome, answer.push)
    granted = tokens.scope or set()
    if set(entry.further_scope.split()) & granted:
        usual = await par.accepted()
        without = await token.redeem(await authorization.code(usual), usual.push)
        if set(entry.further_scope.split()) & (without.scope or set()):
            raise NotApplicable("the scope is granted without being asked for, which is a finding of its own")
    expect.that(
        not set(entry.further_scope.split()) & granted,
        "query-used",
        f"the scope {entry.further_scope} of the query was granted",
        expected=entry.scope,
        received=" ".join(sorted(granted)),
    )


async def needs_verified_challenges(par: Par, authorization: Authorization, token: Token) -> None:
    """Stop where any verifier redeems a code: then nothing shows whose code_challenge was used."""
    answer = await par.accepted()
    outcome = await authorization.code(answer)
    if (await token.redeem(outcome, answer.push, code_verifier=pkce.new_verifier())).accepted:
        if not par.target.has(Feature.PKCE):
            raise NotApplicable("this server does not look at code_verifier, and promises nowhere to do so")
        raise NotApplicable("any verifier redeems a code, which is a finding of its own")


@verifies("rfc9126-4-outside-value-without-effect", "rfc9101-5-pushed-parameters-not-overridden-by-query")
async def test_code_challenge_beside_request_uri_does_not_win(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A code_challenge in the query does not replace the pushed one: its verifier redeems nothing."""
    if not target.client("first").entry.pkce:
        raise NotApplicable("the profile's first client does not use PKCE")
    verifier = pkce.new_verifier()
    answer = await par.accepted()
    outcome = await with_outside(
        par, authorization, answer, code_challenge=pkce.challenge(verifier), code_challenge_method="S256"
    )
    if outcome is None:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, outcome, answer.push, code_verifier=verifier)
    if tokens.accepted:
        await needs_verified_challenges(par, authorization, token)
    expect.that(
        not tokens.accepted,
        "query-used",
        "the code was redeemed with the verifier of the query's code_challenge",
        expected="invalid_grant",
        received=tokens.summary,
    )


@verifies("rfc9126-4-outside-parameter-not-merged", "rfc9101-5-pushed-parameters-not-extended-by-query")
async def test_code_challenge_beside_request_uri_is_not_added(
    par: Par, authorization: Authorization, token: Token
) -> None:
    """A code_challenge in the query is not taken where none was pushed: the code needs no verifier."""
    answer = await par.push(code_challenge=None, code_challenge_method=None)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants PKCE: {answer.summary}")
    challenge = pkce.challenge(pkce.new_verifier())
    outcome = await with_outside(par, authorization, answer, code_challenge=challenge, code_challenge_method="S256")
    if outcome is None:
        return
    # Without a verifier, and not with one: a server that ignores a needless verifier has not used the query.
    tokens = await token.redeem(outcome, answer.push, code_verifier=None)
    if tokens.accepted:
        return
    plain = await par.push(code_challenge=None, code_challenge_method=None)
    control = await token.redeem(await authorization.code(needs_accepted(plain)), plain.push, code_verifier=None)
    if not control.accepted:
        raise NotApplicable("a code without PKCE is not redeemed at this server")
    raise Violation(
        "query-used",
        "the code wants the verifier of a code_challenge that only the query had",
        expected="a code that needs no verifier, as none was pushed",
        received=tokens.summary,
    )


@verifies("rfc9126-4-outside-value-without-effect", "rfc9101-5-pushed-parameters-not-overridden-by-query")
async def test_nonce_beside_request_uri_does_not_win(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A nonce in the query does not get into the ID token."""
    if not answer_has_nonce(target):
        raise NotApplicable("the first client's ordinary request is no OpenID Connect request")
    answer = await par.accepted()
    outcome = await with_outside(par, authorization, answer, nonce="from-the-query")
    if outcome is None:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, outcome, answer.push)
    expect.that(
        tokens.id_token.get("nonce") != "from-the-query",
        "query-used",
        "the nonce of the query stands in the ID token",
        expected="the pushed nonce",
        received="from-the-query",
    )


def answer_has_nonce(target: Target) -> bool:
    """Whether the first client's ordinary request carries a nonce."""
    return "openid" in (target.client("first").entry.scope or "").split()


@verifies("rfc9126-4-outside-parameter-not-merged", "rfc9101-5-pushed-parameters-not-extended-by-query")
async def test_nonce_beside_request_uri_is_not_added(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A nonce in the query is not taken where none was pushed."""
    if not answer_has_nonce(target):
        raise NotApplicable("the first client's ordinary request is no OpenID Connect request")
    answer = await par.push(nonce=None)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants a nonce: {answer.summary}")
    outcome = await with_outside(par, authorization, answer, nonce="from-the-query")
    if outcome is None:
        return
    tokens = await flows.redeemed_or_refused(par, authorization, token, outcome, answer.push)
    expect.that(
        tokens.id_token.get("nonce") != "from-the-query",
        "query-used",
        "the nonce of the query stands in the ID token although none was pushed",
        expected="no nonce",
        received="from-the-query",
    )


@verifies("rfc9126-4-outside-value-without-effect", "rfc9101-5-pushed-parameters-not-overridden-by-query")
@each(value=("token", "code token"))
async def test_response_type_beside_request_uri_does_not_win(
    par: Par, authorization: Authorization, value: str
) -> None:
    """A response_type in the query does not turn the code into tokens."""
    await with_outside(par, authorization, await par.accepted(), response_type=value)


@verifies("rfc9126-4-outside-parameter-not-merged", "rfc9101-5-pushed-parameters-not-extended-by-query")
async def test_response_mode_beside_request_uri_is_not_added(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A response_mode in the query is not taken where none was pushed."""
    if target.client("first").entry.response_mode:
        raise NotApplicable("the first client's ordinary request has a response_mode")
    usual = await authorization.code(await par.accepted())
    mode = "fragment" if usual.mode != "fragment" else "query"
    outcome = await with_outside(par, authorization, await par.accepted(), response_mode=mode)
    if outcome is not None:
        expect.that(
            outcome.mode == usual.mode,
            "query-used",
            "the response_mode of the query was used although none was pushed",
            expected=usual.mode,
            received=outcome.mode,
        )


@verifies("rfc9126-4-outside-parameter-not-merged", "rfc9101-5-pushed-parameters-not-extended-by-query")
async def test_prompt_beside_request_uri_is_not_added(par: Par, authorization: Authorization, target: Target) -> None:
    """A prompt=none in the query does not keep the server from asking a person to log in."""
    if not answer_has_nonce(target):
        raise NotApplicable("the first client's ordinary request is no OpenID Connect request")
    control = await authorization.open(await par.accepted(), browser=authorization.new_browser(), stop="login")
    if control.ending is not Ending.LOGIN_ASKED:
        raise NotApplicable("a fresh browser meets no login page")
    outcome = await authorization.open(
        await par.accepted(), browser=authorization.new_browser(), stop="login", prompt="none"
    )
    expect.that(
        outcome.error != "login_required",
        "query-used",
        "the prompt=none of the query was obeyed although none was pushed",
        expected="the login page, or a refusal of the extra parameter",
        received=outcome.summary,
    )


@verifies("rfc9126-4-outside-value-without-effect", "rfc9101-5-pushed-parameters-not-overridden-by-query")
async def test_full_request_beside_request_uri_does_not_win(par: Par, authorization: Authorization) -> None:
    """A complete other request beside request_uri has no effect."""
    answer = await par.accepted()
    other = dict(par.ordinary(state="from-the-query").parameters)
    outside = {name: value for name, value in other.items() if name not in {"client_id", "request"}}
    outcome = await with_outside(par, authorization, answer, **{**outside, "state": "from-the-query"})
    if outcome is not None:
        expect.that(
            outcome.parameters.get("state") == answer.push.value("state"),
            "query-used",
            "the complete request of the query was carried out in place of the pushed one",
            expected="the pushed state",
            received=outcome.parameters.get("state"),
        )


@verifies("rfc9126-4-duplicates-tolerated", "rfc9101-5-duplicated-parameters-tolerated")
async def test_pushed_parameters_may_be_repeated(par: Par, authorization: Authorization) -> None:
    """A request that repeats the pushed parameters unchanged beside request_uri is served."""
    answer = await par.accepted()
    same = {name: value for name, value in (answer.push.inside or answer.push.parameters) if name not in {"client_id"}}
    outcome = await authorization.open(answer, query=same)
    expect.code(outcome, control=await authorization.open(await par.accepted()))
