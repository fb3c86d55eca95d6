"""Authentication requests that are pushed (OpenID Connect Core), request objects aside."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import Any

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, roles
from conformance.checks.test_authorization_response import served_by_get
from conformance.engine import CheckClock
from conformance.login.browser import Browser
from conformance.profile.keyring import generate_key
from conformance.profile.model import Feature
from conformance.protocol import client_auth, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Occasion
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par, PushAnswer
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised

#: Errors by which a server says that it would have had to ask the person (Core section 3.1.2.6).
WOULD_ASK = frozenset({"login_required", "interaction_required", "consent_required", "account_selection_required"})
#: An authentication context that no server knows.
IMPOSSIBLE_ACR = "urn:par-conformance:impossible"


def _id_token(answer: TokenAnswer) -> dict[str, Any]:
    claims = flows.granted(answer).id_token
    if not claims:
        raise NotExercised("no ID token came")
    return claims


# -- nonce, time ------------------------------------------------------------------------------------------------------


@verifies("openid-core-2-pushed-nonce-in-id-token", needs=Feature.OPENID)
@each(nonce={"ordinary": "nonce-", "signs-to-encode": "n +%&=/?#", "long": "n" * 300})
async def test_nonce_stands_in_the_id_token(
    par: Par, authorization: Authorization, token: Token, target: Target, nonce: str
) -> None:
    """The ID token carries the pushed nonce, byte for byte."""
    nonce += secrets.token_urlsafe(16)
    claims = _id_token(await flows.tokens(par, authorization, token, flows.openid_client(target), nonce=nonce))
    expect.that(
        claims.get("nonce") == nonce,
        "nonce-lost",
        "the ID token does not have the pushed nonce",
        expected=nonce,
        received=str(claims.get("nonce")),
    )


@verifies("openid-core-2-no-nonce-without-request", needs=Feature.OPENID)
async def test_no_nonce_is_made_up(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """The ID token has no nonce where none was pushed."""
    answer = await par.push(flows.openid_client(target), nonce=None)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"this server wants a nonce: {answer.summary}")
    outcome = await authorization.open(answer)
    if outcome.refused:
        authorization.needs_code(await authorization.open(await par.accepted(flows.openid_client(target))))
        raise NotApplicable(f"this server wants a nonce: {outcome.summary}")
    claims = _id_token(await token.redeem(authorization.needs_code(outcome), answer.push))
    expect.that(
        "nonce" not in claims,
        "nonce-invented",
        "the ID token has a nonce although none was pushed",
        expected="no nonce",
        received=str(claims.get("nonce")),
    )


@verifies("openid-core-2-auth-time-with-max-age", needs=Feature.OPENID)
@each(max_age=("3600", "0"))
async def test_auth_time_comes_with_max_age(
    par: Par, authorization: Authorization, token: Token, target: Target, max_age: str
) -> None:
    """The ID token of a request with max_age has auth_time, a JSON number that lies in the past."""
    browser = authorization.new_browser()
    claims = _id_token(
        await flows.tokens(par, authorization, token, flows.openid_client(target), browser=browser, max_age=max_age)
    )
    value = claims.get("auth_time")
    expect.that(
        type(value) in {int, float} and 1e9 < float(value or 0) <= par.wire.clock.now() + 300,
        "no-auth-time",
        f"auth_time is {value!r}",
        expected="a JSON number of seconds since 1970",
        received=repr(value),
    )


# -- the authorization endpoint ---------------------------------------------------------------------------------------


@verifies("openid-core-3.1.2.1-get-accepted-at-authorization-endpoint", needs=Feature.OPENID)
async def test_authentication_request_by_get_is_served(par: Par, authorization: Authorization, target: Target) -> None:
    """The authorization endpoint takes an authentication request by GET."""
    await served_by_get(par, authorization, flows.openid_client(target))


@verifies("openid-core-3.1.2.1-post-accepted-at-authorization-endpoint", needs=Feature.OPENID)
async def test_authentication_request_by_post_is_served(par: Par, authorization: Authorization, target: Target) -> None:
    """The authorization endpoint takes an authentication request by POST."""
    await flows.served_by_post(par, authorization, target, flows.openid_client(target))


@verifies("openid-core-3.1.2.1-unknown-scope-ignored", needs=Feature.OPENID)
async def test_unknown_scope_is_ignored(par: Par, authorization: Authorization, target: Target) -> None:
    """A scope value that the server does not know is ignored beside openid."""
    client = flows.openid_client(target)
    scope = f"{client.entry.scope} par-conformance-{secrets.token_hex(4)}"
    await flows.tolerated(par, authorization, await par.push(client, scope=scope))


@verifies("openid-core-3.1.2.2-missing-response-type-refused", needs=Feature.OPENID)
async def test_authentication_request_without_response_type_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """An authentication request without response_type brings no code."""
    await flows.no_code(par, authorization, await par.push(flows.openid_client(target), response_type=None))


@verifies("openid-core-3.1.2.2-missing-redirect-uri-refused", needs=Feature.OPENID)
async def test_authentication_request_without_redirect_uri_is_refused(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """An authentication request without redirect_uri brings no code where the client has registered several."""
    fitting = [
        role
        for role, client in target.profile.clients.items()
        if "openid" in (client.scope or "").split() and len(client.redirect_uris) > 1
    ]
    if not fitting:  # RFC 6749 section 3.1.2.3 lets the sole registered one be meant
        raise NotApplicable("no client of the profile has several redirect URIs")
    client = target.client(fitting[0])
    await flows.no_code(par, authorization, await par.push(client, redirect_uri=None))


@verifies("openid-core-3.1.2.2-unknown-parameters-ignored", needs=Feature.OPENID)
async def test_unknown_parameters_are_ignored(par: Par, authorization: Authorization, target: Target) -> None:
    """An authentication request with parameters that nobody knows is accepted and leads to a code."""
    answer = await par.push(flows.openid_client(target), x_par_conformance="any", par_conformance="other")
    await flows.tolerated(par, authorization, answer)


@verifies("openid-core-3.1.2.6-unsupported-response-mode-refused", needs=Feature.OPENID)
@each(mode=("par-conformance", "Query"))
async def test_unknown_response_mode_is_refused(
    par: Par, authorization: Authorization, target: Target, mode: str
) -> None:
    """A response_mode that the server does not know is refused, not replaced by another one."""
    await flows.no_code(par, authorization, await par.push(flows.openid_client(target), response_mode=mode))


# -- prompt and max_age -----------------------------------------------------------------------------------------------


async def silent(par: Par, authorization: Authorization, target: Target) -> Outcome:
    """What a pushed prompt=none leads to in a browser that nobody has logged in to."""
    client = flows.openid_client(target)
    answer = expect.accepted(await par.push(client, prompt="none"))
    return await authorization.open(answer, browser=authorization.new_browser(None))


@verifies("openid-core-3.1.2.1-prompt-none-shows-no-page", needs=Feature.OPENID)
async def test_prompt_none_shows_no_page(par: Par, authorization: Authorization, target: Target) -> None:
    """A pushed prompt=none leads straight back to the client, without any page for a person."""
    outcome = await silent(par, authorization, target)
    if outcome.ending is Ending.DIED:
        raise NotExercised(f"the authorization endpoint gave no answer: {outcome.reason}")
    expect.that(
        outcome.ending not in {Ending.LOGIN_ASKED, Ending.CONSENT_ASKED, Ending.ERROR_PAGE},
        "page-shown",
        f"a person is shown a page: {outcome.summary}",
        expected="a redirect to the client",
        received=outcome.summary,
    )


@verifies("openid-core-3.1.2.3-prompt-none-answers-with-error", needs=Feature.OPENID)
async def test_prompt_none_answers_with_an_error(par: Par, authorization: Authorization, target: Target) -> None:
    """A pushed prompt=none without a session yields an error at the client: somebody would have to be asked."""
    outcome = await silent(par, authorization, target)
    if outcome.ending is Ending.DIED:
        raise NotExercised(f"the authorization endpoint gave no answer: {outcome.reason}")
    expect.that(
        outcome.ending is Ending.ERROR_REDIRECT and outcome.error in WOULD_ASK,
        "no-error" if outcome.error is None else "other-code",
        f"prompt=none without a session leads to: {outcome.summary}",
        expected=" or ".join(sorted(WOULD_ASK)),
        received=outcome.summary,
    )


@verifies("openid-core-3.1.2.1-prompt-none-with-others-refused", needs=Feature.OPENID)
@each(prompt=("none login", "login none", "none consent"))
async def test_prompt_none_goes_with_no_other_value(
    par: Par, authorization: Authorization, target: Target, prompt: str
) -> None:
    """A prompt with none and another value is an error: nobody is asked, and no code comes."""
    client = flows.openid_client(target)
    answer = await par.push(client, prompt=prompt)
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer, browser=authorization.new_browser(None))
    expect.that(
        outcome.ending not in {Ending.LOGIN_ASKED, Ending.CONSENT_ASKED} and not outcome.granted,
        "accepted",
        f"prompt={prompt} was accepted: {outcome.summary}",
        expected="an error",
        received=outcome.summary,
    )


async def logged_in(
    par: Par, authorization: Authorization, client: RegisteredClient, clock: CheckClock | None = None
) -> Browser:
    """A browser whose person has just logged in. NotApplicable where that spares no later login.

    With a `clock` the login is older than a second: servers count its age in whole seconds, so that a max_age of 0 is
    met by chance within the same one.
    """
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(client), browser=browser)
    again = await authorization.open(await par.accepted(client), browser=browser, stop="login")
    if again.ending is Ending.LOGIN_ASKED:
        raise NotApplicable("every request asks for a login: there is no session that one could come back to")
    if clock is not None:
        await clock.until(clock.now() + 2, "a login that is older than a second")
    return browser


async def asks_anew(par: Par, authorization: Authorization, browser: Browser, answer: PushAnswer) -> None:
    """A pushed request asks for a login in a browser in which somebody is logged in."""
    outcome = await authorization.open(expect.accepted(answer), browser=browser, stop="login")
    if outcome.ending in {Ending.LOGIN_ASKED, Ending.ERROR_REDIRECT}:
        return
    if not outcome.granted:
        raise NotExercised(f"neither a login nor a code came: {outcome.summary}")
    expect.that(
        False,
        "no-login",
        "a code came without a new login",
        expected="a login page",
        received=outcome.summary,
    )


@verifies("openid-core-3.1.2.3-prompt-login-reauthenticates", needs=Feature.OPENID)
@each(prompt=("login", "login consent"))
async def test_prompt_login_asks_for_a_login(
    par: Par, authorization: Authorization, target: Target, prompt: str
) -> None:
    """A pushed prompt=login asks for a login in a browser in which somebody is logged in."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client)
    await asks_anew(par, authorization, browser, await par.push(client, prompt=prompt))


