"""The authorization request with a pushed request's request_uri (RFC 9126 section 4, RFC 9101 section 5)."""

from __future__ import annotations

import asyncio
import secrets

from conformance import expect
from conformance.check import each, verifies
from conformance.checks import flows, near, roles
from conformance.profile.model import Profile
from conformance.protocol.authorization import Authorization
from conformance.protocol.outcome import Ending
from conformance.protocol.par import Par
from conformance.protocol.token import Token
from conformance.target import Target
from conformance.verdict import NotApplicable, NotExercised

#: So many attempts at once with one request_uri.
ATTEMPTS = 6


@verifies("rfc9126-4-client-id-and-request-uri-suffice", "fapi2-security-profile-5.3.3.2-two-parameters-suffice")
@each(client=roles.by_method)
async def test_client_id_and_request_uri_suffice(
    par: Par, authorization: Authorization, target: Target, client: str
) -> None:
    """client_id and request_uri alone make an authorization request that ends in a code."""
    answer = await par.accepted(client)
    expect.code(await authorization.open(answer, query=dict.fromkeys(target.profile.beside_request_uri)))


@verifies("rfc9126-4-client-id-required", "rfc9101-5-client-id-required-beside-request-uri")
async def test_request_uri_without_client_id_brings_no_code(par: Par, authorization: Authorization) -> None:
    """A request_uri without client_id brings no code."""
    outcome = await authorization.open(await par.accepted(), client_id=None)
    expect.no_code(outcome, control=await authorization.open(await par.accepted()))


def other_clients(profile: Profile) -> dict[str, str]:
    """Other clients than the first: two by name, and one that authenticates as the first does."""
    found = {"second": "second", "public": "public"}
    first = profile.clients["first"]
    alike = [role for role, client in profile.clients.items() if client.auth == first.auth]
    return found | ({"same-method": alike[1]} if len(alike) > 1 and alike[1] not in found else {})


@verifies("rfc9126-2.2-bound-to-client")
@each(client=other_clients)
async def test_request_uri_of_another_client_brings_no_code(
    par: Par, authorization: Authorization, target: Target, client: str
) -> None:
    """A request_uri brings no code when it is opened with the client_id of another client."""
    other = target.client(client)
    answer = await par.accepted()
    if other.client_id == answer.push.client.client_id:
        raise NotApplicable("both roles are the same client")
    outcome = await authorization.open(answer, client=other)
    control = await authorization.open(await par.accepted())
    expect.no_code(outcome, control=control)


@verifies("rfc9126-2.2-foreign-attempt-spoils-nothing")
async def test_attempt_of_another_client_spoils_nothing(par: Par, authorization: Authorization, target: Target) -> None:
    """An attempt with another client's client_id does not use up the request_uri of its owner."""
    answer = await par.accepted()
    foreign = await authorization.open(answer, client=target.client("second"))
    if foreign.granted:
        raise NotApplicable("the foreign attempt brought a code, which is a finding of its own")
    own = await authorization.open(answer)
    expect.code(own, control=await authorization.open(await par.accepted()))


def forms_of(request_uri: str) -> dict[str, str]:
    """Values that look like an issued request_uri and are none."""
    return {
        "last-sign-changed": near.changed(request_uri),
        "longer": near.longer(request_uri),
        "one-sign-less": request_uri[:-1],
        "made-up": "urn:ietf:params:oauth:request_uri:" + secrets.token_urlsafe(32),
        "other-case": request_uri[:-16] + request_uri[-16:].swapcase(),
        "pattern-percent": request_uri[:-12] + "%",
        "pattern-star": request_uri[:-12] + "*",
        "garbage": "par-conformance",
    }


@verifies("rfc9126-4-unknown-request-uri-refused")
@each(form=tuple(forms_of("urn:any")))
async def test_unknown_request_uri_brings_no_code(par: Par, authorization: Authorization, form: str) -> None:
    """A request_uri that was never issued brings no code."""
    answer = await par.accepted()
    unknown = forms_of(answer.request_uri or "")[form]
    if form == "other-case" and (answer.request_uri or "")[-16:] in {unknown[-16:].upper(), unknown[-16:].lower()}:
        raise NotApplicable("the request_uri tells nothing by upper and lower case")
    outcome = await authorization.open(answer, request_uri=unknown)
    expect.no_code(outcome, control=await authorization.open(answer))


