"""Whole flows that several checks take: from a push to a code, to tokens, to an error at the client."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from conformance import expect
from conformance.http.message import Request
from conformance.http.wire import Wire
from conformance.login import form as forms
from conformance.login.browser import Browser
from conformance.login.page import Page, read
from conformance.profile.model import Client, Feature, Profile
from conformance.protocol import client_auth, jws
from conformance.protocol.authorization import Authorization
from conformance.protocol.client_auth import Authentication
from conformance.protocol.outcome import Ending, Outcome
from conformance.protocol.par import Change, Par, Push, PushAnswer, speaks_openid
from conformance.protocol.token import Token, TokenAnswer
from conformance.target import RegisteredClient, Target
from conformance.verdict import NotApplicable, NotExercised


def first_and_public(profile: Profile) -> dict[str, str]:
    """The first client, and a public one where there is one and it is another."""
    public = next((role for role, client in profile.clients.items() if client.auth == "none"), None)
    return {"first": "first"} | ({"public": public} if public and public != "first" else {})


def with_pkce(profile: Profile) -> dict[str, str]:
    """The same two, as far as their ordinary requests have a code_challenge."""
    return {name: role for name, role in first_and_public(profile).items() if profile.clients[role].pkce}


def openid_client(target: Target) -> RegisteredClient:
    """A client whose ordinary request is an OpenID Connect one. NotApplicable where there is none."""
    for role in target.profile.clients:
        client = target.client(role)
        if speaks_openid(target, client):
            return client
    raise NotApplicable("no client of the profile sends OpenID Connect requests")


def other_user(target: Target) -> str:
    """A user who is not the one that logs in ordinarily. NotApplicable where the profile has one only."""
    other = next((name for name in target.profile.users if name != target.profile.login.user), None)
    if other is None:
        raise NotApplicable("the profile has one user only")
    return other


def without_openid(entry: Client) -> str | None:
    """A client's scope without openid; None where nothing is left of it."""
    return " ".join(value for value in (entry.scope or "").split() if value != "openid") or None


async def code(
    par: Par, authorization: Authorization, client: str | RegisteredClient = "first", /, **changes: Change
) -> tuple[PushAnswer, Outcome]:
    """A code that an ordinary request, with changes that have to be right, brings. NotExercised where none comes."""
    answer = await par.accepted(client, **changes)
    return answer, await authorization.code(answer)


async def redeemed(
    par: Par,
    authorization: Authorization,
    token: Token,
    client: str | RegisteredClient = "first",
    /,
    *,
    by: RegisteredClient | None = None,
    authentication: Authentication = client_auth.registered,
    **changes: Any,
) -> TokenAnswer:
    """The answer to a token request for the code of an ordinary push; `changes` are to the token request's form."""
    answer, outcome = await code(par, authorization, client)
    return await token.redeem(outcome, answer.push, client=by, authentication=authentication, **changes)


async def tokens(
    par: Par,
    authorization: Authorization,
    token: Token,
    client: str | RegisteredClient = "first",
    /,
    *,
    browser: Browser | None = None,
    **changes: Change,
) -> TokenAnswer:
    """The tokens of a push with changes that have to be right. NotExercised where none come."""
    answer = await par.accepted(client, **changes)
    outcome = await authorization.code(answer, browser=browser)
    return granted(await token.redeem(outcome, answer.push))


def granted(answer: TokenAnswer) -> TokenAnswer:
    """A token answer that has to be a success for the check to go on. NotExercised where it is not."""
    if not answer.accepted:
        raise NotExercised(f"the code of an ordinary request was not redeemed: {answer.summary}")
    return answer


def claims_of_token(answer: TokenAnswer) -> dict[str, Any]:
    """The claims of an access token that is a JWT; empty for any other."""
    return jws.claims_of(str(answer.json.get("access_token")))


async def taken(par: Par, client: str | RegisteredClient, what: str, /, **changes: Change) -> PushAnswer:
    """A push with something that a server may decline. NotApplicable where it does, and takes an ordinary request."""
    answer = await par.push(client, **changes)
    if not answer.accepted:
        expect.control_accepted(answer)
        raise NotApplicable(f"{what} is refused: {answer.summary}")
    return answer