@verifies("openid-core-3.1.2.1-max-age-zero-reauthenticates", needs=Feature.OPENID, waits=True)
async def test_max_age_zero_asks_for_a_login(
    par: Par, authorization: Authorization, target: Target, clock: CheckClock
) -> None:
    """A pushed max_age=0 asks for a login in a browser in which somebody is logged in."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client, clock)
    await asks_anew(par, authorization, browser, await par.push(client, max_age="0"))


@verifies("openid-core-3.1.2.1-max-age-honoured", needs=Feature.OPENID, waits=True)
async def test_login_older_than_max_age_is_renewed(
    par: Par, authorization: Authorization, target: Target, clock: CheckClock
) -> None:
    """A login that is older than the pushed max_age is renewed before a code is issued."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client)
    await clock.until(clock.now() + 3, "a login that is older than max_age")
    await asks_anew(par, authorization, browser, await par.push(client, max_age="1"))


@verifies("openid-core-3.1.2.1-prompt-login-asks-once", needs=Feature.OPENID, waits=True)
@each(change={"prompt-login": {"prompt": "login"}, "max-age-zero": {"max_age": "0"}})
async def test_new_login_is_asked_for_once(
    par: Par, authorization: Authorization, target: Target, clock: CheckClock, change: dict[str, Change]
) -> None:
    """A pushed prompt=login or max_age=0 asks for one login, and then leads to a code."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client, clock)
    before = flows.logins(par.wire, browser)
    outcome = await authorization.open(await par.accepted(client, **change), browser=browser)
    count = flows.logins(par.wire, browser) - before
    if count == 0:
        raise NotApplicable("no login was asked for, which is a finding of its own")
    expect.that(
        count == 1 and outcome.ending is Ending.CODE,
        "asked-again",
        f"{count} logins were asked for, and then: {outcome.summary}",
        expected="one login and a code",
        received=f"{count} logins, {outcome.summary}",
    )


@verifies("openid-core-3.1.2.1-prompt-consent-asks", needs=Feature.OPENID)
async def test_prompt_consent_asks_for_consent(par: Par, authorization: Authorization, target: Target) -> None:
    """A pushed prompt=consent asks for consent, even if it was given before."""
    client = flows.openid_client(target)
    browser = authorization.new_browser()
    await authorization.code(await par.accepted(client), browser=browser)
    answer = expect.accepted(await par.push(client, prompt="consent"))
    outcome = await authorization.open(answer, browser=browser, stop="consent")
    if outcome.ending is Ending.CONSENT_ASKED or outcome.error in WOULD_ASK:
        return
    if not outcome.granted:
        raise NotExercised(f"neither a consent page nor a code came: {outcome.summary}")
    expect.that(
        False, "no-consent", "a code came without a new consent", expected="a consent page", received=outcome.summary
    )


@verifies("openid-core-3.1.2.1-prompt-select-account-asks", needs=Feature.OPENID)
async def test_prompt_select_account_asks(par: Par, authorization: Authorization, target: Target) -> None:
    """A pushed prompt=select_account shows a person who is logged in a page more than an ordinary request does."""
    client = flows.openid_client(target)
    browser = await logged_in(par, authorization, client)
    answer = await par.push(client, prompt="select_account")
    if not answer.accepted:
        expect.refused(answer)
        raise NotApplicable(f"the server refuses prompt=select_account: {answer.summary}")
    usual = await authorization.open(await par.accepted(client), browser=browser, stop="login")
    outcome = await authorization.open(answer, browser=browser, stop="login")
    if not outcome.granted:
        return
    expect.that(
        _pages(outcome) > _pages(usual),
        "no-choice",
        "a code came without a choice of accounts",
        expected="a page to choose an account on",
        received=f"{_pages(outcome)} pages, as without prompt",
    )


def _pages(outcome: Outcome) -> int:
    return sum("html" in response.media_type and bool(response.body) for response in outcome.responses)


# -- whom the client means --------------------------------------------------------------------------------------------


async def hint_of(par: Par, authorization: Authorization, token: Token, client: RegisteredClient, user: str) -> str:
    """An ID token of a user of the profile."""
    answer = await flows.tokens(par, authorization, token, client, browser=authorization.new_browser(user))
    value = answer.json.get("id_token")
    if not isinstance(value, str):
        raise NotExercised("no ID token came")
    return value


@verifies("openid-core-3.1.2.1-id-token-hint-of-other-user-refused", needs=Feature.OPENID)
async def test_hint_of_another_person_brings_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A request whose id_token_hint names another person than the one who logs in brings no code."""
    client = flows.openid_client(target)
    hint = await hint_of(par, authorization, token, client, flows.other_user(target))
    own = await hint_of(par, authorization, token, client, target.profile.login.user)
    answer = await par.push(client, id_token_hint=hint)
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer, browser=await logged_in(par, authorization, client))
    control = await authorization.open(await par.accepted(client, id_token_hint=own))
    expect.no_code(replace(outcome, ending=Ending.ERROR_PAGE) if _asks(outcome) else outcome, control=control)