@verifies("rfc9126-4-unknown-request-uri-refused")
async def test_unknown_request_uri_is_not_overruled_by_a_full_request(par: Par, authorization: Authorization) -> None:
    """A request_uri that was never issued brings no code even where a complete request stands beside it."""
    answer = await par.accepted()
    unknown = forms_of(answer.request_uri or "")["last-sign-changed"]
    rest = {name: value for name, value in answer.push.parameters if name not in {"client_id", "request"}}
    outcome = await authorization.open(answer, query={**rest, "request_uri": unknown})
    expect.no_code(outcome, control=await authorization.open(answer))


@verifies("rfc9126-4-one-time-use", "fapi2-security-profile-6.4-request-uri-accepted-once")
@each(browser=("same", "fresh"))
async def test_used_request_uri_brings_no_second_code(par: Par, authorization: Authorization, browser: str) -> None:
    """A request_uri that has led to a code brings no second one, in the same browser or in a fresh one."""
    used = authorization.new_browser()
    answer = await par.accepted()
    first = await authorization.code(answer, browser=used)
    again = await authorization.open(answer, browser=used if browser == "same" else authorization.new_browser())
    expect.no_code(again, control=first)
    expect.no_code(await authorization.open(answer, browser=used), control=first)  # nor is it revived by a refusal


@verifies("rfc9126-7.3-captured-request-uri-useless")
async def test_captured_request_uri_brings_nothing_to_another_person(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request_uri that has led to a code brings none to another person's browser."""
    other = next((name for name in target.profile.users if name != target.profile.login.user), None)
    if other is None:
        raise NotApplicable("the profile has one user only")
    answer = await par.accepted()
    first = await authorization.code(answer, browser=authorization.new_browser())
    again = await authorization.open(answer, browser=authorization.new_browser(other))
    if again.ending is Ending.STUCK:  # a refusal only if this person can log in
        first = await authorization.open(await par.accepted(), browser=authorization.new_browser(other))
    expect.no_code(again, control=first)


@verifies("rfc9126-4-reload-tolerated", "fapi2-security-profile-5.3.2.2-request-uri-survives-page-load")
async def test_reload_before_the_end_is_tolerated(par: Par, authorization: Authorization) -> None:
    """A page that is loaded again before login does not end the attempt."""
    browser = authorization.new_browser()
    answer = await par.accepted()
    visit = await authorization.open(answer, browser=browser, stop="login")
    if visit.ending is not Ending.LOGIN_ASKED:
        raise NotApplicable(f"there is no login page to load again: {visit.summary}")
    again = await authorization.open(answer, browser=browser)
    control = await authorization.open(await par.accepted(), browser=authorization.new_browser())
    expect.code(again, control=control)


@verifies("rfc9126-4-post-accepted")
async def test_authorization_request_by_post_is_served(par: Par, authorization: Authorization, target: Target) -> None:
    """The authorization request with client_id and request_uri may come as POST."""
    await flows.served_by_post(par, authorization, target)


@verifies("rfc9126-2.2-bound-to-client")
async def test_request_uri_of_another_client_brings_no_code_by_post(
    par: Par, authorization: Authorization, target: Target
) -> None:
    """A request_uri brings no code to another client_id when the authorization request comes as POST."""
    answer = await par.accepted()
    outcome = await authorization.open(answer, client=target.client("second"), method="POST")
    expect.no_code(outcome, control=await authorization.open(await par.accepted()))


@verifies("rfc9126-2.2-single-use-in-race")
async def test_simultaneous_attempts_bring_one_code(par: Par, authorization: Authorization, token: Token) -> None:
    """Simultaneous attempts with one request_uri bring at most one code that is redeemed."""
    browsers = [authorization.new_browser() for _ in range(ATTEMPTS)]
    for browser in browsers:  # everybody is logged in before it starts, so that the last steps fall together
        await authorization.code(await par.accepted(), browser=browser)
    answer = await par.accepted()  # last, for its life is short
    outcomes = await asyncio.gather(*(authorization.open(answer, browser=browser) for browser in browsers))
    redeemed = 0
    for outcome in {outcome.code: outcome for outcome in outcomes if outcome.code}.values():
        redeemed += (await token.redeem(outcome, answer.push)).accepted
    if redeemed == 0 and not any(outcome.code for outcome in outcomes):
        raise NotExercised(f"none of {ATTEMPTS} simultaneous attempts brought a code: {outcomes[0].summary}")
    if redeemed == 0:  # codes may spoil each other, but one by itself is worth something
        await flows.tokens(par, authorization, token)
    expect.that(
        redeemed <= 1,
        "several-codes",
        f"{redeemed} codes of one request_uri were redeemed",
        expected="at most one",
        received=str(redeemed),
    )