async def taken_to_its_code(
    par: Par, authorization: Authorization, client: str | RegisteredClient, what: str, /, **changes: Change
) -> tuple[PushAnswer, Outcome]:
    """A push with something that a server may decline, and its code. NotApplicable where only others get one."""
    answer = await taken(par, client, what, **changes)
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        await authorization.code(await par.accepted(client))
        raise NotApplicable(f"{what} is taken and leads to no code, which is looked at elsewhere: {outcome.summary}")
    return answer, outcome


async def ends_without_code(
    par: Par, authorization: Authorization, answer: PushAnswer
) -> tuple[PushAnswer, Outcome | None]:
    """A faulty push is refused, or its authorization request is (RFC 9126 section 2.1 step 3); never a code."""
    if not answer.accepted:
        return expect.refused(answer), None
    outcome = await authorization.open(answer)
    if outcome.granted:
        not_supplied_beside(par, answer)
        return answer, outcome
    control = await authorization.open(await par.accepted(answer.push.client))
    return answer, expect.no_code(outcome, control=control)


def not_supplied_beside(par: Par, answer: PushAnswer) -> None:
    """NotApplicable where the suite sends beside request_uri what this push leaves out (`beside_request_uri`)."""
    pushed, ordinary = answer.push, par.ordinary(answer.push.client)
    beside = par.target.profile.beside_request_uri
    supplied = [name for name in beside if ordinary.value(name) and not pushed.value(name)]
    if supplied:
        raise NotApplicable(f"by the profile's beside_request_uri {' and '.join(supplied)} is sent all the same")


def a_while(answer: PushAnswer, most: float) -> float:
    """So long (seconds) a check waits that wants some time to go by: no longer than a run waits for a request_uri."""
    return min(answer.expires_in or most, most)


async def no_code(
    par: Par, authorization: Authorization, answer: PushAnswer, *, expected: str = "a refusal"
) -> Outcome | None:
    """A faulty push leads to no code, whether it is refused at once or at the authorization endpoint."""
    answer, outcome = await ends_without_code(par, authorization, answer)
    expect.that(
        not (outcome and outcome.granted),
        "code-issued",
        "the request was accepted and brought a code",
        expected=expected,
        received=outcome.summary if outcome else answer.summary,
    )
    return outcome


async def tolerated(par: Par, authorization: Authorization, answer: PushAnswer) -> Outcome:
    """A push with something harmless in it is accepted and leads to a code."""
    expect.accepted(answer)
    outcome = await authorization.open(answer)
    if outcome.ending is Ending.CODE:
        return outcome
    return expect.code(outcome, control=await authorization.open(await par.accepted(answer.push.client)))


async def served_by_post(
    par: Par, authorization: Authorization, target: Target, client: str | RegisteredClient = "first"
) -> Outcome:
    """An authorization request by POST brings a code. NotApplicable where only a person at a page could go on."""
    outcome = await authorization.open(await par.accepted(client), method="POST")
    if outcome.ending is Ending.CODE:
        return outcome
    page = outcome.page
    shown = outcome.ending is Ending.ERROR_PAGE and page is not None and page.status < 300
    if shown and target.profile.login.driver == "rest":
        raise NotApplicable("a request by POST leads to a page, and people of this profile log in over an API")
    return expect.code(outcome, control=await authorization.open(await par.accepted(client)))


async def denied(
    par: Par, authorization: Authorization, target: Target, **changes: Change
) -> tuple[PushAnswer, Outcome]:
    """A person says no. NotApplicable where no page asks.

    A server may remember a consent, also the one that another check gives at this moment: then it is asked for anew.
    What only looks whether somebody is asked has a state of its own, for a server may take each state once.
    """
    openid = target.has(Feature.OPENID)
    looking = {name: value for name, value in changes.items() if name != "state"}
    asked = await authorization.open(await par.accepted(**looking), stop="consent")
    if asked.ending is Ending.CONSENT_ASKED:
        answer = await par.accepted(**changes)
        outcome = await authorization.open(answer, deny=True)
        page_shown = any(response.status < 300 for response in outcome.responses)
        if not outcome.granted or (page_shown and not openid):
            return answer, outcome
    if openid:
        anew: dict[str, Change] = {**changes, "prompt": "consent"}
        asked = await authorization.open(
            await par.accepted(openid_client(target), **{**looking, "prompt": "consent"}), stop="consent"
        )
        if asked.ending is Ending.CONSENT_ASKED:
            answer = await par.accepted(openid_client(target), **anew)
            return answer, await authorization.open(answer, deny=True)
    raise NotApplicable(f"there is no page on which a person could say no: {asked.summary}")