def _asks(outcome: Outcome) -> bool:
    """Whether the attempt stopped at a login: for the other person, which is no answer for this one."""
    return outcome.ending in {Ending.LOGIN_ASKED, Ending.STUCK}


@verifies("openid-core-3.1.2.2-foreign-id-token-hint-refused", needs=Feature.OPENID)
async def test_hint_that_is_not_the_servers_brings_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """An id_token_hint with the signature of another key brings no code, even if it names the right person."""
    client = flows.openid_client(target)
    own = await hint_of(par, authorization, token, client, target.profile.login.user)
    header = json.loads(jws.from_base64url(own.partition(".")[0]))
    if header.get("alg") not in {"RS256", "ES256", "PS256"}:
        raise NotApplicable(f"the suite makes no key for {header.get('alg')}")
    forged = jws.encode(jws.claims_of(own), generate_key(header["alg"], "foreign"), header["alg"], header)
    push = par.ordinary(client, id_token_hint=forged)
    answer = await par.send(push, control=lambda: par.ordinary(client, id_token_hint=own))
    await flows.no_code(par, authorization, answer)


def claims_supported(target: Target) -> None:
    """Stop where the server does not have the parameter claims."""
    if not target.metadata.flag("claims_parameter_supported"):
        raise NotApplicable("the metadata does not say claims_parameter_supported")


@verifies("openid-core-3.1.2.2-other-user-than-claimed-refused", needs=Feature.OPENID)
async def test_another_person_than_the_claimed_one_brings_no_code(
    par: Par, authorization: Authorization, token: Token, target: Target
) -> None:
    """A claims parameter that asks for a certain sub brings no code for another person."""
    claims_supported(target)
    client = flows.openid_client(target)
    other = jws.claims_of(await hint_of(par, authorization, token, client, flows.other_user(target)))
    own = jws.claims_of(await hint_of(par, authorization, token, client, target.profile.login.user))

    def asking(claims: dict[str, Any]) -> str:
        return json.dumps({"id_token": {"sub": {"value": claims.get("sub")}}})

    answer = await par.push(client, claims=asking(other))
    if not answer.accepted:
        expect.refused(answer)
        return
    outcome = await authorization.open(answer, browser=await logged_in(par, authorization, client))
    control = await authorization.open(await par.accepted(client, claims=asking(own)))
    expect.no_code(replace(outcome, ending=Ending.ERROR_PAGE) if _asks(outcome) else outcome, control=control)


# -- claims -----------------------------------------------------------------------------------------------------------


@verifies("openid-core-5.5-pushed-claims-honoured", needs=Feature.OPENID)
async def test_pushed_claim_comes_back(par: Par, authorization: Authorization, token: Token, target: Target) -> None:
    """auth_time, asked for as essential with a pushed claims parameter, stands in the ID token."""
    claims_supported(target)
    asked = json.dumps({"id_token": {"auth_time": {"essential": True}}})
    claims = _id_token(await flows.tokens(par, authorization, token, flows.openid_client(target), claims=asked))
    expect.that(
        "auth_time" in claims,
        "claim-missing",
        "the ID token does not have the essential claim auth_time that was pushed",
        expected="auth_time",
        received=", ".join(claims),
    )