async def redeemed_or_refused(
    par: Par, authorization: Authorization, token: Token, outcome: Outcome, push: Push, /, **changes: Any
) -> TokenAnswer:
    """What a code is worth that came in an unusual way; `changes` are to the token request's form.

    Where it is refused, the control: the code of its client's ordinary request is redeemed. NotExercised where not.
    """
    answer = await token.redeem(outcome, push, **changes)
    if not answer.accepted:
        await tokens(par, authorization, token, push.client)
    return answer


async def redeemed_if_any(
    par: Par, authorization: Authorization, token: Token, push: Push, control: Callable[[], Push]
) -> TokenAnswer | None:
    """What the code of a push that may be refused is worth. None where the push was refused or no code came.

    NotExercised where none comes of an ordinary push either.
    """
    answer = await par.send(push, control=control)
    if not answer.accepted:
        expect.refused(answer)
        return None
    outcome = await authorization.open(answer)
    if outcome.ending is not Ending.CODE:
        await code(par, authorization, push.client)
        return None
    return await redeemed_or_refused(par, authorization, token, outcome, answer.push)


async def consent_pages(authorization: Authorization, answer: PushAnswer) -> list[Page]:
    """The pages that ask a person, one after the other: terms or an account may come before what is asked for.

    NotApplicable where nobody is asked, or where a script makes the page.
    """
    browser = authorization.new_browser()
    outcome = await authorization.open(answer, browser=browser, stop="consent")
    if outcome.ending is not Ending.CONSENT_ASKED or outcome.page is None:
        raise NotApplicable(f"there is no consent page to look at: {outcome.summary}")
    first = read(outcome.page.url, outcome.page.text)
    if forms.consent_form(first) is None:
        raise NotApplicable("a script makes the consent page: what it shows is not seen over HTTP")
    if authorization.target.profile.login.driver != "form":
        return [first]
    end = await authorization.go_on(answer, outcome, browser)
    shown = [response for response in end.responses[1:] if response.status < 300]
    return [first, *(read(response.url, response.text) for response in shown)]


async def error_at_client(
    par: Par, authorization: Authorization, target: Target, way: str, **changes: Change
) -> tuple[PushAnswer, Outcome]:
    """An error that is sent to the redirect_uri: a person says no (`denial`), or nobody is asked (`prompt-none`).

    NotApplicable or NotExercised where the error does not get there.
    """
    if way == "denial":
        answer, outcome = await denied(par, authorization, target, **changes)
    else:
        target.require(Feature.OPENID)
        answer = await par.accepted(openid_client(target), **{**changes, "prompt": "none"})
        outcome = await authorization.open(answer, browser=authorization.new_browser(None))
    if outcome.ending is not Ending.ERROR_REDIRECT:
        if not outcome.granted and outcome.ending is not Ending.DIED:
            raise NotApplicable(f"no error is sent to the client, a finding of its own: {outcome.summary}")
        raise NotExercised(f"no error came to the redirect_uri: {outcome.summary}")
    return answer, outcome


def logins(wire: Wire, browser: Browser) -> int:
    """How often this check has submitted its person's password."""
    password = browser.person.password if browser.person else ""
    return sum(
        _carries(exchange.request, password)
        for exchange in wire.evidence.exchanges
        if exchange.purpose in {"form", "login"} and password
    )


def _carries(request: Request, password: str) -> bool:
    """Whether a request of a login carries the password: in a form, in JSON, or in a header."""
    content = request.content.decode("utf-8", "replace")
    sent = {*dict(parse_qsl(content)).values(), *(value for _, value in request.headers)}
    return password in sent or json.dumps(password) in content


async def is_alive(target: Target, token: Token, answer: TokenAnswer, client: RegisteredClient) -> bool:
    """Whether an access token still counts, by introspection or at UserInfo. NotApplicable where neither tells."""
    value = str(answer.json.get("access_token"))
    told = None if client.public else await token.introspect(value, client)
    active = (told or {}).get("active")
    if active is True:
        return True
    # A client may be told nothing of a token that is meant for others (RFC 7662 section 2.2): then UserInfo says.
    bearer = answer.id_token and str(answer.json.get("token_type")).lower() == "bearer"
    if target.metadata.userinfo_endpoint is None or not bearer:
        if active is False:
            return False
        raise NotApplicable("neither introspection nor a UserInfo endpoint shows whether the access token counts")
    return (await token.userinfo(answer, scheme="Bearer")).status == 200