@verifies("openid-core-5.5-unknown-members-of-claims-ignored", needs=Feature.OPENID)
@each(
    claims={
        "member": {"id_token": {"auth_time": None}, "par_conformance": {"x": None}},
        "claim": {"id_token": {"par_conformance": None}},
        "detail": {"id_token": {"auth_time": {"par_conformance": True}}},
    }
)
async def test_unknown_member_of_claims_is_ignored(
    par: Par, authorization: Authorization, target: Target, claims: dict[str, Any]
) -> None:
    """A member of claims that the server does not know is ignored."""
    claims_supported(target)
    answer = await par.push(flows.openid_client(target), claims=json.dumps(claims))
    await flows.tolerated(par, authorization, answer)


@verifies("openid-core-5.5.1.1-essential-acr-enforced", needs=Feature.OPENID)
@each(form=("value", "values"))
async def test_essential_acr_that_cannot_be_met_brings_no_code(
    par: Par, authorization: Authorization, target: Target, form: str
) -> None:
    """An essential acr that no login can meet brings no code."""
    claims_supported(target)
    wanted = {"value": IMPOSSIBLE_ACR} if form == "value" else {"values": [IMPOSSIBLE_ACR]}
    claims = json.dumps({"id_token": {"acr": {"essential": True, **wanted}}})
    await flows.no_code(par, authorization, await par.push(flows.openid_client(target), claims=claims))


# -- what every server has to bear ------------------------------------------------------------------------------------


async def _borne(par: Par, authorization: Authorization, target: Target, **changes: Change) -> None:
    await flows.tolerated(par, authorization, await par.push(flows.openid_client(target), **changes))


@verifies("openid-core-3.1.2.1-unsupported-locales-tolerated", needs=Feature.OPENID)
@each(locales=("tlh", "xx-YY zz", "art-x-par-conformance"))
async def test_unsupported_language_is_no_error(
    par: Par, authorization: Authorization, target: Target, locales: str
) -> None:
    """A ui_locales that names no supported language is no error."""
    await _borne(par, authorization, target, ui_locales=locales)


@verifies("openid-core-15.1-display-tolerated", needs=Feature.OPENID)
@each(display=("page", "popup", "touch", "wap"))
async def test_display_is_no_error(par: Par, authorization: Authorization, target: Target, display: str) -> None:
    """A push with a display value is accepted and leads to a code."""
    await _borne(par, authorization, target, display=display)


@verifies("openid-core-15.1-ui-locales-tolerated", needs=Feature.OPENID)
async def test_ui_locales_are_no_error(par: Par, authorization: Authorization, target: Target) -> None:
    """A push with ui_locales is accepted and leads to a code."""
    await _borne(par, authorization, target, ui_locales="en fr-CA")


@verifies("openid-core-15.1-claims-locales-tolerated", needs=Feature.OPENID)
async def test_claims_locales_are_no_error(par: Par, authorization: Authorization, target: Target) -> None:
    """A push with claims_locales is accepted and leads to a code."""
    await _borne(par, authorization, target, claims_locales="en fr-CA")


@verifies("openid-core-15.1-acr-values-tolerated", needs=Feature.OPENID)
async def test_acr_values_are_no_error(par: Par, authorization: Authorization, target: Target) -> None:
    """A push with acr_values, which are a wish, is accepted and leads to a code."""
    await _borne(par, authorization, target, acr_values=IMPOSSIBLE_ACR)


# -- client assertions ------------------------------------------------------------------------------------------------


@verifies("openid-core-9-client-secret-jwt-keyed-with-utf8-secret", needs=Feature.OPENID)
async def test_assertion_keyed_with_the_secret_is_accepted(par: Par, target: Target) -> None:
    """A client assertion whose HMAC is keyed with the octets of the client secret is accepted."""
    role = roles.by_method(target.profile).get("client_secret_jwt")
    if role is None:
        raise NotApplicable("no client of the profile uses client_secret_jwt")
    expect.accepted(await par.push(role))


@verifies("openid-core-9-assertion-jti-required", needs=Feature.OPENID)
@each(client=roles.with_assertion)
async def test_assertion_without_jti_is_refused(par: Par, client: str) -> None:
    """A client assertion without jti is refused."""
    push = replace(par.ordinary(client), authentication=client_auth.assertion({"jti": None}))
    expect.refused(await par.send(push, control=lambda: par.ordinary(client)))


@verifies("openid-core-9-assertion-used-once", needs=Feature.OPENID)
@each(client=roles.with_assertion)
async def test_assertion_is_used_once(par: Par, target: Target, client: str) -> None:
    """A client assertion that was accepted once is refused the next time."""
    own = target.client(client)
    proof = client_auth.assertion()(Occasion(own, target, target.par_endpoint, par.wire.clock.now()))
    first = await par.send(replace(par.ordinary(client), authentication=client_auth.fixed(proof)))
    if not first.accepted:
        raise NotExercised(f"the assertion was not accepted the first time: {first.summary}")
    again = replace(par.ordinary(client), authentication=client_auth.fixed(proof))
    expect.refused(await par.send(again, control=lambda: par.ordinary(client)))


@verifies("openid-core-9-unknown-assertion-claims-ignored", needs=Feature.OPENID)
@each(client=roles.with_assertion)
async def test_unknown_claim_of_an_assertion_is_ignored(par: Par, client: str) -> None:
    """A claim in a client assertion that nobody knows is ignored."""
    claims = {"par_conformance": {"any": [1, True]}}
    push = replace(par.ordinary(client), authentication=client_auth.assertion(claims))
    expect.accepted(await par.send(push, control=lambda: par.ordinary(client)))
